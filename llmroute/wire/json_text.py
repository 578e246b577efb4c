"""JSON text inside of JSON: the arguments of tool calls."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from llmroute.errors import ConversionError
from llmroute.wire import shape

_BROKEN = object()


def parse_object(text: str, what: str, at: str) -> dict[str, Any]:
    """JSON text that must be an object, with no name twice; blank text is `{}`.

    Raises:
        ConversionError: it is not; the message never quotes the text.
    """
    if not text.strip():
        return {}
    try:
        value = json.loads(text, object_pairs_hook=unique, parse_constant=no_constant)
    except (ValueError, RecursionError):
        value = _BROKEN
    if value is _BROKEN:  # raised out here: the original exception holds the text
        raise ConversionError(f"{what} are no valid JSON", pointer=at)
    if not isinstance(value, dict):
        raise ConversionError(f"{what} must be an object, not {shape.kind_of(value)}", pointer=at)
    return value


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object with a name twice, of which Python would keep the last."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return result


def no_constant(name: str) -> NoReturn:
    """Refuse `NaN` and `Infinity`, which Python would take."""
    raise ValueError(f"{name} is no JSON number")


def arguments_text(value: object, at: str) -> str:
    """Arguments as text: some servers send the object itself, or nothing.

    Raises:
        ConversionError: it is neither.
    """
    if value is None:
        return ""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return shape.expect(value, str, at)
