"""The values that a setting of an endpoint can have, one of each kind that anything can tell apart.

A decision and every policy see four things of an endpoint that was chosen freely: its provider, its URL, its model
and its API. Values that are treated alike by all of them lead to targets that are alike, so one stands for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmroute.catalog.models_data import MODELS
from llmroute.catalog.presets import PRESETS
from llmroute.proof.globs import Pattern, told_apart
from llmroute.proof.queries import frozen
from llmroute.routing.capabilities import capability
from llmroute.routing.check_places import places
from llmroute.routing.context import CLOUD_SUFFIXES
from llmroute.routing.endpoints import facts_of, reference
from llmroute.routing.spec import PARAMS, RoutingSpec
from llmroute.routing.urls import parse
from llmroute.routing.violations import matches

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping

    from llmroute.proof.exploration.interests import Interests
    from llmroute.routing.endpoints import Facts

ANY_MODEL = "any-model"
"""Stands for every model that nothing speaks of."""
ANY_URLS: Mapping[str, str] = {
    "local": "http://any.localhost/v1",
    "lan": "http://any.local/v1",
    "remote": "https://any.example/v1",
}
"""By locality: stands for every URL of that locality that nothing speaks of."""
APIS = ("openai-chat", "anthropic-messages", "ollama-chat", "mock")
_CLOUD = tuple(f"*{suffix}" for suffix in CLOUD_SUFFIXES)
_FILLINGS = ("x", "0.0.1", "0.1", "1", "0.0.0.1", "00::1", "x.example", "localhost", "6.0.1", "8.0.1")
"""What a star in the glob of a host may stand for, so that a host or an address comes out."""
_SILENT = frozenset({*PARAMS, "headers", "extra_body", "auth", "api_version", "transport", "allow_http", "limits"})
"""Settings of a provider that say nothing of where a call goes."""


class Home(NamedTuple):
    """A provider by its name, and all that are like it as far as anything can tell."""

    provider: str
    names: tuple[str, ...]


class Axes:
    """The representative values for one spec, each list made once."""

    def __init__(self, spec: RoutingSpec, asked: Interests) -> None:
        self.spec = spec
        self.asked = asked
        self._written = frozenset(_normal(spec))
        self.urls = list(self._urls())
        self.apis: tuple[str | None, ...] = (None, *APIS) if asked.apis else (None,)
        self._models: dict[str | None, tuple[str, ...]] = {}
        known = dict.fromkeys((*spec.providers, *PRESETS))
        self.homes = self._alike(known, at_home=True)
        self.elsewhere = self._alike(known, at_home=False)

    # -- providers

    def _alike(self, names: Iterable[str], *, at_home: bool) -> list[Home]:
        groups: dict[Hashable, list[str]] = {}
        for name in names:
            groups.setdefault(self._of_provider(name, at_home=at_home), []).append(name)
        return [Home(found[0], tuple(found)) for found in groups.values()]

    def _of_provider(self, name: str, *, at_home: bool) -> Hashable:
        """All that can make a difference of a provider; at another URL than its own that is less."""
        facts = facts_of(self.spec, name, None)
        declared, preset = facts.declared, facts.preset
        presets = preset.name if preset is not None else None
        fitted = tuple(matches([glob], name, presets) is not None for glob in self.asked.providers)
        api = facts.get("api") if self.asked.apis else None
        models = tuple(self.models(name)) if declared.models or declared.aliases else len(self.models(name))
        able = frozenset(self._of_model(facts, model) for model in self.models(name))
        if at_home:
            own = (
                name
                if name in self.spec.providers
                else parse(preset.base_url).locality
                if preset and preset.base_url
                else ""
            )
            hosts = (
                tuple(matches([glob], parse(preset.base_url).host) for glob in self.asked.hosts)
                if preset and preset.base_url
                else ()
            )
            return own, fitted, api, models, able, hosts
        said = frozen(
            declared, _SILENT | {"base_url", "api_key", "model", "purposes", "proxy", "regions", "preset", "api"}
        )
        return said, fitted, api, models, able

    # -- models

    def models(self, provider: str | None) -> tuple[str, ...]:
        """Models to ask a provider for, or a URL without one."""
        found = self._models.get(provider)
        if found is None:
            found = self._models[provider] = tuple(self._models_of(provider))
        return found

    def _models_of(self, provider: str | None) -> Iterator[str]:
        facts = facts_of(self.spec, provider, None) if provider is not None else None
        aliases = (facts.declared.aliases or {}) if facts else {}
        closed = facts.declared.models if facts else None
        if closed is not None:
            yield from dict.fromkeys((*closed, *aliases))
            return
        suffixes = facts.preset.quirks.get("cloud_model_suffixes", ()) if facts and facts.preset else ()
        cloud = dict.fromkeys((*_CLOUD, *(f"*{suffix}" for suffix in suffixes)))
        prefix = f"{provider}/" if provider is not None else ""
        patterns = [Pattern(glob, start) for glob in self.asked.models for start in dict.fromkeys(("", prefix))]
        patterns += map(Pattern, cloud)
        usual = [ANY_MODEL, f"{ANY_MODEL}{CLOUD_SUFFIXES[0]}", *(_plain(glob) for glob in self.asked.models)]
        names = told_apart(
            patterns, usual=usual, free=lambda name: bool(name.strip()) and name == name.strip() and name not in aliases
        )
        names += aliases
        if self.asked.abilities and facts is not None and facts.preset is not None:
            names += _catalogued(facts.preset.name)
        seen: set[Hashable] = set()
        for name in names:
            kind = name if name in aliases else self._of_model(facts, name)
            if kind not in seen:
                seen.add(kind)
                yield name

    def _of_model(self, facts: Facts | None, model: str) -> Hashable:
        """All that can make a difference of a model."""
        full = f"{facts.name}/{model}" if facts is not None else model
        fitted = tuple(matches([glob], model, full) is not None for glob in self.asked.models)
        able = tuple(_can(capability(facts, model, what), least) for what, least in self.asked.abilities)
        return fitted, able, model.lower().endswith(CLOUD_SUFFIXES)

    # -- URLs

    def _urls(self) -> Iterator[str]:
        written = [text for place in places(self.spec) if isinstance(text := place.values.get("base_url"), str)]
        vendors = [preset.base_url for preset in PRESETS.values() if preset.base_url] if self._looks_at_hosts else []
        hosts = [_plain(glob, filling) for glob in self.asked.hosts for filling in _FILLINGS]
        found = told_apart(map(Pattern, self.asked.hosts), free=_is_host) if self.asked.hosts else []
        made = (f"http://[{host}]/v1" if ":" in host else f"http://{host}/v1" for host in (*hosts, *found))
        seen: set[Hashable] = set()
        for text in (*ANY_URLS.values(), *made, *vendors, *written):
            kind = self.of_url(text)
            if kind is not None and kind not in seen:
                seen.add(kind)
                yield text

    @property
    def _looks_at_hosts(self) -> bool:
        return bool(self.asked.hosts or self.asked.providers)

    def of_url(self, text: str) -> Hashable | None:
        """All that can make a difference of a URL; None for a text that is none."""
        try:
            url = parse(text)
        except ValueError:
            return None
        fitted = tuple(matches([glob], url.host) is not None for glob in self.asked.hosts)
        vendors = [
            name for name, preset in PRESETS.items() if preset.base_url and parse(preset.base_url).host == url.host
        ]
        denied = tuple(matches([glob], *vendors) is not None for glob in self.asked.providers) if vendors else ()
        # A model belongs to what stands at the same URL, so each one that is written is of its own kind.
        own = str(url) if str(url) in self._written else ""
        return url.locality, fitted, denied if any(denied) and url.locality == "remote" else (), own

    def of_reference(self, text: str) -> Hashable:
        """All that can make a difference of a model on a scope, `provider/model` or bare."""
        found = reference(self.spec, text)
        facts = facts_of(self.spec, found[0], None) if found else None
        return found and found[0], self._of_model(facts, found[1] if found else text)


def _normal(spec: RoutingSpec) -> Iterator[str]:
    for place in places(spec):
        text = place.values.get("base_url")
        if isinstance(text, str) and "$" not in text:
            try:
                yield str(parse(text))
            except ValueError:
                continue  # `validate` says it


def _plain(glob: str, filling: str = "x") -> str:
    return glob.replace("*", filling).replace("?", "1" if filling[0].isdigit() else "x")


def _is_host(text: str) -> bool:
    try:
        return parse(f"http://{text}/").host == text
    except ValueError:
        return False


def _can(able: object, least: object) -> bool:
    if isinstance(able, int) and isinstance(least, int) and not isinstance(least, bool):
        return able >= least
    return bool(able)


def _catalogued(preset: str) -> list[str]:
    return [line.partition(" ")[0] for line in MODELS.get(preset, "").split("\n") if line]


def is_any(url: str) -> bool:
    """Whether a URL stands for all of its locality."""
    return any(str(parse(text)) == url for text in ANY_URLS.values())
