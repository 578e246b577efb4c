"""Why a target does not win, and what would make it win."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmroute.errors import RoutingError
from llmroute.routing.changes import Wanted, World
from llmroute.routing.endpoints import is_known, reference
from llmroute.routing.names import near
from llmroute.routing.obstacles import obstacles
from llmroute.routing.resolve import resolve
from llmroute.routing.urls import parse
from llmroute.routing.ways_out import ways_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.routing.route import Candidate, Query, Resolution
    from llmroute.routing.spec import RoutingSpec


class WhyNot(NamedTuple):
    """The answer to «why does this target not win?»."""

    wins: bool
    reasons: tuple[str, ...]
    """What keeps it from winning, in the order in which it is met; where it wins, by which scope."""
    remedies: tuple[str, ...]
    """The smallest changes that make it win, each tried."""


def why_not(spec: RoutingSpec, query: Query, environ: Mapping[str, str], wanted: str) -> WhyNot:
    """Say what keeps a target from being the first of a query.

    `wanted` is `provider/model`, a provider alone, `URL model`, or a URL alone.
    """
    found = _read(spec, wanted)
    if isinstance(found, str):
        return WhyNot(wins=False, reasons=(found,), remedies=())
    world = World(spec, query, environ)
    try:
        resolution = resolve(*world)
    except RoutingError as error:
        reasons = [f"nothing wins: {error.message} [{error.rule}]"]
    else:
        target = resolution.target
        if found.is_met(target, spec):
            return WhyNot(wins=True, reasons=(f"it wins: chosen by {target.scope} ({target.origin})",), remedies=())
        reasons = list(_reasons(resolution, spec, found))
    still = [obstacle.reason for obstacle in obstacles(world, found)]
    reasons += [f"and wherever it is chosen: {reason}" for reason in still if not _is_told(reason, reasons)]
    return WhyNot(wins=False, reasons=tuple(reasons), remedies=ways_out(world, found))


def _is_told(reason: str, reasons: list[str]) -> bool:
    return any(reason in told for told in reasons)


def _read(spec: RoutingSpec, text: str) -> Wanted | str:
    """The target that a text means, or why it means none."""
    if "://" in text:
        address, _, model = text.strip().partition(" ")
        try:
            return Wanted(None, str(parse(address)), model.strip() or None)
        except ValueError as error:
            return f"it is no base URL: {error}"
    named = reference(spec, text)
    if named is not None:
        return Wanted(named[0], None, named[1])
    if is_known(spec, text):
        return Wanted(text, None, None)
    name = text.partition("/")[0]
    hint = near(name, spec.providers, otherwise="write a preset's name, or declare the provider")
    return f"{name!r} is no provider: {hint}"


def _reasons(resolution: Resolution, spec: RoutingSpec, found: Wanted) -> Iterator[str]:
    target, place = resolution.target, found.provider or str(found.url)
    name = f"{place}/{found.sent(spec)}" if found.provider else f"{place} {found.model}"
    for out in resolution.excluded:
        if out.target == name or (found.model is None and out.target.startswith(name.removesuffix("None"))):
            yield f"{out.reason} [{out.rule}, {out.origin}]"
    for number, other in enumerate(resolution.route.targets[1:], 1):
        if found.is_met(other, spec):
            yield f"it is number {number} in the fallbacks of {target.name}: it is tried when those before it fail"
    if place not in (target.provider, target.base_url):
        chosen = f"{target.scope} ({target.origin}) chose {target.provider or target.base_url}"
        yield f"{chosen}, and no stronger scope says otherwise"
        yield from _losers(resolution, "endpoint", place)
    else:
        field = next(field for field in resolution.fields if field.field == "model")
        yield f"{field.scope} ({field.origin}) chose the model {target.model}"
        yield from _losers(resolution, "model", str(found.model))


def _losers(resolution: Resolution, name: str, wanted: str) -> Iterator[str]:
    """What became of the scopes that asked for it."""
    field = next(field for field in resolution.fields if field.field == name)
    for candidate in field.candidates:
        if candidate.verdict != "won" and _names(candidate, wanted):
            yield f"{candidate.scope} ({candidate.origin}) asks for it: {candidate.reason or candidate.verdict}"


def _names(candidate: Candidate, wanted: str) -> bool:
    value = str(candidate.value)
    return value == wanted or value.startswith(f"{wanted} at ") or value.endswith(f"/{wanted}")
