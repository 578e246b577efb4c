"""Anthropic Messages: whole replies, read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError, MalformedReplyError
from llmroute.wire import shape
from llmroute.wire.anthropic_messages_decode import block_of
from llmroute.wire.codec import ANTHROPIC
from llmroute.wire.faults import Failure, answer_object, from_error_object
from llmroute.wire.message import Message, Part, Text, ToolCall
from llmroute.wire.replies import answered, empty, finished_calls
from llmroute.wire.reply import Reply, StopReason, Usage
from llmroute.wire.tools import ANSWER

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
    parts = [block_of(item, f"/content/{i}", source) for i, item in enumerate(items)]
    if row.get("stop_reason") == "max_tokens" and parts:
        parts[-1] = _cut(parts[-1], names)
    content, lost = answered([part for part in parts if not _is_empty(part)], names)
    has_calls = any(isinstance(part, ToolCall) for part in content)
    stop_reason, strange = stop_reason_of(row.get("stop_reason"), has_calls=has_calls, has_content=bool(parts))
    said = finished_calls(content, stop_reason)
    extra = {key: value for key, value in shape.rest(row, _FIELDS).items() if value is not None}
    extra |= unknown_stop(row.get("stop_reason"))
    return Reply(
        Message("assistant", said),
        stop_reason=stop_reason,
        stop_sequence=shape.optional(row, "stop_sequence", str, ""),
        usage=usage_of(row.get("usage")),
        model=shape.optional(row, "model", str, "") or "",
        id=shape.optional(row, "id", str, "") or "",
        warnings=(*strange, *lost, *empty(said, stop_reason)),
        extra={source: extra} if extra else {},
    )


def _cut(part: Part, names: Mapping[str, str]) -> Part:
    """The last part before the limit: servers write `{}` for arguments that were cut, so it can't be known to be whole.

    Of a call that stands for the answer nothing is left then.
    """
    if not isinstance(part, ToolCall) or part.arguments != "{}":
        return part
    return Text("") if names.get(part.name) == ANSWER else replace(part, complete=False)


def unknown_stop(value: object) -> dict[str, Any]:
    """A `stop_reason` that is not of the API, to be kept as it is.

    >>> unknown_stop("new"), unknown_stop("end_turn")
    ({'stop_reason': 'new'}, {})
    """
    return {"stop_reason": value} if isinstance(value, str) and value and value not in STOP else {}


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
