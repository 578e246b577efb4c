"""Oracle's generative AI inference, format `COHERE`: replies and streams, read."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError, MalformedReplyError, TruncatedStreamError
from llmroute.wire import shape
from llmroute.wire.assembly import Assembly
from llmroute.wire.codec import OCI
from llmroute.wire.faults import Failure, from_error_object, parse
from llmroute.wire.json_text import arguments_text
from llmroute.wire.message import Message, Part, Text, ToolCall
from llmroute.wire.oci_generic import error_row, usage_row
from llmroute.wire.openai_chat_usage import usage_of
from llmroute.wire.replies import answered, empty
from llmroute.wire.reply import Reply, StopReason
from llmroute.wire.unknown import said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmroute.wire.events import Event
    from llmroute.wire.sse import ServerSentEvent

_FINISH: dict[str, StopReason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "TOOL_CALL": "stop",
    "MAX_TOKENS": "length",
    "ERROR_TOXIC": "content_filter",
}
_FAILED = {"ERROR": 500, "USER_CANCEL": 500, "ERROR_LIMIT": "context_length_exceeded"}
"""Reasons to end that are failures, and the code that says which."""
_RESULT = frozenset({"modelId", "chatResponse"})
_ANSWER = frozenset({
    "apiFormat", "text", "finishReason", "toolCalls", "usage", "chatHistory", "prompt", "errorMessage", "pad", "index",
})  # fmt: skip
_DONE = "[DONE]"


def decode_reply(
    body: Mapping[str, Any],
    *,
    names: Mapping[str, str] | None = None,
    source: str = OCI,
    failure: Failure = from_error_object,
) -> Reply:
    """The reply in a `ChatResult`.

    Raises:
        MalformedReplyError: it is none.
        CallError: it says that it failed; what `failure` makes of it.
    """
    try:
        row = shape.as_object(body.get("chatResponse"), "/chatResponse")
        text = shape.optional(row, "text", str, "/chatResponse") or ""
        parts: list[Part] = [Text(text)] if text else []
        content, lost = answered([*parts, *calls_of(row)], names or {})
        has_calls = any(isinstance(part, ToolCall) for part in content)
        ended, strange = _ended(row, failure, has_calls=has_calls, has_content=bool(content))
        rest = {**shape.rest(body, _RESULT), **shape.rest(row, _ANSWER)}
        return Reply(
            Message("assistant", tuple(content)),
            stop_reason=ended,
            usage=usage_of(usage_row(row.get("usage"))),
            model=shape.optional(body, "modelId", str, "") or "",
            warnings=(*strange, *lost, *empty(content, ended)),
            extra={source: kept} if (kept := said(rest)) else {},
        )
    except ConversionError as error:
        raise MalformedReplyError(f"the answer is no chat result: {error}") from error


def calls_of(row: Mapping[str, Any], before: int = 0) -> list[ToolCall]:
    """The tool calls of an answer. The API knows no ids: they are made of what is called, and of what was said."""
    calls = []
    seed = f"{row.get('text')} {len(shape.array(row, 'chatHistory', ''))}"
    for i, item in enumerate(shape.array(row, "toolCalls", "/toolCalls")):
        call = shape.as_object(item, f"/toolCalls/{i}")
        name = shape.text(call, "name", f"/toolCalls/{i}")
        arguments = arguments_text(call.get("parameters"), f"/toolCalls/{i}/parameters")
        made = sha256(f"{before + i} {name} {arguments} {seed}".encode("utf-8", "surrogatepass")).hexdigest()[:24]
        calls.append(ToolCall(f"call_{made}", name, arguments or "{}"))
    return calls


def _ended(
    row: Mapping[str, Any], failure: Failure, *, has_calls: bool, has_content: bool
) -> tuple[StopReason, tuple[str, ...]]:
    """Why the model stopped, and what is strange about it.

    Raises:
        MalformedReplyError: there is no reason, and no content either.
        CallError: it failed.
    """
    reason = row.get("finishReason")
    ended: StopReason = "tool_calls" if has_calls else "stop"
    if reason in _FAILED:
        raise failure({"error": {"code": _FAILED[reason], "message": row.get("errorMessage") or reason}})
    if isinstance(reason, str) and reason in _FINISH:
        return (ended if _FINISH[reason] == "stop" else _FINISH[reason]), ()
    if isinstance(reason, str) and reason:
        return ended, (f"finishReason: {reason[:40]!r} is unknown and taken for {ended}",)
    if has_content:
        return ended, (f"finishReason: absent, taken for {ended}",)
    raise MalformedReplyError("the answer has no content and no finishReason")


class StreamDecoder:
    """Turns the events of one stream into neutral ones, the last of which is `Finish`.

    Text comes in pieces; an event that tells calls of tools, or the history, says all of the text once more.
    """

    def __init__(
        self,
        *,
        names: Mapping[str, str] | None = None,
        source: str = OCI,
        failure: Failure = from_error_object,
    ) -> None:
        self._answer = Assembly(names or {}, source, OCI)
        self._failure = failure
        self._text = ""
        self._called: list[tuple[str, str]] = []
        """Names and arguments of the calls that were told."""
        self._last: dict[str, Any] | None = None
        """The event with the `finishReason`."""
        self._finished = False

    def partial(self) -> Reply:
        """The answer so far."""
        return self._answer.reply()

    def feed(self, event: ServerSentEvent) -> Sequence[Event]:
        """The neutral events that this event of the stream means.

        Raises:
            MalformedReplyError: the event is no chunk.
            CallError: the event is an error; what `failure` makes of it.
        """
        text = event.data.strip()
        if self._finished or not text:
            return ()
        if text == _DONE:
            return self.close()
        chunk = parse(text, "a chunk of the stream")
        if not isinstance(chunk, dict):
            raise MalformedReplyError("a chunk of the stream is no JSON object")
        if isinstance(chunk.get("message"), str):
            raise self._failure({"error": error_row(chunk)})
        try:
            return self._chunk(chunk)
        except ConversionError as error:
            raise MalformedReplyError(f"a chunk of the stream has the wrong shape: {error}") from error

    def _chunk(self, chunk: dict[str, Any]) -> list[Event]:
        answer = self._answer
        answer.keep(said(shape.rest(chunk, _ANSWER)))
        events: list[Event] = []
        piece = self._piece(chunk)
        if piece:
            self._text += piece
            events += answer.text(piece)
        for call in calls_of(chunk, len(self._called)):
            if (call.name, call.arguments) in self._called and chunk.get("chatHistory"):
                continue  # said once more
            self._called.append((call.name, call.arguments))
            block = answer.open("tool_call")
            events += [*answer.announce(block, call.id, call.name), *answer.arguments(block, call.arguments)]
        if chunk.get("finishReason"):
            self._last = chunk
        return events + answer.count(usage_of(usage_row(chunk.get("usage"))))

    def _piece(self, chunk: Mapping[str, Any]) -> str:
        """The text of an event that was not said before."""
        text = shape.optional(chunk, "text", str, "") or ""
        if not self._text or not (chunk.get("chatHistory") or chunk.get("toolCalls") or chunk.get("finishReason")):
            return text
        return text.removeprefix(self._text) if text.startswith(self._text) else ""

    def close(self) -> Sequence[Event]:
        """The events that the end of the connection means.

        Raises:
            TruncatedStreamError: the answer had not ended; `partial` holds what there is of it.
            CallError: it says that it failed.
        """
        if self._finished:
            return ()
        if self._last is None:
            raise TruncatedStreamError("the stream ended before its answer did", partial=self.partial())
        answer = self._answer
        ended, strange = _ended(self._last, self._failure, has_calls=answer.has_calls, has_content=bool(answer.blocks))
        answer.warnings += strange
        self._finished = True
        return answer.finish(ended)
