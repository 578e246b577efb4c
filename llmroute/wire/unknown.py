"""Fields that nobody knows, kept as they are; a stream sends them in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS = frozenset({"text", "data", "transcript"})
"""Names under which text comes in pieces: thoughts (OpenRouter, `reasoning_details`), audio (OpenAI)."""
_THOUGHT = "reasoning.text"


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
