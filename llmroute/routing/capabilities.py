"""What a model can do at its provider: what the catalogue knows, else what the spec declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.routing.endpoints import facts_of

if TYPE_CHECKING:
    from llmroute.routing.endpoints import Facts
    from llmroute.routing.route import Target
    from llmroute.routing.spec import RoutingSpec


def capability(facts: Facts | None, model: str, what: str) -> Any:
    """One of the fields of `Capabilities`; None where nobody speaks of it."""
    if facts is None:
        return None
    if facts.preset is not None:
        from llmroute.catalog.models import capabilities

        known = capabilities(facts.preset.name, model)
        if known is not None and (value := getattr(known, what, None)) is not None:
            return value
    declared = facts.declared.capabilities
    if declared is not None and (said := getattr(declared, what, None)) is not None:
        return said
    return facts.preset.quirks.get(what) if facts.preset is not None else None


def capability_of(spec: RoutingSpec, target: Target, what: str) -> Any:
    """The same of a resolved target."""
    facts = facts_of(spec, target.provider, None) if target.provider else None
    return capability(facts, target.model, what)
