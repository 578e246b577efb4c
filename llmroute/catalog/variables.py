"""The base URL in a vendor's own environment variable, in the form that the vendor's client reads.

Pure: the value is passed in. A message never repeats the value: people paste keys into the wrong variable.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from llmroute.catalog.preset import Preset

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65535
_OLLAMA_PORT = 11434
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?\.?")
_UNSPECIFIED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not bound to


def base_url_from_variable(preset: Preset, value: str) -> str:
    """The base URL, in normal form, that `value` of the preset's own URL variable stands for.

    Most variables hold the base URL itself. `OLLAMA_HOST` holds `[scheme://]host[:port][/path]`, and
    `AZURE_OPENAI_ENDPOINT` the resource without the path of its API.

    Raises:
        ValueError: the value is no such URL, or the preset has no variable; the message names it.

    """
    variable = preset.base_url_variable
    if variable is None:
        raise ValueError(f"the preset {preset.name!r} has no variable for its URL")
    text = value.strip().strip("\"'").strip()
    try:
        _refuse_parts(text)
        if variable == "OLLAMA_HOST":
            return _ollama(text)
        if variable == "AZURE_OPENAI_ENDPOINT":
            return _azure(text)
        return _parse(text).url()
    except ValueError as error:
        raise ValueError(f"{variable} is no base URL: {error}") from None


class _Parts(NamedTuple):
    scheme: str
    host: str
    """Lower case; an IPv6 address without its brackets."""
    port: int | None
    path: str
    """Empty, or starting with a slash and not ending with one."""

    def url(self) -> str:
        """The URL in normal form."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port in (None, _DEFAULT_PORTS[self.scheme]) else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def _refuse_parts(text: str) -> None:
    if not text:
        raise ValueError("it is empty")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("it holds characters that a URL can't have")
    if "@" in text:
        raise ValueError("it holds a user name or a password, and a key belongs into the key variable")
    if "?" in text or "#" in text:
        raise ValueError("it holds a query or a fragment")


def _parse(text: str) -> _Parts:
    try:
        parts = urlsplit(text)
    except ValueError:  # its message may quote the host
        raise ValueError("the host is no IP address") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("it does not start with http:// or https://")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(f"the port is no number from 1 to {_MAX_PORT}")
    return _Parts(parts.scheme, _host(parts.hostname or ""), port, parts.path.rstrip("/"))


def _host(host: str) -> str:
    if ":" not in host and not re.fullmatch(r"[0-9.]+", host):
        if not _HOST_NAME.fullmatch(host):
            raise ValueError("the host is missing or no host name")
        return host
    from ipaddress import ip_address

    if "%" in host:
        raise ValueError("an address with a zone can't stand in a base URL")
    try:
        return str(ip_address(host))
    except ValueError:
        raise ValueError("the host is no IP address") from None


def _ollama(text: str) -> str:
    """The rules of Ollama's client (`envconfig.Host`, `ConnectableHost`), and its OpenAI-compatible path.

    Without a scheme the port is 11434; with one it is the scheme's own. An address to bind to (`0.0.0.0`,
    `::`) becomes the loopback one. Where Ollama falls back to its default for a bad port, this is an error: a
    typo must not send a prompt to another server.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        bare_vendor = text.rstrip("/").lower() == "ollama.com"
        scheme, rest = ("https" if bare_vendor else "http"), text
    authority, slash, path = rest.partition("/")
    if authority.count(":") > 1 and not authority.startswith("["):
        authority = f"[{authority}]"
    if not authority or authority.startswith(":"):
        authority = f"127.0.0.1{authority}"
    parts = _parse(f"{scheme}://{authority}{slash}{path}")
    default_port = _DEFAULT_PORTS[parts.scheme] if separator or scheme == "https" else _OLLAMA_PORT
    return parts._replace(
        host=_UNSPECIFIED.get(parts.host, parts.host),
        port=parts.port or default_port,
        path=f"{parts.path.removesuffix('/v1')}/v1",
    ).url()


def _azure(text: str) -> str:
    """The endpoint of a resource with the path of the v1 API, which takes the place of dated API versions."""
    parts = _parse(text)
    return parts._replace(
        path=f"{parts.path.removesuffix('/openai/v1').removesuffix('/openai')}/openai/v1"
    ).url()
