"""Prompts and answers as the semantic conventions write them (`gen_ai.input.messages` and its kin); pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.chat import Document, Image, Text, Thinking, ToolCall, ToolResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.wire.chat import ChatRequest, Message, Part, Reply

_FINISH = {"tool_calls": "tool_call", "refusal": "content_filter"}


def request_content(request: ChatRequest) -> Iterator[tuple[str, str]]:
    """The attributes of what is asked, each as JSON text. The bytes of images and files are left out."""
    yield "gen_ai.input.messages", json.dumps([_message(message) for message in request.messages])
    if request.tools:
        rows = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters),
            }
            for tool in request.tools
        ]
        yield "gen_ai.tool.definitions", json.dumps(rows)


def reply_content(reply: Reply) -> str:
    """The value of `gen_ai.output.messages`."""
    finish = _FINISH.get(reply.stop_reason, reply.stop_reason)
    return json.dumps([{**_message(reply.message), "finish_reason": finish}])


def _message(message: Message) -> dict[str, Any]:
    return {"role": message.role, "parts": [_part(part) for part in message.content]}


def _part(part: Part) -> dict[str, Any]:
    match part:
        case Text(text) | Document(text=str(text)):
            return {"type": "text", "content": text}
        case Thinking(text):
            return {"type": "reasoning", "content": text}
        case ToolCall():
            return {"type": "tool_call", "id": part.id, "name": part.name, "arguments": _arguments(part)}
        case ToolResult():
            return {"type": "tool_call_response", "id": part.tool_call_id, "response": part.text}
        case Image() | Document():
            modality = "image" if isinstance(part, Image) else "document"
            return {"type": modality} if part.url is None else {"type": "uri", "modality": modality, "uri": part.url}
        case _:
            return {"type": "opaque"}


def _arguments(call: ToolCall) -> Any:
    try:
        return call.parsed()
    except ConversionError:
        return call.arguments
