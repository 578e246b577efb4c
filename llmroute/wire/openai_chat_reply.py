"""OpenAI Chat Completions: whole replies, in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError, MalformedReplyError
from llmroute.wire import shape
from llmroute.wire.codec import OPENAI
from llmroute.wire.faults import Failure, answer_object, from_error_object
from llmroute.wire.message import Message, Opaque, Part, Text, Thinking, ToolCall
from llmroute.wire.openai_chat_decode import tool_calls
from llmroute.wire.replies import finished_call, renamed_call
from llmroute.wire.reply import Reply, StopReason, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

FINISH: dict[str, StopReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
"""`finish_reason` of the API, and what it is here."""
FINISH_BACK: dict[StopReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}
_ANSWER_FIELDS = frozenset({"id", "object", "created", "model", "choices", "usage"})
_MESSAGE_FIELDS = frozenset({
    "role", "content", "tool_calls", "reasoning_content", "reasoning", "refusal", "function_call", "annotations",
    "audio",
})  # fmt: skip


def decode_reply(
    body: object,
    *,
    names: Mapping[str, str] | None = None,
    source: str = OPENAI,
    failure: Failure = from_error_object,
) -> Reply:
    """The reply in a body: bytes or text that is parsed here, or parsed JSON.

    `names` are those of `Encoded`, `source` files fields that only this provider knows, `failure` makes the
    exception of an error object that came as a success.

    Raises:
        MalformedReplyError: the body is no reply.
        CallError: it is an error object.
    """
    row = answer_object(body, failure)
    try:
        return _reply(row, names or {}, source)
    except ConversionError as error:
        raise MalformedReplyError(f"the answer is no chat completion: {error}") from error


def _reply(row: Mapping[str, Any], names: Mapping[str, str], source: str) -> Reply:
    choices = shape.array(row, "choices", "")
    if not choices:
        raise MalformedReplyError("the answer has no choices")
    choice = shape.as_object(choices[0], "/choices/0")
    message = shape.as_object(choice.get("message"), "/choices/0/message")
    content, refused = _content(message, names, source)
    has_content, has_calls = bool(content), any(isinstance(part, ToolCall) for part in content)
    stop_reason, warnings = stop_reason_of(
        choice.get("finish_reason"), refused=refused, has_calls=has_calls, has_content=has_content
    )
    if len(choices) > 1:
        warnings += ("choices: only the first one is kept",)
    parts = tuple(finished_call(part, stop_reason) if isinstance(part, ToolCall) else part for part in content)
    rest = {key: value for key, value in shape.rest(message, _MESSAGE_FIELDS).items() if value is not None}
    unknown = {key: value for key, value in shape.rest(row, _ANSWER_FIELDS).items() if value is not None}
    return Reply(
        Message("assistant", parts, extra={source: rest} if rest else {}),
        stop_reason=stop_reason,
        usage=usage_of(row.get("usage")),
        model=shape.optional(row, "model", str, "") or "",
        id=shape.optional(row, "id", str, "") or "",
        warnings=warnings,
        extra={source: unknown} if unknown else {},
    )


def _content(message: Mapping[str, Any], names: Mapping[str, str], source: str) -> tuple[tuple[Part, ...], bool]:
    at = "/choices/0/message"
    parts: list[Part] = []
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thought, str):
        parts.append(Thinking(thought))
    text = message.get("content")
    if isinstance(text, list):
        rows = [shape.as_object(item, f"{at}/content/{i}") for i, item in enumerate(text)]
        texts = [(row.get("text") if row.get("type") == "text" else None) for row in rows]
        parts += [Text(t) if isinstance(t, str) else Opaque(OPENAI, row) for t, row in zip(texts, rows, strict=True)]
    elif text:
        parts.append(Text(shape.expect(text, str, f"{at}/content")))
    refusal = shape.optional(message, "refusal", str, at)
    if refusal:
        parts.append(Text(refusal))
    legacy = shape.optional(message, "function_call", dict, at)
    calls = shape.array(message, "tool_calls", at) or ([{"function": legacy}] if legacy else [])
    parts += [renamed_call(call, names) for call in tool_calls(calls, f"{at}/tool_calls", source)]
    return tuple(parts), bool(refusal)


def stop_reason_of(
    value: object, *, refused: bool, has_calls: bool, has_content: bool
) -> tuple[StopReason, tuple[str, ...]]:
    """Why the model stopped, and what is strange about it.

    Servers end an answer with tool calls with `stop` (Ollama, Gemini), or say nothing.

    Raises:
        MalformedReplyError: there is no reason, and no content either.
    """
    if refused:
        return "refusal", ()
    ended: StopReason = "tool_calls" if has_calls else "stop"
    if isinstance(value, str) and value in FINISH:
        known = FINISH[value]
        return (ended if known in {"stop", "tool_calls"} else known), ()
    if isinstance(value, str) and value:
        return ended, (f"finish_reason: {value[:40]!r} is unknown and taken for {ended}",)
    if has_calls or has_content:
        return ended, (f"finish_reason: absent, taken for {ended}",)
    raise MalformedReplyError("the answer has no content and no finish_reason")


def usage_of(value: object) -> Usage | None:
    """Token counts; what is absent or no count is None.

    >>> usage_of({"prompt_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}})
    Usage(input_tokens=7, output_tokens=2, cached_tokens=4, cache_write_tokens=None, reasoning_tokens=None)
    """
    if not isinstance(value, dict):
        return None
    inputs, outputs = value.get("prompt_tokens_details"), value.get("completion_tokens_details")
    counts = {
        "input_tokens": value.get("prompt_tokens"),
        "output_tokens": value.get("completion_tokens"),
        "cached_tokens": inputs.get("cached_tokens") if isinstance(inputs, dict) else None,
        "cache_write_tokens": inputs.get("cache_write_tokens") if isinstance(inputs, dict) else None,
        "reasoning_tokens": outputs.get("reasoning_tokens") if isinstance(outputs, dict) else None,
    }
    known = {name: count for name, count in counts.items() if type(count) is int and count >= 0}
    return Usage(**known) if known else None


def usage_to(usage: Usage | None) -> dict[str, Any] | None:
    """Token counts as the API writes them; None when the totals are not known: never 0 for unknown."""
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    row: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
    inputs = {"cached_tokens": usage.cached_tokens, "cache_write_tokens": usage.cache_write_tokens}
    known = {name: count for name, count in inputs.items() if count is not None}
    if known:
        row["prompt_tokens_details"] = known
    if usage.reasoning_tokens is not None:
        row["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return row


def encode_reply(reply: Reply, *, model: str | None = None, created: int = 0) -> dict[str, Any]:
    """A reply as a body; `model` is the name that the client asked for, `created` seconds since 1970."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.stop_reason == "refusal":
        message |= {"content": None, "refusal": reply.text}
    if reply.thinking:
        message["reasoning_content"] = reply.thinking
    if reply.tool_calls:
        message["tool_calls"] = [call_to(call) for call in reply.tool_calls]
    finish = FINISH_BACK[reply.stop_reason]
    body: dict[str, Any] = {
        "id": reply.id,
        "object": "chat.completion",
        "created": created,
        "model": reply.model if model is None else model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
    }
    usage = usage_to(reply.usage)
    return body if usage is None else {**body, "usage": usage}


def call_to(call: ToolCall) -> dict[str, Any]:
    """A tool call as the API writes it."""
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function, **call.extra.get(OPENAI, {})}
