"""OpenAI Chat Completions: `functions` and `function_call`, the words for tools before 2024, in today's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire import shape

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOP = frozenset({"functions", "function_call"})


def is_legacy(body: Mapping[str, Any]) -> bool:
    """Whether a request has one of the old words."""
    messages = body.get("messages")
    rows = [row for row in messages if isinstance(row, dict)] if isinstance(messages, list) else []
    old = any(row.get("role") == "function" or row.get("function_call") is not None for row in rows)
    return old or any(body.get(name) is not None for name in _TOP)


def upgraded(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same request in today's words; every message keeps its place.

    Raises:
        ConversionError: it has old and new words for the same, or a result of a function that nobody called.
    """
    row = {key: value for key, value in body.items() if key not in _TOP}
    for old, new in (("functions", "tools"), ("function_call", "tool_choice")):
        if body.get(old) is not None and body.get(new) is not None:
            raise ConversionError(f"{old} and {new} say the same; give one of them", pointer=f"/{old}")
    if body.get("functions") is not None:
        functions = shape.array(body, "functions", "")
        row["tools"] = [{"type": "function", "function": function} for function in functions]
    if body.get("function_call") is not None:
        choice = body["function_call"]
        row["tool_choice"] = {"type": "function", "function": choice} if isinstance(choice, dict) else choice
    row["messages"] = _messages(shape.as_array(body.get("messages"), "/messages"))
    return row


def original(body: Mapping[str, Any], pointer: str) -> str:
    """The place in the old words for one in today's.

    >>> original({"functions": []}, "/tools/0/function/name")
    '/functions/0/name'
    """
    if body.get("functions") is not None:
        pointer = re.sub(r"^/tools/(\d+)/function", r"/functions/\1", pointer)
    if body.get("function_call") is not None:
        pointer = re.sub(r"^/tool_choice(/function)?", "/function_call", pointer)
    found = re.match(r"/messages/(\d+)/tool_calls/0/function", pointer)
    if found and "function_call" in body["messages"][int(found[1])]:
        pointer = f"/messages/{found[1]}/function_call{pointer[found.end() :]}"
    return pointer


def _messages(items: list[Any]) -> list[Any]:
    """The messages; a call and its result share an id that is made from the place of the call."""
    result: list[Any] = []
    waiting = ""
    for i, item in enumerate(items):
        message = item
        if isinstance(item, dict) and item.get("function_call") is not None:
            waiting = f"call_{i}"
            call = {"id": waiting, "type": "function", "function": item["function_call"]}
            message = {key: value for key, value in item.items() if key != "function_call"} | {"tool_calls": [call]}
        elif isinstance(item, dict) and item.get("role") == "function":
            if not waiting:
                raise ConversionError("a result of a function that was not called", pointer=f"/messages/{i}")
            rest = {key: value for key, value in item.items() if key != "name"}
            message, waiting = {**rest, "role": "tool", "tool_call_id": waiting}, ""
        result.append(message)
    return result
