"""What the tests of a spec have shown: which of its parts decided at least one of them.

A scope decides where something that it says has won. A policy or requirement decides where it leaves a target out,
or speaks of it; where no query can be found for which it would, it is enough that it was asked. A fallback is
walked where a played call came to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from llmroute.proof.routing_tests.probes import struck
from llmroute.routing.policies import Requirements
from llmroute.routing.scopes import field_names, written

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from llmroute.proof.routing_tests.expect import Outcome, Result
    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.route import Field
    from llmroute.routing.spec import RoutingSpec

Kind = Literal["scopes", "policies", "rules", "fallbacks"]
KINDS: tuple[Kind, ...] = ("scopes", "policies", "rules", "fallbacks")
_UNWON = frozenset({"require", "allow_remote_fallback", "purposes"})
"""Settings of a scope that nothing else could have won."""


class Part(NamedTuple):
    """A part of a spec that can decide."""

    kind: Kind
    name: str
    """Such as `agents.reviewer`, `policies.NAME`, `agents.notes.require.locality` or `defaults.fallbacks[0]`."""
    origin: Origin


class Coverage(NamedTuple):
    """The parts of a spec, and those that no test has shown."""

    parts: tuple[Part, ...]
    uncovered: tuple[Part, ...]

    @property
    def percent(self) -> float:
        """How many of a hundred parts are covered; 100 where there is none."""
        return 100.0 * (len(self.parts) - len(self.uncovered)) / len(self.parts) if self.parts else 100.0

    def to_json(self) -> dict[str, Any]:
        """The coverage as `test --format json` writes it."""
        uncovered = set(self.uncovered)
        groups: dict[str, Any] = {
            kind: {
                "covered": [part.name for part in self.parts if part.kind == kind and part not in uncovered],
                "uncovered": [
                    {"name": part.name, "origin": part.origin.to_json()} for part in self.uncovered if part.kind == kind
                ],
            }
            for kind in KINDS
        }
        count = len(self.parts) - len(uncovered)
        return {"percent": round(self.percent, 2), "covered": count, "total": len(self.parts), **groups}


def coverage(spec: RoutingSpec, results: Iterable[Result]) -> Coverage:
    """What some tests of a spec cover."""
    seen = {key for result in results for key in _covered(spec, result)}
    everything = tuple(parts(spec))
    return Coverage(everything, tuple(part for part in everything if (part.kind, part.name) not in seen))


def newly(spec: RoutingSpec, result: Result, wanted: Collection[Part]) -> list[Part]:
    """Which of some parts a test covers."""
    seen = _covered(spec, result)
    return [part for part in wanted if (part.kind, part.name) in seen]


def _covered(spec: RoutingSpec, result: Result) -> set[tuple[Kind, str]]:
    seen = {key for outcome in result.outcomes for key in _decided(spec, outcome)}
    asked = {key for outcome in result.outcomes for key in _asked(spec, outcome)} - seen
    return seen | (asked - _striking(spec)) if asked else seen


def _striking(spec: RoutingSpec) -> set[tuple[Kind, str]]:
    """The policies and requirements for which a query is known where they leave a target out."""
    found: set[tuple[Kind, str]] | None = spec.memo.get("striking")
    if found is None:
        found = spec.memo["striking"] = {key for origin in struck(spec) for key in _of_demand(spec, origin)}
    return found


def parts(spec: RoutingSpec) -> Iterator[Part]:
    """Everything in a spec that can decide, in the order of kinds."""
    origin = spec.source.origin
    scopes = [*_scopes(spec)]
    for path, settings in scopes:
        if not _UNWON.issuperset(written(settings)):
            yield Part("scopes", ".".join(path), origin(path, key=True))
    for index, policy in enumerate(spec.policies):
        yield Part("policies", f"policies.{policy.name}", origin(("policies", index)))
    for path, settings in scopes:
        for name in _required(settings):
            yield Part("rules", ".".join((*path, "require", name)), origin((*path, "require", name)))
    lists = [*scopes, *((("providers", name), provider) for name, provider in spec.providers.items())]
    for path, settings in lists:
        for index in range(len(settings.fallbacks or ())):
            yield Part("fallbacks", f"{'.'.join(path)}.fallbacks[{index}]", origin((*path, "fallbacks", index)))


def _scopes(spec: RoutingSpec) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Path and settings of every scope that stands in the spec."""
    yield ("defaults",), spec.defaults
    for purpose, scope in spec.purposes.items():
        yield ("purposes", purpose), scope
    for group, entries in (("agents", spec.agents), ("clients", spec.clients)):
        for name, entry in entries.items():
            yield (group, name), entry
            for purpose, scope in (entry.purposes or {}).items():
                yield (group, name, "purposes", purpose), scope


def _required(settings: Any) -> list[str]:
    require = settings.require
    if require is None:
        return []
    return [name for name in field_names(Requirements) if getattr(require, name) not in (None, False)]


def _fields(outcome: Outcome) -> Iterable[Field]:
    """The trace, as far as the decision came."""
    if outcome.resolution is not None:
        return outcome.resolution.fields
    return getattr(outcome.failure, "fields", ())


def _decided(spec: RoutingSpec, outcome: Outcome) -> Iterator[tuple[Kind, str]]:
    for field in _fields(outcome):
        for candidate in field.candidates:
            if candidate.verdict == "won":
                yield "scopes", candidate.scope
    notes = outcome.resolution.diagnostics if outcome.resolution is not None else ()
    for origin in (*(row.origin for row in outcome.excluded), *(note.origin for note in notes)):
        yield from _of_demand(spec, origin)
    for step in outcome.steps:
        yield "fallbacks", step.target.scope


def _asked(spec: RoutingSpec, outcome: Outcome) -> Iterator[tuple[Kind, str]]:
    """The policies and requirements that speak of the query."""
    for field in _fields(outcome):
        for candidate in field.candidates:
            if field.field == "policies":
                yield "policies", candidate.scope
            elif field.field == "require":
                yield from _of_demand(spec, candidate.origin)


def _of_demand(spec: RoutingSpec, origin: Origin) -> Iterable[tuple[Kind, str]]:
    """The policy or requirement whose demand stands at a place."""
    places = spec.memo.get("demands")
    if places is None:
        places = spec.memo["demands"] = _demand_places(spec)
    return [places[origin]] if origin in places else []


def _demand_places(spec: RoutingSpec) -> dict[Origin, tuple[Kind, str]]:
    found: dict[Origin, tuple[Kind, str]] = {}
    for path, settings in _scopes(spec):
        for name in _required(settings):
            place = (*path, "require", name)
            found[spec.source.origin(place)] = "rules", ".".join(place)
    for index, policy in enumerate(spec.policies):
        for key, part in (("require", policy.require), ("deny", policy.deny)):
            for name in written(part) if part is not None else ():
                found[spec.source.origin(("policies", index, key, name))] = "policies", f"policies.{policy.name}"
    return found
