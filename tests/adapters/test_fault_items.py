"""Every row of the catalogue of faults, through the adapters: kind, message, what is kept of the text, connections."""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING

import pytest

from llmroute import adapters
from llmroute.errors import CallError, LLMRouteError, TruncatedStreamError
from llmroute.testing import FaultServer
from llmroute.wire.chat import Finish
from tests.adapters.samples import ADAPTERS, KEY, PROMPT, call
from tests.testing import faults_of_one_api, faults_stream, faults_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.adapters.base import Adapter, Call
    from llmroute.wire.chat import Event, Reply
    from tests.testing.catalogue import Fault

FAULTS = [*faults_whole.faults(), *faults_stream.faults(), *faults_of_one_api.faults()]
ROWS = [pytest.param(fault, api, id=f"{fault.id}-{api}") for fault in FAULTS for api in fault.apis]
SDK_ROWS = [
    pytest.param(fault, name, api, id=f"{fault.id}-{name}")
    for fault in FAULTS
    for name, api in ADAPTERS
    if name != "http" and api in fault.apis and not fault.name.endswith(("-html", "-html-streamed"))
]


@pytest.mark.parametrize("way", ["blocking", "asynchronous"])
@pytest.mark.parametrize(("fault", "api"), ROWS)
def test_plain_http(fault: Fault, api: str, way: str) -> None:
    met(fault, api, "http", way)


@pytest.mark.parametrize(("fault", "name", "api"), SDK_ROWS)
def test_the_sdks(fault: Fault, name: str, api: str) -> None:
    met(fault, api, name, "blocking")


def test_no_two_rows_have_one_name() -> None:
    names = [str(row.id) for row in ROWS]
    assert sorted(set(names)) == sorted(names)


def met(fault: Fault, api: str, name: str, way: str) -> None:
    """Two calls that meet the fault, on one adapter; of one that waits, one."""
    adapter = adapters.create(name)
    calls = 1 if fault.waits else 2
    with FaultServer(lambda _: fault.of(api)) as server:
        made = call(server, api, timeout_s=0.1 if fault.waits else 10.0)
        if way == "asynchronous":
            outcomes = asyncio.run(_all(adapter, made, fault, calls))
        else:
            outcomes = [_one(adapter, made, fault) for _ in range(calls)]
            adapter.close()
        assert len(server.requests) == calls
        assert server.connections == (1 if fault.kept else calls)
    for events, failure in outcomes:
        judge(fault, events, failure)


def judge(fault: Fault, events: Sequence[Event], failure: CallError | None) -> None:
    """Whether one call came to what the row says."""
    text = "".join(event.text for event in events if event.type == "text_delta")
    assert (failure.kind if failure else None) == fault.kind, failure
    if failure is None:
        last = events[-1]
        assert isinstance(last, Finish)
        assert [event.type for event in events].count("finish") == 1
        _good(fault, last.reply, text)
        return
    assert fault.says in str(failure)
    assert failure.status == fault.status
    assert not any(event.type == "finish" for event in events)
    assert bool(text) == fault.began
    if isinstance(failure, TruncatedStreamError):
        assert failure.partial is not None
        assert failure.partial.text == fault.text
    if fault.retry_after_s == float("inf"):
        assert failure.retry_after_s is not None
        assert failure.retry_after_s > 1e9
    else:
        assert failure.retry_after_s == fault.retry_after_s
    assert (failure.provider, failure.model) == ("srv", "m-1")
    silent(failure)


def _good(fault: Fault, reply: Reply, text: str) -> None:
    assert reply.text == fault.text
    assert text == (fault.text if fault.streamed else "")
    assert tuple((row.name, row.arguments) for row in reply.tool_calls) == fault.calls
    for row in reply.tool_calls:
        assert row.complete == (fault.stop != "length")
        assert not row.complete or row.parsed() in ({"x": 1}, {"y": 2}, {})
    assert reply.stop_reason == fault.stop
    assert [fault.warns in row for row in reply.warnings] == [True] * bool(fault.warns)


def silent(failure: BaseException) -> None:
    """No key and no prompt in what an exception shows, nor an exception of a transport behind it."""
    shown = "".join(traceback.format_exception(failure)) + repr(failure) + str(vars(failure))
    assert KEY not in shown
    assert PROMPT not in shown
    inner = failure.__context__
    while inner is not None:
        assert isinstance(inner, LLMRouteError)
        inner = inner.__context__


def _one(adapter: Adapter, made: Call, fault: Fault) -> tuple[list[Event], CallError | None]:
    events: list[Event] = []
    try:
        if not fault.streamed:
            return [Finish(adapter.complete(made))], None
        for event in adapter.stream(made):
            events.append(event)  # noqa: PERF402 - those before an exception count
    except CallError as exc:
        return events, exc
    return events, None


async def _all(adapter: Adapter, made: Call, fault: Fault, calls: int) -> list[tuple[list[Event], CallError | None]]:
    try:
        return [await _aone(adapter, made, fault) for _ in range(calls)]
    finally:
        await adapter.aclose()


async def _aone(adapter: Adapter, made: Call, fault: Fault) -> tuple[list[Event], CallError | None]:
    events: list[Event] = []
    try:
        if not fault.streamed:
            return [Finish(await adapter.acomplete(made))], None
        async for event in adapter.astream(made):
            events.append(event)  # noqa: PERF401 - those before an exception count
    except CallError as exc:
        return events, exc
    return events, None
