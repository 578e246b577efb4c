"""A target with the facts that policies look at, made anew of a resolution's target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.errors import RoutingError
from llmroute.routing.constraints import Hop
from llmroute.routing.endpoints import Facts, facts_of, provider_url
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.routing.route import Target
    from llmroute.routing.spec import RoutingSpec


def hop_of(spec: RoutingSpec, target: Target, environ: Mapping[str, str]) -> Hop:
    """The target, its provider's facts, and whether it is at the provider's own origin."""
    facts = facts_of(spec, target.provider, None) if target.provider is not None else None
    return Hop(target, facts, facts is not None and parse(target.base_url).origin == _own_origin(spec, facts, environ))


def _own_origin(spec: RoutingSpec, facts: Facts, environ: Mapping[str, str]) -> tuple[str, str, int] | None:
    """The origin that the spec or the preset gives a provider; a vendor's variable does not count."""
    if facts.declared.base_url is None:
        return parse(facts.preset.base_url).origin if facts.preset is not None and facts.preset.base_url else None
    try:
        return provider_url(spec, facts, environ).origin
    except RoutingError:
        return None
