"""Items 73, 83, 87 and 88 of the catalogue: streams cut anywhere, the deadline, callers who leave or read slowly."""

from __future__ import annotations

import asyncio
import contextlib
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from llmroute.adapters.base import Adapter
from llmroute.errors import DeadlineError
from llmroute.testing import FaultServer, Hang, Pause, chunk, sse, stream
from llmroute.testing.answers import head, piece, tail
from llmroute.wire import anthropic_messages, openai_chat
from llmroute.wire.sse import Decoder
from tests.adapters.samples import ANTHROPIC, APIS, OPENAI, acollect, call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.testing import Script, Seen, Step
    from llmroute.wire.chat import Event

Way = tuple[Adapter, str]
CODECS = {OPENAI: openai_chat, ANTHROPIC: anthropic_messages}
QUARTER = 256 * 1024
IN_THE_NETWORK = 20 * 1024 * 1024
"""More than the buffers of two sockets hold."""


# -- 73: cut at every byte


def decoded(api: str, *chunks: bytes) -> list[Event]:
    lines, events = Decoder(), CODECS[api].StreamDecoder()
    found = [event for one in chunks for sent in lines.feed(one) for event in events.feed(sent)]
    return [*found, *events.close()]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("api", APIS)
def test_item_73_every_offset(api: str, line_end: str) -> None:
    texts = (piece(api, text) for text in ("Fö", "ur ", "🦀\u2028."))
    whole = sse(*head(api), *texts, *tail(api)).replace("\n", line_end).encode()
    expected = decoded(api, whole)
    assert [event.type for event in expected].count("text_delta") == 3
    for at in range(len(whole) + 1):
        assert decoded(api, whole[:at], whole[at:]) == expected
    assert decoded(api, *(whole[at : at + 1] for at in range(len(whole)))) == expected


# -- 83: what keeps a stream alive does not keep it past the end of the request


def test_item_83_pings_past_the_deadline(way: Way, server: FaultServer) -> None:
    adapter, api = way
    pings: list[str | Step] = [step for _ in range(100) for step in (": ping\n\n", Pause(0.02))]
    server.default = stream(sse(*head(api), piece(api, "Fo")), *pings, end=[Hang()])

    async def ask() -> None:
        try:
            await acollect(adapter, call(server, api, ends_at=time.monotonic() + 0.3))
        finally:
            await adapter.aclose()

    for way_of_asking in (
        lambda: list(adapter.stream(call(server, api, ends_at=time.monotonic() + 0.3))),
        lambda: asyncio.run(ask()),
    ):
        began = time.monotonic()
        with pytest.raises(DeadlineError, match="time limit of the request"):
            way_of_asking()
        assert 0.29 < time.monotonic() - began < 1.3


# -- 87: the caller leaves


def endless(api: str) -> Script:
    """A stream that never ends by itself, in pieces of sixteen kilobytes."""
    yield from stream(sse(*head(api)), end=())
    text = chunk(sse(piece(api, "x" * 16_000)))
    while True:
        yield text


SILENT_AFTER_TEXT = ("hang", "endless")


def script(case: str, api: str) -> Script:
    return endless(api) if case == "endless" else stream(sse(*head(api), piece(api, "Fo")), end=[Hang()])


def until_text(events: Iterator[Event]) -> None:
    while next(events).type != "text_delta":
        pass


@pytest.mark.parametrize("case", SILENT_AFTER_TEXT)
@pytest.mark.parametrize("leaves", ["closes", "forgets"])
def test_item_87_the_caller_leaves(way: Way, case: str, leaves: str) -> None:
    adapter, api = way
    with FaultServer(lambda _: script(case, api)) as server:
        events = adapter.stream(call(server, api))
        until_text(events)
        if leaves == "closes":
            events.close()
        del events
        gone(server)
        adapter.close()


def gone(server: FaultServer) -> None:
    """The server saw the connection end within a second."""
    assert server.requests[-1].hung_up.wait(1)
    ends = time.monotonic() + 1
    while server.open_connections and time.monotonic() < ends:
        time.sleep(0.005)
    assert server.open_connections == 0


@pytest.mark.parametrize("case", SILENT_AFTER_TEXT)
@pytest.mark.parametrize("leaves", ["closes", "is cancelled", "forgets"])
def test_item_87_the_caller_leaves_asynchronously(way: Way, case: str, leaves: str) -> None:
    adapter, api = way

    async def read(server: FaultServer) -> None:
        events = adapter.astream(call(server, api))
        async for event in events:
            if event.type == "text_delta":
                break
        if leaves == "closes":
            await events.aclose()
        elif leaves == "is cancelled":
            async with contextlib.aclosing(events):
                async for _ in events:
                    await asyncio.sleep(0)

    async def main(server: FaultServer) -> None:
        reading = asyncio.create_task(read(server))
        if leaves == "is cancelled":
            await asyncio.to_thread(server.reached.wait, 5)
            await asyncio.sleep(0.05)
            reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await asyncio.to_thread(gone, server)
        await adapter.aclose()

    with FaultServer(lambda _: script(case, api)) as server:
        asyncio.run(main(server))


def test_item_87_a_call_is_cancelled(way: Way, server: FaultServer) -> None:
    adapter, api = way

    async def main() -> None:
        asking = asyncio.create_task(adapter.acomplete(call(server, api)))
        await asyncio.to_thread(server.reached.wait, 5)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.to_thread(gone, server)
        await adapter.aclose()

    server.default = [Hang()]
    asyncio.run(main())


# -- 88: the caller reads slowly


def standstill(seen: Seen) -> int:
    """How much of the answer was sent when the network took no more of it."""
    sent = -1
    while sent != seen.sent:
        sent = seen.sent
        time.sleep(0.1)
    return sent


def test_item_88_a_slow_reader(way: Way) -> None:
    adapter, api = way
    with FaultServer(lambda _: endless(api)) as server:
        events = adapter.stream(call(server, api))
        until_text(events)
        standstill(server.requests[0])
        tracemalloc.start()
        held = [tracemalloc.get_traced_memory()[0]]
        for _ in range(100):
            until_text(events)
            held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert standstill(server.requests[0]) < IN_THE_NETWORK
        events.close()
        adapter.close()
    assert max(held) - held[0] < 100 * 16_000 + QUARTER  # the reply keeps the text


def test_item_88_a_slow_reader_asynchronously(way: Way) -> None:
    adapter, api = way

    async def main(server: FaultServer) -> list[int]:
        events = adapter.astream(call(server, api))
        async for event in events:
            if event.type == "text_delta":
                break
        await asyncio.to_thread(standstill, server.requests[0])
        tracemalloc.start()
        held = [tracemalloc.get_traced_memory()[0]]
        async for _ in events:
            held.append(tracemalloc.get_traced_memory()[0])
            await asyncio.sleep(0)
            if len(held) > 100:
                break
        tracemalloc.stop()
        assert await asyncio.to_thread(standstill, server.requests[0]) < IN_THE_NETWORK
        await events.aclose()
        await adapter.aclose()
        return held

    with FaultServer(lambda _: endless(api)) as server:
        held = asyncio.run(main(server))
    assert max(held) - held[0] < 100 * 16_000 + QUARTER
