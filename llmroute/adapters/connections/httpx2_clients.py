"""httpx2's clients, for the SDKs, which bring it along: they go where the target says and nowhere else.

Every one is built here: no redirect is followed, no variable of the environment moves a request (but for
`proxy: env`), a target is connected to addresses only that are as near as its locality says, and a time limit
holds for an answer as a whole, however slowly it drips.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import anyio
import httpcore2
import httpx2

from llmroute.adapters.connections.breaks import TimedOut
from llmroute.adapters.connections.reach import CLOSED_BEFORE_S, check, obeys_proxy, patience_s
from llmroute.adapters.timeouts import GLANCE_S, Limit
from llmroute.catalog.patience import CONNECT_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmroute.adapters.base import Endpoint

CLOSED_BEFORE = "the server had closed the kept connection"
PIECE = 64 * 1024
"""So many bytes of a request are written at a time, each within what is left of its limit."""
_POOL: dict[str, Any] = {"max_connections": None, "max_keepalive_connections": 100, "keepalive_expiry": 5.0}
"""No call waits for another one to end: answers take minutes, and the provider says itself when it is too much."""


def left(timeout: float | None) -> float | None:
    """Seconds for the next read, of a `Limit` or of a plain number; None is for ever."""
    if not isinstance(timeout, Limit):
        return timeout
    try:
        return timeout.left()
    except TimedOut as exc:
        raise httpcore2.ReadTimeout(str(exc)) from None


class _Kept:
    """Tells a kept connection that the server had closed from one that broke under a request.

    A server may close a connection at the moment in which the next request is written to it. Not a byte of an
    answer comes then, and the end shows within a round trip: the request can safely be sent again.
    """

    __slots__ = ("_answered", "_asked_at")

    def __init__(self) -> None:
        self._answered = False
        """Whether an earlier request on this connection was answered."""
        self._asked_at = float("-inf")
        """When something was last written, on the monotonic clock, while no byte has come since."""

    def asked(self) -> None:
        """Bytes of a request go out."""
        self._asked_at = time.monotonic()

    def answered(self) -> None:
        """Bytes came in."""
        self._answered, self._asked_at = True, float("-inf")

    def ended(self) -> None:
        """The connection is at its end.

        Raises:
            httpcore2.ConnectError: it was closed before it took the request.
        """
        if self._answered and time.monotonic() - self._asked_at < CLOSED_BEFORE_S:
            raise httpcore2.ConnectError(CLOSED_BEFORE)


def _pieces(buffer: bytes) -> Iterable[bytes]:
    """A server that takes a byte a second would keep one long write alive for ever."""
    if len(buffer) <= PIECE:
        return (buffer,)
    return (buffer[start : start + PIECE] for start in range(0, len(buffer), PIECE))


def _received(stream: httpcore2.NetworkStream, max_bytes: int, timeout: float | None) -> bytes:
    """What comes next; a wait that another thread may end is made of short ones."""
    if not isinstance(timeout, Limit) or timeout.stopped is None:
        return stream.read(max_bytes, left(timeout))
    until = time.monotonic() + (left(timeout) or 0.0)
    while True:
        try:
            return stream.read(max_bytes, max(0.001, min(GLANCE_S, until - time.monotonic())))
        except httpcore2.ReadTimeout:
            left(timeout)
            if time.monotonic() >= until:
                raise


class _Stream(httpcore2.NetworkStream):
    """A network stream that obeys `Limit`."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner
        self._kept = _Kept()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            data = _received(self._inner, max_bytes, timeout)
        except httpcore2.ReadError:
            self._kept.ended()
            raise
        if data:
            self._kept.answered()
        else:
            self._kept.ended()
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._kept.asked()
        for piece in _pieces(buffer):
            self._inner.write(piece, left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _AsyncStream(httpcore2.AsyncNetworkStream):
    """The same, asynchronous."""

    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner = inner
        self._kept = _Kept()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore2's
        try:
            data = await self._inner.read(max_bytes, left(timeout))
        except httpcore2.ReadError:
            self._kept.ended()
            raise
        if data:
            self._kept.answered()
        else:
            self._kept.ended()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore2's
        self._kept.asked()
        for piece in _pieces(buffer):
            await self._inner.write(piece, left(timeout))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(self, *args: Any, **kwargs: Any) -> httpcore2.AsyncNetworkStream:
        return _AsyncStream(await self._inner.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.SyncBackend):
    """Connects to addresses that were looked up once and are used as checked; all of them share the time limit."""

    def __init__(self, locality: str) -> None:
        self._locality = locality

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore2.NetworkStream:
        until = time.monotonic() + (CONNECT_S if timeout is None else timeout)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            raise httpcore2.ConnectError(str(exc)) from exc
        *others, last = check(host, self._locality, [str(row[4][0]) for row in found])
        for tried, address in enumerate(others):
            within_s = patience_s(until - time.monotonic(), len(others) - tried)
            try:
                return _Stream(super().connect_tcp(address, port, within_s, *args, **kwargs))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return _Stream(super().connect_tcp(last, port, patience_s(until - time.monotonic(), 0), *args, **kwargs))


class _AsyncBackend(httpcore2.AnyIOBackend):
    """The same, asynchronous."""

    def __init__(self, locality: str) -> None:
        self._locality = locality

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's
        *args: Any,
        **kwargs: Any,
    ) -> httpcore2.AsyncNetworkStream:
        limit_s = CONNECT_S if timeout is None else timeout
        until = time.monotonic() + limit_s
        try:
            with anyio.fail_after(limit_s):
                found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError as exc:
            raise httpcore2.ConnectTimeout(str(exc)) from exc
        except (OSError, UnicodeError) as exc:
            raise httpcore2.ConnectError(str(exc)) from exc
        *others, last = check(host, self._locality, [str(row[4][0]) for row in found])
        for tried, address in enumerate(others):
            within_s = patience_s(until - time.monotonic(), len(others) - tried)
            try:
                return _AsyncStream(await super().connect_tcp(address, port, within_s, *args, **kwargs))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        left_s = patience_s(until - time.monotonic(), 0)
        return _AsyncStream(await super().connect_tcp(last, port, left_s, *args, **kwargs))


