"""The base URL in a vendor's own environment variable, in the form that the vendor's client reads.

Only the form is translated here. There is one parser of base URLs (`llmroute.routing.urls`); it reads the
result, and refuses what is no URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmroute.catalog.preset import Preset

_OLLAMA_PORT = "11434"
_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - read, not bound to


def base_url_from_variable(preset: Preset, value: str) -> str:
    """The base URL that `value`, the content of the preset's own URL variable, stands for.

    Most variables hold the base URL itself. `OLLAMA_HOST` holds `[scheme://]host[:port][/path]`, and
    `AZURE_OPENAI_ENDPOINT` the resource without the path of its API.

    >>> from llmroute.catalog.presets import PRESETS
    >>> base_url_from_variable(PRESETS["ollama"], "0.0.0.0")
    'http://127.0.0.1:11434/v1'

    Raises:
        ValueError: the value is blank or no server's, or the preset has no such variable.

    """
    text = value.strip().strip("\"'").strip()
    if preset.base_url_variable is None:
        raise ValueError(f"the preset {preset.name!r} has no variable for its URL")
    if not text:
        raise ValueError("it is blank")
    if text.lower().startswith("mock://"):
        raise ValueError("it names a server: write http:// or https:// before the host")
    match preset.base_url_variable:
        case "OLLAMA_HOST":
            return _ollama(text)
        case "AZURE_OPENAI_ENDPOINT":
            return _azure(text)
        case _:
            return text


def _ollama(text: str) -> str:
    """The rules of Ollama's client (`envconfig.Host` and `ConnectableHost`), and its OpenAI-compatible path.

    Without a scheme the port is 11434; with one it is the scheme's own. An address to bind to (`0.0.0.0`,
    `[::]`) becomes the loopback one. Where Ollama falls back to its default for a bad port, the port stays as
    it is for the parser to refuse: a typo must not send a prompt to another server.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = ("https" if text == "ollama.com" else "http"), text
    authority, _, path = rest.partition("/")
    host, port = _split(authority)
    if not port and not separator and scheme == "http":
        port = _OLLAMA_PORT
    path = f"/{path}".rstrip("/").removesuffix("/v1")
    return f"{scheme}://{_LOOPBACK.get(host, host)}{port and f':{port}'}{path}/v1"


def _split(authority: str) -> tuple[str, str]:
    """Host and port; an IPv6 address gets the brackets that `OLLAMA_HOST` may leave out."""
    if authority.startswith("["):
        host, bracket, port = authority.partition("]")
        return f"{host}{bracket}", port.removeprefix(":")
    if authority.count(":") > 1:
        return f"[{authority}]", ""
    host, _, port = authority.partition(":")
    return host, port


def _azure(text: str) -> str:
    """The endpoint of a resource with the path of the v1 API, which takes the place of dated API versions."""
    resource = text.rstrip("/").removesuffix("/openai/v1").removesuffix("/openai")
    return f"{resource}/openai/v1"
