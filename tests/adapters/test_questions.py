"""Questions beside chats travel as calls do, and fail as they do."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.adapters import questions as module
from llmroute.adapters.base import Call
from llmroute.adapters.questions import Questions, url_at
from llmroute.errors import (
    AmbiguousError,
    AuthenticationError,
    CallError,
    ConnectError,
    DeadlineError,
    MalformedReplyError,
    ModelNotFoundError,
    PolicyError,
    RequestError,
)
from llmroute.testing import Close, Hang, Pause, Reset, answer
from llmroute.testing.steps import stream
from llmroute.wire.chat import ChatRequest
from tests.adapters.samples import ANTHROPIC, KEY, target

if TYPE_CHECKING:
    from llmroute.testing import FaultServer


def asking(server: FaultServer | str, *, timeout_s: float = 5.0, key: str | None = KEY, **changes: Any) -> Questions:
    url = server if isinstance(server, str) else server.url
    ends_at = time.monotonic() + timeout_s
    return Questions(Call(target(url, **changes), ChatRequest(()), key, timeout_s, ends_at))


def ask(server: FaultServer | str, path: str = "/models", body: Any = None, **changes: Any) -> Any:
    with asking(server, **changes) as questions:
        url = url_at(questions.call.endpoint, path)
        return questions.ask("GET" if body is None else "POST", url, body)


def test_a_question_carries_the_key_in_the_endpoint_s_own_header_and_no_more(server: FaultServer) -> None:
    server.default = answer(200, {"data": []})
    assert ask(server) == {"data": []}
    assert ask(server, "/x", {"model": "é"}, api=ANTHROPIC, auth="x-api-key") == {"data": []}
    first, second = server.requests
    assert (first.method, first.path, first.body) == ("GET", "/v1/models", b"")
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert "content-type" not in first.headers
    assert (second.method, second.path, second.json) == ("POST", "/x", {"model": "é"})
    assert second.headers["x-api-key"] == KEY
    assert second.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in second.headers


def test_a_path_stands_at_the_endpoint_s_own_origin() -> None:
    at = target("http://127.0.0.1:1")
    assert url_at(at, "/models") == "http://127.0.0.1:1/v1/models"
    assert url_at(at, "/api/tags", without="/v1") == "http://127.0.0.1:1/api/tags"
    assert url_at(at, "/api/tags", without="/v2") == "http://127.0.0.1:1/v1/api/tags"


def test_several_questions_share_a_connection(server: FaultServer) -> None:
    server.default = answer(200, {})
    with asking(server) as questions:
        for _ in range(3):
            questions.ask("GET", f"{server.url}/v1/models")
    assert server.connections == 1


def test_an_answer_may_say_nothing(server: FaultServer) -> None:
    server.default = answer(200, " \n")
    assert ask(server) is None


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (answer(401, {"error": f"bad key {KEY}"}), AuthenticationError),
        (answer(404, "nothing here"), ModelNotFoundError),
        (answer(405, ""), RequestError),
        (answer(302, "", {"location": "http://127.0.0.1:1/"}), MalformedReplyError),
        (answer(200, "<html>"), MalformedReplyError),
        (answer(200, "[" * 100_000), MalformedReplyError),
        ([b"HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\n{", Close()], MalformedReplyError),
        ([b"no HTTP\r\n\r\n"], MalformedReplyError),
        ([Reset()], AmbiguousError),
    ],
    ids=["401", "404", "405", "redirect", "html", "deep", "cut", "garbage", "reset"],
)
def test_every_failure_is_typed_and_names_the_endpoint(
    server: FaultServer, script: Any, error: type[CallError]
) -> None:
    server.script(script)
    with pytest.raises(error) as caught:
        ask(server)
    assert server.url in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.__context__ is None
    assert len(server.requests) == 1


def test_nobody_there(closed_port: int) -> None:
    with pytest.raises(ConnectError):
        ask(f"http://127.0.0.1:{closed_port}")


@pytest.mark.parametrize("script", [[Hang()], [b"HTTP/1.1 200 X\r\n", *[b"x-a: b\r\n", Pause(0.1)] * 50]])
def test_the_limit_holds_for_all_of_it(server: FaultServer, script: Any) -> None:
    server.script(script)
    began = time.monotonic()
    with pytest.raises(DeadlineError):
        ask(server, timeout_s=0.3)
    assert time.monotonic() - began < 2


def test_a_list_that_never_ends_is_given_up(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1000)
    server.script(answer(200, "x" * 100_000))
    with pytest.raises(MalformedReplyError, match="more than 1000 bytes"):
        ask(server)


def test_no_variable_moves_it(server: FaultServer, monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    server.default = answer(200, {})
    assert ask(server) == {}


def test_a_name_that_leads_farther_than_it_says_is_not_asked(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = [(2, 1, 6, "", ("203.0.113.7", server.port))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: far)
    with pytest.raises(PolicyError, match="nothing was sent"):
        ask(f"http://localhost:{server.port}")
    assert server.requests == []


# -- Streams


def lines(*rows: Any) -> list[str]:
    return [json.dumps(row) + "\n" for row in rows]


def follow(server: FaultServer, **changes: Any) -> list[dict[str, Any]]:
    with asking(server, **changes) as questions:
        return list(questions.follow("POST", f"{server.url}/api/pull", {"model": "m"}))


def test_the_objects_of_a_stream_come_as_they_are_sent(server: FaultServer) -> None:
    first, second = lines({"status": "a"}, {"status": "b"})
    server.script(stream(first[:4], first[4:] + second[:-1]))
    assert follow(server) == [{"status": "a"}, {"status": "b"}]


@pytest.mark.parametrize(
    ("script", "error", "shown"),
    [
        (stream(*lines({"status": "a"}, {"error": f"no such file {KEY}"})), RequestError, "says: no such file"),
        (stream(*lines({"error": {"code": 7}})), RequestError, "says: it failed"),
        (stream(*lines([1])), MalformedReplyError, "no object"),
        (stream("{\n"), MalformedReplyError, "no JSON"),
        (stream(*lines({"status": "a"}), end=[Close()]), MalformedReplyError, "breaks off"),
        (answer(404, {"error": "model 'm' not found"}), ModelNotFoundError, "has no model 'm-1'"),
    ],
    ids=["error", "number", "list", "cut-json", "cut", "404"],
)
def test_a_stream_that_fails(server: FaultServer, script: Any, error: type[CallError], shown: str) -> None:
    server.script(script)
    with pytest.raises(error, match=shown) as caught:
        follow(server)
    assert KEY not in str(caught.value)
    assert caught.value.__context__ is None


def test_closing_a_stream_hangs_up(server: FaultServer) -> None:
    server.script(stream(*lines({"status": "a"}), Hang()))
    with asking(server) as questions:
        news = questions.follow("POST", f"{server.url}/api/pull", {})
        assert next(news) == {"status": "a"}
        news.close()
    assert server.requests[0].hung_up.wait(2)


def test_a_stream_that_has_begun_may_take_its_time(server: FaultServer) -> None:
    rows = lines(*({"n": n} for n in range(4)))
    server.script(stream(*[step for row in rows for step in (row, Pause(0.15))]))
    call = Call(target(server.url), ChatRequest(()), KEY, 0.4)
    with Questions(call) as questions:
        assert len(list(questions.follow("POST", f"{server.url}/x", {}))) == 4
