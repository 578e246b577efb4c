"""Bytes that come before the request is sent: the same to blocking and to asynchronous calls, without a wait.

Of a new connection they are the answer: whether they came first is chance. Before TLS begins they are nobody's word,
and what comes on a connection that rests is no answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from llmroute.adapters.connections import asynchronous, blocking
from llmroute.adapters.http import HttpAdapter
from llmroute.errors import AmbiguousError, CallError, ConnectError
from llmroute.testing.server import read_request
from tests.adapters.samples import OPENAI, aclosing, call, good

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llmroute.adapters.base import Call
    from llmroute.wire.chat import Reply

ANSWER = b"".join(step for step in good(OPENAI) if isinstance(step, bytes))
TIMEOUT_408 = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
LATER_S = 0.1
"""So long after it stands, a connection is used: what a server says at once is there by then."""


class Talker:
    """A server that does with each connection what it is told, and counts them."""

    def __init__(self, talk: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self._talk, self._tls = talk, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(5)
                self.connections += 1
                with contextlib.suppress(OSError):
                    if self._tls is not None:
                        connection = self._tls.wrap_socket(connection, server_side=True)
                    self._talk(connection)
                connection.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


def speaks_first(connection: socket.socket) -> None:
    connection.sendall(ANSWER)
    read_request(connection)


def closes_at_once(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)
    with contextlib.suppress(OSError):
        connection.recv(1)


def answers_and_gives_up(connection: socket.socket) -> None:
    """One answer, and what servers say to a connection on which they wait for too long."""
    read_request(connection)
    connection.sendall(ANSWER)
    time.sleep(LATER_S)
    connection.sendall(TIMEOUT_408)


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections stand for a while before a request is sent on them."""
    connect, aconnect = blocking.Pool._connect, asynchronous.Pool._connect

    def slowly(pool: Any, *given: Any) -> Any:
        sock = connect(pool, *given)
        time.sleep(LATER_S)
        return sock

    async def aslowly(pool: Any, *given: Any) -> Any:
        link = await aconnect(pool, *given)
        await asyncio.sleep(LATER_S)
        return link

    monkeypatch.setattr(blocking.Pool, "_connect", slowly)
    monkeypatch.setattr(asynchronous.Pool, "_connect", aslowly)


@pytest.fixture(params=["plain", "tls"])
def context(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ssl.SSLContext | None:
    if request.param == "plain":
        return None
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(made)
    return made


def ask(made: Call) -> Reply:
    with contextlib.closing(HttpAdapter()) as adapter:
        return adapter.complete(made)


def aask(made: Call) -> Reply:
    return asyncio.run(aclosing(HttpAdapter(), made))


both = pytest.mark.parametrize("way", [ask, aask])


@contextlib.contextmanager
def talking(talk: Callable[[socket.socket], None], context: ssl.SSLContext | None = None) -> Iterator[Talker]:
    with contextlib.closing(Talker(talk, context)) as talker:
        yield talker


@both
@pytest.mark.usefixtures("late")
def test_the_first_word_of_a_new_connection_is_the_answer(way: Any, context: ssl.SSLContext | None) -> None:
    with talking(speaks_first, context) as talker:
        assert way(call(talker.url)).text == "Four."
    assert talker.connections == 1


@both
def test_whether_the_request_was_sent_by_then_makes_no_difference(way: Any, context: ssl.SSLContext | None) -> None:
    with talking(speaks_first, context) as talker:
        assert way(call(talker.url)).text == "Four."


@both
@pytest.mark.usefixtures("late")
def test_a_new_connection_that_ends_is_noticed(way: Any, context: ssl.SSLContext | None) -> None:
    with talking(closes_at_once, context) as talker:
        began = time.monotonic()
        with pytest.raises(AmbiguousError):
            way(call(talker.url))
        assert time.monotonic() - began < 2


@both
def test_what_comes_before_tls_is_no_answer(way: Any) -> None:
    with talking(speaks_first) as talker:
        began = time.monotonic()
        with pytest.raises(CallError) as caught:
            way(call(talker.url.replace("http:", "https:")))
        assert isinstance(caught.value, ConnectError)
        assert time.monotonic() - began < 2


def test_what_comes_to_a_connection_that_rests_is_no_answer(context: ssl.SSLContext | None) -> None:
    with talking(answers_and_gives_up, context) as talker:
        with contextlib.closing(HttpAdapter()) as adapter:
            for _ in range(2):
                assert adapter.complete(call(talker.url)).text == "Four."
                time.sleep(3 * LATER_S)
        assert talker.connections == 2


def test_nor_asynchronously(context: ssl.SSLContext | None) -> None:
    async def ask_twice(url: str) -> list[str]:
        adapter = HttpAdapter()
        try:
            texts = []
            for _ in range(2):
                texts.append((await adapter.acomplete(call(url))).text)
                await asyncio.sleep(3 * LATER_S)
            return texts
        finally:
            await adapter.aclose()

    with talking(answers_and_gives_up, context) as talker:
        assert asyncio.run(ask_twice(talker.url)) == ["Four."] * 2
        assert talker.connections == 2
