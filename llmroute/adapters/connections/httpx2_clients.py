"""httpx2's clients on connections of our own, for the SDKs, which bring it along.

Every one is built here: no redirect is followed, no variable of the environment moves a request (but for
`proxy: env`), and what holds for plain HTTP holds here too: addresses are checked, and time limits hold for an answer
as a whole. Its failures are `Break`s.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import httpx2

from llmroute.adapters.connections import asynchronous, blocking
from llmroute.adapters.connections.http1 import place_of
from llmroute.adapters.connections.reach import obeys_proxy
from llmroute.adapters.timeouts import Limit, Timeouts
from llmroute.catalog.patience import CONNECT_S, TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from llmroute.adapters.base import Endpoint

P = TypeVar("P")


class _Outgoing(NamedTuple):
    """A request of httpx2 in the form that the pools take."""

    method: str
    url: str
    headers: Mapping[str, str]


class _Pools(Generic[P]):
    """One pool an origin: an SDK may be told to send elsewhere than to its endpoint."""

    def __init__(self, endpoint: Endpoint, made: Callable[[Endpoint], P]) -> None:
        self._endpoint = endpoint
        self._made = made
        self._pools: dict[Any, P] = {}

    def of(self, outgoing: _Outgoing) -> P:
        """The pool of the origin that a request goes to."""
        origin = place_of(outgoing.url)[:3]
        pool = self._pools.get(origin)
        return pool if pool is not None else self._pools.setdefault(origin, self._made(self._endpoint))

    def all(self) -> list[P]:
        """Those that there are, which are forgotten."""
        pools, self._pools = list(self._pools.values()), {}
        return pools


def _outgoing(request: httpx2.Request) -> _Outgoing:
    return _Outgoing(request.method, str(request.url), request.headers)


def _timeouts(request: httpx2.Request) -> Timeouts:
    """Those of the exchange, which httpx2 hands down as they are; a plain number is that of each wait."""
    given: Mapping[str, float | None] = request.extensions.get("timeout", {})
    read, connect = given.get("read"), given.get("connect")
    if not isinstance(read, Limit):
        seconds = TIMEOUT_S if read is None else read
        read = Limit(seconds, time.monotonic() + seconds)
    return Timeouts(CONNECT_S if connect is None else connect, read)


class _Body(httpx2.SyncByteStream):
    def __init__(self, response: blocking.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_raw()

    def close(self) -> None:
        self._response.close()


class _AsyncBody(httpx2.AsyncByteStream):
    def __init__(self, response: asynchronous.Response) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.aiter_raw()

    async def aclose(self) -> None:
        await self._response.aclose()


class _Transport(httpx2.BaseTransport):
    """Sends on connections of our own."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._pools = _Pools(endpoint, blocking.Pool)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        outgoing = _outgoing(request)
        response = self._pools.of(outgoing).send(outgoing, request.read(), _timeouts(request))
        return httpx2.Response(response.status_code, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        for pool in self._pools.all():
            pool.close()


class _AsyncTransport(httpx2.AsyncBaseTransport):
    """The same, asynchronous."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._pools = _Pools(endpoint, asynchronous.Pool)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        outgoing = _outgoing(request)
        response = await self._pools.of(outgoing).send(outgoing, await request.aread(), _timeouts(request))
        return httpx2.Response(response.status_code, headers=response.headers, stream=_AsyncBody(response))

    async def aclose(self) -> None:
        for pool in self._pools.all():
            await pool.aclose()


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
    return _Proxied() if obeys_proxy(endpoint) else _Transport(endpoint)


def async_transport(endpoint: Endpoint) -> httpx2.AsyncBaseTransport:
    """The same, asynchronous, for one event loop."""
    return _AsyncProxied() if obeys_proxy(endpoint) else _AsyncTransport(endpoint)


def sync_client(endpoint: Endpoint, hooks: Sequence[Any]) -> httpx2.Client:
    """A client for one endpoint; `hooks` see each request before it is sent."""
    given: dict[str, Any] = {"follow_redirects": False, "event_hooks": {"request": list(hooks)}}
    return httpx2.Client(trust_env=False, transport=sync_transport(endpoint), **given)


def async_client(endpoint: Endpoint, hooks: Sequence[Any]) -> httpx2.AsyncClient:
    """The same, asynchronous; `hooks` are coroutine functions."""
    given: dict[str, Any] = {"follow_redirects": False, "event_hooks": {"request": list(hooks)}}
    return httpx2.AsyncClient(trust_env=False, transport=async_transport(endpoint), **given)
