"""Fallbacks that are never asked, and settings of theirs that never count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.proof.findings.dead_setting import dead
from llmroute.routing.check_places import Place
from llmroute.routing.endpoints import facts_of, is_known, reference
from llmroute.routing.models import followed
from llmroute.routing.route import EMPTY
from llmroute.routing.scopes import WILDCARD, written
from llmroute.routing.violations import matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmroute.proof.findings.dead_setting import Dead
    from llmroute.routing.policies import Policy
    from llmroute.routing.spec import RoutingSpec

OF_THE_FIRST = ("deadline", "max_attempts", "sticky")
"""The parameters that hold for a call as a whole: they are those of the target that is asked first."""


def dead_fallbacks(spec: RoutingSpec, everywhere: Sequence[Place]) -> Iterator[Dead]:
    """What is dead in the lists of fallbacks of a spec."""
    unconditional = not spec.policies and all("require" not in place.values for place in everywhere)
    for place in everywhere:
        if place.kind == "fallback" or not place.values.get("fallbacks"):
            continue
        yield from _not_inherited(spec, place)
        yield from _left_out(spec, place)
        # Where a requirement leaves out a first target, the next one is the first.
        if unconditional:
            yield from _of_the_first(spec, place)
            yield from _never_followed(spec, place)


def _not_inherited(spec: RoutingSpec, place: Place) -> Iterator[Dead]:
    """A list counts for the endpoint of its scope, or of a weaker one: without any it counts for none."""
    below = {"defaults": (), "purposes": (("defaults",),)}.get(str(place.path[0]))
    if place.kind == "scope" and below is not None and not place.selects(spec):
        defaults = Place("scope", ("defaults",), written(spec.defaults))
        if not below or not defaults.selects(spec):
            whose = "it selects no endpoint" if not below else "neither it nor defaults selects an endpoint"
            reason = f"{whose}, and the endpoint of a stronger scope inherits no fallbacks"
            yield dead(spec, "fallback", (*place.path, "fallbacks"), reason)


def _of_the_first(spec: RoutingSpec, place: Place) -> Iterator[Dead]:
    for index, entry in enumerate(place.values["fallbacks"]):
        for name in OF_THE_FIRST if not isinstance(entry, str) else ():
            if getattr(entry, name) is not None:
                reason = f"a fallback is never the first target of a call, and {name} is that target's"
                yield dead(spec, "setting", (*place.path, "fallbacks", index, name), reason)


def _never_followed(spec: RoutingSpec, place: Place) -> Iterator[Dead]:
    """A list behind `fallback_on: []`, which nothing stronger can change: no variable, no argument sets an agent's."""
    if place.path[0] != "agents" or place.values.get("fallback_on") != ():
        return
    inner: Any = spec.agents[str(place.path[1])].purposes or EMPTY
    if "purposes" not in place.path and any(scope.fallback_on for scope in inner.values()):
        return
    reason = "fallback_on beside it names no failure after which they would be asked"
    yield dead(spec, "fallback", (*place.path, "fallbacks"), reason, by=(*place.path, "fallback_on"))


class _Entry(NamedTuple):
    """What an entry is by its own words."""

    provider: str
    names: tuple[str, ...]
    """The provider's name, and its preset's."""
    model: str | None
    """The name that is sent; None where the provider's own model is."""


def _left_out(spec: RoutingSpec, place: Place) -> Iterator[Dead]:
    """Entries that a policy leaves out for whoever comes to the list."""
    for index, written_entry in enumerate(place.values["fallbacks"]):
        entry = _entry(spec, written_entry)
        for number, policy in enumerate(spec.policies if entry is not None else ()):
            if entry is not None and not policy.warn and covers(policy, place) and (what := _denied(policy, entry)):
                because = f", because {policy.because}" if policy.because else ""
                reason = f"the policy {policy.name} leaves it out: {what}{because}"
                path = (*place.path, "fallbacks", index)
                yield dead(spec, "fallback", path, reason, by=("policies", number))
                break


def _entry(spec: RoutingSpec, entry: Any) -> _Entry | None:
    """What an entry is by its own words; None where a variable has a say in it, or where it names no provider."""
    values = {"model": entry} if isinstance(entry, str) else written(entry)
    provider, model = values.get("provider"), values.get("model")
    if "$" in f"{provider}{model}":
        return None
    if provider is None and model is not None:
        provider, model = reference(spec, model) or (model if isinstance(entry, str) else None, None)
    if provider is None or not is_known(spec, provider):
        return None
    facts = facts_of(spec, provider, None)
    names = (provider, *((facts.preset.name,) if facts.preset else ()))
    return _Entry(provider, names, None if model is None else followed(facts.declared.aliases or EMPTY, model))


def _denied(policy: Policy, entry: _Entry) -> str:
    """Why a policy leaves an entry out by its names alone, whatever URL it has; empty where it may be let in."""
    if reason := denied_provider(policy, entry.names):
        return reason
    models = policy.deny.models if policy.deny is not None and entry.model is not None else None
    glob = matches(models or (), entry.model, f"{entry.provider}/{entry.model}")
    return f"the model {glob} is denied" if glob else ""


def denied_provider(policy: Policy, names: Sequence[str]) -> str:
    """Why a policy leaves a provider out by its own name, or its preset's; empty where it may be let in."""
    allowed = policy.require.providers if policy.require is not None else None
    if allowed is not None and matches(allowed, *names) is None:
        return f"{names[0]} is none of the providers that it requires"
    denied = policy.deny.providers if policy.deny is not None else None
    glob = matches(denied or (), *names)
    return f"the provider {glob} is denied" if glob else ""


def covers(policy: Policy, place: Place) -> bool:
    """Whether a policy speaks of every query that comes to a place."""
    asked = dict(zip(place.path[::2], place.path[1::2], strict=False))
    return all(
        globs is None or WILDCARD in globs or _certainly(asked.get(kind), globs)
        for kind, globs in (("agents", policy.agents), ("purposes", policy.purposes), ("clients", policy.clients))
    )


def _certainly(name: Any, globs: Sequence[str]) -> bool:
    return isinstance(name, str) and name != WILDCARD and matches(globs, name) is not None
