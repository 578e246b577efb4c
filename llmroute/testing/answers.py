"""Good answers and streams of the APIs, to be sent as they are or to be broken on the way.

A script is a list, so a stream that breaks is a slice: `[*good_stream(api, "Fo", "ur.")[:3], Reset()]` resets the
connection after `Fo`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from llmroute.testing.steps import answer, sse, stream

if TYPE_CHECKING:
    from llmroute.testing.steps import Step

OPENAI, ANTHROPIC, OLLAMA = "openai-chat", "anthropic-messages", "ollama-chat"
MODEL = "test-model"
"""What the answers say that they come from."""
Tools: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Tool calls: names and arguments."""


def good_answer(api: str, text: str = "Four.", tools: Tools | None = None) -> list[Step]:
    """A whole answer, with tool calls in it where `tools` has some."""
    return answer(200, whole(api, text, tools))


def good_stream(api: str, *texts: str) -> list[Step]:
    """A stream. Its steps: the head of the response, what comes before the text, each of `texts`, the rest, the end."""
    if api == OLLAMA:
        lines = [*map(_line, head(api)), *(_line(piece(api, text)) for text in texts), *map(_line, tail(api))]
        return stream(*lines, kind="application/x-ndjson")
    return stream(sse(*head(api)), *(sse(piece(api, text)) for text in texts), sse(*tail(api)))


def _line(row: Mapping[str, Any] | str) -> str:
    return f"{json.dumps(row)}\n"


def whole(api: str, text: str = "Four.", tools: Tools | None = None) -> dict[str, Any]:
    """The body of a whole answer."""
    return _WHOLE[known(api)](text, tools or {})


def head(api: str) -> list[dict[str, Any]]:
    """The payloads before the first text of a stream."""
    if known(api) == OPENAI:
        return [completion_chunk({"role": "assistant", "content": ""})]
    if api == OLLAMA:
        return [_ollama({"content": ""})]
    message = {**_message("", {}), "content": [], "stop_reason": None, "usage": {"input_tokens": 7, "output_tokens": 1}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    return [{"type": "message_start", "message": message}, block]


def piece(api: str, text: str) -> dict[str, Any]:
    """The payload of one piece of text."""
    if known(api) == OPENAI:
        return completion_chunk({"content": text})
    if api == OLLAMA:
        return _ollama({"content": text})
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


def tail(api: str) -> list[dict[str, Any] | str]:
    """The payloads after the last text of a stream."""
    if known(api) == OPENAI:
        return [completion_chunk({}, "stop"), {**completion_chunk({}), "choices": [], "usage": _COUNTED}, "[DONE]"]
    if api == OLLAMA:
        return [_ollama({"content": ""}, done=True)]
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
    """The API, if there are answers of it.

    Raises:
        ValueError: there are none.
    """
    if api not in _WHOLE:
        raise ValueError(f"there are answers of {', '.join(map(repr, _WHOLE))}, none of {api!r}")
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


def _ollama_whole(text: str, tools: Tools) -> dict[str, Any]:
    message: dict[str, Any] = {"content": text}
    if tools:
        message["tool_calls"] = [
            {"id": f"call_{i}", "function": {"name": name, "arguments": arguments}}
            for i, (name, arguments) in enumerate(tools.items(), 1)
        ]
    return _ollama(message, done=True)


def _ollama(message: Mapping[str, Any], *, done: bool = False) -> dict[str, Any]:
    """A line of Ollama's; the last one has the reason and the counts."""
    row = {
        "model": MODEL,
        "created_at": "2026-09-01T10:00:00Z",
        "message": {"role": "assistant", **message},
        "done": done,
    }
    return {**row, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 2} if done else row


_WHOLE: Mapping[str, Callable[[str, Tools], dict[str, Any]]] = {
    OPENAI: _completion,
    ANTHROPIC: _message,
    OLLAMA: _ollama_whole,
}
