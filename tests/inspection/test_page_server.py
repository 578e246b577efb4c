"""The served page: for this machine and its reader alone, following the file, answering what is tried."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.inspection.server import HOST, LONGEST, Reading, Server, Watched
from tests.inspection.conftest import subject
from tests.inspection.specs import SMALL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPResponse


class Spec:
    """A file that is edited; no file."""

    def __init__(self) -> None:
        self.text = SMALL
        self.problems = ""
        self.stamp = 0

    def read(self) -> Reading:
        return Reading(None, self.problems) if self.problems else Reading(subject(self.text))

    def save(self, text: str, problems: str = "") -> None:
        self.text, self.problems = text, problems
        self.stamp += 1


@pytest.fixture
def spec() -> Spec:
    return Spec()


@pytest.fixture
def server(spec: Spec) -> Iterator[Server]:
    running = Server(Watched(spec.read, lambda: spec.stamp))
    thread = threading.Thread(target=running.run)
    thread.start()
    yield running
    running.shutdown()
    thread.join(5)
    assert not thread.is_alive()


def ask(
    server: Server, path: str, method: str = "GET", headers: dict[str, str] | None = None, body: Any = None
) -> tuple[HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=10)
    text = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, body=text, headers=headers or {})
    response = connection.getresponse()
    found = response.read()
    connection.close()
    return response, found


def at(server: Server, name: str = "") -> str:
    return f"/{server.token}/{name}"


def test_the_page_and_its_data_are_there(server: Server) -> None:
    response, body = ask(server, at(server))
    assert response.status == 200
    assert b"connect-src &#x27;self&#x27;" in body
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    response, body = ask(server, at(server, "data"))
    assert json.loads(body)["live"] is True
    assert server.url == f"http://127.0.0.1:{server.port}{at(server)}"


def test_it_listens_on_loopback_alone(server: Server) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1.evil.example", ""])
def test_another_name_for_this_address_gets_nothing(server: Server, host: str) -> None:
    for path, method in ((at(server), "GET"), (at(server, "data"), "GET"), (at(server, "what-if"), "POST")):
        response, body = ask(server, path, method, {"Host": host})
        assert response.status == 421
        assert body == b"Misdirected Request\n"


def test_a_request_without_a_host_gets_nothing(server: Server) -> None:
    with socket.create_connection((HOST, server.port), timeout=10) as connection:
        connection.sendall(f"GET {at(server, 'data')} HTTP/1.0\r\n\r\n".encode())
        assert connection.recv(1_000).split()[1] == b"421"


def test_localhost_is_this_address_too(server: Server) -> None:
    response, _ = ask(server, at(server), headers={"Host": f"LOCALHOST:{server.port}"})
    assert response.status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_another_page_may_not_ask(server: Server, origin: str) -> None:
    response, _ = ask(server, at(server, "what-if"), "POST", {"Origin": origin}, {"environ": {}, "args": {}})
    assert response.status == 403


@pytest.mark.parametrize(
    "path",
    ["/", "/data", "/wrong/", "/wrong/data", "//data", "/{t}", "/{t}x/", "/{t}/nothing", "/{t}/data/", "/{t}/../"],
)
def test_what_is_not_there_or_lacks_the_token_is_not_found(server: Server, path: str) -> None:
    response, body = ask(server, path.replace("{t}", server.token))
    assert (response.status, body) == (404, b"Not Found\n")


def test_two_servers_have_two_tokens(server: Server, spec: Spec) -> None:
    other = Server(Watched(spec.read, lambda: 0))
    other.server_close()
    assert other.token != server.token
    assert len(server.token) >= 24


@pytest.mark.parametrize(
    ("method", "name", "allow"),
    [
        ("POST", "", "GET"),
        ("POST", "data", "GET"),
        ("POST", "events", "GET"),
        ("GET", "what-if", "POST"),
        ("PUT", "data", "GET, POST"),
        ("DELETE", "", "GET, POST"),
        ("HEAD", "", "GET, POST"),
        ("OPTIONS", "what-if", "GET, POST"),
    ],
)
def test_another_method_is_not_allowed(server: Server, method: str, name: str, allow: str) -> None:
    response, _ = ask(server, at(server, name), method)
    assert (response.status, response.headers["Allow"]) == (405, allow)


def test_what_is_no_request_is_refused(server: Server) -> None:
    with socket.create_connection((HOST, server.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/x.y\r\n\r\n")
        # What has no version of HTTP is answered as it was before there were any: without a head.
        assert connection.recv(1_000) == b"Bad Request\n"


def test_several_changes_at_once_are_what_the_resolver_says(server: Server) -> None:
    changes = {"environ": {"LLMROUTE_PROVIDER": "ollama"}, "args": {"model": "openai/of-the-program"}}
    response, body = ask(server, at(server, "what-if"), "POST", body=changes)
    data = json.loads(body)
    assert response.status == 200
    targets = {data["targets"][number][0] for answer in data["answers"] for number in answer[0][:1]}
    assert "openai/of-the-program" in targets
    assert data["environ"] == [["LLMROUTE_PROVIDER", "ollama"]]


def test_a_text_that_no_spec_knows_is_answered_too(server: Server) -> None:
    changes = {"environ": {"LLMROUTE_BASE_URL": "no url at all"}, "args": {}}
    _, body = ask(server, at(server, "what-if"), "POST", body=changes)
    assert "bad-environment" in {answer[5][0] for answer in json.loads(body)["answers"] if answer[5]}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "the request is not what the page sends"),
        (b"[]", "the request is not what the page sends"),
        (b"[" * 30_000, "the request is not what the page sends"),
        ({"environ": {}}, "the request is not what the page sends"),
        ({"environ": {"PATH": "x"}, "args": {}}, "PATH decides nothing here"),
        ({"environ": {"LLMROUTE_API_KEY": "x"}, "args": {}}, "LLMROUTE_API_KEY decides nothing here"),
        ({"environ": {}, "args": {"api_key": "x"}}, "api_key decides nothing here"),
        ({"environ": {"LLMROUTE_MODEL": 1}, "args": {}}, "the value of LLMROUTE_MODEL is none that can be tried"),
        ({"environ": {"LLMROUTE_MODEL": "x" * (LONGEST + 1)}, "args": {}}, "the value of LLMROUTE_MODEL is none"),
    ],
)
def test_what_the_page_would_not_send_is_refused(server: Server, body: Any, said: str) -> None:
    response, text = ask(server, at(server, "what-if"), "POST", body=body)
    assert response.status == 400
    assert said in json.loads(text)["error"]


def test_a_body_that_is_too_long_or_has_no_length_is_not_read(server: Server) -> None:
    response, _ = ask(server, at(server, "what-if"), "POST", {"Content-Length": "70000"}, b"x")
    assert response.status == 413
    response, _ = ask(server, at(server, "what-if"), "POST", {"Transfer-Encoding": "chunked"}, None)
    assert response.status == 413


def test_a_save_is_told_and_the_new_answers_are_there(server: Server, spec: Spec) -> None:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=10)
    connection.request("GET", at(server, "events"))
    events = connection.getresponse()
    assert events.headers["Content-Type"] == "text/event-stream"
    assert [events.readline(), events.readline()] == [b"retry: 1000\n", b"\n"]
    spec.save(SMALL.replace("gpt-6-sol", "gpt-7"))
    assert [events.readline(), events.readline()] == [b"event: changed\n", b"data: {}\n"]
    _, body = ask(server, at(server, "data"))
    assert b"openai/gpt-7" in body
    connection.close()


def test_errors_stand_beside_the_last_good_page_until_they_are_mended(spec: Spec) -> None:
    watched = Watched(spec.read, lambda: spec.stamp)
    before = watched.data()
    spec.save("", "routing.yaml:1:1: error[LR001]")
    assert watched.look()
    assert watched.data() == {**before, "problems": "routing.yaml:1:1: error[LR001]"}
    assert not watched.look()
    spec.save(SMALL)
    assert watched.look()
    assert watched.data() == before
    assert watched.version == 2


def test_what_was_never_good_is_not_served() -> None:
    with pytest.raises(ValueError, match="must be a good one"):
        Watched(lambda: Reading(None, "broken"), lambda: 0)


def test_who_listens_is_let_go_when_it_ends(spec: Spec) -> None:
    running = Server(Watched(spec.read, lambda: 0))
    thread = threading.Thread(target=running.run)
    thread.start()
    connection = http.client.HTTPConnection(HOST, running.port, timeout=10)
    connection.request("GET", at(running, "events"))
    events = connection.getresponse()
    running.shutdown()
    thread.join(5)
    assert events.read() in (b"retry: 1000\n\n", b"retry: 1000\n\n: still here\n\n")
    connection.close()


def test_nothing_is_written_of_requests(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    ask(server, at(server))
    ask(server, "/nothing")
    assert capfd.readouterr() == ("", "")
