"""Items 62, 64, 65 and 66 of the catalogue where a script alone does not do: no connection, TLS, redirects, uploads."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gzip
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import pytest
import trustme

from llmroute.adapters.base import Adapter, Call
from llmroute.errors import AmbiguousError, CallError, ConnectError, DeadlineError, MalformedReplyError
from llmroute.testing import FaultServer, Hang, answer, chunk, good_answer
from llmroute.wire.chat import ChatRequest, user
from tests.adapters.samples import aclosing, acollect, call, target
from tests.adapters.test_fault_items import silent

if TYPE_CHECKING:
    from pathlib import Path

Way = tuple[Adapter, str]


WAYS_OF_ASKING = [{"streamed": streamed, "asynchronous": late} for streamed in (False, True) for late in (False, True)]


def ask(adapter: Adapter, made: Call, *, streamed: bool, asynchronous: bool) -> None:
    if asynchronous:
        asyncio.run(_ask(adapter, made, streamed=streamed))
    elif streamed:
        list(adapter.stream(made))
    else:
        adapter.complete(made)


async def _ask(adapter: Adapter, made: Call, *, streamed: bool) -> None:
    try:
        await (acollect(adapter, made) if streamed else adapter.acomplete(made))
    finally:
        await adapter.aclose()


def failures(adapter: Adapter, made: Call) -> list[CallError]:
    """What a call comes to in the four ways of asking."""
    found = []
    for way in WAYS_OF_ASKING:
        with pytest.raises(CallError) as caught:
            ask(adapter, made, **way)
        silent(caught.value)
        found.append(caught.value)
    return found


# -- 64: no connection


def test_item_64_refused(way: Way, closed_port: int) -> None:
    adapter, api = way
    for found in failures(adapter, call(f"http://127.0.0.1:{closed_port}", api)):
        assert isinstance(found, ConnectError)
        assert "cannot reach" in found.message
        assert "connection refused" in found.message


def test_item_64_unknown_host(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    adapter, api = way
    for locality in ("local", "remote"):
        for found in failures(adapter, call("http://nowhere.localhost", api, locality=locality)):
            assert isinstance(found, ConnectError)
            assert "name or service not known" in found.message


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


YESTERDAY = dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=1)
CERTIFICATES: dict[str, tuple[str, dict[str, Any], bool, str]] = {
    "wrong-host": ("another.example", {}, True, "mismatch"),
    "expired": ("127.0.0.1", {"not_after": YESTERDAY}, True, "expired"),
    "unknown-authority": ("127.0.0.1", {}, False, "unable to get local issuer certificate"),
}


@pytest.mark.parametrize("case", CERTIFICATES)
def test_item_64_tls(
    way: Way, case: str, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    adapter, api = way
    host, given, trusted, says = CERTIFICATES[case]
    trust(authority if trusted else trustme.CA(), monkeypatch, tmp_path)
    with FaultServer(good_answer(api), tls=context_of(authority, host, **given)) as server:
        for found in failures(adapter, call(server, api)):
            assert isinstance(found, ConnectError)
            assert says in found.message
        assert server.requests == []
        assert server.connections == 4


def test_item_64_a_good_certificate_is_good(
    way: Way, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    adapter, api = way
    trust(authority, monkeypatch, tmp_path)
    with FaultServer(good_answer(api), tls=context_of(authority, "127.0.0.1")) as server:
        assert adapter.complete(call(server, api)).text == "Four."
        assert asyncio.run(aclosing(adapter, call(server, api))).text == "Four."


def context_of(authority: trustme.CA, host: str, **given: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, **given).configure_cert(context)
    return context


def trust(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


# -- 66: redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_item_66_redirect(way: Way, server: FaultServer, other_server: FaultServer, status: int) -> None:
    adapter, api = way
    other_server.default = good_answer(api)
    server.default = answer(status, b"", {"location": f"{other_server.url}/v1/chat/completions"})
    for found in failures(adapter, call(server, api)):
        assert isinstance(found, MalformedReplyError)
        assert "upstream_redirect" in found.message
        assert found.status == status
    assert (len(server.requests), other_server.connections) == (4, 0)


# -- 62: what unpacks to more than anybody can hold


def test_item_62_zip_bomb(way: Way, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter, api = way
    monkeypatch.setattr("llmroute.adapters.answers.LARGEST", 100_000)
    bomb = gzip.compress(b" " * 10_000_000)
    server.default = answer(200, bomb, {"content-encoding": "gzip", "content-type": "application/json"})
    for found in failures(adapter, call(server, api)):
        assert isinstance(found, MalformedReplyError)
        assert "more than 100000 bytes" in found.message


def test_item_62_zip_bomb_in_a_stream(way: Way, server: FaultServer) -> None:
    adapter, api = way
    head = b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n"
    server.default = [
        head + b"transfer-encoding: chunked\r\n\r\n",
        chunk(gzip.compress(b"data: " + b" " * 20_000_000)),
        Hang(),
    ]
    with pytest.raises(MalformedReplyError, match="larger than 8388608 bytes"):
        list(adapter.stream(call(server, api)))


# -- 65 and 54: while the request is still on its way out


class Deaf:
    """A server that takes connections and reads nothing; or says something at once, and throws away what it reads."""

    def __init__(self, says: bytes = b"") -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._says = says
        self._held: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._held:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._held.append(connection)
            if self._says:
                with contextlib.suppress(OSError):  # the client may have read enough, and left
                    connection.sendall(self._says)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass


LONG = "a long prompt " * 1_000_000


def test_item_65_a_server_that_reads_nothing(way: Way) -> None:
    adapter, api = way
    with Deaf() as deaf:
        assert {type(failure) for failure in timed(adapter, deaf.url, api, 0.3, None)} == {AmbiguousError}
        assert {type(failure) for failure in timed(adapter, deaf.url, api, 60.0, 0.3)} == {DeadlineError}


def timed(adapter: Adapter, url: str, api: str, timeout_s: float, deadline_s: float | None) -> list[CallError]:
    """What calls with a very long prompt come to, none of them more than a second late."""
    found = []
    for way in WAYS_OF_ASKING:
        began = time.monotonic()
        ends_at = None if deadline_s is None else began + deadline_s
        made = Call(target(url, api), ChatRequest((user(LONG),)), "key", timeout_s, ends_at)
        with pytest.raises(CallError) as caught:
            ask(adapter, made, **way)
        assert time.monotonic() - began < 1.3
        found.append(caught.value)
    return found


def test_item_54_refused_before_it_was_read(way: Way) -> None:
    """A front door that refuses a large body answers at its first bytes, and throws the rest away."""
    adapter, api = way
    with Deaf(answer(413, "<html>too large</html>")[0]) as deaf:
        found = timed(adapter, deaf.url, api, 5.0, None)
    assert {(failure.kind, failure.status) for failure in found} == {("request", 413)}
