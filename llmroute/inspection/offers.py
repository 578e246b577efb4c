"""What a person may try on the page: each variable and each argument with values out of the spec itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmroute.routing.scopes import ENV_SETTINGS, variables_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmroute.routing.spec import RoutingSpec

SETTINGS = ("model", "provider", "base_url")
"""What decides where a call goes."""


class Offer(NamedTuple):
    """A variable or an argument, and what it may hold."""

    kind: str
    """`env` or `argument`."""
    name: str
    purpose: str | None
    """The only purpose that it speaks of."""
    values: tuple[str | None, ...]
    """None: not set, where it is set now."""


def offers(
    spec: RoutingSpec, environ: Mapping[str, str], args: Mapping[str, object], seen: Iterable[tuple[str, str]]
) -> Iterator[Offer]:
    """What there is to try, the most telling first.

    `seen` are the targets of answers, as name and URL, the most frequent first.
    """
    values = _values(spec, list(seen))
    for setting in SETTINGS:
        for name in reversed(variables_of(spec.env, setting)):
            yield Offer("env", name, None, _other(values[setting], environ.get(name)))
        now = args.get(setting)
        yield Offer("argument", setting, None, _other(values[setting], now if isinstance(now, str) else None))
    for setting in SETTINGS[:2]:
        for purpose in spec.purposes:
            for name in reversed(variables_of(spec.env, setting, purpose)):
                yield Offer("env", name, purpose, _other(values[setting], environ.get(name)))


def variables(spec: RoutingSpec) -> list[str]:
    """All variables of the env layer, keys aside."""
    settings = [name for name in ENV_SETTINGS if name != "api_key"]
    return [
        name
        for purpose in (None, *spec.purposes)
        for setting in settings
        for name in variables_of(spec.env, setting, purpose)
    ]


def _other(values: tuple[str, ...], now: str | None) -> tuple[str | None, ...]:
    """The values that a variable does not hold now."""
    unset = (None,) if now else ()
    return (*unset, *(value for value in values if value != now))


def _values(spec: RoutingSpec, seen: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Per setting the values that the spec knows."""
    models = dict.fromkeys(name for name, _ in seen if " " not in name)
    for provider, written in spec.providers.items():
        own = (written.model, *(written.models or ()), *(each.model for each in (written.purposes or {}).values()))
        models |= dict.fromkeys(f"{provider}/{model}" for model in own if model is not None and "${" not in model)
    urls = dict.fromkeys(url for _, url in seen)
    return {"model": tuple(models), "provider": tuple(spec.providers), "base_url": tuple(urls)}
