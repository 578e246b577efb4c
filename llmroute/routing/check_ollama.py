"""Context windows that Ollama is not told of: it cuts a longer prompt without a word.

Its `/v1` takes no `num_ctx`; the window there is that of the Modelfile, of the server's `OLLAMA_CONTEXT_LENGTH`, or a
default (Ollama, `docs/context-length.mdx`). Its own API takes `options.num_ctx`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.catalog.presets import PRESETS
from llmroute.routing.endpoints import reference
from llmroute.routing.report import report
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmroute.routing.check_places import Place
    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.spec import Provider, RoutingSpec

DEFAULT_WINDOW = 4096
"""What Ollama loads a model with on machines with less than 24 GiB of video memory."""
VARIABLE = "OLLAMA_CONTEXT_LENGTH"
"""Sets the window of a server; in the environment of the program it says what the server was started with."""
PORT = 11434
OWN_API = "ollama-chat"


def of_servers(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that say how a server was started, and nothing of what a program asks for.

    >>> of_servers({"OLLAMA_CONTEXT_LENGTH": "32768", "LLMROUTE_MODEL": "m"})
    {'OLLAMA_CONTEXT_LENGTH': '32768'}
    """
    return {VARIABLE: environ[VARIABLE]} if VARIABLE in environ else {}


def windows(spec: RoutingSpec, everywhere: Sequence[Place], environ: Mapping[str, str]) -> Iterator[Diagnostic]:
    """The places that count on a window of an Ollama which was never told of it."""
    told = [place for place in everywhere if _num_ctx(place.values) is not None]
    for place in everywhere:
        name = _name(spec, place)
        declared = spec.providers.get(name)
        if not _is_ollama(place, name, declared):
            continue
        api = place.values.get("api") or (declared.api if declared is not None else None)
        if api in {None, "openai-chat"} and place in told:
            message = "Ollama's /v1 takes no num_ctx, so this is not obeyed"
            path = (*place.path, "extra_body", "options", "num_ctx")
            yield report(spec.source, "context-not-set", message, path, hint=f"write `api: {OWN_API}` beside it")
        elif place.kind == "provider":
            yield from _declared(spec, place, api, _of_server(environ), elsewhere=any(one != place for one in told))


def _declared(
    spec: RoutingSpec, place: Place, api: str | None, of_server: int, *, elsewhere: bool
) -> Iterator[Diagnostic]:
    """A provider whose declared window is larger than what it is given."""
    declared = place.values.get("capabilities")
    wanted = declared.context_window if declared is not None else None
    if wanted is None or wanted <= of_server:
        return
    message = f"Ollama's /v1 can't be told of this window: a prompt of more than {of_server} tokens is cut there"
    if api == OWN_API:
        given = _num_ctx(place.values)
        if (given is None and elsewhere) or (given is not None and given >= wanted):
            return
        message = f"num_ctx is {given}: a longer prompt is cut"
        if given is None:
            message = f"no num_ctx is given: a prompt of more than {of_server} tokens is cut"
    hint = f"write `api: {OWN_API}` and `extra_body: {{options: {{num_ctx: {wanted}}}}}`"
    path = (*place.path, "capabilities", "context_window")
    yield report(spec.source, "context-not-set", message, path, hint=f"{hint}, or set {VARIABLE} for both sides")


def _name(spec: RoutingSpec, place: Place) -> str:
    """The provider that a place is, or names; empty where it names none."""
    if place.kind == "provider":
        return str(place.path[1])
    found = reference(spec, place.values.get("model") or "")
    return str(place.values.get("provider") or (found[0] if found else ""))


def _is_ollama(place: Place, name: str, declared: Provider | None) -> bool:
    preset = declared.preset if declared is not None and declared.preset is not None else name
    if preset == PRESETS["ollama"].name:
        return True
    url = place.values.get("base_url") or (declared.base_url if declared is not None else None)
    try:
        return url is not None and "$" not in url and parse(url).port == PORT
    except ValueError:
        return False


def _num_ctx(values: Mapping[str, Any]) -> int | None:
    options = (values.get("extra_body") or {}).get("options")
    given = options.get("num_ctx") if isinstance(options, dict) else None
    return given if type(given) is int else None


def _of_server(environ: Mapping[str, str]) -> int:
    given = environ.get(VARIABLE, "").strip()
    return int(given) if given.isascii() and given.isdecimal() else DEFAULT_WINDOW
