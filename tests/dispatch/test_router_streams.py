"""Streams through a router: what is retried, what is not, and how they end."""

from __future__ import annotations

import asyncio
import traceback
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest

from llmroute import Router
from llmroute.errors import CallError, MalformedReplyError, OverloadedError, TruncatedStreamError
from llmroute.testing import Close, Hang, Pause, answer, good_stream, sse, stream
from llmroute.wire.chat import ErrorEvent, Finish
from tests.adapters.samples import OPENAI, chunk, good, piece, streamed
from tests.dispatch.samples import KEY, PROMPT, router

if TYPE_CHECKING:
    from llmroute.dispatch.streams import ReplyStream
    from llmroute.testing import FaultServer, Step
    from llmroute.wire.chat import Event

USAGE = {**chunk(), "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 0}}
EARLY: dict[str, list[Step]] = {
    "status": answer(503),
    "empty": stream(),
    "only usage": stream(sse(USAGE)),
    "error first": stream(sse({"error": {"type": "overloaded_error", "message": "x"}})),
    "cut": stream(sse(chunk()), end=(Close(),)),
    "html": answer(200, "<html>", {"content-type": "text/html"}),
}


def drive(made: Router, way: str, **asked: Any) -> tuple[list[Event], BaseException | None, Any]:
    """All events of a stream, the exception at its end, and the reply; `way` is `sync` or `async`."""
    events: list[Event] = []

    async def main() -> Any:
        async with made, made.astream(PROMPT, **asked) as stream:
            async for event in stream:
                events.append(event)  # noqa: PERF401 - those before an exception count
            return stream.reply

    try:
        if way == "async":
            return events, None, asyncio.run(main())
        with made, made.stream(PROMPT, **asked) as running:
            for event in running:
                events.append(event)  # noqa: PERF402 - those before an exception count
            return events, None, running.reply
    except CallError as exc:
        return events, exc, None


@pytest.fixture(params=["sync", "async"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_stream_and_its_reply(server: FaultServer, way: str) -> None:
    server.script(streamed(OPENAI, "Fo", "ur."))
    events, failure, reply = drive(router(server), way, agent="alone")
    assert failure is None
    assert [event.type for event in events] == ["text_delta", "text_delta", "usage", "finish"]
    last = events[-1]
    assert isinstance(last, Finish)
    assert last.reply is reply
    assert (reply.text, reply.resolution.target.name) == ("Four.", "first/m-1")
    assert [row.kind for row in reply.attempts] == [None]


@pytest.mark.parametrize("case", EARLY)
def test_what_fails_before_any_content_is_tried_again(server: FaultServer, way: str, case: str) -> None:
    server.script(EARLY[case], streamed(OPENAI, "Four."))
    events, failure, reply = drive(router(server), way, agent="alone")
    assert failure is None
    assert [event.type for event in events] == ["text_delta", "usage", "finish"]
    assert [row.kind is None for row in reply.attempts] == [False, True]


def test_the_next_target_streams(server: FaultServer, way: str) -> None:
    server.script(answer(404), streamed(OPENAI, "Four."))
    _, failure, reply = drive(router(server), way, agent="pair")
    assert failure is None
    assert [row.target for row in reply.attempts] == ["first/m-1", "second/m-2"]


def test_what_fails_at_last_is_raised_without_an_event(server: FaultServer, way: str) -> None:
    server.default = answer(503, {"error": {"message": f"{PROMPT} {KEY}"}})
    events, failure, _ = drive(router(server), way, agent="pair")
    assert events == []
    assert isinstance(failure, OverloadedError)
    assert len(failure.attempts) == 3
    shown = "".join(traceback.format_exception(failure))
    assert KEY not in shown
    assert PROMPT not in shown


LATE: dict[str, tuple[list[Step], type[CallError]]] = {
    "cut": (stream(sse(piece(OPENAI, "Fo")), end=(Close(),)), TruncatedStreamError),
    "end": (stream(sse(piece(OPENAI, "Fo"))), TruncatedStreamError),
    "error": (stream(sse(piece(OPENAI, "Fo")), sse({"error": {"type": "overloaded_error"}})), OverloadedError),
    "broken": (stream(sse(piece(OPENAI, "Fo")), "data: {\n\n"), MalformedReplyError),
}


@pytest.mark.parametrize("case", LATE)
def test_after_content_nothing_is_tried_again(server: FaultServer, way: str, case: str) -> None:
    steps, cls = LATE[case]
    server.script(steps, streamed(OPENAI, "Four."))
    events, failure, _ = drive(router(server), way, agent="chain")
    assert [event.type for event in events] == ["text_delta", "error"]
    last = events[-1]
    assert isinstance(last, ErrorEvent)
    assert last.error is failure
    assert isinstance(failure, cls)
    assert [row.kind for row in failure.attempts] == [cls.kind]
    assert len(server.requests) == 1


def test_leaving_early_closes_the_connection(server: FaultServer) -> None:
    server.script(stream(sse(piece(OPENAI, "Fo")), Hang()))
    with router(server) as made:
        with made.stream(PROMPT, agent="alone") as running:
            for event in running:
                assert event.type == "text_delta"
                break
        assert running.reply is None
        assert list(running) == []
        assert server.requests[0].hung_up.wait(1)


def test_leaving_early_closes_the_asynchronous_connection(server: FaultServer) -> None:
    async def main() -> bool:
        async with router(server) as made:
            async with made.astream(PROMPT, agent="alone") as running:
                async for event in running:
                    assert event.type == "text_delta"
                    break
            return await asyncio.to_thread(server.requests[0].hung_up.wait, 1)

    server.script(stream(sse(piece(OPENAI, "Fo")), Hang()))
    assert asyncio.run(main())


def test_nothing_is_sent_before_the_first_event(server: FaultServer) -> None:
    with router(server) as made, made.stream(PROMPT, agent="alone") as running:
        assert running.resolution.target.name == "first/m-1"
    assert server.connections == 0


def test_a_stream_of_the_mock(server: FaultServer, way: str) -> None:
    _, failure, reply = drive(router(server), way)
    assert failure is None
    assert (reply.text, reply.mock) == ("from the mock", True)


def test_an_adapter_that_never_finishes_is_caught(server: FaultServer, way: str) -> None:
    class Silent:
        def stream(self, _: Any) -> Any:
            yield from ()

        async def astream(self, _: Any) -> Any:
            for event in ():
                yield event

        def close(self) -> None: ...
        async def aclose(self) -> None: ...

    made = router(server)
    made._adapters["mock"] = Silent()  # type: ignore[assignment] # as little of an adapter as a stream needs
    events, failure, _ = drive(made, way, max_retries=0)
    assert events == []
    assert isinstance(failure, TruncatedStreamError)


def test_streams_in_turn_share_one_connection(server: FaultServer) -> None:
    server.script(streamed(OPENAI, "a"), good(OPENAI), streamed(OPENAI, "b"))
    with router(server) as made:
        list(made.stream(PROMPT, agent="alone"))
        made.complete(PROMPT, agent="alone")
        list(made.stream(PROMPT, agent="alone"))
    assert server.connections == 1


# -- Closed by another thread


def read(stream: ReplyStream, seen: list[str]) -> None:
    seen.extend(event.type for event in stream if event.type != "usage")
    seen.append("end")


@pytest.mark.parametrize("api", [OPENAI, "anthropic-messages"])
@pytest.mark.parametrize("transport", ["http", "sdk"])
@pytest.mark.parametrize("texts", [(), ("One",)], ids=["before content", "after content"])
def test_another_thread_closes_a_stream_whose_server_says_nothing(
    server: FaultServer, api: str, transport: str, texts: tuple[str, ...]
) -> None:
    server.default = [*good_stream(api, *texts)[: 2 + len(texts)], Hang()]
    provider = {"api": api, "base_url": f"{server.url}{'/v1' * (api == OPENAI)}", "transport": transport, "model": "m"}
    spec = {"version": 1, "providers": {"p": provider}, "defaults": {"provider": "p", "max_retries": 5}}
    seen: list[str] = []
    with Router(spec) as made, made.stream(PROMPT) as running:
        reader = Thread(target=read, args=(running, seen))
        reader.start()
        assert server.reached.wait(30)  # the first call through an SDK imports it
        sleep(0.05)
        began = monotonic()
        running.close()
        reader.join(5)
        assert monotonic() - began < 1
        assert server.requests[0].hung_up.wait(1)
    assert seen == [*(["text_delta"] * len(texts)), "end"]
    assert len(server.requests) == 1
    assert running.reply is None


def test_another_thread_ends_the_wait_between_two_attempts(server: FaultServer) -> None:
    server.default = answer(503, "", {"retry-after": "20"})
    provider = {"base_url": f"{server.url}/v1", "model": "m"}
    seen: list[str] = []
    with Router({"version": 1, "providers": {"p": provider}, "defaults": {"provider": "p"}}) as made:
        running = made.stream(PROMPT)
        reader = Thread(target=read, args=(running, seen))
        reader.start()
        assert server.reached.wait(5)
        sleep(0.1)
        running.close()
        reader.join(1)
        assert not reader.is_alive()
    assert seen == ["end"]
    assert len(server.requests) == 1


def test_events_that_come_after_the_close_are_not_given_out(server: FaultServer) -> None:
    whole = good_stream(OPENAI, "One", "Two")
    server.default = [*whole[:3], Pause(0.3), *whole[3:]]
    seen: list[str] = []
    with router(server) as made, made.stream(PROMPT, agent="alone") as running:
        assert next(running).type == "text_delta"
        reader = Thread(target=read, args=(running, seen))
        reader.start()
        sleep(0.05)
        running.close()
        reader.join(5)
        with pytest.raises(StopIteration):
            next(running)
    assert seen == ["end"]


def test_what_goes_wrong_while_closing_is_not_hidden(server: FaultServer) -> None:
    def broken() -> Any:
        try:
            yield None
        finally:
            raise ValueError("something else")

    with router(server) as made:
        running = made.stream(PROMPT, agent="alone")
        running._source = broken()
        next(running)
        with pytest.raises(ValueError, match="something else"):
            running.close()
