"""Providers, and settings of theirs, that never take effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmroute.catalog.presets import PRESETS
from llmroute.proof.findings.dead_fallbacks import covers, denied_provider
from llmroute.proof.findings.dead_setting import dead
from llmroute.routing.check_places import Place
from llmroute.routing.endpoints import is_known, reference
from llmroute.routing.interpolation import interpolate
from llmroute.routing.models import followed
from llmroute.routing.route import EMPTY
from llmroute.routing.spec import PARAMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmroute.proof.findings.dead_setting import Dead
    from llmroute.routing.spec import Provider, RoutingSpec


class _Named(NamedTuple):
    """What a spec names, by itself."""

    providers: set[str]
    models: set[str]


def dead_providers(spec: RoutingSpec, everywhere: Sequence[Place]) -> Iterator[Dead]:
    """What is dead among the providers of a spec."""
    named = _named(spec, everywhere)
    for name, provider in spec.providers.items():
        yield from _never_called(spec, name, provider, named)
        yield from _last_resorts(spec, name, provider)
        yield from _aliases(spec, name, provider, named)


def _never_called(spec: RoutingSpec, name: str, provider: Provider, named: _Named) -> Iterator[Dead]:
    path = ("providers", name)
    preset = provider.preset or name
    names = (name, *((preset,) if preset in PRESETS else ()))
    anywhere = Place("scope", ("defaults",), EMPTY)
    # The fallbacks of a provider that is left out are asked in its place: so it has an effect.
    for number, policy in enumerate(() if provider.fallbacks else spec.policies):
        if not policy.warn and covers(policy, anywhere) and (what := denied_provider(policy, names)):
            reason = f"the policy {policy.name} leaves it out for every call: {what}"
            yield dead(spec, "provider", path, reason, by=("policies", number), key=True)
            return
    if name not in named.providers:
        yield dead(spec, "provider", path, "nothing in the spec chooses it", outside=True, key=True)


def _last_resorts(spec: RoutingSpec, name: str, provider: Provider) -> Iterator[Dead]:
    """A provider's own parameters stand below the defaults, which speak in every call."""
    for param in PARAMS:
        if getattr(provider, param) is not None and getattr(spec.defaults, param) is not None:
            reason = f"defaults has {param} too, and a provider's own parameters are the last resort"
            yield dead(spec, "setting", ("providers", name, param), reason, by=("defaults", param))


def _aliases(spec: RoutingSpec, name: str, provider: Provider, named: _Named) -> Iterator[Dead]:
    aliases: Mapping[str, str] = provider.aliases or EMPTY
    circles = {alias for alias in aliases if _in_a_circle(aliases, alias)}
    for alias in aliases:
        path = ("providers", name, "aliases", alias)
        end = followed(aliases, alias)
        if provider.models is not None and end not in provider.models:
            reason = f"it leads to {end}, which is not in the provider's list of models: asking for it is an error"
            yield dead(spec, "alias", path, reason, by=("providers", name, "models"), key=True)
        elif alias not in named.models and alias not in aliases.values():
            yield dead(spec, "alias", path, "nothing in the spec asks for it", outside=True, key=True)
    for index, model in enumerate(provider.models or ()):
        if model in aliases and model not in circles:
            reason = f"an alias sends {aliases[model]} wherever it is asked for"
            by = ("providers", name, "aliases", model)
            yield dead(spec, "model", ("providers", name, "models", index), reason, by=by)


def _in_a_circle(aliases: Mapping[str, str], alias: str) -> bool:
    """Whether the aliases behind one lead back to it."""
    model, left = aliases[alias], len(aliases)
    while model != alias and model in aliases and left:
        model, left = aliases[model], left - 1
    return model == alias


def _named(spec: RoutingSpec, everywhere: Sequence[Place]) -> _Named:
    """What the texts of a spec name, variables at their defaults."""
    named = _Named(set(), set())
    for place in everywhere:
        if place.kind != "provider":
            named.providers.add(_text(place.values.get("provider")))
        _note(spec, named, _text(place.values.get("model")))
        for entry in place.values.get("fallbacks") or ():
            if isinstance(entry, str):
                _note(spec, named, _text(entry))
    for provider in spec.providers.values():
        named.models.update(_text(own.model) for own in (provider.purposes or EMPTY).values())
    return named


def _note(spec: RoutingSpec, named: _Named, text: str) -> None:
    """A model, a provider with its model, or a provider alone, as it stands in a list of fallbacks."""
    provider, model = reference(spec, text) or (text if is_known(spec, text) else "", text)
    named.providers.add(provider)
    named.models.update((text, model))


def _text(text: str | None) -> str:
    found = interpolate(text or "", EMPTY)
    return "" if found.missing else found.text.strip()
