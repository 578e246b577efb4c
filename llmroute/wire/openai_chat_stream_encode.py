"""OpenAI Chat Completions: streams, written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.codec import OPENAI, Loss
from llmroute.wire.events import (
    ErrorEvent,
    Event,
    Finish,
    Restart,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)
from llmroute.wire.message import Opaque, ToolCall
from llmroute.wire.openai_chat_content import call_to
from llmroute.wire.openai_chat_reply_encode import FINISH_BACK, encode_reply
from llmroute.wire.openai_chat_usage import usage_to
from llmroute.wire.sse import ServerSentEvent

if TYPE_CHECKING:
    from llmroute.errors import CallError
    from llmroute.wire.message import Extra
    from llmroute.wire.reply import Reply

_DONE = "[DONE]"


class StreamEncoder:
    """Turns neutral events into the chunks of one stream, for a server's side of the API.

    `reasoning` and `source` are those of `encode_reply`.
    """

    def __init__(  # noqa: PLR0913 - what stands in every chunk, and what may
        self,
        *,
        model: str,
        id: str,  # noqa: A002 - the API's word
        created: int = 0,
        include_usage: bool = False,
        reasoning: bool = False,
        source: str = "",
    ) -> None:
        self.losses: tuple[Loss, ...] = ()
        """What was lost, once `Finish` was written; the pointers are into its reply."""
        self._head = {"id": id, "object": "chat.completion.chunk", "created": created, "model": model}
        self._include_usage = include_usage
        self._reasoning = reasoning
        self._source = source
        self._started = False
        self._custom: set[int] = set()
        """The places of the calls of custom tools."""

    def encode(self, event: Event) -> list[ServerSentEvent]:
        """The events of the stream that this neutral event means; may be none.

        Raises:
            ConversionError: the event is a `Restart`.
        """
        if isinstance(event, Restart):
            raise ConversionError("no stream of this format can take back what it has sent", pointer="/type")
        if isinstance(event, ErrorEvent):
            return [_error(event.error)]
        rows = self._rows(event)
        if rows and not self._started:
            self._started = True
            rows.insert(0, self._chunk({"role": "assistant", "content": ""}))
        events = [ServerSentEvent(json.dumps(row, ensure_ascii=False, separators=(",", ":"))) for row in rows]
        return [*events, ServerSentEvent(_DONE)] if isinstance(event, Finish) else events

    def _rows(self, event: Event) -> list[dict[str, Any]]:  # noqa: PLR0911 - one case an event
        match event:
            case TextDelta():
                return [self._chunk({"content": event.text})]
            case ThinkingDelta():
                return [self._chunk({"reasoning_content": event.text})] if self._reasoning and event.text else []
            case ToolCallStart():
                if event.custom:
                    self._custom.add(event.index)
                start = call_to(ToolCall(event.id, event.name, "", custom=event.custom), event.id, event.name)
                return [self._call(event.index, **start)]
            case ToolCallDelta() if event.index in self._custom:
                return [self._call(event.index, custom={"input": event.arguments})]
            case ToolCallDelta():
                return [self._call(event.index, function={"arguments": event.arguments})]
            case ToolCallEnd():
                own = self._own(event.call.extra)
                return [self._call(event.index, **own)] if own else []
            case Finish():
                return self._last(event.reply)
            case _:
                return []

    def _call(self, index: int, **fields: Any) -> dict[str, Any]:
        return self._chunk({"tool_calls": [{"index": index, **fields}]})

    def _own(self, extra: Extra) -> dict[str, Any]:
        return {**extra.get(OPENAI, {}), **extra.get(self._source, {})}

    def _last(self, reply: Reply) -> list[dict[str, Any]]:
        self.losses = _losses(reply, reasoning=self._reasoning, source=self._source)
        own = self._own(reply.extra)
        inner, shown = own.pop("choice", {}), own.pop("message", {}) | self._own(reply.message.extra)
        last = self._chunk({}, FINISH_BACK[reply.stop_reason])
        last["choices"][0] |= inner
        rows = [self._chunk(shown), last | own] if shown else [last | own]
        usage = usage_to(reply.usage)
        if self._include_usage and usage is not None:
            rows.append({**self._head, "choices": [], "usage": usage})
        return rows

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._head, "choices": [choice]}


def _losses(reply: Reply, *, reasoning: bool, source: str) -> tuple[Loss, ...]:
    """What a stream does not tell of a reply: as a whole one, but what it refuses with has been sent as its text."""
    refused = reply.stop_reason == "refusal"
    told = replace(reply, stop_reason="content_filter") if refused else reply
    whole = encode_reply(told, reasoning=reasoning, source=source).losses
    found = [loss for loss in whole if loss.field != "stop_reason"]
    if refused:
        found.append(Loss("/stop_reason", "stop_reason", "a refusal is told as content_filter"))
    found += [
        Loss(f"/message/content/{i}", "content", "a part that comes whole is not told")
        for i, part in enumerate(reply.content)
        if isinstance(part, Opaque) and part.api == OPENAI
    ]
    return tuple(found)


def _error(error: CallError) -> ServerSentEvent:
    """An error that ends a stream; no `[DONE]` follows."""
    row = {"error": {"message": error.message, "type": error.kind, "param": None, "code": error.status}}
    return ServerSentEvent(json.dumps(row, ensure_ascii=False, separators=(",", ":")))
