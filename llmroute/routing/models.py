"""Which model is sent: the strongest one that belongs to the endpoint that won."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.errors import ModelNotOfferedError, NoModelError, RoutingError
from llmroute.routing.endpoints import Endpoint, Facts, Selection, facts_of, provider_url
from llmroute.routing.names import near
from llmroute.routing.route import Candidate, Field, weaker
from llmroute.routing.scopes import Scope, entry_name
from llmroute.routing.values import expand, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.routing.context import Context
    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.spec import RoutingSpec
    from llmroute.routing.urls import Url

HOMELESS = "belongs to no endpoint"


def won_model(context: Context, winner: int, bundle: Endpoint) -> Field:
    """The model for the winning endpoint, with every model that was passed over.

    Raises NoModelError where none belongs to the endpoint, ModelNotOfferedError where the provider's closed list
    lacks it, or the typed error of a value that has to be looked at and can't be used.
    """
    candidates: list[Candidate] = []
    won: tuple[str, Scope] | None = None
    for index, scope in enumerate(context.scopes):
        if "model" not in scope.values:
            continue
        if won is not None:
            written = str(scope.values["model"])
            reason = weaker(scope.layer, won[1].layer)
            candidates.append(Candidate(scope.name, scope.layer, written, "shadowed", scope.origin("model"), reason))
            continue
        chosen = context.selections[index]
        if isinstance(chosen, RoutingError):
            raise chosen
        read = chosen.model if chosen is not None else None
        text = text_of(scope, "model", context.environ) if read is None else read
        home = _home(context, index)
        if index == winner or _belongs(context, home, text, bundle):
            won = text, scope
            verdict, reason = "won", ""
        else:
            verdict, reason = "foreign-model", f"belongs to {home}" if home else HOMELESS
        candidates.append(Candidate(scope.name, scope.layer, text, verdict, scope.origin("model"), reason))
    return _field(context, bundle, won, candidates)


def _field(context: Context, bundle: Endpoint, won: tuple[str, Scope] | None, candidates: list[Candidate]) -> Field:
    for own in _own_models(context.spec, bundle.facts, context.query.purpose):
        if won is not None:
            candidates.append(own._replace(verdict="shadowed", reason="last resort"))
        else:
            candidates.append(_read(own, context.environ) if own.verdict == "won" else own)
    place = next((index for index, candidate in enumerate(candidates) if candidate.verdict == "won"), None)
    if place is None:
        raise _no_model(bundle, candidates)
    winning = candidates[place]
    model = offered(bundle.facts, winning.value, winning.origin)
    if model != winning.value:
        candidates[place] = winning._replace(reason=f"asked for as {winning.value}")
    return Field("model", model, winning.layer, winning.scope, winning.origin, tuple(candidates))


def _home(context: Context, index: int) -> Selection | None:
    """The endpoint that a scope's model was written for; None where there is none, or none that can be read."""
    scope = context.scopes[index]
    found = _strongest(context, index, scope.layer)
    if found is None and scope.layer != "default":
        general = len(context.scopes) - 1
        start = general - 1 if scope.specific and context.scopes[general - 1].layer == "default" else general
        found = _strongest(context, start, "default")
    return found if isinstance(found, Selection) else None


def _strongest(context: Context, start: int, layer: str) -> Selection | RoutingError | None:
    for scope, chosen in zip(context.scopes[start:], context.selections[start:], strict=True):
        if scope.layer != layer:
            return None
        if chosen is not None:
            return chosen
    return None


def _belongs(context: Context, home: Selection | None, model: str, bundle: Endpoint) -> bool:
    if bundle.facts is not None and model in (bundle.facts.declared.aliases or ()):
        return True
    if home is None:
        return False
    if home.provider is not None and home.provider == bundle.provider:
        return True
    return _url(context, home) == bundle.url


def _url(context: Context, home: Selection) -> Url | None:
    if home.url is not None or home.provider is None:
        return home.url
    try:
        return provider_url(context.spec, facts_of(context.spec, home.provider, None), context.environ)
    except RoutingError:
        return None


def _own_models(spec: RoutingSpec, facts: Facts | None, purpose: str | None) -> Iterator[Candidate]:
    """The models that a provider has of its own, the purpose's first, as they are written."""
    if facts is None:
        return
    declared = facts.declared
    own = entry_name(declared.purposes, purpose) if purpose is not None else None
    places: list[tuple[str | None, tuple[str, ...]]] = []
    if own is not None and declared.purposes:
        places.append((declared.purposes[own].model, ("providers", facts.name, "purposes", own)))
    places.append((declared.model, ("providers", facts.name)))
    verdict = "won"
    for text, path in places:
        if text is None:
            continue
        origin = spec.source.origin((*path, "model"))
        yield Candidate(".".join(path), "provider", text, verdict, origin, "" if verdict == "won" else "less specific")
        verdict = "shadowed"


def _read(own: Candidate, environ: Mapping[str, str]) -> Candidate:
    return own._replace(value=expand(own.value, environ, own.origin))


def own_model(
    spec: RoutingSpec, facts: Facts | None, purpose: str | None, environ: Mapping[str, str]
) -> Candidate | None:
    """The provider's own model for a purpose, or in general; None where it has none."""
    found = next(_own_models(spec, facts, purpose), None)
    return None if found is None else _read(found, environ)


def offered(facts: Facts | None, model: str, origin: Origin | None) -> str:
    """The name under which a provider serves a model: aliases are followed to their end.

    Raises ModelNotOfferedError where the provider's closed list lacks it.
    """
    if facts is None:
        return model
    model = followed(facts.declared.aliases or {}, model)
    models = facts.declared.models
    if models is not None and model not in models:
        raise ModelNotOfferedError(
            f"{facts.name} does not offer {model!r}",
            hint=near(model, models, otherwise="its list is empty") + f" (providers.{facts.name}.models)",
            origin=origin,
        )
    return model


def followed(aliases: Mapping[str, str], model: str) -> str:
    """The name at the end of a chain of aliases; in a circle the last one before it closes.

    >>> followed({"fast": "small", "small": "qwen3:4b"}, "fast")
    'qwen3:4b'
    """
    seen = {model}
    while model in aliases and aliases[model] not in seen:
        model = aliases[model]
        seen.add(model)
    return model


def _no_model(bundle: Endpoint, candidates: list[Candidate]) -> NoModelError:
    place = bundle.provider or str(bundle.url)
    passed = "".join(
        f"\n    {candidate.value} ({candidate.scope}, {candidate.origin}): {candidate.reason}"
        for candidate in candidates
        if candidate.value is not None
    )
    where = f"providers.{bundle.provider}.model, or " if bundle.provider else ""
    return NoModelError(
        f"no model for {place}" + (f"; passed over:{passed}" if passed else ""),
        hint=f"write one as {where}beside the setting that chose {place}",
        fields=(Field("model", None, "", "", None, tuple(candidates)),),
    )
