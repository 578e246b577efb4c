"""What servers and networks do wrong, and the one kind of failure that each comes to."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import traceback
from typing import Any

import httpcore2
import pytest

from llmroute.adapters.base import Adapter, Call
from llmroute.adapters.timeouts import Limit
from llmroute.errors import (
    AmbiguousError,
    CallError,
    ConnectError,
    DeadlineError,
    LLMRouteError,
    MalformedReplyError,
    RateLimitError,
    RequestError,
    TruncatedStreamError,
)
from llmroute.testing import END, Close, FaultServer, Hang, Pause, Reset, Step, answer, sse, stream
from llmroute.wire.chat import ChatRequest, user
from tests.adapters.samples import (
    ANTHROPIC,
    KEY,
    OPENAI,
    PROMPT,
    aclosing,
    acollect,
    call,
    chunk,
    good,
    head,
    piece,
    tail,
    target,
    whole,
)

Way = tuple[Adapter, str]

STATUSES = {
    400: "request", 401: "auth", 402: "quota", 403: "auth", 404: "model", 408: "server", 409: "server",
    413: "request", 418: "request", 422: "request", 429: "rate", 500: "server", 501: "server", 502: "server",
    503: "overload", 504: "server", 520: "server", 524: "server", 529: "overload",
}  # fmt: skip
BODIES: dict[str, Any] = {
    "openai": {"error": {"message": f"no {PROMPT} {KEY}", "type": "some_error", "param": None, "code": None}},
    "anthropic": {"type": "error", "error": {"type": "some_error", "message": f"no {PROMPT} {KEY}"}},
    "text in error": {"error": f"no {PROMPT} {KEY}"},
    "html": f"<html><body>no {PROMPT} {KEY}</body></html>",
    "empty": b"",
    "deep": b"[" * 100_000,
}


def failure(adapter: Adapter, made: Call, *, streamed: bool = False) -> CallError:
    """The error of a call, after a look at what it shows."""
    ask = (lambda: list(adapter.stream(made))) if streamed else (lambda: adapter.complete(made))
    with pytest.raises(CallError) as caught:
        ask()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + str(vars(caught.value))
    assert KEY not in shown
    assert PROMPT not in shown
    inner = caught.value.__context__
    while inner is not None:  # no exception of a transport, which would hold the request
        assert isinstance(inner, LLMRouteError)
        inner = inner.__context__
    return caught.value


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", STATUSES)
def test_each_status_has_its_kind(http: Adapter, server: FaultServer, status: int, body: str) -> None:
    server.default = answer(status, BODIES[body])
    for streamed in (False, True):
        found = failure(http, call(server), streamed=streamed)
        assert (found.kind, found.status) == (STATUSES[status], status)
        assert (found.provider, found.model, found.base_url) == ("srv", "m-1", f"{server.url}/v1")


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 529])
def test_the_sdks_classify_alike(way: Way, server: FaultServer, status: int) -> None:
    adapter, api = way
    server.default = answer(status, BODIES["openai"], {"retry-after": "7"})
    for streamed in (False, True):
        found = failure(adapter, call(server, api), streamed=streamed)
        assert (found.kind, found.status, found.retry_after_s) == (STATUSES[status], status, 7.0)
    assert len(server.requests) == 2  # nobody retried behind our back


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"code": "insufficient_quota", "message": "x"}, "quota"),
        (429, {"type": "billing_error", "message": "x"}, "quota"),
        (500, {"type": "overloaded_error", "message": "x"}, "overload"),
        (400, {"code": "content_filter", "message": "x"}, "refusal"),
        (400, {"code": "model_not_found", "message": "x"}, "model"),
        (200, {"type": "overloaded_error", "message": "x"}, "overload"),
        (200, {"code": 429, "message": "x"}, "rate"),
        (200, {"message": "x"}, "malformed"),
    ],
)
def test_the_words_of_an_error_count(
    http: Adapter, server: FaultServer, status: int, error: dict[str, Any], kind: str
) -> None:
    server.default = answer(status, {"error": error})
    assert failure(http, call(server)).kind == kind


def test_retry_after_reaches_the_error(http: Adapter, server: FaultServer) -> None:
    server.script(answer(429, {"error": {"message": "slow down"}}, {"Retry-After-Ms": "1500"}))
    found = failure(http, call(server))
    assert isinstance(found, RateLimitError)
    assert found.retry_after_s == 1.5
    assert "slow down" in found.message


NO_REPLIES: dict[str, list[Step]] = {
    "html": answer(200, "<!doctype html><title>hi</title>", {"content-type": "text/html"}),
    "empty": answer(200, b""),
    "no content": answer(204, b""),
    "null": answer(200, b"null"),
    "list": answer(200, []),
    "object": answer(200, {}),
    "no choices": answer(200, {"choices": []}),
    "error": answer(200, {"error": {"message": "x"}}),
    "cut": [*answer(200, whole(OPENAI), {"content-length": "9999"}), Close()],
    "cut chunks": [*stream('{"choices"', end=(Close(),), kind="application/json")],
    "gzip lie": answer(200, json.dumps(whole(OPENAI)), {"content-encoding": "gzip"}),
    "bad utf-8": answer(200, b'{"choices": "\xff"}'),
    "nan": answer(200, b'{"choices": NaN}'),
    "deep": answer(200, b'{"a":' * 50_000),
    "long number": answer(200, b'{"choices": ' + b"9" * 5_000 + b"}"),
    "garbage": [b"SSH-2.0-OpenSSH_9.9\r\n\r\n", Close()],
    "large header": answer(200, whole(OPENAI), {"x-large": "a" * 200_000}),
}


@pytest.mark.parametrize("case", NO_REPLIES)
def test_an_answer_that_is_none_is_malformed(way: Way, server: FaultServer, case: str) -> None:
    adapter, api = way
    server.default = NO_REPLIES[case]
    assert failure(adapter, call(server, api)).kind == "malformed"


@pytest.mark.parametrize("case", ["html", "no content", "object", "error", "garbage"])
def test_a_stream_that_is_none_is_malformed(way: Way, server: FaultServer, case: str) -> None:
    adapter, api = way
    server.default = [*NO_REPLIES[case], Close()]
    assert failure(adapter, call(server, api), streamed=True).kind in {"malformed", "truncated"}


def test_a_bomb_is_not_unpacked(http: Adapter, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmroute.adapters.answers.LARGEST", 100_000)
    server.default = answer(200, gzip.compress(b" " * 10_000_000), {"content-encoding": "gzip"})
    assert "more than 100000 bytes" in failure(http, call(server)).message


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_never_followed(way: Way, server: FaultServer, other_server: FaultServer, status: int) -> None:
    adapter, api = way
    other_server.default = good(api)
    server.default = answer(status, b"", {"location": other_server.url + "/v1/chat/completions"})
    for streamed in (False, True):
        found = failure(adapter, call(server, api), streamed=streamed)
        assert isinstance(found, MalformedReplyError)
        assert "upstream_redirect" in found.message
    assert other_server.connections == 0


def test_a_refused_connection(way: Way, closed_port: int) -> None:
    adapter, api = way
    found = failure(adapter, call(f"http://127.0.0.1:{closed_port}", api))
    assert isinstance(found, ConnectError)
    assert "connection refused" in found.message
    found = failure(adapter, call(f"http://127.0.0.1:{closed_port}", api), streamed=True)
    assert isinstance(found, ConnectError)


def test_a_refused_connection_asynchronously(way: Way, closed_port: int) -> None:
    adapter, api = way

    async def main() -> CallError:
        try:
            await adapter.acomplete(call(f"http://127.0.0.1:{closed_port}", api))
        except CallError as exc:
            return exc
        finally:
            await adapter.aclose()
        raise AssertionError("it answered")

    found = asyncio.run(main())
    assert isinstance(found, ConnectError)
    assert "connection refused" in found.message


def test_plain_text_where_tls_was_wanted(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.default = [b"HTTP/1.1 400 Bad Request\r\n\r\n", Close()]
    made = call(server.url.replace("http:", "https:"), api)
    assert isinstance(failure(adapter, made), ConnectError)
    with pytest.raises(ConnectError):
        asyncio.run(aclosing(adapter, made))


BREAKS: dict[str, list[Step]] = {"reset": [Reset()], "close": [Close()], "silence": [Hang()]}


@pytest.mark.parametrize("case", BREAKS)
def test_no_answer_after_the_request_was_sent_is_ambiguous(way: Way, server: FaultServer, case: str) -> None:
    adapter, api = way
    server.default = BREAKS[case]
    for streamed in (False, True):
        found = failure(adapter, call(server, api, timeout_s=0.3), streamed=streamed)
        assert isinstance(found, AmbiguousError)


DRIP: list[Step] = [step for byte in good(OPENAI)[0] for step in (bytes([byte]), Pause(0.05))]


def test_a_dripping_answer_ends_at_its_limit(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.default = DRIP
    began = time.monotonic()
    assert isinstance(failure(adapter, call(server, api, timeout_s=0.5)), AmbiguousError)
    assert time.monotonic() - began < 1.5


def test_the_deadline_of_the_request_holds_for_streams_too(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.default = stream(sse(*head(api)), *[step for _ in range(40) for step in (sse(piece(api, "a")), Pause(0.05))])
    made = call(server, api, ends_at=time.monotonic() + 0.5)
    began = time.monotonic()
    assert isinstance(failure(adapter, made, streamed=True), DeadlineError)
    assert time.monotonic() - began < 1.5


CUTS: dict[str, list[Step]] = {
    "end of body": [END],
    "close": [Close()],
    "reset": [Reset()],
    "stall": [Hang()],
}


@pytest.mark.parametrize("case", CUTS)
def test_a_cut_stream_is_truncated_and_keeps_what_came(way: Way, server: FaultServer, case: str) -> None:
    adapter, api = way
    server.default = stream(sse(*head(api)), sse(piece(api, "Fo")), sse(piece(api, "ur")), end=CUTS[case])
    found = failure(adapter, call(server, api, timeout_s=0.4), streamed=True)
    assert isinstance(found, TruncatedStreamError)
    assert found.partial is not None
    assert found.partial.text in {"Four", "Fo"}


def test_the_end_without_its_marker_is_an_end(http: Adapter, server: FaultServer) -> None:
    server.default = stream(sse(chunk("Four."), chunk(finish="stop")))
    assert list(http.stream(call(server)))[-1].type == "finish"


def test_an_error_inside_a_stream(way: Way, server: FaultServer) -> None:
    adapter, api = way
    error = {"type": "error", "error": {"type": "overloaded_error", "message": f"full {PROMPT} {KEY}"}}
    server.default = stream(sse(*head(api)), sse(piece(api, "Fo")), sse(error))
    assert failure(adapter, call(server, api), streamed=True).kind == "overload"


@pytest.mark.parametrize("data", ["{", "[]", "\ud83d".encode("utf-16-le", "surrogatepass")])
def test_a_broken_event_is_malformed(way: Way, server: FaultServer, data: str | bytes) -> None:
    adapter, api = way
    raw = b"data: " + (data if isinstance(data, bytes) else data.encode()) + b"\n\n"
    server.default = stream(sse(*head(api)), sse(piece(api, "Fo")), raw, sse(*tail(api)))
    assert isinstance(failure(adapter, call(server, api), streamed=True), MalformedReplyError)


def test_a_whole_answer_in_place_of_a_stream_is_malformed(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.default = good(api)
    assert "where a stream was asked for" in failure(adapter, call(server, api), streamed=True).message


def test_a_lone_surrogate_is_not_sent(way: Way, server: FaultServer) -> None:
    adapter, api = way
    made = Call(target(server.url, api), ChatRequest((user("a\ud800b"),)), KEY)
    assert isinstance(failure(adapter, made), RequestError)
    assert server.connections == 0


@pytest.mark.parametrize("value", ["a\nb", "ключ"])
def test_a_header_that_http_forbids_is_not_sent_and_not_shown(way: Way, server: FaultServer, value: str) -> None:
    adapter, api = way
    server.default = good(api)
    found = failure(adapter, call(server, api, headers={"X-Team": f"{KEY}{value}"}))
    assert isinstance(found, RequestError)
    assert not server.requests


def test_missing_certificates_are_named(way: Way, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter, _ = way
    api = way[1]
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    found = failure(adapter, call(server.url.replace("http:", "https:"), api))
    assert isinstance(found, ConnectError)
    assert "SSL_CERT_FILE" in found.message


def test_anthropic_samples_are_what_the_codec_reads(http: Adapter, server: FaultServer) -> None:
    server.default = good(ANTHROPIC)
    assert http.complete(call(server, ANTHROPIC)).text == "Four."


ASYNC_CASES: dict[str, tuple[list[Step], str]] = {
    "status": (answer(503), "overload"),
    "reset": ([Reset()], "ambiguous"),
    "silence": ([Hang()], "ambiguous"),
    "cut": (stream(sse(piece(OPENAI, "Fo")), end=(Close(),)), "truncated"),
    "stall": (stream(sse(piece(OPENAI, "Fo")), end=(Hang(),)), "truncated"),
    "html": (answer(200, "<html>", {"content-type": "text/html"}), "malformed"),
}


@pytest.mark.parametrize("case", ASYNC_CASES)
def test_asynchronous_streams_fail_alike(http: Adapter, server: FaultServer, case: str) -> None:
    server.default, kind = ASYNC_CASES[case]

    async def main() -> CallError:
        try:
            await acollect(http, call(server, timeout_s=0.3))
        except CallError as exc:
            return exc
        finally:
            await http.aclose()
        raise AssertionError("it answered")

    assert asyncio.run(main()).kind == kind


@pytest.mark.parametrize("streamed", [False, True])
def test_an_asynchronous_drip_ends_at_the_deadline(http: Adapter, server: FaultServer, *, streamed: bool) -> None:
    pieces = [step for _ in range(40) for step in (sse(piece(OPENAI, "a")), Pause(0.05))]
    server.default = stream(*pieces) if streamed else DRIP

    async def main() -> None:
        made = call(server, ends_at=time.monotonic() + 0.4)
        with pytest.raises(DeadlineError):
            await (acollect(http, made) if streamed else http.acomplete(made))
        await http.aclose()

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 1.5


def test_a_limit_that_has_passed_reads_nothing_more() -> None:
    with pytest.raises(httpcore2.ReadTimeout):
        Limit(5.0, time.monotonic() - 1).left()
    assert 0 < Limit(5.0, time.monotonic() + 1).left() <= 1
