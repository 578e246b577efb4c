"""Failures beside the catalogue: words in errors, requests that are not sent, missing certificates, drips."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from llmroute.adapters.base import Adapter, Call
from llmroute.adapters.connections.breaks import TimedOut
from llmroute.adapters.timeouts import Limit
from llmroute.errors import (
    CallError,
    ConnectError,
    DeadlineError,
    RateLimitError,
    RequestError,
)
from llmroute.testing import Close, FaultServer, Pause, Step, answer, sse, stream
from llmroute.wire.chat import ChatRequest, user
from tests.adapters.samples import (
    KEY,
    OPENAI,
    aclosing,
    acollect,
    call,
    good,
    head,
    piece,
    target,
)
from tests.adapters.test_fault_items import silent

Way = tuple[Adapter, str]


def failure(adapter: Adapter, made: Call, *, streamed: bool = False) -> CallError:
    """The error of a call, after a look at what it shows."""
    ask = (lambda: list(adapter.stream(made))) if streamed else (lambda: adapter.complete(made))
    with pytest.raises(CallError) as caught:
        ask()
    silent(caught.value)
    return caught.value


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


def test_plain_text_where_tls_was_wanted(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.default = [b"HTTP/1.1 400 Bad Request\r\n\r\n", Close()]
    made = call(server.url.replace("http:", "https:"), api)
    assert isinstance(failure(adapter, made), ConnectError)
    with pytest.raises(ConnectError):
        asyncio.run(aclosing(adapter, made))


DRIP: list[Step] = [step for byte in good(OPENAI)[0] for step in (bytes([byte]), Pause(0.05))]


def test_the_deadline_of_the_request_holds_for_streams_too(way: Way, server: FaultServer) -> None:
    adapter, api = way
    server.default = stream(sse(*head(api)), *[step for _ in range(40) for step in (sse(piece(api, "a")), Pause(0.05))])
    made = call(server, api, ends_at=time.monotonic() + 0.5)
    began = time.monotonic()
    assert isinstance(failure(adapter, made, streamed=True), DeadlineError)
    assert time.monotonic() - began < 1.5


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
    with pytest.raises(TimedOut):
        Limit(5.0, time.monotonic() - 1).left()
    assert 0 < Limit(5.0, time.monotonic() + 1).left() <= 1
