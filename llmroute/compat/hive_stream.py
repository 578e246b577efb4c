"""The events of a stream as Hive has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.compat.hive_data import about
from llmroute.errors import CallError, ConversionError
from llmroute.wire.chat import Finish, Restart, TextDelta, ThinkingDelta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.compat.bridge import Types
    from llmroute.compat.hive_data import StreamEvent
    from llmroute.errors import LLMRouteError
    from llmroute.wire.chat import ChatRequest, Event, Reply

RECOVERABLE = frozenset({"server", "overload", "connect", "ambiguous", "truncated", "malformed"})
"""Failures after which another try may help; a rate limit has been waited for already."""


class Told:
    """One stream: text and thoughts go on as they come, all else when the answer is known to be whole."""

    def __init__(self, types: Types) -> None:
        self.reply: Reply | None = None
        self._types = types
        self._thinks = False

    def of(self, event: Event) -> Iterator[StreamEvent]:
        """What Hive is told of an event; a snapshot without text says that all before is void."""
        make = self._types.make
        match event:
            case TextDelta(text=text) if text:
                self._thinks = False
                yield make("TextDeltaEvent", content=text, snapshot=event.snapshot)
            case ThinkingDelta(text=text) if text:
                if not self._thinks:
                    yield make("ReasoningStartEvent")
                self._thinks = True
                yield make("ReasoningDeltaEvent", content=text)
            case Restart():
                yield make("TextDeltaEvent", content="", snapshot="")
            case Finish(reply=reply):
                self.reply = reply

    def end(self) -> Iterator[StreamEvent]:
        """The calls, the end of the text, and the last event; broken arguments are an error, and no call is made."""
        reply = self.reply
        if reply is None:
            return
        calls = []
        for call in reply.tool_calls:
            try:
                made = {"tool_use_id": call.id, "tool_name": call.name, "tool_input": call.parsed()}
            except ConversionError as error:
                yield self._types.make("StreamErrorEvent", error=error.message, recoverable=False)
                return
            calls.append(self._types.make("ToolCallEvent", **made))
        yield from calls
        if reply.text:
            yield self._types.make("TextEndEvent", full_text=reply.text)
        yield self._types.make("FinishEvent", **about(reply))

    def failed(self, error: LLMRouteError) -> StreamEvent:
        """The last event of a stream that failed."""
        recoverable = isinstance(error, CallError) and error.kind in RECOVERABLE
        event: StreamEvent = self._types.make("StreamErrorEvent", error=str(error), recoverable=recoverable)
        return event


def is_empty(reply: Reply | None, request: ChatRequest) -> bool:
    """Whether an answer has neither text nor calls, although nothing cut it and there was something to say."""
    if reply is None or reply.stop_reason not in {"stop", "tool_calls"} or request.messages[-1].role == "assistant":
        return False
    return not reply.text and not reply.tool_calls
