"""Ollama's own API, `/api/chat`: streams, a JSON object a line, read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError, MalformedReplyError, TruncatedStreamError
from llmroute.wire import shape
from llmroute.wire.assembly import Assembly
from llmroute.wire.codec import OLLAMA
from llmroute.wire.faults import Failure, from_error_object, parse
from llmroute.wire.ollama_chat_reply import (
    MESSAGE,
    calls_of,
    notes_of,
    stop_reason_of,
    time_of,
    usage_of,
    why_cut,
)
from llmroute.wire.unknown import gather

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmroute.wire.events import Event
    from llmroute.wire.reply import Reply

_CHUNK = frozenset({"model", "created_at", "message", "done"})
_PLAIN = frozenset({"role", "content"})


class StreamDecoder:
    """Turns the lines of one stream into neutral events, the last of which is `Finish`.

    Failures are raised, not told as events; after one the decoder is of no more use.
    """

    def __init__(
        self,
        *,
        names: Mapping[str, str] | None = None,
        source: str = OLLAMA,
        failure: Failure = from_error_object,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.finished = False
        """Whether `Finish` was told; what comes after it is ignored."""
        self._answer = Assembly(names or {}, source, OLLAMA)
        self._source = source
        self._failure = failure
        self._options = options or {}
        self._calls = 0

    def partial(self) -> Reply:
        """The answer so far."""
        return self._answer.reply()

    def feed(self, line: str) -> Sequence[Event]:
        """The neutral events that this line means.

        Raises:
            MalformedReplyError: the line is no part of an answer.
            CallError: the line is an error; what `failure` makes of it.
        """
        if self.finished or not line.strip():
            return ()
        row = parse(line, "a line of the stream")
        if not isinstance(row, dict):
            raise MalformedReplyError("a line of the stream is no JSON object")
        if row.get("error"):
            raise self._failure(row)
        try:
            return self._row(row)
        except ConversionError as error:
            raise MalformedReplyError(f"a line of the stream has the wrong shape: {error}") from error

    def close(self) -> Sequence[Event]:
        """The events that the end of the connection means: none, as only a line says that an answer is done.

        Raises:
            TruncatedStreamError: the answer had not ended; `partial` holds what there is of it.
        """
        if self.finished:
            return ()
        raise TruncatedStreamError("the stream ended before its answer did", partial=self.partial())

    def _row(self, row: dict[str, Any]) -> list[Event]:
        answer = self._answer
        if not answer.model:
            answer.model = shape.optional(row, "model", str, "") or ""
        message = row.get("message")
        events: list[Event] = []
        if message is not None:
            events = self._message(shape.as_object(message, "/message"), time_of(row))
        if row.get("done"):
            return events + self._finish(row)
        if row.keys() - _CHUNK:
            answer.keep(shape.rest(row, _CHUNK))
        return events

    def _message(self, message: dict[str, Any], created_at: str) -> list[Event]:
        answer = self._answer
        events: list[Event] = []
        more = message.keys() - _PLAIN
        thinking = shape.optional(message, "thinking", str, "/message") if more else None
        if thinking:
            events.append(answer.thinking(thinking))
        text = message.get("content")
        if text:
            events += answer.text(shape.expect(text, str, "/message/content"))
        if more:
            gather(answer.message_extra, shape.rest(message, MESSAGE))
            events += self._call(message, created_at)
        return events

    def _call(self, message: dict[str, Any], created_at: str) -> list[Event]:
        events: list[Event] = []
        for call in calls_of(message, created_at, self._calls, self._source):
            self._calls += 1
            block = self._answer.open("tool_call")
            block.extra |= call.extra.get(self._source, {})
            events += self._answer.announce(block, call.id, call.name)
            events += self._answer.arguments(block, call.arguments)
            events.append(self._answer.end_call(block, cut=False))  # Ollama sends a call when it is whole
        return events

    def _finish(self, row: dict[str, Any]) -> list[Event]:
        answer = self._answer
        stop_reason, warnings = stop_reason_of(
            row.get("done_reason"), has_calls=answer.has_calls, has_content=bool(answer.blocks)
        )
        answer.keep(notes_of(row))
        events = answer.count(usage_of(row))
        answer.warnings += (*warnings, *why_cut(answer.usage, self._options))
        events += answer.finish(stop_reason)
        self.finished = True
        return events
