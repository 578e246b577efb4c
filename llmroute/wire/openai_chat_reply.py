"""OpenAI Chat Completions: whole replies, read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError, MalformedReplyError
from llmroute.wire import shape
from llmroute.wire.codec import OPENAI
from llmroute.wire.faults import Failure, answer_object, from_error_object
from llmroute.wire.message import Message, Opaque, Part, Text, Thinking, ToolCall
from llmroute.wire.openai_chat_decode_tools import tool_calls
from llmroute.wire.openai_chat_usage import usage_in, usage_of_timings
from llmroute.wire.replies import answered, empty, finished_calls, provider
from llmroute.wire.reply import Reply, StopReason
from llmroute.wire.unknown import said

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
ERROR = "error"
"""`finish_reason` of answers that broke (OpenRouter)."""
OTHERS = "choices: only the first one is kept"
REFUSAL = {"refusal": "field"}
"""Marks a text that stood in the field `refusal`, beside the content."""
SHOWN = frozenset({"annotations", "audio"})
"""Fields of a message that no request can send back: they stay with the reply."""
MESSAGE = SHOWN | {
    "role", "content", "tool_calls", "reasoning_content", "reasoning", "refusal", "function_call",
}  # fmt: skip
"""All fields of a message that are not kept to be sent back to its provider."""
_ANSWER = frozenset({"id", "object", "created", "model", "choices", "usage"})
_CHOICE = frozenset({"index", "message", "finish_reason", "usage"})


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
        return _reply(row, names or {}, source, failure)
    except ConversionError as error:
        raise MalformedReplyError(f"the answer is no chat completion: {error}") from error


def _reply(row: Mapping[str, Any], names: Mapping[str, str], source: str, failure: Failure) -> Reply:
    choices = shape.array(row, "choices", "")
    if not choices:
        raise MalformedReplyError("the answer has no choices")
    choice = shape.as_object(choices[0], "/choices/0")
    if choice.get("finish_reason") == ERROR:
        raise failure(choice)
    message = shape.as_object(choice.get("message"), "/choices/0/message")
    content, lost = answered(_content(message, source), names)
    stop_reason, strange = stop_reason_of(
        choice.get("finish_reason"),
        refused=bool(message.get("refusal")),
        has_calls=any(isinstance(part, ToolCall) for part in content),
        has_content=bool(content),
    )
    parts = finished_calls(content, stop_reason)
    warnings = (*strange, *lost, *empty(parts, stop_reason), *((OTHERS,) if len(choices) > 1 else ()))
    rest = _known(shape.rest(message, MESSAGE))
    extra = _extra(row, choice, message)
    word = choice.get("stop_reason")  # vLLM says which stop string it was
    return Reply(
        Message("assistant", parts, extra={source: rest} if rest else {}),
        stop_reason=stop_reason,
        stop_sequence=word if isinstance(word, str) and stop_reason == "stop" else None,
        usage=usage_in(row) or usage_of_timings(row.get("timings")),
        model=shape.optional(row, "model", str, "") or "",
        id=shape.optional(row, "id", str, "") or "",
        warnings=warnings,
        extra={source: extra} if extra else {},
    )


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def _extra(row: Mapping[str, Any], choice: Mapping[str, Any], message: Mapping[str, Any]) -> dict[str, Any]:
    """What there is no word for, and no request sends back: of the answer, its `choice` and its `message`."""
    inner = {
        "choice": said(shape.rest(choice, _CHOICE)) | unknown_finish(choice.get("finish_reason")),
        "message": said({name: message.get(name) for name in sorted(SHOWN)}),
    }
    return _known(shape.rest(row, _ANSWER)) | said(inner)


def unknown_finish(value: object) -> dict[str, Any]:
    """A `finish_reason` that the API does not have, to be kept as it is.

    >>> unknown_finish("eos"), unknown_finish("stop")
    ({'finish_reason': 'eos'}, {})
    """
    return {"finish_reason": value} if isinstance(value, str) and value and value not in FINISH else {}


def _content(message: Mapping[str, Any], source: str) -> list[Part]:
    at = "/choices/0/message"
    parts: list[Part] = []
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thought, str):
        parts.append(Thinking(thought, source=provider(source, OPENAI)))
    content = message.get("content")
    if isinstance(content, list):
        parts += [part_of(item, f"{at}/content/{i}", source) for i, item in enumerate(content)]
    elif content:
        parts.append(Text(shape.expect(content, str, f"{at}/content")))
    refusal = shape.optional(message, "refusal", str, at)
    if refusal:
        parts.append(Text(refusal, extra={OPENAI: REFUSAL}))
    legacy = shape.optional(message, "function_call", dict, at)
    calls = shape.array(message, "tool_calls", at) or ([{"function": legacy}] if legacy else [])
    return [*parts, *tool_calls(calls, f"{at}/tool_calls", source)]


def part_of(item: object, at: str, source: str) -> Text | Thinking | Opaque:
    """An item of content that is a list: Mistral tells thoughts so, as lists of texts."""
    row = shape.as_object(item, at)
    kind, text, thoughts = row.get("type"), row.get("text"), row.get("thinking")
    if kind == "text" and isinstance(text, str):
        return Text(text)
    if kind == "thinking" and isinstance(thoughts, list):
        texts = [shape.as_object(one, f"{at}/thinking/{i}").get("text") for i, one in enumerate(thoughts)]
        return Thinking("".join(text for text in texts if isinstance(text, str)), source=provider(source, OPENAI))
    return Opaque(OPENAI, row)


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
