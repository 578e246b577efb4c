"""What every target of a request must be: requirements add up, and no scope loosens another's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import ConstraintViolatedError
from llmroute.routing.capabilities import capability
from llmroute.routing.policies import Requirements
from llmroute.routing.route import LOCALITIES, Candidate, Excluded, Field, Target
from llmroute.routing.scopes import field_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.routing.context import Context
    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.endpoints import Facts


class Hop(NamedTuple):
    """A target of a chain, with the facts of its provider."""

    target: Target
    facts: Facts | None


class Demand(NamedTuple):
    """One requirement of one scope."""

    what: str
    """Such as `locality`, `tools`, `context_window`."""
    value: Any
    scope: str
    layer: str
    origin: Origin


def demands(context: Context) -> list[Demand]:
    """The requirements of all scopes of a request, strongest scope first."""
    found = []
    for scope in context.scopes:
        require = scope.values.get("require")
        if require is None:
            continue
        at = (*scope.path, "require")
        for name in field_names(Requirements):
            value = getattr(require, name)
            if value is not None and value is not False:
                origin = context.spec.source.origin((*at, name)) if scope.path else scope.origin("require")
                found.append(Demand(name, value, scope.name, scope.layer, origin))
    return found


def require_field(found: Sequence[Demand]) -> Field | None:
    """The field `require` of the trace: the strictest of each demand."""
    if not found:
        return None
    value: dict[str, Any] = {}
    for demand in found:
        value[demand.what] = _stricter(demand.what, value.get(demand.what), demand.value)
    # The first demand that is as strict as what holds: the field's own place.
    first = next(demand for demand in found if value[demand.what] == demand.value)
    candidates = tuple(
        Candidate(demand.scope, demand.layer, {demand.what: demand.value}, "adds-up", demand.origin) for demand in found
    )
    return Field("require", value, first.layer, first.scope, first.origin, candidates)


def _stricter(what: str, one: Any, other: Any) -> Any:
    if one is None:
        return other
    if what == "locality":
        return min(one, other, key=LOCALITIES.index)
    return max(one, other)


def admit(hops: Sequence[Hop], found: Sequence[Demand]) -> tuple[tuple[Target, ...], tuple[Excluded, ...]]:
    """The targets that meet every demand, and those that were left out.

    Raises ConstraintViolatedError where none is left.
    """
    kept: list[Target] = []
    excluded: list[Excluded] = []
    for hop in hops:
        broken = [
            Excluded(hop.target.name, f"require.{demand.what}", demand.origin, reason)
            for demand in found
            if (reason := _violation(hop, demand))
        ]
        if broken:
            excluded += broken
        else:
            kept.append(hop.target)
    if not kept:
        lines = "".join(f"\n    {out.target}: {out.reason} ({out.rule}, {out.origin})" for out in excluded)
        raise ConstraintViolatedError(
            f"no target meets the requirements:{lines}",
            hint="choose an endpoint that does; no scope can loosen a requirement",
            excluded=excluded,
            origin=excluded[0].origin,
        )
    return tuple(kept), tuple(excluded)


def _violation(hop: Hop, demand: Demand) -> str:
    """Why a target fails a demand; empty if it meets it."""
    target = hop.target
    if demand.what == "locality":
        if LOCALITIES.index(target.locality) <= LOCALITIES.index(demand.value):
            return ""
        return f"{target.base_url} is {target.locality}, and {demand.value} is required"
    able = capability(hop.facts, target.model, demand.what)
    if able is None:
        subject = f"providers.{target.provider}.capabilities" if target.provider else "a provider of its own"
        return f"nothing says whether it has {demand.what}; declare it under {subject}"
    if demand.what == "context_window":
        return (
            "" if able >= demand.value else f"its context window holds {able} tokens, and {demand.value} are required"
        )
    return "" if able else f"it has no {demand.what}"