class _Transport(httpx2.HTTPTransport):
    """httpx2's own transport on a pool of ours: its constructor has no way to name a network backend."""

    def __init__(self, *, tls: bool, locality: str) -> None:
        context = httpcore2.default_ssl_context() if tls else None
        backend = _Backend(locality)
        self._pool = httpcore2.ConnectionPool(ssl_context=context, network_backend=backend, **_POOL)


class _AsyncTransport(httpx2.AsyncHTTPTransport):
    """The same, asynchronous."""

    def __init__(self, *, tls: bool, locality: str) -> None:
        context = httpcore2.default_ssl_context() if tls else None
        backend = _AsyncBackend(locality)
        self._pool = httpcore2.AsyncConnectionPool(ssl_context=context, network_backend=backend, **_POOL)


def _direct(endpoint: Endpoint) -> dict[str, Any]:
    return {"tls": endpoint.base_url.startswith("https:"), "locality": endpoint.locality}


class _Proxied(httpx2.BaseTransport):
    """The transport that the environment asks for."""

    def __init__(self) -> None:
        self._client = httpx2.Client(trust_env=True, follow_redirects=False)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._client.send(request, stream=True)

    def close(self) -> None:
        self._client.close()


class _AsyncProxied(httpx2.AsyncBaseTransport):
    """The same, asynchronous."""

    def __init__(self) -> None:
        self._client = httpx2.AsyncClient(trust_env=True, follow_redirects=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._client.send(request, stream=True)

    async def aclose(self) -> None:
        await self._client.aclose()


def sync_transport(endpoint: Endpoint) -> httpx2.BaseTransport:
    """What sends requests to one endpoint; it adds nothing to them."""
    return _Proxied() if obeys_proxy(endpoint) else _Transport(**_direct(endpoint))


def async_transport(endpoint: Endpoint) -> httpx2.AsyncBaseTransport:
    """The same, asynchronous."""
    return _AsyncProxied() if obeys_proxy(endpoint) else _AsyncTransport(**_direct(endpoint))


def sync_client(endpoint: Endpoint, hooks: Sequence[Any]) -> httpx2.Client:
    """A client for one endpoint; `hooks` see each request before it is sent."""
    given: dict[str, Any] = {"follow_redirects": False, "event_hooks": {"request": list(hooks)}}
    return httpx2.Client(trust_env=False, transport=sync_transport(endpoint), **given)


def async_client(endpoint: Endpoint, hooks: Sequence[Any]) -> httpx2.AsyncClient:
    """The same, asynchronous; `hooks` are coroutine functions."""
    given: dict[str, Any] = {"follow_redirects": False, "event_hooks": {"request": list(hooks)}}
    return httpx2.AsyncClient(trust_env=False, transport=async_transport(endpoint), **given)
