"""Asynchronous connections of our own, on asyncio: the same as the blocking ones, told of what comes."""

from __future__ import annotations

import asyncio
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from llmroute.adapters.connections.breaks import Break, ClosedBefore, Cut, NoAnswer, TimedOut, Unreached
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
    from collections.abc import AsyncIterator

    from llmroute.adapters.base import Endpoint
    from llmroute.adapters.connections.http1 import Outgoing, Place
    from llmroute.adapters.timeouts import Timeouts

_READ = 32 * 1024
_FULL = 32 * 1024
"""So many bytes of a body may wait for their reader before the connection is read no further."""


class Link(asyncio.BufferedProtocol):
    """One connection: an answer at a time, and who waits for it.

    Of a new connection, whatever the server says is the answer to the one request, whether that is sent by then or
    not: which came first is chance. What comes while a kept one rests answers nothing.
    """

    def __init__(self, *, tls: bool) -> None:
        self.transport: asyncio.Transport
        self.usable = True
        """Whether a request can be sent on it."""
        self.answer: Answer | None = None if tls else Answer()
        """What the bytes that come are of; None: of nothing."""
        self._broken: Break | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self._buffer = bytearray(_READ)
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio, as the next four."""
        self.transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - asyncio's
        """Where the next bytes go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Give the bytes to the answer, and wake who waits."""
        if self.answer is None:
            self.end()
            return
        try:
            self.answer.feed(bytes(self._buffer[:nbytes]))
        except Break as exc:
            self._broken = exc
            self.end()
        if self.answer.waiting >= _FULL and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The server has ended."""
        self._ended()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """The connection is gone."""
        self._ended()

    def _ended(self) -> None:
        self.usable = False
        if self.answer is not None and self._broken is None:
            try:
                if not self.answer.headed:
                    self._broken = NoAnswer()
                self.answer.end()
            except Cut as exc:
                self._broken = self._broken or exc
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def end(self) -> None:
        """Close the connection now."""
        self.usable = False
        self.transport.abort()

    async def more(self, timeouts: Timeouts) -> None:
        """Wait until something has changed.

        Raises:
            Break: nothing will.
        """
        if self._broken is not None:
            raise self._broken
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        self._waiter = waiter = self._loop.create_future()
        alarm = self._loop.call_later(timeouts.read_s(), _late, waiter)
        try:
            await waiter
        finally:
            alarm.cancel()
            self._waiter = None


def _late(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimedOut())


class Response:
    """An answer whose head is there, and whose body comes in."""

    is_stream_consumed = False

    def __init__(self, pool: Pool, link: Link, answer: Answer, timeouts: Timeouts) -> None:
        self.status_code = answer.status
        self.headers = answer.headers
        self._pool = pool
        self._link: Link | None = link
        self._answer = answer
        self._timeouts = timeouts
        self._read = False
        """Whether the body was read to its end."""

    async def aiter_raw(self) -> AsyncIterator[bytes]:
        """The body as it comes.

        Raises:
            Break: it does not come to its end.
        """
        answer, link = self._answer, self._link
        while link is not None:
            if piece := answer.take():
                yield piece
            elif answer.done:
                self._read = True
                return
            else:
                await link.more(self._timeouts)

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The body, its `content-encoding` undone."""
        unpack = Unpacker(self.headers.get("content-encoding", ""))
        async for piece in self.aiter_raw():
            for unpacked in unpack.feed(piece):
                yield unpacked

    async def aclose(self) -> None:
        """Give the connection back where it can take another request, else close it."""
        link, self._link = self._link, None
        if link is not None:
            link.answer = None
            sent = not link.transport.get_write_buffer_size()  # a server may answer before it has read all
            if self._read and self._answer.keeps and link.usable and sent:
                self._pool.keep(link)
            else:
                link.end()


class Pool:
    """The connections to one endpoint from one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._locality = endpoint.locality
        self._idle: list[tuple[Link, float]] = []
        self._closed = False
        self._context: ssl.SSLContext | None = None

    async def send(self, ready: Outgoing, body: bytes, timeouts: Timeouts) -> Response:
        """Send a request, and return when the head of the answer is there.

        Raises:
            Break: it does not come to that.
            PolicyError: the host leads to where the target must not be.
        """
        place = place_of(ready.url)
        request = request_bytes(place, ready.headers, body, ready.method)
        link = self._kept()
        kept = link is not None
        if link is None:
            link = await self._connect(place, timeouts)
        try:
            link.answer = answer = link.answer or Answer()
            sent_at = time.monotonic()
            link.transport.write(request)
            try:
                while not answer.headed:
                    await link.more(timeouts)
            except NoAnswer:
                if kept and not answer.heard and time.monotonic() - sent_at < CLOSED_BEFORE_S:
                    raise ClosedBefore from None
                raise
        except BaseException:
            link.end()
            raise
        return Response(self, link, answer, timeouts)

    def _kept(self) -> Link | None:
        """The connection that rested last, when it is still good."""
        while self._idle:
            link, since = self._idle.pop()
            if link.usable and time.monotonic() - since < IDLE_S and not link.transport.is_closing():
                return link
            link.end()
        return None

    def keep(self, link: Link) -> None:
        """Keep a connection for the next request."""
        if self._closed or len(self._idle) >= MOST_IDLE:
            link.end()
        else:
            self._idle.append((link, time.monotonic()))

    async def _connect(self, place: Place, timeouts: Timeouts) -> Link:
        if place.tls and self._context is None:
            self._context = context()
        try:
            async with asyncio.timeout(timeouts.connect_s):
                link = await self._dial(place, time.monotonic() + timeouts.connect_s)
                if self._context is not None:
                    await _start_tls(link, self._context, place.host)
                return link
        except (OSError, UnicodeError) as exc:
            failure = unreached(exc)
        raise failure

    async def _dial(self, place: Place, until: float) -> Link:
        """Look the host up once, check where it leads, and connect to the first of those that answers."""
        loop = asyncio.get_running_loop()
        made = partial(Link, tls=place.tls)
        found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        *others, last = check(place.host, self._locality, [str(row[4][0]) for row in found])
        for tried, address in enumerate(others):
            within_s = patience_s(until - time.monotonic(), len(others) - tried)
            try:
                async with asyncio.timeout(within_s):
                    return (await loop.create_connection(made, address, place.port))[1]
            except OSError:
                continue
        return (await loop.create_connection(made, last, place.port))[1]

    async def aclose(self) -> None:
        """Close what rests; what is in use is closed when its answer is."""
        self._closed = True
        while self._idle:
            self._idle.pop()[0].end()
        await asyncio.sleep(0)  # asyncio closes sockets at its next turn


async def _start_tls(link: Link, context: ssl.SSLContext, host: str) -> None:
    """Go on encrypted; what came before was said by anybody, and ends the connection."""
    loop = asyncio.get_running_loop()
    if link.usable:
        link.answer = Answer()
    try:
        started: Any = await loop.start_tls(link.transport, link, context, server_hostname=host)
    except BaseException:
        link.end()
        raise
    if started is None:
        raise Unreached("the connection ended before TLS began")
    link.transport = started
