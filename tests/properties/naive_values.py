"""The naive resolver's reading of single values: variables, keys, numbers, URLs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.properties.naive_scopes import NUMBERS, Refused, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

DISTANCE = ("local", "lan", "remote")
NO_KEY = {"source": "none", "status": "none"}


class Unusable(Refused):
    """A value that can't be used: the error of the query, unless nobody needs the value."""

    def __init__(self) -> None:
        super().__init__("bad-environment")


class Reader:
    """Reads what is written, in one environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = {name: value for name, value in environ.items() if value.strip()}

    def text(self, scope: Scope, setting: str) -> str:
        """A setting with its variables filled in, unless it is to be taken as it is."""
        written: str = scope.says[setting]
        return written if scope.verbatim else self.expand(written)

    def expand(self, written: str) -> str:
        """A text of the file, its variables filled in."""

        def value(match: re.Match[str]) -> str:
            found = self.environ.get(match[1]) or match[2]
            if not found:
                raise Unusable
            return found

        return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", value, written)

    def key(self, written: str) -> dict[str, str]:
        """How a key of the file is reported: `${VAR}`, `${VAR:-default}` or a literal."""
        match = re.fullmatch(r"\$\{(\w+)(?::-(.*))?\}", written)
        if match is None or (match[1] not in self.environ and match[2]):
            return self.key_given()
        if match[1] not in self.environ and match[2] == "":
            return NO_KEY
        return self.key_in(match[1])

    def key_in(self, variable: str) -> dict[str, str]:
        """How a key in a variable is reported."""
        return {"source": f"env:{variable}", "status": "set" if variable in self.environ else "missing"}

    def key_given(self) -> dict[str, str]:
        """How a key that was written out is reported."""
        return {"source": "inline", "status": "set"}


def number(name: str, speaker: Scope) -> Any:
    """A parameter; a variable that holds no number is refused."""
    value = speaker.says[name]
    if speaker.layer != "env":
        return value
    try:
        return NUMBERS[name](value)
    except ValueError:
        raise Refused("bad-environment") from None


def farther(one: str, other: str) -> bool:
    """Whether one locality is more remote than the other."""
    return DISTANCE.index(one) > DISTANCE.index(other)


def normal(url: str) -> str:
    """Scheme and host in lower case, the port written out, no trailing slash."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unusable
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path.rstrip('/')}"


def origin(url: str) -> str:
    """Scheme, host and port of a URL in normal form."""
    return "/".join(url.split("/")[:3])


def class_of(url: str) -> str:
    """Where a host stands; only the hosts that the strategies use need be told apart."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.startswith("127."):
        return "local"
    return "lan" if host.startswith(("10.", "192.168.")) else "remote"


def fits(globs: list[str], name: str) -> bool:
    """Whether a name fits one of the globs: `*` is any text, `?` one character; case does not count."""
    patterns = [re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".") for glob in globs]
    return any(re.fullmatch(pattern, name, re.IGNORECASE | re.DOTALL) for pattern in patterns)
