"""Values as YAML text, with quotes where they are needed: in one line, or each entry on a line of its own."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?::[A-Za-z0-9_./-]+)*")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_SHORT = 0xFFFF
_WIDTH = 100
"""An entry that is longer in one line has several."""


def flow(value: Any) -> str:
    """A value in one line.

    >>> flow({"a": [1, "b c"], "d": True})
    '{a: [1, "b c"], d: true}'
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        return quoted(value) if ":" in value else scalar(value)
    return json.dumps(value)


def scalar(text: str) -> str:
    r"""A text as YAML; JSON's quotes and escapes are YAML's, but for what it leaves unescaped.

    >>> scalar("llama3.1:8b"), scalar("no"), scalar("1.10"), scalar("a\u2028b")
    ('llama3.1:8b', '"no"', '"1.10"', '"a\\u2028b"')
    """
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else quoted(text)


def quoted(text: str) -> str:
    """A text in quotes, with nothing in it that YAML can't hold as it is."""
    return "".join(map(_shown, json.dumps(text, ensure_ascii=False)))


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\U{ord(char):08x}" if ord(char) > _SHORT else f"\\u{ord(char):04x}"


def block(value: Mapping[str, Any], indent: int = 0) -> str:
    """A mapping with each entry on a line of its own, and on several where one is too long.

    >>> print(block({"short": {"b": 1}, "long": {"c": ["x" * 50, "y" * 50]}}))
    short: {b: 1}
    long:
      c:
        - xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        - yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
    """
    margin = " " * indent
    return "\n".join(line for key, item in value.items() for line in _entry(f"{margin}{scalar(key)}:", item, indent))


def _entry(head: str, value: Any, indent: int) -> Iterator[str]:
    text = f"{head} {scalar(value) if isinstance(value, str) else flow(value)}"
    if len(text) <= _WIDTH or not value or not isinstance(value, dict | list):
        yield text
    elif isinstance(value, dict):
        inner = block(value, indent + 2)
        # The first entry of a mapping in a list stands beside the dash.
        yield f"{head} {inner.lstrip()}" if head.endswith("-") else f"{head}\n{inner}"
    else:
        yield head
        for item in value:
            yield from _entry(f"{' ' * (indent + 2)}-", item, indent + 2)
