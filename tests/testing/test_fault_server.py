"""The server that users test with: what it sends, what it logs, and that nothing of it is left."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from llmroute import Router
from llmroute.adapters.base import Call
from llmroute.adapters.http import HttpAdapter
from llmroute.testing import Close, FaultServer, Hang, Pause, Reset, answer, good_answer, good_stream, sse, stream
from llmroute.testing.answers import ANTHROPIC, OPENAI, whole
from llmroute.testing.fixtures import closed_port, fault_server
from llmroute.wire.chat import ChatRequest, ToolCall, user
from tests.adapters.samples import target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.testing import Script, Seen

__all__ = ["closed_port", "fault_server"]
APIS = (OPENAI, ANTHROPIC, "ollama-chat")


def ask(server: FaultServer, path: str = "/", body: bytes = b"") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request("POST", path, body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_scripts_are_played_in_turn_then_the_default(fault_server: FaultServer) -> None:
    fault_server.script(answer(201, "a"), answer(202, ["b"]))
    assert ask(fault_server) == (201, b"a")
    assert ask(fault_server) == (202, b'["b"]')
    assert ask(fault_server) == (500, b"no script left")
    fault_server.default = answer(203)
    assert ask(fault_server) == (203, b"")


def test_a_function_chooses_by_request() -> None:
    def choose(seen: Seen) -> Script:
        return answer(200, {"path": seen.path, "body": seen.json})

    with FaultServer(choose) as server:
        assert json.loads(ask(server, "/a", b"1")[1]) == {"path": "/a", "body": 1}
        assert json.loads(ask(server, "/b", b"2")[1]) == {"path": "/b", "body": 2}
        server.script(lambda _: answer(404))
        assert ask(server)[0] == 404


def test_the_log(fault_server: FaultServer) -> None:
    fault_server.default = answer(200, "ok")
    ask(fault_server, "/x", b"body")
    ask(fault_server, "/y")
    first, second = fault_server.requests
    assert (first.method, first.path, first.body, first.headers["content-length"]) == ("POST", "/x", b"body", "4")
    assert first.raw.startswith(b"POST /x HTTP/1.1\r\n")
    assert first.raw.endswith(b"\r\n\r\nbody")
    assert (first.connection, second.connection, fault_server.connections) == (1, 2, 2)
    assert fault_server.reached.is_set()
    assert "body" not in repr(first)
    assert first.sent == len(answer(200, "ok")[0])  # type: ignore[arg-type] # one step of bytes


def test_pieces_come_when_they_are_due(fault_server: FaultServer) -> None:
    fault_server.script(stream("a", Pause(0.2), "b"))
    began = time.monotonic()
    assert ask(fault_server) == (200, b"ab")
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize(
    ("step", "error"), [(Reset(), ConnectionResetError), (Close(), http.client.RemoteDisconnected)]
)
def test_connections_break(fault_server: FaultServer, step: Any, error: type[Exception]) -> None:
    fault_server.script([step])
    with pytest.raises(error):
        ask(fault_server)


def test_a_client_that_hangs_up_is_noticed(fault_server: FaultServer) -> None:
    fault_server.script([Hang()], [Pause(60), *answer(200)], _endless())
    for index in range(3):
        with socket.create_connection(("127.0.0.1", fault_server.port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            while len(fault_server.requests) <= index:
                time.sleep(0.005)
        assert fault_server.requests[index].hung_up.wait(1)


def _endless() -> Iterator[bytes]:
    while True:
        yield b"x" * 65536


def test_nothing_is_left_behind() -> None:
    before = threading.active_count()
    with FaultServer([Hang()]) as server:
        clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while len(server.requests) < 5:
            time.sleep(0.005)
        assert server.open_connections == 5
    assert threading.active_count() <= before
    assert server.open_connections == 0
    for client in clients:
        assert client.recv(1) == b""
        client.close()


def test_a_client_that_leaves_in_the_middle_of_a_request(fault_server: FaultServer) -> None:
    for begun in (b"GET / HTTP", b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nabc"):
        with socket.create_connection(("127.0.0.1", fault_server.port)) as client:
            client.sendall(begun)
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
    assert fault_server.requests == []


def test_a_closed_port_is_closed(closed_port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", closed_port))


@pytest.mark.parametrize("api", APIS)
def test_good_answers_are_good(fault_server: FaultServer, api: str) -> None:
    fault_server.script(good_answer(api, "Five."), good_stream(api, "Fi", "ve."), good_answer(api, "", {"f": {"x": 1}}))
    adapter = HttpAdapter()
    call = Call(target(fault_server.url, api), ChatRequest((user("?"),)))
    assert adapter.complete(call).text == "Five."
    assert [event.type for event in adapter.stream(call)][-2:] == ["usage", "finish"]
    reply = adapter.complete(call)
    assert (reply.stop_reason, reply.tool_calls) == ("tool_calls", (ToolCall("call_1", "f", '{"x":1}'),))
    adapter.close()


def test_each_text_of_a_stream_is_one_step() -> None:
    for api in APIS:
        steps = good_stream(api, "Fo", "ur.")
        assert [b"Fo" in step for step in steps if isinstance(step, bytes)] == [False, False, True, False, False, False]


def test_another_api_has_no_answers() -> None:
    with pytest.raises(ValueError, match="none of 'ollama'"):
        whole("ollama")


def test_events_have_their_type_once() -> None:
    assert (
        sse({"type": "ping"}, {"a": 1}, "[DONE]")
        == 'event: ping\ndata: {"type": "ping"}\n\ndata: {"a": 1}\n\ndata: [DONE]\n\n'
    )


def test_a_router_on_it_in_five_lines(fault_server: FaultServer) -> None:
    fault_server.script(answer(503), good_answer("openai-chat", "Four."))
    with Router({"version": 1, "defaults": {"base_url": f"{fault_server.url}/v1", "model": "m"}}) as router:
        reply = router.complete("What is 2 + 2?")
    assert [row.kind for row in reply.attempts] == ["overload", None]


def test_it_needs_no_more_than_the_standard_library() -> None:
    program = (
        "import sys; before = set(sys.modules); import llmroute.testing; new = {name.split('.')[0] for name in "
        "set(sys.modules) - before}; print(*sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["llmroute"]
