"""The data of Hive's provider interface and its way to ours.

Field by field as in `framework.llm.provider` and `framework.llm.stream_events`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from llmroute.compat.bridge import Sums, arguments_of
from llmroute.wire import chat
from llmroute.wire.openai_chat import decode_request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmroute.compat.bridge import Types
    from llmroute.routing.route import Target

__all__ = [
    "FinishEvent",
    "LLMResponse",
    "ReasoningDeltaEvent",
    "ReasoningStartEvent",
    "StreamErrorEvent",
    "StreamEvent",
    "TextDeltaEvent",
    "TextEndEvent",
    "Tool",
    "ToolCallEvent",
    "ToolResult",
    "ToolResultEvent",
    "ToolUse",
]
JSON_PLEASE = "Please respond with a valid JSON object."
_JSON = chat.ResponseFormat("json_object")


@dataclass
class LLMResponse:
    """A whole answer; `cached_tokens` and `cache_creation_tokens` are parts of `input_tokens`."""

    content: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_creation_tokens: int = 0
    cost_usd: float = 0.0
    credits: float | None = None
    stop_reason: str = ""
    raw_response: Any = None


@dataclass
class Tool:
    """A tool that the model may use."""

    name: str
    description: str
    parameters: dict[str, Any] = field(default_factory=dict)
    produces_image: bool = False
    concurrency_safe: bool = False


@dataclass
class ToolUse:
    """A tool that the model wants called."""

    id: str
    name: str
    input: dict[str, Any]


@dataclass
class ToolResult:
    """What a tool gave back; `is_skill_content` keeps it from being left out."""

    tool_use_id: str
    content: str
    is_error: bool = False
    image_content: list[dict[str, Any]] | None = None
    is_skill_content: bool = False
    spillover_path: str | None = None


@dataclass(frozen=True)
class TextDeltaEvent:
    """More text; `snapshot` is all of it so far."""

    type: Literal["text_delta"] = "text_delta"
    content: str = ""
    snapshot: str = ""


@dataclass(frozen=True)
class TextEndEvent:
    """The text is whole."""

    type: Literal["text_end"] = "text_end"
    full_text: str = ""


@dataclass(frozen=True)
class ToolCallEvent:
    """A tool that the model wants called."""

    type: Literal["tool_call"] = "tool_call"
    tool_use_id: str = ""
    tool_name: str = ""
    tool_input: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ToolResultEvent:
    """What a tool gave back."""

    type: Literal["tool_result"] = "tool_result"
    tool_use_id: str = ""
    content: str = ""
    is_error: bool = False


@dataclass(frozen=True)
class ReasoningStartEvent:
    """The model begins to think."""

    type: Literal["reasoning_start"] = "reasoning_start"


@dataclass(frozen=True)
class ReasoningDeltaEvent:
    """More of what it thinks."""

    type: Literal["reasoning_delta"] = "reasoning_delta"
    content: str = ""


@dataclass(frozen=True)
class FinishEvent:
    """The answer is whole."""

    type: Literal["finish"] = "finish"
    stop_reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_creation_tokens: int = 0
    cost_usd: float = 0.0
    credits: float | None = None
    model: str = ""


@dataclass(frozen=True)
class StreamErrorEvent:
    """The stream failed; `recoverable`: another try may help."""

    type: Literal["error"] = "error"
    error: str = ""
    recoverable: bool = False


StreamEvent: TypeAlias = (
    TextDeltaEvent
    | TextEndEvent
    | ToolCallEvent
    | ToolResultEvent
    | ReasoningStartEvent
    | ReasoningDeltaEvent
    | FinishEvent
    | StreamErrorEvent
)


def about(reply: chat.Reply) -> dict[str, Any]:
    """What a response and the last event have in common; older versions of Hive have other names for some."""
    sums = Sums.of(reply)._asdict()
    return {"stop_reason": reply.stop_reason, "model": reply.model, "cache_read_tokens": sums["cached_tokens"], **sums}


def response_of(reply: chat.Reply, types: Types, **changes: Any) -> LLMResponse:
    """An answer as Hive has it; tool calls stand in `raw_response`, where Hive looks for them."""
    raw: dict[str, Any] = {"reply": reply}
    if calls := [{"id": call.id, "name": call.name, "input": arguments_of(call)} for call in reply.tool_calls]:
        raw["tool_calls"] = calls
    response: LLMResponse = types.make(
        "LLMResponse", **{"content": reply.text, "raw_response": raw, **about(reply), **changes}
    )
    return response


def tool_message(result: ToolResult) -> chat.Message:
    """A tool's result for the neutral conversation; the body of a skill is pinned."""
    images = [{"role": "user", "content": result.image_content}] if result.image_content else []
    shown = decode_request({"model": "", "messages": images}).request.messages
    parts = [chat.Text(result.content), *(part for message in shown for part in message.content)]
    part = chat.ToolResult(result.tool_use_id, tuple(parts), result.is_error, result.is_skill_content)  # type: ignore[arg-type]
    return chat.Message("tool", (part,))


def request_of(
    messages: Iterable[Any],
    system: Iterable[str | None],
    tools: Iterable[Tool] | None,
    response_format: dict[str, Any] | None = None,
    json_mode: bool = False,
) -> chat.ChatRequest:
    """Hive's messages, which are OpenAI's, as a request; `ToolResult`s and neutral messages may be among them."""
    form = decode_request({"model": "", "messages": [], "response_format": response_format}).request.response_format
    words = [*system, JSON_PLEASE if json_mode or form == _JSON else None]
    prompt = tuple(chat.Text(text) for text in words if text)
    rows = [message for row in messages for message in _messages(row)]
    offered = tuple(
        chat.Tool(tool.name, tool.description, {"type": "object", **tool.parameters}) for tool in tools or ()
    )
    instructions = (chat.Message("system", prompt),) if prompt else ()
    return chat.ChatRequest((*instructions, *rows), tools=offered, response_format=form)


def _messages(row: Any) -> tuple[chat.Message, ...]:
    """One message; none for an answer of an assistant that said nothing and called nothing."""
    if isinstance(row, chat.Message):
        return (row,)
    if not isinstance(row, Mapping):
        return (tool_message(row),)
    if row.get("role") == "assistant" and not row.get("content") and not row.get("tool_calls"):
        return ()
    return decode_request({"model": "", "messages": [dict(row)]}).request.messages


def fit(request: chat.ChatRequest, target: Target) -> chat.ChatRequest:
    """A JSON object without a schema is asked for in words alone where the API has no other way."""
    if request.response_format != _JSON or (
        target.api != "anthropic-messages" and not target.quirks.get("no_json_object")
    ):
        return request
    return replace(request, response_format=None)
