"""Which local server and which model are meant: what was typed, what was last used, what answers here."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NoReturn

import click

from llmroute.catalog.presets import PRESETS
from llmroute.cli.failures import FAILED
from llmroute.cli.found import LOCAL_PORTS, Found, local_servers, usable
from llmroute.cli.output import error, note, visible
from llmroute.dispatch.overrides import Saved, usable_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmroute.adapters.model_lists import Model

LIMIT_S = 5.0
"""How long a server may take to say which models it has."""
_BARE_URL = re.compile(r"(localhost|(\d{1,3}\.){3}\d{1,3}|\[[0-9A-Fa-f:.]+\])(:\d*)?(/.*)?")
"""What may stand without a scheme before it: no model has such a name."""


def read_words(words: Sequence[str]) -> tuple[str | None, str | None]:
    """URL and model of what was typed, in any order.

    Raises:
        UsageError: two of one kind, or a URL that can't be used.
    """
    urls = [word for word in words if _is_url(word)]
    names = [word for word in words if not _is_url(word)]
    if len(urls) > 1 or len(names) > 1:
        raise click.UsageError("name one URL and one model at the most; a URL with another machine's name has http://")
    return (read_url(urls[0]) if urls else None), (names[0] if names else None)


def _is_url(word: str) -> bool:
    return "://" in word or _BARE_URL.fullmatch(word) is not None


def read_url(text: str) -> str:
    """A base URL as it was typed: `http://` and the path `/v1` may be left out.

    Raises:
        UsageError: it is none, or leads to the internet.
    """
    text = (text if "://" in text else f"http://{text}").rstrip("/")
    if "/" not in text.partition("://")[2]:
        text += "/v1"
    try:
        return usable_url(text)
    except ValueError as problem:
        raise click.UsageError(f"that URL can't be used: {problem}") from None


def chosen(known: Saved | None, url: str | None, model: str | None, api_key_env: str | None) -> Saved:
    """What is to be switched on; `known` is what was last used. Where nothing can be found the command exits."""
    if url is None and known is None:
        return _detected(model, api_key_env)
    if known is not None and url in (None, known.base_url):
        kept = known._replace(enabled=True, api_key_env=api_key_env or known.api_key_env)
        return kept if model is None else kept._replace(model=model)
    place = url or ""
    return Saved(place, model or _first_model(place, api_key_env), api_key_env)


def _detected(model: str | None, api_key_env: str | None) -> Saved:
    """The first server that answers here, and has the model where one is asked for."""
    found = list(local_servers())
    if not found:
        _nobody()
    first = next((one for one in found if model in one.models), None) if model else None
    first = first or next((one for one in found if one.model), found[0])
    others = [f"{one.preset} ({_url(one)})" for one in found if one is not first]
    if others:
        note(visible(f"also here: {', '.join(others)}"))
    name = model or first.model
    if name is None:
        _no_model(_url(first), first.preset)
    if name not in first.models:
        note(visible(f"{first.preset} does not list it: {PRESETS[first.preset].model_hint.replace('{model}', name)}"))
    return Saved(_url(first), name, api_key_env)


def _url(found: Found) -> str:
    return PRESETS[found.preset].base_url


def _first_model(url: str, api_key_env: str | None) -> str:
    models = models_at(url, api_key_env, "name the model to switch it on all the same: llmroute local on URL MODEL")
    name = usable(model.name for model in models if model.facts.get("chat") is not False)
    if name is None:
        _no_model(url)
    if len(models) > 1:
        note("llmroute local list shows its other models, llmroute local model NAME chooses one")
    return name


def models_at(url: str, api_key_env: str | None, hint: str) -> tuple[Model, ...]:
    """The models of the server at a URL; where it does not say them the command exits, with the hint."""
    from llmroute.dispatch.model_lists import ask
    from llmroute.errors import LLMRouteError
    from llmroute.load import from_mapping
    from llmroute.routing.override import LocalOverride
    from llmroute.routing.provider_targets import ANY_MODEL
    from llmroute.routing.resolve import resolve
    from llmroute.routing.route import Query

    query = Query(override=LocalOverride(url, ANY_MODEL, api_key_env))
    try:
        target = resolve(from_mapping({"version": 1}), query, dict(os.environ)).target
        return ask(target, None, LIMIT_S)
    except LLMRouteError as failure:
        _fail(str(getattr(failure, "message", failure)), f"{getattr(failure, 'hint', '') or 'is it running?'}\n{hint}")


def offers(url: str | None, known: Saved | None) -> Iterator[tuple[str, list[str]]]:
    """URL and names of models: of the server that is named or was last used, else of all that answer here."""
    place = url or (known.base_url if known is not None else None)
    if place is not None:
        key = known.api_key_env if known is not None and known.base_url == place else None
        names = [model.name for model in models_at(place, key, "llmroute local list URL asks another server")]
        yield place, names
        return
    found = list(local_servers())
    if not found:
        _nobody()
    for one in found:
        yield _url(one), list(one.models)


def _nobody() -> NoReturn:
    ports = ", ".join(map(str, LOCAL_PORTS.values()))
    starts = " or ".join(PRESETS[name].start_hint for name in ("ollama", "llamacpp"))
    message = f"no local server answers on this machine's ports {ports}"
    _fail(message, f"start one ({starts}), or name it: llmroute local on URL MODEL")


def _no_model(url: str, preset: str = "ollama") -> NoReturn:
    how = PRESETS[preset].model_hint.replace("{model}", "NAME")
    message = f"the server at {url} has no model to chat with"
    _fail(message, f"get one ({how}), or name it: llmroute local on URL MODEL")


def _fail(message: str, hint: str) -> NoReturn:
    error(message, hint)
    click.get_current_context().exit(FAILED)
