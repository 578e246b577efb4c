"""An adapter of another package that has `complete` alone."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from llmroute import adapters
from llmroute.adapters.defaults import events_of, with_defaults
from llmroute.adapters.mock import MockAdapter
from llmroute.dispatch.router import Router
from llmroute.errors import LLMRouteError, ServerError
from llmroute.wire.chat import (
    Finish,
    Message,
    Opaque,
    PartEvent,
    Reply,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
    UsageEvent,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from llmroute.wire.chat import Event

READ, RUN = ToolCall("1", "read", '{"a": 1}'), ToolCall("2", "run", "{}", complete=False)
HIDDEN, ODD = Thinking("", redacted="xyz"), Opaque("odd", {"type": "odd"})
WHOLE = Reply(
    Message("assistant", (Thinking("hm", "sig"), Thinking("so"), HIDDEN, Text("Ok"), Text(""), READ, ODD, RUN)),
    stop_reason="tool_calls",
    usage=Usage(input_tokens=3),
)
CALL: Any = None


class Least:
    """As little as there may be."""

    def __init__(self) -> None:
        self.thread = 0
        self.note = "its own"

    def complete(self, call: Any) -> Reply:
        del call
        self.thread = threading.get_ident()
        return WHOLE


class Streaming(Least):
    """One that streams too, but blocks while it does."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = threading.Event()
        self.wait_s = 0.0

    def stream(self, call: Any) -> Generator[Event, None, None]:
        del call
        try:
            for text in ("a", "b", "c"):
                time.sleep(self.wait_s)
                self.thread = threading.get_ident()
                yield TextDelta(text)
            yield Finish(WHOLE)
        finally:
            self.closed.set()


async def gathered(stream: Any) -> list[Any]:
    return [event async for event in stream]


EVENTS = [
    ThinkingDelta("hm"),
    ThinkingDelta("", signature="sig"),
    ThinkingDelta("so"),
    PartEvent(HIDDEN),
    TextDelta("Ok"),
    ToolCallStart(0, "1", "read"),
    ToolCallDelta(0, "1", '{"a": 1}'),
    ToolCallEnd(0, READ),
    PartEvent(ODD),
    ToolCallStart(1, "2", "run"),
    ToolCallDelta(1, "2", "{}"),
    ToolCallEnd(1, RUN),
    UsageEvent(Usage(input_tokens=3)),
    Finish(WHOLE),
]


def test_a_whole_answer_as_a_stream() -> None:
    assert list(events_of(WHOLE)) == EVENTS
    assert list(events_of(Reply(Message("assistant", ())))) == [Finish(Reply(Message("assistant", ())))]


def test_complete_is_enough() -> None:
    own = Least()
    adapter: Any = with_defaults(own)
    assert adapter.complete(CALL) is WHOLE
    assert own.thread == threading.get_ident()
    assert asyncio.run(adapter.acomplete(CALL)) is WHOLE
    assert own.thread != threading.get_ident(), "the event loop is free"
    assert list(adapter.stream(CALL)) == EVENTS
    assert asyncio.run(gathered(adapter.astream(CALL))) == EVENTS
    adapter.close()
    asyncio.run(adapter.aclose())
    assert adapter.note == "its own"
    with pytest.raises(AttributeError):
        _ = adapter.nothing


def test_what_an_adapter_has_is_its_own() -> None:
    whole = MockAdapter()
    assert with_defaults(whole) is whole

    class Async(Least):
        closed = False

        async def acomplete(self, call: Any) -> Reply:
            del call
            return Reply(Message("assistant", (Text("own"),)))

        def close(self) -> None:
            self.closed = True

    own = Async()
    adapter: Any = with_defaults(own)
    events = asyncio.run(gathered(adapter.astream(CALL)))
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["own"]
    asyncio.run(adapter.aclose())
    assert own.closed


def test_a_stream_of_its_own_is_read_in_threads() -> None:
    own = Streaming()
    adapter: Any = with_defaults(own)
    assert [event.type for event in asyncio.run(gathered(adapter.astream(CALL)))] == [*["text_delta"] * 3, "finish"]
    assert own.thread != threading.get_ident()
    assert own.closed.is_set()


def test_leaving_such_a_stream_closes_it() -> None:
    own = Streaming()
    adapter: Any = with_defaults(own)

    async def leave() -> None:
        stream = adapter.astream(CALL)
        await anext(stream)
        await stream.aclose()
        assert own.closed.is_set()

    asyncio.run(leave())


def test_a_wait_in_such_a_stream_can_be_given_up() -> None:
    own = Streaming()
    own.wait_s = 0.3
    adapter: Any = with_defaults(own)

    async def give_up() -> float:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(gathered(adapter.astream(CALL)), 0.05)
        waited = time.monotonic() - began
        await asyncio.to_thread(own.closed.wait, 5)
        return waited

    assert asyncio.run(give_up()) < 0.25
    assert own.closed.is_set(), "it is closed when its step is over"


def test_errors_pass() -> None:
    class Failing(Least):
        def complete(self, call: Any) -> Reply:
            del call
            raise ServerError("down")

    adapter: Any = with_defaults(Failing())
    for ask in (lambda: list(adapter.stream(CALL)), lambda: asyncio.run(gathered(adapter.astream(CALL)))):
        with pytest.raises(ServerError):
            ask()


def test_without_complete_it_is_none() -> None:
    with pytest.raises(LLMRouteError, match="object is no adapter: it has no method `complete`"):
        with_defaults(object())


def test_a_router_streams_from_it_with_tool_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name, value = "least", f"{__name__}:Least"

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Point] if group == adapters.GROUP else [])
    monkeypatch.setitem(__import__("sys").modules, __name__, __import__("types").SimpleNamespace(Least=Least))
    spec = {
        "version": 1,
        "providers": {"p": {"api": "least", "base_url": "mock://p", "model": "m"}},
        "defaults": {"provider": "p"},
    }
    router = Router.from_mapping(spec, environ={})

    async def run() -> list[Any]:
        reply = await router.acomplete("Hi")
        async with router.astream("Hi") as events:
            seen = [event async for event in events]
        return [reply.tool_calls, seen[-1].reply.tool_calls]

    with router.stream("Hi") as events:
        assert [type(event) for event in events] == [type(event) for event in EVENTS]
    assert asyncio.run(run()) == [(READ, RUN), (READ, RUN)]
