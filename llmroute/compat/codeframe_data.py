"""The data of CodeFrame's provider interface, field by field as in `codeframe.adapters.llm.base`; its way to ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from llmroute.compat.bridge import Sums, arguments_of, from_anthropic
from llmroute.wire.chat import Finish, TextDelta, ThinkingDelta, ToolCallEnd, ToolCallStart

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmroute.compat.bridge import Types
    from llmroute.wire.chat import ChatRequest, Event, Reply

__all__ = [
    "LLMAuthError",
    "LLMConnectionError",
    "LLMError",
    "LLMModelNotFoundError",
    "LLMOverloadedError",
    "LLMRateLimitError",
    "LLMRequestRejectedError",
    "LLMResponse",
    "Message",
    "Purpose",
    "StreamChunk",
    "Tool",
    "ToolCall",
    "ToolResult",
]
ERRORS = {
    "": "LLMError",
    "auth": "LLMAuthError",
    "model": "LLMModelNotFoundError",
    **dict.fromkeys(("rate", "quota"), "LLMRateLimitError"),
    **dict.fromkeys(("connect", "ambiguous", "truncated", "malformed", "deadline"), "LLMConnectionError"),
    **dict.fromkeys(("server", "overload"), "LLMOverloadedError"),
    **dict.fromkeys(("request", "context", "refusal", "policy"), "LLMRequestRejectedError"),
}
"""Kinds of failure, and the exception of each; all others are the one under the empty string."""
STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


class LLMError(Exception):
    """A call failed; the cause is llmroute's own error."""


class LLMAuthError(LLMError):
    """The key is missing, or was refused."""


class LLMRateLimitError(LLMError):
    """Too many requests, or no credit left."""


class LLMConnectionError(LLMError):
    """The provider can't be reached, or broke off."""


class LLMModelNotFoundError(LLMError):
    """The provider does not have the model."""


class LLMOverloadedError(LLMError):
    """The provider failed, or is at its capacity."""


class LLMRequestRejectedError(LLMError):
    """The provider refuses this request."""


class Purpose(str, Enum):  # noqa: UP042 - as CodeFrame has it: a StrEnum prints differently
    """What a call is for."""

    PLANNING = "planning"
    EXECUTION = "execution"
    GENERATION = "generation"
    CORRECTION = "correction"
    SUPERVISION = "supervision"


@dataclass
class StreamChunk:
    """A piece of a stream: `text_delta`, `thinking_delta`, `tool_use_start`, `tool_use_stop` or `message_stop`."""

    type: str
    text: str | None = None
    tool_id: str | None = None
    tool_name: str | None = None
    tool_input: dict[str, Any] | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    stop_reason: str | None = None
    tool_inputs_by_id: dict[str, Any] | None = None


@dataclass
class ToolCall:
    """A tool that the model wants called."""

    id: str
    name: str
    input: dict[str, Any]


@dataclass
class ToolResult:
    """What a tool gave back."""

    tool_call_id: str
    content: str
    is_error: bool = False


@dataclass
class LLMResponse:
    """A whole answer."""

    content: str
    tool_calls: list[ToolCall] = field(default_factory=list)
    stop_reason: str = "end_turn"
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def has_tool_calls(self) -> bool:
        """Whether the model wants tools called."""
        return len(self.tool_calls) > 0


@dataclass
class Message:
    """One message of a conversation."""

    role: str
    content: str
    tool_calls: list[ToolCall] = field(default_factory=list)
    tool_results: list[ToolResult] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The message as the providers take it; empty lists are left out."""
        data = asdict(self)
        return {name: value for name, value in data.items() if value or name in {"role", "content"}}


@dataclass
class Tool:
    """A tool that the model may use."""

    name: str
    description: str
    input_schema: dict[str, Any]


def answered(reply: Reply, types: Types) -> LLMResponse:
    """An answer as CodeFrame has it."""
    calls = [types.make("ToolCall", id=call.id, name=call.name, input=arguments_of(call)) for call in reply.tool_calls]
    stop = STOP_REASONS.get(reply.stop_reason, reply.stop_reason)
    made = {"content": reply.text, "tool_calls": calls, "stop_reason": stop, "model": reply.model}
    response: LLMResponse = types.make("LLMResponse", **made, **Sums.of(reply)._asdict())
    return response


def chunk_of(event: Event, types: Types) -> StreamChunk | None:
    """An event as CodeFrame has it; None where it has no word for it."""
    made: dict[str, Any]
    match event:
        case TextDelta(text=str(text)) | ThinkingDelta(text=str(text)) if text:
            made = {"type": event.type, "text": text}
        case ToolCallStart():
            made = {"type": "tool_use_start", "tool_id": event.id, "tool_name": event.name, "tool_input": {}}
        case ToolCallEnd():
            made = {"type": "tool_use_stop"}
        case Finish(reply=reply):
            inputs = {call.id: arguments_of(call) for call in reply.tool_calls}
            stop = STOP_REASONS.get(reply.stop_reason, reply.stop_reason)
            made = {"stop_reason": stop, "tool_inputs_by_id": inputs, **Sums.of(reply)._asdict()}
            made["type"] = "message_stop"
        case _:
            return None
    chunk: StreamChunk = types.make("StreamChunk", **made)
    return chunk


def request_of(messages: Iterable[Any], tools: Iterable[Any] | None = None) -> ChatRequest:
    """Messages and tools, by way of the form of Anthropic's that CodeFrame's own is close to."""
    turns = [_turn(row if isinstance(row, Mapping) else row.to_dict()) for row in messages]
    return from_anthropic(turns, (tool if isinstance(tool, Mapping) else vars(tool) for tool in tools or ()))


def _turn(row: Mapping[str, Any]) -> dict[str, Any]:
    content = row.get("content") or []
    said = [content] if isinstance(content, str) else content
    blocks = [{"type": "text", "text": block} if isinstance(block, str) else block for block in said]
    calls = [{**call, "type": "tool_use"} for call in row.get("tool_calls") or ()]
    results = [
        {"type": "tool_result", "tool_use_id": result["tool_call_id"], "content": result["content"]}
        | ({"is_error": True} if result.get("is_error") else {})
        for result in row.get("tool_results") or ()
    ]
    return {"role": row["role"], "content": [*results, *blocks, *calls]}
