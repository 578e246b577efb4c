"""Configuration that can never take effect, whatever is asked, and whatever the environment holds.

Only what is certain is said. What no query comes to by the spec alone, and a variable or a program's arguments could
still choose, is said as that (`only_from_outside`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.proof.findings.dead_fallbacks import dead_fallbacks
from llmroute.proof.findings.dead_providers import dead_providers
from llmroute.proof.findings.dead_setting import Dead, dead
from llmroute.routing.check_places import places
from llmroute.routing.route import EMPTY
from llmroute.routing.scopes import WILDCARD, variables_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.routing.check_places import Place
    from llmroute.routing.spec import RoutingSpec

__all__ = ["Dead", "dead_configuration"]


def dead_configuration(spec: RoutingSpec) -> list[Dead]:
    """What can never take effect, in the order of the spec's lines."""
    everywhere = list(places(spec))
    found = [
        *_wildcards(spec),
        *_variables(spec),
        *(item for place in everywhere for item in _remote_fallback(spec, place)),
        *dead_fallbacks(spec, everywhere),
        *dead_providers(spec, everywhere),
    ]
    return sorted(found, key=lambda item: (item.origin.line, item.origin.column))


def _wildcards(spec: RoutingSpec) -> Iterator[Dead]:
    """Settings for all other purposes where there is no other one."""
    if WILDCARD in spec.purposes:
        return
    for group in ("agents", "clients", "providers"):
        for name, entry in getattr(spec, group).items():
            own = entry.purposes or EMPTY
            if WILDCARD in own and spec.purposes.keys() <= own.keys():
                reason = "the spec declares no other purposes than those beside it"
                yield dead(spec, "purpose", (group, name, "purposes", WILDCARD), reason, key=True)


def _variables(spec: RoutingSpec) -> Iterator[Dead]:
    """Names of variables that were looked at before, for the same setting."""
    for label, names in (spec.env.names or EMPTY).items():
        setting, _, purpose = label.partition(".")
        earlier = set(variables_of(spec.env, setting, purpose or None)[:1])
        for index, name in enumerate(names):
            if name in earlier:
                yield dead(spec, "variable", ("env", "names", label, index), f"{name} is looked at before, for {label}")
            earlier.add(name)


def _remote_fallback(spec: RoutingSpec, place: Place) -> Iterator[Dead]:
    """An opt-in without the list that it is for: it holds for the list beside it and for no other."""
    if place.values.get("allow_remote_fallback") and not place.values.get("fallbacks"):
        reason = "it holds for the fallbacks beside it, and there are none"
        yield dead(spec, "setting", (*place.path, "allow_remote_fallback"), reason)
