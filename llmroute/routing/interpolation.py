"""`${VAR}` in values: one small grammar, applied once, after the YAML was read.

    ${NAME}            the variable; an error (for a key: `missing`) where it is unset or blank
    ${NAME:-default}   the variable, or the default where it is unset or blank
    $$                 a dollar

What a variable holds is never read as YAML and never expanded again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(r"\$(?:\$|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^${}]*))?\}|(?P<bad>))")


class Interpolated(NamedTuple):
    """A text with its variables filled in."""

    text: str
    variables: tuple[str, ...] = ()
    """The variables that supplied a part of the text."""
    missing: tuple[str, ...] = ()
    """The variables that are unset or blank and have no default; `text` is of no use then."""
    blank: bool = False
    """Whether only a variable without a value, and with an empty default, was asked for."""


def syntax_error(text: str) -> str:
    """What is wrong with the `$` in a text; empty if nothing is.

    >>> syntax_error("${A:-b} costs $$5")
    ''
    """
    for match in _TOKEN.finditer(text):
        if match["bad"] is not None:
            rest = text[match.start() : match.start() + 2]
            return f"{rest!r} begins no variable: write ${{NAME}} or ${{NAME:-default}}, and $$ for a dollar"
    return ""


def variables(text: str) -> tuple[str, ...]:
    """The names of the variables in a text, in order.

    >>> variables("${A}/${B:-c}")
    ('A', 'B')
    """
    return tuple(match["name"] for match in _TOKEN.finditer(text) if match["name"])


def interpolate(text: str, environ: Mapping[str, str]) -> Interpolated:
    """Fill in the variables of a text; an empty or blank variable counts as unset.

    >>> interpolate("http://${HOST:-localhost}:${PORT}", {"PORT": "80"}).text
    'http://localhost:80'
    """
    if "$" not in text:
        return Interpolated(text)
    used: list[str] = []
    missing: list[str] = []

    def fill(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return "$"
        value = environ.get(name, "")
        if value.strip():
            used.append(name)
            return value
        if match["default"] is None:
            missing.append(name)
        return match["default"] or ""

    filled = _TOKEN.sub(fill, text)
    return Interpolated(filled, tuple(used), tuple(missing), blank=not filled.strip() and not missing)
