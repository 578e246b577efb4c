"""Good answers and streams of both APIs, to be sent as they are or to be broken on the way.

A script is a list, so a stream that breaks is a slice: `[*good_stream(api, "Fo", "ur.")[:3], Reset()]` resets the
connection after `Fo`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from llmroute.testing.steps import answer, sse, stream

if TYPE_CHECKING:
    from llmroute.testing.steps import Step

OPENAI, ANTHROPIC = "openai-chat", "anthropic-messages"
MODEL = "test-model"
"""What the answers say that they come from."""
Tools: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Tool calls: names and arguments."""


def good_answer(api: str, text: str = "Four.", tools: Tools | None = None) -> list[Step]:
    """A whole answer, with tool calls in it where `tools` has some."""
    return answer(200, whole(api, text, tools))


def good_stream(api: str, *texts: str) -> list[Step]:
    """A stream. Its steps: the head of the response, what comes before the text, each of `texts`, the rest, the end."""
    return stream(sse(*head(api)), *(sse(piece(api, text)) for text in texts), sse(*tail(api)))


def whole(api: str, text: str = "Four.", tools: Tools | None = None) -> dict[str, Any]:
    """The body of a whole answer."""
    return (_message if known(api) == ANTHROPIC else _completion)(text, tools or {})


def head(api: str) -> list[dict[str, Any]]:
    """The payloads before the first text of a stream."""
    if known(api) == OPENAI:
        return [completion_chunk({"role": "assistant", "content": ""})]
    message = {**_message("", {}), "content": [], "stop_reason": None, "usage": {"input_tokens": 7, "output_tokens": 1}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    return [{"type": "message_start", "message": message}, block]


def piece(api: str, text: str) -> dict[str, Any]:
    """The payload of one piece of text."""
    if known(api) == OPENAI:
        return completion_chunk({"content": text})
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


def tail(api: str) -> list[dict[str, Any] | str]:
    """The payloads after the last text of a stream."""
    if known(api) == OPENAI:
        return [completion_chunk({}, "stop"), {**completion_chunk({}), "choices": [], "usage": _COUNTED}, "[DONE]"]
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]


def completion_chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    """One payload of a stream of `openai-chat`."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": [choice]}


def known(api: str) -> str:
    """The API, if it is one of the two.

    Raises:
        ValueError: it is neither.
    """
    if api not in {OPENAI, ANTHROPIC}:
        raise ValueError(f"there are answers of {OPENAI!r} and {ANTHROPIC!r}, none of {api!r}")
    return api


_COUNTED = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}


def _compact(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, separators=(",", ":"))


def _completion(text: str, tools: Tools) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text or None}
    if tools:
        message["tool_calls"] = [
            {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": _compact(arguments)}}
            for i, (name, arguments) in enumerate(tools.items(), 1)
        ]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if tools else "stop"}
    return {
        "id": "c-1",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [choice],
        "usage": _COUNTED,
    }


def _message(text: str, tools: Tools) -> dict[str, Any]:
    calls = [
        {"type": "tool_use", "id": f"call_{i}", "name": name, "input": arguments}
        for i, (name, arguments) in enumerate(tools.items(), 1)
    ]
    return {
        "id": "m-1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [*([{"type": "text", "text": text}] if text else []), *calls],
        "stop_reason": "tool_use" if tools else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": 2},
    }
