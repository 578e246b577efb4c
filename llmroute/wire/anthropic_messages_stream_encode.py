"""Anthropic Messages: streams, written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.anthropic_messages_reply_encode import encode_reply, stop_to, usage_to
from llmroute.wire.codec import ANTHROPIC, Loss
from llmroute.wire.events import (
    ErrorEvent,
    Event,
    Finish,
    PartEvent,
    Restart,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageEvent,
)
from llmroute.wire.message import Opaque, Thinking, ToolCall
from llmroute.wire.replies import is_object
from llmroute.wire.sse import ServerSentEvent
from llmroute.wire.tools import valid_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.errors import CallError
    from llmroute.wire.message import Extra
    from llmroute.wire.reply import Reply, Usage


@dataclass(slots=True)
class _Out:
    """A block on its way out."""

    kind: str
    index: int
    """The index of the tool call; -1 for other blocks."""
    start: dict[str, Any]
    deltas: list[dict[str, Any]] = field(default_factory=list)
    """Those that were not sent yet."""
    place: int = -1
    """The index among the blocks of the message; -1 before it was started."""
    ended: bool = False


class StreamEncoder:
    """Turns neutral events into the events of one stream, for a server's side of the API.

    The blocks of a message come one after another: what belongs to a later one waits until those before it ended.
    `source` is that of `encode_reply`.
    """

    def __init__(self, *, model: str, id: str, source: str = "") -> None:  # noqa: A002 - the API's word
        self.losses: tuple[Loss, ...] = ()
        """What was lost, once `Finish` was written; the pointers are into its reply."""
        self._source = source
        self._model = model
        self._id = id
        self._started = False
        self._queue: list[_Out] = []
        self._count = 0
        self._usage: Usage | None = None

    def encode(self, event: Event) -> list[ServerSentEvent]:
        """The events of the stream that this neutral event means; may be none.

        Raises:
            ConversionError: the event is a `Restart`, or begins a call of a custom tool.
        """
        rows: list[dict[str, Any]] = []
        if isinstance(event, UsageEvent):
            self._usage = event.usage
            return []
        if isinstance(event, Restart):
            raise ConversionError("no stream of this format can take back what it has sent", pointer="/type")
        if isinstance(event, ToolCallStart) and event.custom:
            what = f"a call of the custom tool {event.name!r} has no equivalent in {ANTHROPIC}"
            raise ConversionError(what, pointer="/custom")
        if isinstance(event, ErrorEvent):
            return [_event({"type": "error", "error": _error(event.error)})]
        if not self._started:
            self._started = True
            rows.append(self._message_start())
        self._take(event)
        rows += self._drain()
        if isinstance(event, Finish):
            rows += self._last_rows(event.reply)
        return [_event(row) for row in rows]

    def _last_rows(self, reply: Reply) -> list[dict[str, Any]]:
        self.losses = (*_losses(reply, self._source), *_untold(reply, (ANTHROPIC, self._source)))
        delta = stop_to(reply) | self._own(reply.extra)
        return [
            {"type": "message_delta", "delta": delta, "usage": usage_to(reply.usage)},
            {"type": "message_stop"},
        ]

    def _own(self, extra: Extra) -> dict[str, Any]:
        return {**extra.get(ANTHROPIC, {}), **extra.get(self._source, {})}

    def _message_start(self) -> dict[str, Any]:
        message: dict[str, Any] = {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_to(self._usage),
        }
        return {"type": "message_start", "message": message}

    def _take(self, event: Event) -> None:
        if isinstance(event, TextDelta):
            self._last("text", {"type": "text", "text": ""}).deltas.append({"type": "text_delta", "text": event.text})
        elif isinstance(event, ThinkingDelta):
            block = self._last("thinking", {"type": "thinking", "thinking": "", "signature": ""})
            if event.text:
                block.deltas.append({"type": "thinking_delta", "thinking": event.text})
            if event.signature is not None:
                block.deltas.append({"type": "signature_delta", "signature": event.signature})
                block.ended = True
        elif isinstance(event, ToolCallStart):
            start = {"type": "tool_use", "id": valid_id(event.id), "name": event.name, "input": {}}
            self._queue.append(_Out("tool_use", event.index, start))
        elif isinstance(event, ToolCallDelta):
            delta = {"type": "input_json_delta", "partial_json": event.arguments}
            self._tool(event.index).deltas.append(delta)
        elif isinstance(event, ToolCallEnd):
            self._tool(event.index).ended = True
        elif isinstance(event, PartEvent):
            self._whole(event.part)
        else:
            for out in self._queue:
                out.ended = True

    def _whole(self, part: Thinking | Opaque) -> None:
        if isinstance(part, Thinking):
            start = {"type": "redacted_thinking", "data": part.redacted, **self._own(part.extra)}
            self._queue.append(_Out("redacted_thinking", -1, start, ended=True))
        elif part.api == ANTHROPIC:
            self._queue.append(_Out("opaque", -1, dict(part.data), ended=True))

    def _last(self, kind: str, start: dict[str, Any]) -> _Out:
        if not self._queue or self._queue[-1].kind != kind or self._queue[-1].ended:
            self._queue.append(_Out(kind, -1, start))
        return self._queue[-1]

    def _tool(self, index: int) -> _Out:
        return next(out for out in self._queue if out.index == index)

    def _drain(self) -> Iterator[dict[str, Any]]:
        while self._queue:
            out = self._queue[0]
            if out.place < 0:
                out.place, self._count = self._count, self._count + 1
                yield {"type": "content_block_start", "index": out.place, "content_block": out.start}
            for delta in out.deltas:
                yield {"type": "content_block_delta", "index": out.place, "delta": delta}
            out.deltas.clear()
            if not out.ended and (out.index >= 0 or len(self._queue) == 1):
                return
            yield {"type": "content_block_stop", "index": out.place}
            del self._queue[0]


def _losses(reply: Reply, source: str) -> list[Loss]:
    """What is lost of a whole reply too; but a stream tells arguments as the model wrote them, and not why."""
    found = encode_reply(reply, raw_arguments=True, source=source).losses
    return [loss for loss in found if not loss.field.startswith("tool_use")] + [
        Loss(f"/message/content/{i}", "tool_use", "whether arguments were cut, or broken by the model, is not told")
        for i, part in enumerate(reply.content)
        if isinstance(part, ToolCall) and part.complete != is_object(part.arguments)
    ]


def _untold(reply: Reply, mine: tuple[str, ...]) -> Iterator[Loss]:
    """Fields of blocks that a whole reply has: the neutral events do not tell them."""
    for i, part in enumerate(reply.content):
        if isinstance(part, Opaque) or (isinstance(part, Thinking) and part.redacted is not None):
            continue
        for name in sorted({name for key in mine for name in part.extra.get(key, {})}):
            yield Loss(f"/message/content/{i}/extra/{name}", name, "a stream has no place for it")


_ERROR_TYPES = {
    "auth": "authentication_error",
    "quota": "billing_error",
    "rate": "rate_limit_error",
    "overload": "overloaded_error",
    "request": "invalid_request_error",
    "context": "invalid_request_error",
    "model": "not_found_error",
    "policy": "permission_error",
    "ambiguous": "timeout_error",
    "deadline": "timeout_error",
}


def _error(error: CallError) -> dict[str, str]:
    return {"type": _ERROR_TYPES.get(error.kind, "api_error"), "message": error.message}


def _event(row: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(row, ensure_ascii=False, separators=(",", ":")), row["type"])
