"""The variables that the spec's own texts hold, and those of the vendors: what they can be set to.

A text with several variables is varied by one of them at a time, over an environment that fills in the others: what
can be reached by two at once can be reached by one, because a base URL has one host, and a model one provider.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from llmroute.catalog.presets import PRESETS, base_url_from_variable
from llmroute.proof.exploration.axes import ANY_MODEL, ANY_URLS, Axes
from llmroute.routing.check_places import places
from llmroute.routing.endpoints import facts_of
from llmroute.routing.interpolation import interpolate, variables
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from llmroute.routing.check_places import Place

Path = tuple[str | int, ...]
_STOP_GAPS = ("", "x", "8000", "http", "localhost")
"""What may stand beside the variable that is varied, so that a URL comes out."""
_MOST_BESIDE = 3


class Text(NamedTuple):
    """A text of the spec in which variables stand, or the variable of a vendor."""

    path: Path
    kind: str
    """`url`, `model` (of a provider), `reference` (a scope's model), `provider`, `fallback`, `vendor` or `other`."""
    text: str
    preset: str | None = None
    """Whose variable it is, for `vendor`."""
    provider: str | None = None
    """Whose text it is."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables in it."""
        return tuple(dict.fromkeys(variables(self.text)))


class Variation(NamedTuple):
    """Variables that put one text into one kind of value."""

    text: Text
    environ: Mapping[str, str]


def texts(axes: Axes) -> list[Text]:
    """Every text of a spec that a variable can change."""
    return [*_written(axes), *_vendors(axes)]


def _written(axes: Axes) -> Iterator[Text]:
    for place in places(axes.spec):
        for path, text in place.texts():
            if variables(text) and path[-1] != "api_key":
                yield Text(path, _kind(place, path), text, provider=_owner(place))
    for name, declared in axes.spec.providers.items():
        for purpose, own in (declared.purposes or {}).items():
            if own.model is not None and variables(own.model):
                yield Text(("providers", name, "purposes", purpose, "model"), "model", own.model, provider=name)


def _owner(place: Place) -> str | None:
    return str(place.path[1]) if place.path[0] == "providers" else None


def _kind(place: Place, path: Path) -> str:
    if path[-1] == "base_url":
        return "url"
    if path[-1] == "provider":
        return "provider"
    if path[-1] == "model" and "headers" not in path and "extra_body" not in path:
        return "model" if place.kind == "provider" or "provider" in place.values else "reference"
    return "fallback" if path[-2:-1] == ("fallbacks",) else "other"


def _vendors(axes: Axes) -> Iterator[Text]:
    """The URL variables of vendors, for the providers that obey them."""
    for name in dict.fromkeys((*axes.spec.providers, *PRESETS)):
        facts = facts_of(axes.spec, name, None)
        preset = facts.preset
        if preset and preset.base_url_variable and facts.declared.base_url is None and facts.declared.api_key is None:
            text = f"${{{preset.base_url_variable}}}"
            yield Text(("providers", name), "vendor", text, preset.name, name)


def filled(axes: Axes, found: list[Text], *, far: bool) -> dict[str, str]:
    """An environment in which every text can be read: with what it needs, or `far`: with all URLs remote."""
    environ: dict[str, str] = {}
    order = ("url", "provider", "reference", "model", "fallback", "other", "vendor")
    for text in sorted(found, key=lambda text: order.index(text.kind)):
        if text.kind == "vendor":
            own = PRESETS[text.preset].base_url if text.preset else ""
            if far and (not own or parse(own).locality != "remote"):
                environ.setdefault(text.variables[0], ANY_URLS["remote"])
        elif far and text.kind == "url":
            wanted = next(
                (row for row in variations(axes, text, environ) if _locality(text, environ, row) == "remote"), None
            )
            environ |= {
                name: value for name, value in (wanted.environ if wanted else {}).items() if name not in environ
            }
        if interpolate(text.text, environ).missing and text.kind != "vendor":
            row = next(iter(variations(axes, text, environ)), None)
            environ |= {name: value for name, value in (row.environ if row else {}).items() if name not in environ}
    return environ


def _locality(text: Text, environ: Mapping[str, str], row: Variation) -> str:
    return parse(interpolate(text.text, {**environ, **row.environ}).text).locality


def variations(axes: Axes, text: Text, environ: Mapping[str, str]) -> Iterator[Variation]:
    """What a text can become, one variable of it changed at a time; one row for each kind of value."""
    seen: set[Hashable] = set()
    for name in text.variables:
        for fragment in _fragments(axes, text):
            for beside in _completed(text, {**environ, name: fragment}):
                row = {name: fragment, **beside}
                kind = _outcome(axes, text, interpolate(text.text, {**environ, **row}).text)
                if kind is not None and kind not in seen:
                    seen.add(kind)
                    yield Variation(text, row)


def _completed(text: Text, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment as it is, where it fills in the text; else with some values for what is missing."""
    missing = interpolate(text.text, environ).missing[:_MOST_BESIDE]
    for values in product(_STOP_GAPS[1:], repeat=len(missing)):
        yield dict(zip(missing, values, strict=True))


def _fragments(axes: Axes, text: Text) -> Iterator[str]:
    """Values of a variable, as a whole or as a part of such a text."""
    if text.kind in ("url", "vendor"):
        whole = axes.urls
        yield from whole
        if text.kind == "url":
            hosts = [url.partition("://")[2].partition("/")[0] for url in whole]
            yield from (form.format(host) for form in ("{}", "{}/", ".{}", "{}:8000", "x.{}") for host in hosts)
            yield from _STOP_GAPS[1:]
    elif text.kind == "model":
        yield from axes.models(text.provider)
    elif text.kind in ("provider", "reference", "fallback"):
        if text.kind != "provider":
            yield from (f"{home.provider}/{model}" for home in axes.homes for model in axes.models(home.provider))
            yield from axes.models(None)
        yield from (home.provider for home in axes.homes)
    else:
        yield "x"


def _outcome(axes: Axes, text: Text, value: str) -> Hashable | None:
    """The kind of value that a text has become; None where it is of no use."""
    if text.preset is not None:
        try:
            return axes.of_url(base_url_from_variable(PRESETS[text.preset], value))
        except ValueError:
            return None
    if text.kind == "url":
        return axes.of_url(value)
    if text.kind == "other":
        return "any"
    return (text.kind, axes.of_reference(value)) if value.strip() else None


__all__ = ["ANY_MODEL", "Text", "Variation", "filled", "texts", "variations"]
