"""Values as YAML text: in one line, with quotes where they are needed."""

from __future__ import annotations

import json
import re
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?::[A-Za-z0-9_./-]+)*")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_SHORT = 0xFFFF


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
