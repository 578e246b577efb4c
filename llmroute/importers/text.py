"""A draft as YAML: block style, a comment above what it speaks of, quotes where they are needed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.importers.draft import Draft

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?::[A-Za-z0-9_./-]+)*")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_SHORT = 0xFFFF
_LEAVES = frozenset({"extra_body", "headers", "capabilities", "require", "metadata"})
"""Mappings that are written in one line."""
_SECTIONS = ("providers", "defaults", "purposes", "agents", "clients", "env", "policies")


def spec_text(system: str, draft: Draft) -> str:
    """The spec with its comments."""
    head = [
        f"# Written by `llmroute import {system}` from {draft.source}.",
        "#   llmroute explain   who wins, and why?",
    ]
    if draft.left_out:
        head += ["#", "# Not carried over:", *(f"#   {row}" for row in draft.left_out)]
    lines = [*head, "", "version: 1"]
    for section in _SECTIONS:
        if section in draft.spec:
            lines += ["", *_entry(section, draft.spec[section], (section,), draft.notes)]
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Any, path: tuple[str, ...], notes: Mapping[tuple[str, ...], list[str]]) -> Iterator[str]:
    """The lines of one entry of a mapping."""
    indent = "  " * (len(path) - 1)
    yield from (f"{indent}# {note}" for note in notes.get(path, ()))
    if isinstance(value, dict) and value and path[-1] not in _LEAVES:
        yield f"{indent}{scalar(key)}:"
        for name, inner in value.items():
            yield from _entry(name, inner, (*path, name), notes)
    else:
        yield f"{indent}{scalar(key)}: {scalar(value) if isinstance(value, str) else flow(value)}"


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
