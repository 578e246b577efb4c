"""Ollama's own API, `/api/chat`: whole replies, read."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError, MalformedReplyError
from llmroute.wire import shape
from llmroute.wire.codec import OLLAMA
from llmroute.wire.faults import Failure, answer_object, from_error_object
from llmroute.wire.message import Message, Part, Text, Thinking, ToolCall
from llmroute.wire.ollama_chat_decode import call_of
from llmroute.wire.replies import answered, empty, provider
from llmroute.wire.reply import Reply, StopReason, Usage
from llmroute.wire.unknown import said

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING_ASKED = ("load", "unload")
"""Values of `done_reason` for requests without messages: the model was put into memory, or out of it."""
_ANSWER_FIELDS = frozenset({"model", "message", "done", "done_reason", "prompt_eval_count", "eval_count"})
MESSAGE = frozenset({"role", "content", "thinking", "tool_calls"})
"""The fields of a message that there is a word for."""
_NUM_KEEP = 4
"""So many tokens of its beginning a prompt keeps when it is cut, unless the option `num_keep` says otherwise."""


def decode_reply(
    body: object,
    *,
    names: Mapping[str, str] | None = None,
    source: str = OLLAMA,
    failure: Failure = from_error_object,
    options: Mapping[str, Any] | None = None,
) -> Reply:
    """The reply in a body: bytes or text that is parsed here, or parsed JSON.

    `names` are those of `Encoded`, `source` files fields that only this provider knows, `failure` makes the
    exception of an error object that came as a success. `options` are those of the request: with `num_ctx` in them
    a prompt that was cut shows (see `why_cut`).

    Raises:
        MalformedReplyError: the body is no reply.
        CallError: it is an error object.
    """
    row = answer_object(body, failure)
    try:
        return _reply(row, names or {}, source, options or {})
    except ConversionError as error:
        raise MalformedReplyError(f"the answer is no chat response: {error}") from error


def _reply(row: Mapping[str, Any], names: Mapping[str, str], source: str, options: Mapping[str, Any]) -> Reply:
    message = shape.as_object(row.get("message"), "/message")
    if row.get("done") is False:
        raise MalformedReplyError("the answer says that it is not done")
    content, lost = answered(_content(message, time_of(row), source), names)
    has_calls = any(isinstance(part, ToolCall) for part in content)
    stop_reason, strange = stop_reason_of(row.get("done_reason"), has_calls=has_calls, has_content=bool(content))
    usage = usage_of(row)
    rest, notes = said(shape.rest(message, MESSAGE)), notes_of(row)
    return Reply(
        Message("assistant", tuple(content), extra={source: rest} if rest else {}),
        stop_reason=stop_reason,
        usage=usage,
        model=shape.optional(row, "model", str, "") or "",
        warnings=(*strange, *lost, *empty(content, stop_reason), *why_cut(usage, options)),
        extra={source: notes} if notes else {},
    )


def _content(message: Mapping[str, Any], created_at: str, source: str) -> list[Part]:
    thinking = shape.optional(message, "thinking", str, "/message")
    text = shape.optional(message, "content", str, "/message")
    thoughts = [Thinking(thinking, source=provider(source, OLLAMA))] if thinking else []
    texts = [Text(text)] if text else []
    return [*thoughts, *texts, *calls_of(message, created_at, 0, source)]


def calls_of(message: Mapping[str, Any], created_at: str, before: int, source: str) -> list[ToolCall]:
    """The tool calls of a message; `before` calls came before it.

    Ids are a late addition to the API. A missing one is made of the time of the answer, so that no two answers of
    one conversation share an id.
    """
    calls = []
    for i, item in enumerate(shape.array(message, "tool_calls", "/message")):
        at = f"/message/tool_calls/{i}"
        row = shape.as_object(item, at)
        made = sha256(f"{created_at} {before + i}".encode("utf-8", "surrogatepass")).hexdigest()[:24]
        calls.append(call_of(row, shape.optional(row, "id", str, at) or f"call_{made}", at, source))
    return calls


def time_of(row: Mapping[str, Any]) -> str:
    """When the answer was made, as the server wrote it."""
    created_at = row.get("created_at")
    return created_at if isinstance(created_at, str) else ""


def notes_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer says beside the reply: when it was made, and how long each part of it took, in nanoseconds."""
    notes = said(shape.rest(row, _ANSWER_FIELDS))
    if row.get("done_reason") in NOTHING_ASKED:
        notes["done_reason"] = row["done_reason"]
    return notes


def stop_reason_of(value: object, *, has_calls: bool, has_content: bool) -> tuple[StopReason, tuple[str, ...]]:
    """Why the model stopped, and what is strange about it. An answer with tool calls ends with `stop`.

    Raises:
        MalformedReplyError: there is no reason, and no content either.
    """
    ended: StopReason = "tool_calls" if has_calls else "stop"
    if value == "length":
        return "length", ()
    if value == "stop":
        return ended, ()
    if value in NOTHING_ASKED:
        return ended, (f"done_reason: {value}: the request had no message, so nothing was answered",)
    if isinstance(value, str) and value:
        return ended, (f"done_reason: {value[:40]!r} is unknown and taken for {ended}",)
    if has_content:
        return ended, (f"done_reason: absent, taken for {ended}",)
    raise MalformedReplyError("the answer has no content and no done_reason")


def usage_of(row: Mapping[str, Any]) -> Usage | None:
    """Token counts; what is absent is None: Ollama leaves out a count of 0.

    >>> usage_of({"prompt_eval_count": 7, "eval_count": 2})
    Usage(input_tokens=7, output_tokens=2, cached_tokens=None, cache_write_tokens=None, reasoning_tokens=None)
    """
    counts = {"input_tokens": row.get("prompt_eval_count"), "output_tokens": row.get("eval_count")}
    known = {name: count for name, count in counts.items() if type(count) is int and count >= 0}
    return Usage(**known) if known else None


def why_cut(usage: Usage | None, options: Mapping[str, Any]) -> tuple[str, ...]:
    """A warning where the prompt is exactly as long as what Ollama cuts one to; nothing where `num_ctx` is not known.

    A prompt that is too long is cut without a word: to `num_ctx` tokens, or since 0.31 to half of them, the first
    `num_keep` and the last ones (`llm/llama_server.go`, `truncating input prompt`).

    >>> why_cut(Usage(input_tokens=2050), {"num_ctx": 4096})
    ('num_ctx: the prompt has 2050 tokens, to which Ollama cuts a longer one when num_ctx is 4096',)
    """
    window, keep = options.get("num_ctx"), options.get("num_keep", _NUM_KEEP)
    tokens = None if usage is None else usage.input_tokens
    if type(window) is not int or type(keep) is not int or tokens is None or window < 1:
        return ()
    half = keep + (window - keep) // 2
    # The token that begins a text may come on top, and the first token of the answer may take its place.
    if tokens not in {half, half + 1, window - 1} and tokens < window:
        return ()
    return (f"num_ctx: the prompt has {tokens} tokens, to which Ollama cuts a longer one when num_ctx is {window}",)
