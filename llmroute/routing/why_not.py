"""Why a target does not win, and what would make it win: each way out is tried before it is named."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from llmroute.errors import RoutingError
from llmroute.routing.endpoints import facts_of, reference
from llmroute.routing.models import offered
from llmroute.routing.names import near
from llmroute.routing.resolve import resolve
from llmroute.routing.scopes import entry_name, variables_of
from llmroute.routing.spec import NamedScope, RoutingSpec, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.routing.route import Candidate, Query, Resolution


S = TypeVar("S", bound=Scope)


class WhyNot(NamedTuple):
    """The answer to «why does this target not win?»."""

    wins: bool
    reasons: tuple[str, ...]
    """What keeps it from winning, the strongest first; where it wins, by which scope."""
    remedies: tuple[str, ...]
    """Changes that make it win, each tried; the smallest first."""


def why_not(spec: RoutingSpec, query: Query, environ: Mapping[str, str], wanted: str) -> WhyNot:
    """Say what keeps `provider/model` from being the first target of a query."""
    found = reference(spec, wanted)
    if found is None:
        name = wanted.partition("/")[0]
        hint = near(name, spec.providers, otherwise="write a preset's name, or declare the provider")
        return WhyNot(wins=False, reasons=(f"{name!r} is no provider: {hint}",), remedies=())
    try:
        resolution = resolve(spec, query, environ)
    except RoutingError as error:
        return WhyNot(
            wins=False,
            reasons=(f"nothing wins: {error.message} [{error.rule}]",),
            remedies=_remedies(spec, query, environ, found),
        )
    if _is(resolution, spec, found):
        target = resolution.target
        return WhyNot(wins=True, reasons=(f"it wins: chosen by {target.scope} ({target.origin})",), remedies=())
    remedies = _remedies(spec, query, environ, found)
    reasons = [*_reasons(spec, resolution, found), *(() if remedies else _obstacle(spec, query, environ, wanted))]
    return WhyNot(wins=False, reasons=tuple(reasons), remedies=remedies)


def _obstacle(spec: RoutingSpec, query: Query, environ: Mapping[str, str], wanted: str) -> Iterator[str]:
    """What still stands in the way once the target is written into the strongest scope."""
    *_, (text, changed) = _edits(spec, query, wanted)
    try:
        resolve(changed, query, environ)
    except RoutingError as error:
        yield f"and to {text} is not enough: {error.message} [{error.rule}]"


def _sent(spec: RoutingSpec, provider: str, model: str) -> str:
    """The name under which a provider serves a model; itself where it serves none of that name."""
    try:
        return offered(facts_of(spec, provider, None), model, None)
    except RoutingError:
        return model


def _is(resolution: Resolution, spec: RoutingSpec, found: tuple[str, str]) -> bool:
    target = resolution.target
    return target.provider == found[0] and target.model == _sent(spec, *found)


def _reasons(spec: RoutingSpec, resolution: Resolution, found: tuple[str, str]) -> Iterator[str]:
    provider, model = found
    target = resolution.target
    try:
        offered(facts_of(spec, provider, None), model, None)
    except RoutingError as error:
        yield f"{error.message} [{error.rule}]"
    for out in resolution.excluded:
        if out.target == f"{provider}/{_sent(spec, provider, model)}":
            yield f"{out.reason} [{out.rule}, {out.origin}]"
    for place, other in enumerate(resolution.route.targets[1:], 1):
        if (other.provider, other.model) == (provider, _sent(spec, provider, model)):
            yield f"it is number {place} in the fallbacks of {target.name}: it is tried when those before it fail"
    if target.provider != provider:
        chosen = f"{target.scope} ({target.origin}) chose {target.provider or target.base_url}"
        yield f"{chosen}, and no stronger scope says otherwise"
        yield from _losers(resolution, "endpoint", provider)
    else:
        field = next(field for field in resolution.fields if field.field == "model")
        yield f"{field.scope} ({field.origin}) chose the model {target.model}"
        yield from _losers(resolution, "model", model)


def _losers(resolution: Resolution, name: str, wanted: str) -> Iterator[str]:
    """What became of the scopes that asked for it."""
    field = next(field for field in resolution.fields if field.field == name)
    for candidate in field.candidates:
        if candidate.verdict != "won" and _names(candidate, wanted):
            yield f"{candidate.scope} ({candidate.origin}) asks for it: {candidate.reason or candidate.verdict}"


def _names(candidate: Candidate, wanted: str) -> bool:
    value = str(candidate.value)
    return value == wanted or value.startswith(f"{wanted} at ") or value.endswith(f"/{wanted}")


def _remedies(spec: RoutingSpec, query: Query, environ: Mapping[str, str], found: tuple[str, str]) -> tuple[str, ...]:
    """The changes that make it win, tried in the order of how little they touch."""
    wanted = "/".join(found)
    variable, other = variables_of(spec.env, "model")[0], variables_of(spec.env, "provider")[0]
    set_it = {**environ, variable: wanted}
    without = {name: value for name, value in set_it.items() if name != other}
    endpoint = ("provider", "model", "base_url", "api_key")
    flags = {name: value for name, value in query.args.items() if name not in endpoint}
    tries: list[tuple[str, RoutingSpec, Query, Mapping[str, str]]] = [
        (f"set {variable}={wanted}", spec, query, set_it),
        *([(f"set {variable}={wanted}, and {other} not at all", spec, query, without)] if other in environ else []),
        (f"pass --model {wanted}", spec, dataclasses.replace(query, args={**flags, "model": wanted}), environ),
    ]
    if query.override is not None:
        tries.insert(
            0, ("switch it off with llmroute local off", spec, dataclasses.replace(query, override=None), environ)
        )
    tries += [(text, changed, query, environ) for text, changed in _edits(spec, query, wanted)]
    working = [text for text, changed, asked, variables in tries if _wins(changed, asked, variables, found)]
    return tuple(working[:2])


def _wins(spec: RoutingSpec, query: Query, environ: Mapping[str, str], found: tuple[str, str]) -> bool:
    try:
        return _is(resolve(spec, query, environ), spec, found)
    except RoutingError:
        return False


_SILENCED: dict[str, Any] = dict.fromkeys(
    ("provider", "base_url", "api", "api_key", "auth", "api_version", "transport")
)


def _edits(spec: RoutingSpec, query: Query, wanted: str) -> Iterator[tuple[str, RoutingSpec]]:
    """The spec with the target written into one scope of the query, the weakest scope first."""
    text, defaults = _edited(spec.defaults, wanted)
    yield f"write defaults: {text}", _with(spec, defaults=defaults)
    purpose = entry_name(spec.purposes, query.purpose) if query.purpose is not None else None
    if purpose is not None:
        text, scope = _edited(spec.purposes[purpose], wanted)
        yield f"write purposes.{purpose}: {text}", _with(spec, purposes={**spec.purposes, purpose: scope})
    for group, name in (("clients", query.client), ("agents", query.agent)):
        entries: Mapping[str, NamedScope] = getattr(spec, group)
        own = entry_name(entries, name) if name is not None else None
        if own is None:
            continue
        text, entry = _edited(entries[own], wanted)
        yield f"write {group}.{own}: {text}", _with(spec, **{group: {**entries, own: entry}})
        if query.purpose is not None:
            purposes = entries[own].purposes or {}
            text, scope = _edited(purposes.get(query.purpose, Scope()), wanted)
            entry = dataclasses.replace(entries[own], purposes={**purposes, query.purpose: scope})
            place = f"{group}.{own}.purposes.{query.purpose}"
            yield f"write {place}: {text}", _with(spec, **{group: {**entries, own: entry}})


def _edited(scope: S, wanted: str) -> tuple[str, S]:
    """A scope that chooses the target, and what there is to write for it."""
    out = [name for name in _SILENCED if getattr(scope, name) is not None]
    text = f"{{model: {wanted}}}" + (f", without its {', '.join(out)}" if out else "")
    return text, dataclasses.replace(scope, **_SILENCED, model=wanted)


def _with(spec: RoutingSpec, **changes: Any) -> RoutingSpec:
    return dataclasses.replace(spec, **changes, memo={})
