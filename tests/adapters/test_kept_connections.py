"""Item 66 of the catalogue of faults: a kept connection that the server closes just as the next request is written.

The request can be sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from llmroute.adapters.connections import blocking
from llmroute.adapters.http import HttpAdapter
from llmroute.errors import AmbiguousError, ConnectError
from llmroute.testing import Close, Reset
from tests.adapters.samples import APIS, acollect, call, good, streamed, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmroute.errors import CallError
    from llmroute.testing import FaultServer, Step

ENDS: Sequence[Sequence[Step]] = ([Close()], [Reset()])
every_end = pytest.mark.parametrize("end", ENDS, ids=["closed", "reset"])
every_api = pytest.mark.parametrize("api", APIS)


@contextlib.contextmanager
def closed_before() -> Iterator[None]:
    with pytest.raises(ConnectError, match="had closed the kept connection") as caught:
        yield
    failure: CallError = caught.value
    assert failure.retry_after_s == 0


@every_end
@every_api
def test_it_was_not_reached(api: str, end: Sequence[Step], server: FaultServer) -> None:
    server.script(good(api), end, streamed(api, "Four."), end)
    with contextlib.closing(HttpAdapter()) as adapter:
        assert adapter.complete(call(server, api)).text == "Four."
        with closed_before():
            adapter.complete(call(server, api))
        assert texts(list(adapter.stream(call(server, api)))) == ["Four."]
        with closed_before():
            list(adapter.stream(call(server, api)))
    assert (len(server.requests), server.connections) == (4, 2)


@every_end
@every_api
def test_the_same_asynchronously(api: str, end: Sequence[Step], server: FaultServer) -> None:
    server.script(good(api), end, streamed(api, "Four."), end)

    async def ask() -> None:
        adapter = HttpAdapter()
        try:
            assert (await adapter.acomplete(call(server, api))).text == "Four."
            with closed_before():
                await adapter.acomplete(call(server, api))
            assert texts(await acollect(adapter, call(server, api))) == ["Four."]
            with closed_before():
                await acollect(adapter, call(server, api))
        finally:
            await adapter.aclose()

    asyncio.run(ask())
    assert (len(server.requests), server.connections) == (4, 2)


@every_api
def test_a_new_connection_that_breaks_may_have_been_heard(api: str, server: FaultServer) -> None:
    server.script([Close()], good(api))
    with contextlib.closing(HttpAdapter()) as adapter, pytest.raises(AmbiguousError):
        adapter.complete(call(server, api))
    assert len(server.requests) == 1


@every_api
def test_so_may_a_kept_one_that_breaks_later(api: str, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "CLOSED_BEFORE_S", 0.0)
    server.script(good(api), [Close()], good(api))
    with contextlib.closing(HttpAdapter()) as adapter:
        adapter.complete(call(server, api))
        with pytest.raises(AmbiguousError):
            adapter.complete(call(server, api))
    assert len(server.requests) == 2


@pytest.mark.parametrize("part", [20, None], ids=["begun", "whole"])
@every_api
def test_a_second_answer_is_never_that_of_the_next_request(api: str, part: int | None, server: FaultServer) -> None:
    one = b"".join(step for step in good(api, "Four.") if isinstance(step, bytes))
    other = b"".join(step for step in good(api, "Five.") if isinstance(step, bytes))
    server.default = [one + other[:part]]

    async def ask() -> list[str]:
        adapter = HttpAdapter()
        try:
            return [(await adapter.acomplete(call(server, api))).text for _ in range(2)]
        finally:
            await adapter.aclose()

    with contextlib.closing(HttpAdapter()) as adapter:
        assert [adapter.complete(call(server, api)).text for _ in range(2)] == ["Four."] * 2
    assert server.connections == 2
    assert asyncio.run(ask()) == ["Four."] * 2
    assert server.connections == 4
