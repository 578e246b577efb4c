"""Blocking connections of our own: connected where the target may be, kept, and given back."""

from __future__ import annotations

import os
import select
import socket
import time
from typing import TYPE_CHECKING

from llmroute.adapters.connections.breaks import ClosedBefore, Cut, NoAnswer, TimedOut
from llmroute.adapters.connections.http1 import Answer, Unpacker, place_of, request_bytes
from llmroute.adapters.connections.reach import (
    CLOSED_BEFORE_S,
    IDLE_S,
    MOST_IDLE,
    check,
    context,
    patience_s,
    unreached,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from llmroute.adapters.base import Endpoint
    from llmroute.adapters.connections.http1 import Outgoing, Place
    from llmroute.adapters.timeouts import Timeouts

_READ = 64 * 1024


class Response:
    """An answer whose head is there, and whose body is read from the connection."""

    is_stream_consumed = False

    def __init__(self, pool: Pool, sock: socket.socket, answer: Answer, timeouts: Timeouts) -> None:
        self.status_code = answer.status
        self.headers = answer.headers
        self._pool = pool
        self._sock: socket.socket | None = sock
        self._answer = answer
        self._timeouts = timeouts
        self._read = False
        """Whether the body was read to its end."""

    def iter_raw(self) -> Iterator[bytes]:
        """The body as it comes.

        Raises:
            Break: it does not come to its end.
        """
        answer, sock = self._answer, self._sock
        while sock is not None:
            if piece := answer.take():
                yield piece
            elif answer.done:
                self._read = True
                return
            else:
                _read(sock, answer, self._timeouts)

    def iter_bytes(self) -> Iterator[bytes]:
        """The body, its `content-encoding` undone."""
        unpack = Unpacker(self.headers.get("content-encoding", ""))
        for piece in self.iter_raw():
            yield from unpack.feed(piece)

    def close(self) -> None:
        """Give the connection back where it can take another request, else close it."""
        sock, self._sock = self._sock, None
        if sock is not None:
            if self._read and self._answer.keeps and not _readable(sock):
                self._pool.keep(sock)
            else:
                sock.close()


class Pool:
    """The connections to one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._locality = endpoint.locality
        self._idle: list[tuple[socket.socket, float]] = []
        self._closed = False
        self._pid = os.getpid()
        self._context: ssl.SSLContext | None = None

    def send(self, ready: Outgoing, body: bytes, timeouts: Timeouts) -> Response:
        """Send a request, and return when the head of the answer is there.

        Raises:
            Break: it does not come to that.
            PolicyError: the host leads to where the target must not be.
        """
        place = place_of(ready.url)
        request = request_bytes(place, ready.headers, body, ready.method)
        sock = self._kept()
        kept = sock is not None
        if sock is None:
            sock = self._connect(place, timeouts)
        try:
            answer = Answer()
            sent_at = time.monotonic()
            try:
                sock.settimeout(timeouts.read_s())
                sock.sendall(request)
            except TimeoutError:
                raise TimedOut from None
            except OSError:
                pass  # it may have answered before it stopped to listen
            try:
                while not answer.headed:
                    _read(sock, answer, timeouts)
            except NoAnswer:
                if kept and not answer.heard and time.monotonic() - sent_at < CLOSED_BEFORE_S:
                    raise ClosedBefore from None
                raise
        except BaseException:
            sock.close()
            raise
        return Response(self, sock, answer, timeouts)

    def _kept(self) -> socket.socket | None:
        """The connection that rested last, when it is still good."""
        if self._pid != os.getpid():  # those belong to the process that this one was forked from
            theirs, self._idle, self._pid = self._idle, [], os.getpid()
            for sock, _ in theirs:
                sock.close()  # of this process's own handle; the other one goes on
        while True:
            try:
                sock, since = self._idle.pop()
            except IndexError:
                return None
            if time.monotonic() - since < IDLE_S and not _readable(sock):
                return sock
            sock.close()

    def keep(self, sock: socket.socket) -> None:
        """Keep a connection for the next request."""
        if self._closed or len(self._idle) >= MOST_IDLE:
            sock.close()
        else:
            self._idle.append((sock, time.monotonic()))

    def _connect(self, place: Place, timeouts: Timeouts) -> socket.socket:
        if place.tls and self._context is None:
            self._context = context()
        until = time.monotonic() + timeouts.connect_s
        try:
            sock = self._dial(place, until)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is None:
                return sock
            try:
                sock.settimeout(max(0.001, until - time.monotonic()))
                return self._context.wrap_socket(sock, server_hostname=place.host)
            except BaseException:
                sock.close()
                raise
        except (OSError, UnicodeError) as exc:
            failure = unreached(exc)
        raise failure

    def _dial(self, place: Place, until: float) -> socket.socket:
        """Look the host up once, check where it leads, and connect to the first of those that answers."""
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        *others, last = check(place.host, self._locality, [str(row[4][0]) for row in found])
        for tried, address in enumerate(others):
            within_s = patience_s(until - time.monotonic(), len(others) - tried)
            try:
                return socket.create_connection((address, place.port), within_s)
            except OSError:
                continue
        return socket.create_connection((last, place.port), patience_s(until - time.monotonic(), 0))

    def close(self) -> None:
        """Close what rests; what is in use is closed when its answer is."""
        self._closed = True
        while self._idle:
            self._idle.pop()[0].close()


def _read(sock: socket.socket, answer: Answer, timeouts: Timeouts) -> None:
    """Give the next bytes of the connection to the answer.

    Raises:
        Break: there are none.
    """
    try:
        data = _received(sock, timeouts)
    except OSError:
        raise (Cut if answer.headed else NoAnswer) from None
    if data:
        answer.feed(data)
    elif answer.headed:
        answer.end()
    else:
        raise NoAnswer


def _received(sock: socket.socket, timeouts: Timeouts) -> bytes:
    """The next bytes of the connection, none at its end.

    Raises:
        TimedOut: none came in time.
        OSError: the connection broke.
    """
    wait_s = timeouts.read_s()
    until = time.monotonic() + wait_s
    while True:
        sock.settimeout(min(wait_s, timeouts.glance_s))
        try:
            return sock.recv(_READ)
        except TimeoutError:
            timeouts.read_s()
            wait_s = until - time.monotonic()
            if wait_s <= 0:
                raise TimedOut from None


def _readable(sock: socket.socket) -> bool:
    """Whether something came on a resting connection: its end, most likely."""
    if not hasattr(select, "poll"):
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
