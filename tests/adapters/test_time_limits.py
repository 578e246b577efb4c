"""How long each part of an exchange may take: to connect, to the first content, between events, as a whole."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.adapters.base import Adapter
from llmroute.errors import AmbiguousError, CallError, ConnectError, DeadlineError, TruncatedStreamError
from llmroute.testing import FaultServer, Hang, Pause, Step, sse, stream
from tests.adapters.samples import aclosing, acollect, call, head, piece, tail, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

Way = tuple[Adapter, str]
PATIENT = {"timeout_s": 30.0}
COMMENT = ": still working\n\n"


def failure(adapter: Adapter, api: str, server: FaultServer, **limits: Any) -> tuple[CallError, float]:
    """What a stream comes to, and after how many seconds; the same in both ways."""

    async def ask() -> None:
        try:
            await acollect(adapter, call(server, api, **limits))
        finally:
            await adapter.aclose()

    began = time.monotonic()
    with pytest.raises(CallError) as caught:
        list(adapter.stream(call(server, api, **limits)))
    elapsed = time.monotonic() - began
    with pytest.raises(type(caught.value)):
        asyncio.run(ask())
    return caught.value, elapsed


def pings(count: int) -> list[str | Step]:
    return [step for _ in range(count) for step in (COMMENT, Pause(0.05))]


def test_a_stream_that_says_nothing_is_given_up(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.default = [Hang()]
    error, elapsed = failure(adapter, api, server, first_event_s=0.2, **PATIENT)
    assert isinstance(error, AmbiguousError)
    assert "within 0.2 s" in error.message
    assert elapsed < 5


def test_signs_of_life_are_no_content(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.default = stream(sse(*head(api)), *pings(40), sse(piece(api, "late")), sse(*tail(api)))
    error, elapsed = failure(adapter, api, server, first_event_s=0.3, **PATIENT)
    assert isinstance(error, AmbiguousError)
    assert elapsed < 1.5


def test_without_its_own_limit_the_timeout_counts(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.default = stream(sse(*head(api)), *pings(40), sse(piece(api, "late")), sse(*tail(api)))
    error, _ = failure(adapter, api, server, timeout_s=0.3)
    assert isinstance(error, AmbiguousError)
    assert "within 0.3 s" in error.message


def test_a_stream_that_has_begun_may_take_longer_than_its_beginning(way: Way, server: FaultServer) -> None:
    adapter, api = way
    pauses = [step for word in "abcdef" for step in (sse(piece(api, word)), Pause(0.1))]
    server.default = stream(sse(*head(api)), *pauses, sse(*tail(api)))
    made = call(server, api, first_event_s=0.3, **PATIENT)
    assert texts(list(adapter.stream(made))) == list("abcdef")


def test_silence_in_the_middle(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.default = stream(sse(*head(api), piece(api, "Fo")), Hang(), end=())
    error, elapsed = failure(adapter, api, server, idle_s=0.2, **PATIENT)
    assert isinstance(error, TruncatedStreamError)
    assert error.partial.text == "Fo"
    assert elapsed < 5


def test_signs_of_life_keep_a_stream_that_has_begun(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.default = stream(sse(*head(api), piece(api, "a")), *pings(10), sse(piece(api, "b")), sse(*tail(api)))
    made = call(server, api, idle_s=0.3, **PATIENT)
    assert texts(list(adapter.stream(made))) == ["a", "b"]


def test_the_deadline_ends_a_stream_that_has_begun(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.default = stream(sse(*head(api), piece(api, "a")), *pings(60), sse(*tail(api)))
    began = time.monotonic()
    with pytest.raises(DeadlineError):
        list(adapter.stream(call(server, api, ends_at=began + 0.4, **PATIENT)))
    assert time.monotonic() - began < 2


@pytest.fixture
def deaf() -> Iterator[str]:
    """The URL of a server that accepts nothing: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for one in waiting:
            one.close()


def test_a_server_that_does_not_accept(way: Way, deaf: str) -> None:
    adapter, api = way
    began = time.monotonic()
    with pytest.raises(ConnectError, match="timed out"):
        adapter.complete(call(deaf, api, connect_s=0.2, **PATIENT))
    with pytest.raises(ConnectError, match="timed out"):
        list(adapter.stream(call(deaf, api, connect_s=0.2, **PATIENT)))
    with pytest.raises(ConnectError, match="timed out"):
        asyncio.run(aclosing(adapter, call(deaf, api, connect_s=0.2, **PATIENT)))
    assert time.monotonic() - began < 5
