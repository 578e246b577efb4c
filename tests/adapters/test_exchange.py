"""What goes out and what comes back, through every adapter on HTTP, blocking and asynchronous."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

import llmroute
from llmroute.adapters.base import Adapter, Call
from llmroute.adapters.formats import prepare
from llmroute.testing import Close, FaultServer, Hang, Pause, sse, stream
from llmroute.wire.chat import ChatRequest, Finish, Params, Usage, user
from tests.adapters.samples import (
    ANTHROPIC,
    KEY,
    OPENAI,
    PATHS,
    PROMPT,
    aclosing,
    acollect,
    call,
    good,
    head,
    piece,
    streamed,
    tail,
    target,
    texts,
)

Way = tuple[Adapter, str]


def test_complete(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.script(good(api))
    reply = adapter.complete(call(server, api))
    assert (reply.text, reply.model, reply.stop_reason) == ("Four.", "test-model", "stop")
    assert reply.usage == Usage(input_tokens=7, output_tokens=2)
    assert not reply.mock


def test_acomplete(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.script(good(api))
    assert asyncio.run(aclosing(adapter, call(server, api))).text == "Four."


def test_stream(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.script(streamed(api, "Fo", "ur."))
    events = list(adapter.stream(call(server, api)))
    assert texts(events) == ["Fo", "ur."]
    assert isinstance(events[-1], Finish)
    assert events[-1].reply.text == "Four."
    assert [event.type for event in events].count("finish") == 1


def test_astream(way: Way, server: FaultServer) -> None:
    adapter, api = way

    async def main() -> list[str]:
        try:
            return texts(await acollect(adapter, call(server, api)))
        finally:
            await adapter.aclose()

    server.script(streamed(api, "Fo", "ur."))
    assert asyncio.run(main()) == ["Fo", "ur."]


def test_a_stream_cut_at_every_byte_reads_the_same(http: Adapter, server: FaultServer) -> None:
    whole = sse(*head(ANTHROPIC), piece(ANTHROPIC, "Fööur 🦀"), *tail(ANTHROPIC)).encode()
    for at in range(0, len(whole), 7):
        server.script(stream(whole[:at] or b":\n", whole[at:]))
        assert texts(list(http.stream(call(server, ANTHROPIC)))) == ["Fööur 🦀"]


def test_what_is_on_the_wire(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.script(good(api))
    adapter.complete(call(server, api, headers={"X-Team": "compilers"}, extra_body={"top_k": 3}))
    seen = server.requests[0]
    assert (seen.method, seen.path) == ("POST", PATHS[api])
    assert seen.headers.pop("host") == f"127.0.0.1:{server.port}"
    assert int(seen.headers.pop("content-length")) == len(seen.body)
    assert seen.headers == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "authorization": f"Bearer {KEY}",
        "content-type": "application/json",
        "user-agent": f"llmroute/{llmroute.__version__}",
        "x-team": "compilers",
    } | ({"anthropic-version": "2023-06-01"} if api == ANTHROPIC else {})
    body = seen.json
    assert (body.pop("model"), body.pop("top_k")) == ("m-1", 3)
    assert body.pop("messages")[0]["role"] == "user"
    assert body.keys() <= {"max_tokens"}


@pytest.mark.parametrize(
    ("auth", "key", "expected"),
    [
        ("bearer", KEY, {"authorization": f"Bearer {KEY}"}),
        ("bearer", None, {"authorization": "Bearer none"}),
        ("x-api-key", KEY, {"x-api-key": KEY}),
        ("x-api-key", None, {}),
        ("api-key", KEY, {"api-key": KEY}),
        ("none", KEY, {}),
        ("none", None, {}),
    ],
)
def test_how_the_key_travels(
    way: Way, server: FaultServer, auth: str, key: str | None, expected: dict[str, str]
) -> None:
    adapter, api = way
    server.script(good(api))
    adapter.complete(call(server, api, auth=auth, key=key))
    headers = server.requests[0].headers
    sent = {name: headers[name] for name in ("authorization", "x-api-key", "api-key") if name in headers}
    assert sent == expected


def test_the_version_of_the_api(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.script(good(api))
    adapter.complete(call(server, api, api_version="2026-10-21"))
    seen = server.requests[0]
    if api == ANTHROPIC:
        assert seen.headers["anthropic-version"] == "2026-10-21"
    else:
        assert seen.path == PATHS[api] + "?api-version=2026-10-21"


@pytest.mark.parametrize("adapter_name", ["http", "anthropic_sdk"])
def test_v1_is_never_doubled(server: FaultServer, adapter_name: str) -> None:
    adapter = llmroute.adapters.create(adapter_name)
    server.script(good(ANTHROPIC))
    adapter.complete(call(server, ANTHROPIC, base_url=f"{server.url}/v1"))
    assert server.requests[0].path == "/v1/messages"
    adapter.close()


def test_parameters_and_extra_body_reach_the_body(http: Adapter, server: FaultServer) -> None:
    server.script(good(OPENAI))
    request = ChatRequest((user(PROMPT),), params=Params(temperature=0, max_tokens=9))
    http.complete(Call(target(server.url, extra_body={"max_tokens": 3, "grammar": "x"}), request, KEY))
    body = server.requests[0].json
    assert (body["temperature"], body["max_tokens"], body["grammar"]) == (0, 3, "x")


def test_one_connection_serves_calls_and_streams(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.script(good(api), streamed(api, "a"), good(api), good(api))
    adapter.complete(call(server, api))
    list(adapter.stream(call(server, api)))
    adapter.complete(call(server, api))
    adapter.complete(call(server, api, model="another"))
    assert server.connections == 1


def test_after_close_a_new_connection_is_opened(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.script(good(api), good(api))
    adapter.complete(call(server, api))
    adapter.close()
    assert adapter.complete(call(server, api)).text == "Four."
    assert server.connections == 2


def test_each_event_loop_has_its_own_connections(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.script(good(api), good(api))
    for _ in range(2):
        assert asyncio.run(aclosing(adapter, call(server, api))).text == "Four."


def test_closing_a_stream_closes_the_connection(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.script(stream(sse(*head(api)), sse(piece(api, "a")), Hang()))
    events = adapter.stream(call(server, api))
    while next(events).type != "text_delta":
        pass
    events.close()
    assert server.requests[0].hung_up.wait(1)


def test_closing_an_asynchronous_stream_closes_the_connection(way: Way, server: FaultServer) -> None:
    adapter, api = way

    async def main() -> bool:
        events = adapter.astream(call(server, api))
        while (await anext(events)).type != "text_delta":
            pass
        await events.aclose()
        gone = await asyncio.to_thread(server.requests[0].hung_up.wait, 1)
        await adapter.aclose()
        return gone

    server.script(stream(sse(*head(api)), sse(piece(api, "a")), Hang()))
    assert asyncio.run(main())


def test_cancelling_closes_the_connection(way: Way, server: FaultServer) -> None:
    adapter, api = way

    async def main() -> bool:
        task = asyncio.create_task(adapter.acomplete(call(server, api)))
        await asyncio.to_thread(server.reached.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gone = await asyncio.to_thread(server.requests[0].hung_up.wait, 1)
        await adapter.aclose()
        return gone

    server.script([Hang()])
    assert asyncio.run(main())


def test_events_come_as_they_are_sent(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.script(stream(sse(*head(api)), sse(piece(api, "a")), Pause(0.5), sse(piece(api, "b")), sse(*tail(api))))
    began = time.monotonic()
    events = adapter.stream(call(server, api))
    while next(events).type != "text_delta":
        pass
    assert time.monotonic() - began < 0.4
    assert texts(list(events)) == ["b"]


def test_a_server_that_keeps_the_stream_open_delays_nobody(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.script(stream(sse(*head(api), piece(api, "a"), *tail(api)), Hang()))
    began = time.monotonic()
    assert list(adapter.stream(call(server, api)))[-1].type == "finish"
    assert time.monotonic() - began < 2


def test_many_threads_share_one_adapter(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.default = good(api)
    found: list[str] = []

    def work() -> None:
        found.extend(adapter.complete(call(server, api)).text for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["Four."] * 40
    assert server.connections <= 8


def test_a_connection_that_the_server_closed_meanwhile_is_not_used(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.script([*good(api), Close()], good(api))
    adapter.complete(call(server, api))
    time.sleep(0.1)
    assert adapter.complete(call(server, api)).text == "Four."
    assert server.connections == 2


def test_what_comes_after_the_end_is_ignored(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.script(stream(sse(*head(api), piece(api, "a"), *tail(api)), Pause(0.02), sse(piece(api, "b"), "nonsense")))
    events = list(adapter.stream(call(server, api)))
    assert texts(events) == ["a"]
    assert events[-1].type == "finish"


def test_losses_on_the_way_out_are_told_with_the_reply(http: Adapter, server: FaultServer) -> None:
    request = ChatRequest((user(PROMPT),), params=Params(top_k=3))
    server.script(good(OPENAI), streamed(OPENAI, "a"))
    made = Call(target(server.url), request, KEY)
    reply = http.complete(made)
    last = list(http.stream(made))[-1]
    assert isinstance(last, Finish)
    assert any(line.startswith("top_k") for line in reply.warnings)
    assert last.reply.warnings == reply.warnings


def test_no_call_waits_for_another_to_end(http: Adapter, server: FaultServer) -> None:
    server.default = [Pause(0.3), *good(OPENAI)]
    threads = [threading.Thread(target=http.complete, args=(call(server),)) for _ in range(40)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 40
    assert time.monotonic() - began < 5


def test_what_is_about_to_be_sent_has_no_repr(server: FaultServer) -> None:
    ready = prepare(call(server), stream=False)
    assert KEY in str(ready.headers)
    assert KEY not in repr(ready)
    assert PROMPT not in repr(ready)
    assert KEY not in repr(call(server))
    assert PROMPT not in repr(call(server))
