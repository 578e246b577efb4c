"""What a spec and its assertions look at in a target: only that has to be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.routing.check_places import places
from llmroute.routing.wishes import ABILITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmroute.routing.spec import RoutingSpec


class Interests(NamedTuple):
    """Globs and values that policies, requirements and assertions compare targets with."""

    providers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    apis: bool = False
    abilities: tuple[tuple[str, Any], ...] = ()
    """What a model must be able to do, with the least of it."""


def interests(spec: RoutingSpec, wanted: Iterable[tuple[str, Any]] = ()) -> Interests:
    """What the spec asks of targets; `wanted`: the same of assertions, as field of a policy and its value."""
    globs: dict[str, dict[str, None]] = {"providers": {}, "models": {}, "hosts": {}, "apis": {}}
    abilities: dict[tuple[str, Any], None] = {}
    for field, value in (*_asked(spec), *wanted):
        if field in globs:
            globs[field] |= dict.fromkeys(value)
        elif field in ABILITIES and value is not None and value is not False:
            abilities[field, value] = None
    providers, models, hosts, apis = (tuple(found) for found in globs.values())
    return Interests(providers, models, hosts, bool(apis), tuple(abilities))


def _asked(spec: RoutingSpec) -> Iterator[tuple[str, Any]]:
    demanding = [place.values.get("require") for place in places(spec) if place.kind == "scope"]
    parts = [part for policy in spec.policies for part in (policy.require, policy.deny)]
    for part in (*demanding, *parts):
        if part is not None:
            said = ((field, getattr(part, field)) for field in part.__dataclass_fields__)
            yield from ((field, value) for field, value in said if value is not None)
