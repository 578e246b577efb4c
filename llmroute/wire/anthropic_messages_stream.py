"""Anthropic Messages: streams, read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError, MalformedReplyError, TruncatedStreamError
from llmroute.wire import shape
from llmroute.wire.anthropic_messages_reply import stop_reason_of, unknown_stop, usage_of
from llmroute.wire.assembly import Assembly, Block
from llmroute.wire.codec import ANTHROPIC
from llmroute.wire.faults import Failure, from_error_object, parse
from llmroute.wire.json_text import arguments_text
from llmroute.wire.unknown import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmroute.wire.events import Event
    from llmroute.wire.reply import Reply
    from llmroute.wire.sse import ServerSentEvent

_KINDS = {"text": "text", "thinking": "thinking", "redacted_thinking": "thinking", "tool_use": "tool_call"}
_CALLS = frozenset({"tool_call", "answer", "surplus"})
_BLOCK = frozenset({"type", "text", "thinking", "signature", "data", "id", "name", "input"})
_MESSAGE = frozenset({"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"})


class StreamDecoder:
    """Turns the events of one stream into neutral ones, the last of which is `Finish`.

    Failures are raised, not told as events; after one the decoder is of no more use. Events, blocks and deltas
    that there is no word for are passed over, as the API asks of its clients.
    """

    def __init__(
        self,
        *,
        names: Mapping[str, str] | None = None,
        source: str = ANTHROPIC,
        failure: Failure = from_error_object,
    ) -> None:
        self.finished = False
        """Whether `Finish` was told; what comes after it is ignored."""
        self._answer = Assembly(names or {}, source, ANTHROPIC)
        self._failure = failure
        self._blocks: dict[int, Block] = {}
        self._stop_reason: object = None
        self._stop_sequence: str | None = None
        self._usage: dict[str, Any] = {}
        """Counts are cumulative, and may come in parts: the last known value of each holds."""
        self._handlers: dict[str, Callable[[dict[str, Any]], Sequence[Event]]] = {
            "content_block_delta": self._delta,
            "content_block_start": self._start,
            "content_block_stop": self._stop,
            "message_start": self._message,
            "message_delta": self._message_delta,
            "message_stop": self._message_stop,
        }

    def partial(self) -> Reply:
        """The answer so far."""
        return self._answer.reply()

    def feed(self, event: ServerSentEvent) -> Sequence[Event]:
        """The neutral events that this event of the stream means.

        Raises:
            MalformedReplyError: the event is none of this API.
            CallError: the event is an error; what `failure` makes of it.
        """
        if self.finished or not event.data.strip():
            return ()
        row = parse(event.data, "an event of the stream")
        if not isinstance(row, dict):
            raise MalformedReplyError("an event of the stream is no JSON object")
        kind = row["type"] if isinstance(row.get("type"), str) else event.event
        if kind == "error" or event.event == "error" or row.get("error"):
            raise self._failure(row)
        handler = self._handlers.get(kind)
        if handler is None:
            return ()
        try:
            return handler(row)
        except ConversionError as error:
            raise MalformedReplyError(f"an event of the stream has the wrong shape: {error}") from error

    def close(self) -> Sequence[Event]:
        """The events that the end of the connection means: a stream may end without `message_stop`.

        Raises:
            TruncatedStreamError: the answer had not ended; `partial` holds what there is of it.
        """
        if self.finished:
            return ()
        if self._stop_reason is None:
            raise TruncatedStreamError("the stream ended before its answer did", partial=self.partial())
        self._answer.warnings.append("stream: it ended without `message_stop`")
        return self._message_stop({})

    def _message(self, row: dict[str, Any]) -> Sequence[Event]:
        message = shape.as_object(row.get("message"), "/message")
        self._answer.id = shape.optional(message, "id", str, "/message") or self._answer.id
        self._answer.model = shape.optional(message, "model", str, "/message") or self._answer.model
        self._note(message)
        return self._counted(message)

    def _note(self, row: dict[str, Any]) -> None:
        self._answer.keep(shape.rest(row, _MESSAGE))
        self._answer.keep(unknown_stop(row.get("stop_reason")))

    def _start(self, row: dict[str, Any]) -> Sequence[Event]:
        data = shape.as_object(row.get("content_block"), "/content_block")
        kind = shape.text(data, "type", "/content_block")
        block = self._open(row, _KINDS.get(kind, "opaque"))
        if block.kind == "opaque":
            block.data = dict(data)
            return ()
        block.extra |= {k: v for k, v in shape.rest(data, _BLOCK).items() if v is not None}
        if block.kind == "tool_call":
            name = shape.text(data, "name", "/content_block")
            events = self._answer.announce(block, shape.text(data, "id", "/content_block"), name)
            given = shape.mapping(data, "input", "/content_block")
            return events + self._answer.arguments(block, arguments_text(given, "")) if given else events
        block.signature = shape.optional(data, "signature", str, "/content_block") or ""
        if kind == "redacted_thinking":
            block.data = {"data": shape.text(data, "data", "/content_block")}
        return self._grow(block, data.get(block.kind))

    def _open(self, row: dict[str, Any], kind: str) -> Block:
        block = self._blocks[_index(row)] = self._answer.open(kind)
        return block

    def _grow(self, block: Block, piece: object) -> list[Event]:
        if not piece:
            return []
        text = shape.expect(piece, str, f"/{block.kind}")
        if block.kind == "text":
            return self._answer.text(text, block)
        return [self._answer.thinking(text, block)]

    def _delta(self, row: dict[str, Any]) -> Sequence[Event]:
        delta = shape.as_object(row.get("delta"), "/delta")
        block = self._blocks.get(_index(row))
        match delta.get("type"):
            case "text_delta":
                return self._grow(self._of_kind(block, row, "text"), delta.get("text"))
            case "thinking_delta":
                return self._grow(self._of_kind(block, row, "thinking"), delta.get("thinking"))
            case "signature_delta":
                self._of_kind(block, row, "thinking").signature += shape.text(delta, "signature", "/delta")
            case "input_json_delta" if block is not None and block.kind in _CALLS:
                piece = shape.text(delta, "partial_json", "/delta")
                return self._answer.arguments(block, piece) if piece else ()
            case "input_json_delta" if block is None:
                raise MalformedReplyError("the arguments of a tool call came before the call")
            case "citations_delta" if block is not None:
                gather(block.extra, {"citations": [delta.get("citation")]})
            case "input_json_delta" if block is not None and block.kind == "opaque":
                block.pieces.append(shape.text(delta, "partial_json", "/delta"))
            case _ if block is not None and block.kind == "opaque":
                gather(block.data, shape.rest(delta, ("type",)))
        return ()

    def _of_kind(self, block: Block | None, row: dict[str, Any], kind: str) -> Block:
        """The block of a delta; one that was never opened, or is of another kind, begins here."""
        return block if block is not None and block.kind == kind else self._open(row, kind)

    def _stop(self, row: dict[str, Any]) -> Sequence[Event]:
        block = self._blocks.get(_index(row))
        if block is None or block.kind != "tool_call" or block.call is not None:
            return self._answer.end_part(block) if block is not None else ()
        # The reason to stop comes later; here, broken arguments mean that the answer was cut.
        return [self._answer.end_call(block, cut=True)]

    def _message_delta(self, row: dict[str, Any]) -> Sequence[Event]:
        delta = shape.mapping(row, "delta", "")
        self._stop_reason = delta.get("stop_reason") or self._stop_reason
        self._stop_sequence = shape.optional(delta, "stop_sequence", str, "/delta") or self._stop_sequence
        self._note(delta)
        return self._counted(row)

    def _counted(self, row: dict[str, Any]) -> list[Event]:
        usage = row.get("usage")
        if isinstance(usage, dict):
            self._usage |= {name: count for name, count in usage.items() if count is not None}
        return self._answer.count(usage_of(self._usage))

    def _message_stop(self, _row: dict[str, Any]) -> Sequence[Event]:
        answer = self._answer
        stop_reason, warnings = stop_reason_of(
            self._stop_reason, has_calls=answer.has_calls, has_content=bool(answer.blocks)
        )
        answer.warnings += warnings
        events = answer.finish(stop_reason, self._stop_sequence)
        self.finished = True
        return events


def _index(row: dict[str, Any]) -> int:
    return shape.optional(row, "index", int, "") or 0
