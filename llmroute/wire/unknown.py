"""Fields that nobody knows, kept as they are; a stream sends them in pieces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

_TEXTS = frozenset({"text", "data", "transcript"})
"""Names under which text comes in pieces: thoughts (OpenRouter, `reasoning_details`), audio (OpenAI)."""
_THOUGHT = "reasoning.text"


Known: TypeAlias = Mapping[str, "Known"]
"""Names that a codec has words for, each with those of the object that it names."""


def known(*names: str, **inner: Known) -> Known:
    """Names without an object, and names with one."""
    return {name: inner.get(name, {}) for name in (*names, *inner)}


def unknown(row: Mapping[str, Any], names: Known) -> dict[str, Any]:
    """The fields that a codec has no word for, those of inner objects under their names; nulls say nothing.

    >>> unknown({"type": "image", "x": 1, "source": {"url": "u", "y": 2}}, known("type", source=known("url")))
    {'x': 1, 'source': {'y': 2}}
    """
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name not in names:
            found |= {} if value is None else {name: value}
        elif isinstance(value, dict) and names[name] and (inner := unknown(value, names[name])):
            found[name] = inner
    return found


def united(row: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """A row with more fields; those that are objects on both sides are united.

    >>> united({"a": 1, "b": {"c": 2}}, {"b": {"d": 3}})
    {'a': 1, 'b': {'c': 2, 'd': 3}}
    """
    result = dict(row)
    for name, value in more.items():
        mine = result.get(name)
        result[name] = united(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return result


def said(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say something.

    >>> said({"a": None, "b": [], "c": {}, "d": 0})
    {'d': 0}
    """
    return {name: value for name, value in row.items() if value not in (None, [], {})}


def gather(into: dict[str, Any], row: Mapping[str, Any]) -> None:
    """Add the fields of a delta to those of the deltas before it; nulls say nothing.

    Lists are continued, objects are united, of other values the last one holds.

    >>> kept = {"id": 1, "steps": [1]}
    >>> gather(kept, {"id": 2, "steps": [2], "none": None})
    >>> kept
    {'id': 2, 'steps': [1, 2]}
    """
    for name, value in row.items():
        old = into.get(name)
        if isinstance(old, list) and isinstance(value, list):
            _continue(old, value)
        elif isinstance(old, dict) and isinstance(value, dict):
            gather(old, value)
        elif name in _TEXTS and isinstance(old, str) and isinstance(value, str):
            into[name] = old + value
        elif value is not None:
            into[name] = value


def _continue(old: list[Any], new: list[Any]) -> None:
    """More items; a piece of a thought goes on with the thought before it.

    OpenRouter takes `reasoning_details` back in their order, with the pieces of a text joined, and what is
    encrypted or a summary as it came.
    """
    for item in new:
        if old and _is_thought(item) and _is_thought(old[-1]) and item.get("index") == old[-1].get("index"):
            gather(old[-1], item)
        else:
            old.append(item)


def _is_thought(item: object) -> bool:
    return isinstance(item, dict) and item.get("type") == _THOUGHT
