"""A field that nobody knows, anywhere in a body, is sent on to Ollama; to other APIs it is lost, which is told."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.wire import ollama_chat
from llmroute.wire.chat import ChatRequest, Message, ToolCall, ToolResult, assistant, user
from llmroute.wire.codec import ANTHROPIC, OLLAMA, OPENAI
from llmroute.wire.conversion import convert

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = {"parameters", "arguments", "format"}
"""Objects that are data: nobody looks for fields in them."""
FIELD, VALUE = "x_unknown", {"deep": [1]}
CALL = {"id": "c", "function": {"name": "f", "arguments": {"x": 1}}}
BODY = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b", "tool_calls": [CALL]},
        {"role": "tool", "content": "r", "tool_name": "f", "tool_call_id": "c"},
        {"role": "user", "content": "d"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
    "options": {"seed": 1},
    "stream": False,
}


def objects(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        yield path
        for key, inner in value.items():
            if key not in DATA:
                yield from objects(inner, (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from objects(inner, (*path, i))


def with_field(path: tuple[str | int, ...]) -> dict[str, Any]:
    changed = deepcopy(BODY)
    place: Any = changed
    for key in path:
        place = place[key]
    place[FIELD] = VALUE
    return changed


PATHS = pytest.mark.parametrize("path", list(objects(BODY)), ids=lambda path: "/".join(map(str, path)) or "body")


@PATHS
def test_sent_on(path: tuple[str | int, ...]) -> None:
    body = with_field(path)
    assert convert(body, OLLAMA, OLLAMA) == (body, (), {})


@PATHS
@pytest.mark.parametrize("target", [OPENAI, ANTHROPIC])
def test_lost(path: tuple[str | int, ...], target: str) -> None:
    found = convert(with_field(path), OLLAMA, target)
    assert FIELD not in json.dumps(found.body)
    place = "".join(f"/{key}" for key in path)
    told = {loss.pointer for loss in found.losses} - {"/options/seed"}
    assert told == {place if path == ("options",) else f"{place}/{FIELD}"}


def test_fields_of_a_message_with_results() -> None:
    call = ToolCall("c", "f", "{}")
    extra = {OLLAMA: {"x": 1}, ANTHROPIC: {"y": 2}}
    results = Message("tool", (ToolResult("c", ()),), extra=extra)
    encoded = ollama_chat.encode_request(ChatRequest((user("a"), assistant(tool_calls=[call]), results)), model="m")
    assert encoded.body["messages"][-1]["x"] == 1
    assert [loss.pointer for loss in encoded.losses] == ["/messages/2/extra/y"]
