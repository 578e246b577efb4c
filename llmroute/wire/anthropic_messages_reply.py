"""Anthropic Messages: whole replies, in both directions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError, MalformedReplyError
from llmroute.wire import shape
from llmroute.wire.anthropic_messages_decode import block_of
from llmroute.wire.codec import ANTHROPIC
from llmroute.wire.faults import Failure, answer_object, from_error_object
from llmroute.wire.message import Message, Opaque, Part, Text, Thinking, ToolCall
from llmroute.wire.replies import finished_call, renamed_call
from llmroute.wire.reply import Reply, StopReason, Usage
from llmroute.wire.tools import call_ids, valid_id

if TYPE_CHECKING:
    from collections.abc import Mapping

STOP: dict[str, StopReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}
"""`stop_reason` of the API, and what it is here."""
_STOP_BACK: dict[StopReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
}
RAW = "_raw"
"""The name under which arguments that are no JSON object are written, if that is asked for."""
_FIELDS = frozenset({"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"})


def decode_reply(
    body: object,
    *,
    names: Mapping[str, str] | None = None,
    source: str = ANTHROPIC,
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
        raise MalformedReplyError(f"the answer is no message: {error}") from error


def _reply(row: Mapping[str, Any], names: Mapping[str, str], source: str) -> Reply:
    items = shape.as_array(row.get("content"), "/content")
    parts = [_renamed(block_of(item, f"/content/{i}", source), names) for i, item in enumerate(items)]
    has_calls = any(isinstance(part, ToolCall) for part in parts)
    stop_reason, warnings = stop_reason_of(row.get("stop_reason"), has_calls=has_calls, has_content=bool(parts))
    content = [finished_call(part, stop_reason) if isinstance(part, ToolCall) else part for part in parts]
    if stop_reason == "length" and content and isinstance(content[-1], ToolCall) and content[-1].arguments == "{}":
        # Servers write `{}` for arguments that were cut: the last call before the limit can't be known to be whole.
        content[-1] = replace(content[-1], complete=False)
    rest = {key: value for key, value in shape.rest(row, _FIELDS).items() if value is not None}
    return Reply(
        Message("assistant", tuple(part for part in content if not _is_empty(part))),
        stop_reason=stop_reason,
        stop_sequence=shape.optional(row, "stop_sequence", str, ""),
        usage=usage_of(row.get("usage")),
        model=shape.optional(row, "model", str, "") or "",
        id=shape.optional(row, "id", str, "") or "",
        warnings=warnings,
        extra={source: rest} if rest else {},
    )


def _renamed(part: Part, names: Mapping[str, str]) -> Part:
    return renamed_call(part, names) if isinstance(part, ToolCall) else part


def _is_empty(part: Part) -> bool:
    return isinstance(part, Text) and not part.text


def stop_reason_of(value: object, *, has_calls: bool, has_content: bool) -> tuple[StopReason, tuple[str, ...]]:
    """Why the model stopped, and what is strange about it.

    Raises:
        MalformedReplyError: there is no reason and no content either, or the turn is only paused.
    """
    ended: StopReason = "tool_calls" if has_calls else "stop"
    if value == "pause_turn":  # a server tool is at work: this is not the answer
        raise MalformedReplyError("the answer is paused (pause_turn), and going on is not supported")
    if value == "model_context_window_exceeded":
        return "length", ("stop_reason: the context window was full",)
    if isinstance(value, str) and value in STOP:
        known = STOP[value]
        return (ended if known in {"stop", "tool_calls"} else known), ()
    if isinstance(value, str) and value:
        return ended, (f"stop_reason: {value[:40]!r} is unknown and taken for {ended}",)
    if has_content:
        return ended, (f"stop_reason: absent, taken for {ended}",)
    raise MalformedReplyError("the answer has no content and no stop_reason")


def usage_of(value: object) -> Usage | None:
    """Token counts; the API counts cached input beside `input_tokens`, here it is part of it.

    >>> usage_of({"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 2})
    Usage(input_tokens=7, output_tokens=2, cached_tokens=4, cache_write_tokens=None, reasoning_tokens=None)
    """
    if not isinstance(value, dict):
        return None
    details = value.get("output_tokens_details")
    read, written = _count(value, "cache_read_input_tokens"), _count(value, "cache_creation_input_tokens")
    plain = _count(value, "input_tokens")
    usage = Usage(
        input_tokens=None if plain is None else plain + (read or 0) + (written or 0),
        output_tokens=_count(value, "output_tokens"),
        cached_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=_count(details, "thinking_tokens") if isinstance(details, dict) else None,
    )
    return None if usage == Usage() else usage


def _count(row: Mapping[str, Any], name: str) -> int | None:
    value = row.get(name)
    return value if type(value) is int and value >= 0 else None


def usage_to(usage: Usage | None) -> dict[str, Any]:
    """Token counts as the API writes them; what is unknown is null, never 0."""
    if usage is None:
        return {"input_tokens": None, "output_tokens": None}
    cached, written = usage.cached_tokens, usage.cache_write_tokens
    total = usage.input_tokens
    row: dict[str, Any] = {
        "input_tokens": None if total is None else max(0, total - (cached or 0) - (written or 0)),
        "output_tokens": usage.output_tokens,
    }
    if written is not None:
        row["cache_creation_input_tokens"] = written
    if cached is not None:
        row["cache_read_input_tokens"] = cached
    if usage.reasoning_tokens is not None:
        row["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return row


def stop_to(reply: Reply) -> dict[str, Any]:
    """`stop_reason` and `stop_sequence` of a reply."""
    reason = "stop_sequence" if reply.stop_sequence is not None else _STOP_BACK[reply.stop_reason]
    return {"stop_reason": reason, "stop_sequence": reply.stop_sequence}


def encode_reply(reply: Reply, *, model: str | None = None, raw_arguments: bool = False) -> dict[str, Any]:
    """A reply as a body; `model` is the name that the client asked for.

    Ids of tool calls that this API does not take are changed, each into another. With `raw_arguments`, arguments
    that are no JSON object (cut, or broken) are written as `{"_raw": TEXT}`.

    Raises:
        ConversionError: the arguments of a tool call are no JSON object, or a part has no word in this API.
    """
    ids = call_ids((reply.message,), valid_id)
    content = [
        _call(part, ids[part.id], f"/content/{i}", raw=raw_arguments)
        if isinstance(part, ToolCall)
        else _block(part, f"/content/{i}")
        for i, part in enumerate(reply.content)
    ]
    return {
        "id": reply.id,
        "type": "message",
        "role": "assistant",
        "model": reply.model if model is None else model,
        "content": content,
        **stop_to(reply),
        "usage": usage_to(reply.usage),
        **reply.extra.get(ANTHROPIC, {}),
    }


def _call(call: ToolCall, call_id: str, at: str, *, raw: bool) -> dict[str, Any]:
    try:
        arguments = call.parsed()
    except ConversionError as error:
        if not raw:
            raise ConversionError(error.message, pointer=f"{at}/arguments") from error
        arguments = {RAW: call.arguments}
    row = {"type": "tool_use", "id": call_id, "name": call.name, "input": arguments}
    return {**row, **call.extra.get(ANTHROPIC, {})}


def _block(part: Part, at: str) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text, **part.extra.get(ANTHROPIC, {})}
    if isinstance(part, Thinking) and part.redacted is not None:
        return {"type": "redacted_thinking", "data": part.redacted}
    if isinstance(part, Thinking):
        return {"type": "thinking", "thinking": part.text, "signature": part.signature or ""}
    if isinstance(part, Opaque) and part.api == ANTHROPIC:
        return dict(part.data)
    raise ConversionError(f"a {type(part).__name__} can't be written for {ANTHROPIC}", pointer=at)
