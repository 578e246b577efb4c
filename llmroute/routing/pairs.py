"""Everything that a spec sends anywhere: the flows of a resolution, and those of the spec as a whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmroute.errors import RoutingError
from llmroute.routing.check_answers import NOBODY, named_queries
from llmroute.routing.check_places import places
from llmroute.routing.endpoints import facts_of, selection, urls
from llmroute.routing.flows import Bundle, Flow, Sent, flows_of, renamed, vendors
from llmroute.routing.interpolation import variables
from llmroute.routing.resolve import resolve
from llmroute.routing.scopes import ENV_SETTINGS, Scope
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.routing.check_places import Place
    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.route import Query, Resolution, Target
    from llmroute.routing.spec import RoutingSpec

_ORIGIN = re.compile(r"[a-z]+://[^/$]+/", re.IGNORECASE)


def sent(spec: RoutingSpec, resolution: Resolution, environ: Mapping[str, str]) -> list[Sent]:
    """What the targets of a resolution are sent because the spec says so, each thing once."""
    steering = list(_steering(spec, resolution))
    return list(
        dict.fromkeys(row for target in resolution.route.targets for row in _to(spec, target, environ, steering))
    )


def _to(spec: RoutingSpec, target: Target, environ: Mapping[str, str], steering: list[Flow]) -> Iterator[Sent]:
    url = parse(target.base_url)
    yield from (Sent(flow, url) for flow in target.flows)
    # A model's name tells a vendor, or a server on this machine, nothing that anybody else can read there.
    if url.locality != "local" and url.origin not in vendors():
        yield from (Sent(flow, url) for flow in (*steering, *_in_the_model(spec, target, environ)))


def _steering(spec: RoutingSpec, resolution: Resolution) -> Iterator[Flow]:
    """Variables that the spec reads as the model or a parameter under a name of its own choice."""
    for field in resolution.fields:
        origin = field.origin
        if origin is None or origin.kind != "env" or field.field not in ENV_SETTINGS:
            continue
        place = renamed(spec, field.field, origin.name)
        if place is not None:
            yield Flow(f"env:{origin.name}", place)


def _in_the_model(spec: RoutingSpec, target: Target, environ: Mapping[str, str]) -> Iterator[Flow]:
    """Variables whose value is in the name of the model."""
    named = spec.memo.get("model variables")
    if named is None:
        named = spec.memo["model variables"] = list(_model_variables(spec))
    for name, place in named:
        value = environ.get(name, "").strip()
        if value and value in target.model:
            yield Flow(f"env:{name}", place)


def _model_variables(spec: RoutingSpec) -> Iterator[tuple[str, Origin]]:
    for place in places(spec):
        for path, text in place.texts():
            if "$" in text and (path[-1] == "model" or path[-2] == "fallbacks"):
                yield from ((name, spec.source.origin(path)) for name in variables(text))
    for provider, declared in spec.providers.items():
        for purpose, own in (declared.purposes or {}).items():
            path = ("providers", provider, "purposes", purpose, "model")
            yield from ((name, spec.source.origin(path)) for name in variables(own.model or ""))


def everything(
    spec: RoutingSpec, environ: Mapping[str, str], asker: Query = NOBODY
) -> tuple[list[Sent], list[RoutingError]]:
    """What the spec sends, wherever it stands and whoever asks; and why some place can't be told.

    A base URL that is made of variables leads where they lead now.
    """
    found: list[Sent] = []
    problems: list[RoutingError] = []
    for place in places(spec):
        try:
            found += of_place(spec, place, environ)
        except RoutingError as error:
            problems.append(error)
    for query in named_queries(spec, asker):
        try:
            found += sent(spec, resolve(spec, query, environ), environ)
        except RoutingError:
            # Why there is no route is for `validate` and `explain` to say; without one nothing is sent.
            continue
    return list(dict.fromkeys(found)), problems


def of_place(spec: RoutingSpec, place: Place, environ: Mapping[str, str]) -> list[Sent]:
    """What is sent because of one scope, provider or fallback entry, whoever comes to it.

    Raises:
        RoutingError: where it leads can't be told.
    """
    values = {"provider": place.path[-1]} if place.kind == "provider" else place.values
    environ = {**dict.fromkeys(_in_the_path(spec, place), "unset"), **environ}
    scope = Scope(place.name, "default", specific=False, values=values, source=spec.source, path=place.path)
    chosen = selection(spec, scope, environ)
    if chosen is None:
        return []
    facts = facts_of(spec, chosen.provider, scope.origin("provider")) if chosen.provider is not None else None
    url, moved = urls(spec, facts, chosen, environ)
    return [Sent(flow, url) for flow in flows_of(Bundle(spec, scope, facts, url, moved))]


def _in_the_path(spec: RoutingSpec, place: Place) -> tuple[str, ...]:
    """The variables in the path of a base URL: unset, they leave its origin as it is."""
    text = url_text(spec, place)
    return variables(text) if _ORIGIN.match(text) else ()


def url_text(spec: RoutingSpec, place: Place) -> str:
    """The base URL of a place, or of the provider that it names, as it is written; empty where neither has one."""
    provider = place.path[-1] if place.kind == "provider" else place.values.get("provider")
    declared = spec.providers.get(str(provider))
    return place.values.get("base_url") or (declared.base_url if declared is not None else None) or ""
