"""Base URLs: one parser, one normal form, and how far away a host is.

Whatever this parser refuses is refused everywhere: a URL that two programs read differently is how a prompt
leaves the machine.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from llmroute.catalog import addresses
from llmroute.routing.route import LOCALITIES, Locality

_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?)"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*)/*",
    re.IGNORECASE | re.ASCII,
)
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.ASCII)
"""The last label of a host that some programs read as an address (WHATWG URL, «ends in a number»)."""
_PORTS = {"http": 80, "https": 443, "mock": 0, "litellm": 0}
"""The schemes, each with its port. Two are no places: the mock, and whatever vendor LiteLLM reaches for a model."""
_NO_PLACE = frozenset({"mock", "litellm"})
_MAX_PORT = 65_535
_MAX_LABEL = 63
"""Characters between two dots of a host name (RFC 1035, 2.3.4)."""
_METADATA_NAME = "metadata.google.internal"
_HOST_ALIASES = frozenset({"host.docker.internal", "gateway.docker.internal", "host.containers.internal"})
_LAN_SUFFIXES = (".local", ".svc")


class Url(NamedTuple):
    """A base URL in normal form."""

    scheme: str
    host: str
    port: int
    path: str
    locality: Locality

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what a key is declared for."""
        return self.scheme, self.host, self.port

    @property
    def is_place(self) -> bool:
        """False for the mock, and for what LiteLLM finds by itself."""
        return self.scheme not in _NO_PLACE

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def most_remote(*localities: Locality) -> Locality:
    """The most remote of some localities.

    >>> most_remote("local", "remote", "lan")
    'remote'
    """
    return max(localities, key=LOCALITIES.index)


@lru_cache(maxsize=512)
def parse(text: str) -> Url:
    """Read a base URL.

    Raises ValueError, whose message says what is wrong and never repeats a user name or password.

    >>> str(parse("HTTPS://API.OpenAI.com:443/v1/"))
    'https://api.openai.com/v1'
    """
    match = _URL.fullmatch(text)
    if match is None or "/../" in f"{match['path']}/" or "/./" in f"{match['path']}/":
        raise ValueError(_complaint(text))
    scheme = match["scheme"].lower()
    if scheme not in _PORTS:
        raise ValueError(f"the scheme {scheme!r} is not supported: write http:// or https://")
    port = int(match["port"]) if match["port"] else _PORTS[scheme]
    if scheme not in _NO_PLACE and not 1 <= port <= _MAX_PORT:
        raise ValueError(f"port {port} is out of range: 1 to {_MAX_PORT}")
    host = match["host"].lower().strip("[]").rstrip(".")
    if not all(1 <= len(label) <= _MAX_LABEL for label in host.split(".")):
        raise ValueError(f"a part of the host name is empty or longer than {_MAX_LABEL} characters")
    if scheme in _NO_PLACE:
        return Url(scheme, host, port, match["path"], "local" if scheme == "mock" else "remote")
    host, locality = _classify(host)
    return Url(scheme, host, port, match["path"], locality)


def _complaint(text: str) -> str:
    """What is wrong with a text that is no base URL."""
    authority = text.partition("://")[2].partition("/")[0]
    if not text.isascii():
        return "a URL is written in ASCII; write an international host name in its xn-- form"
    if "://" not in text:
        return "it has no scheme: write http:// or https:// before the host"
    if "@" in authority:
        return "it holds a user name or password: put the key under api_key"
    if any(char.isspace() or char in '\\%<>"{}|^`' or not char.isprintable() for char in text):
        return "it holds a character that base URLs can't have (space, backslash, percent or control character)"
    if "?" in text or "#" in text:
        return "a base URL has no query and no fragment"
    return "it is not of the form http(s)://host[:port][/path]"


def _classify(host: str) -> tuple[str, Locality]:
    """The host in its canonical spelling, and its locality."""
    if host == _METADATA_NAME:
        raise ValueError(f"{host} is a cloud's metadata service")
    if host == "localhost" or host.endswith(".localhost"):
        return host, "local"
    if ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2]):
        return _classify_address(host)
    if "." not in host or host in _HOST_ALIASES or host.endswith(_LAN_SUFFIXES):
        return host, "lan"
    return host, "remote"


def _classify_address(host: str) -> tuple[str, Locality]:
    try:
        address = addresses.read(host)
    except ValueError as error:
        raise ValueError(
            f"{host} is an odd spelling of an address: write it as four numbers, or in brackets"
        ) from error
    if address.plain in addresses.METADATA:
        raise ValueError(f"{address.plain} is a cloud's metadata service")
    if not address.server:
        raise ValueError(f"{address.plain} is not the address of a server: did you mean 127.0.0.1?")
    return address.text, address.distance
