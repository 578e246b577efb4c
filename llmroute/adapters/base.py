"""What an adapter is, and what it is told: one call to one endpoint."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from llmroute.catalog.patience import CONNECT_S, TIMEOUT_S
from llmroute.wire.message import Text, ToolCall, ToolResult

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping

    from llmroute.wire.chat import ChatRequest, Event, Reply


class Endpoint(Protocol):
    """Where to send, as an adapter sees it: the settings of one resolved target, without its key."""

    @property
    def provider(self) -> str | None:
        """The provider's name; None for an endpoint that only has a URL."""

    @property
    def api(self) -> str:
        """The wire format."""

    @property
    def base_url(self) -> str:
        """Normal form, without a trailing slash."""

    @property
    def model(self) -> str:
        """The model's name at the provider."""

    @property
    def locality(self) -> str:
        """`local`, `lan` or `remote`; `local` is enforced when connecting."""

    @property
    def transport(self) -> str:
        """`http` or `sdk`."""

    @property
    def auth(self) -> str:
        """`bearer`, `x-api-key`, `api-key` or `none`."""

    @property
    def api_version(self) -> str | None:
        """The dated version of the API."""

    @property
    def proxy(self) -> str:
        """`none` or `env`."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers for this endpoint."""

    @property
    def extra_body(self) -> Mapping[str, Any]:
        """Fields of the body for this endpoint."""

    @property
    def quirks(self) -> Mapping[str, Any]:
        """What the codec must know of the provider."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to one endpoint. Nothing of the route is in it but the endpoint."""

    endpoint: Endpoint
    request: ChatRequest = field(repr=False)
    """With the parameters that were won for the endpoint."""
    key: str | None = field(default=None, repr=False)
    timeout_s: float = TIMEOUT_S
    """Of a whole answer; of a stream each wait for the next piece."""
    ends_at: float | None = None
    """The end of the whole request on the monotonic clock, over all attempts."""
    connect_s: float = CONNECT_S
    """Until the server accepts a connection."""
    first_event_s: float | None = None
    """Of a stream, until its first content; None: `timeout_s`."""
    idle_s: float | None = None
    """Of a stream that has begun, each wait for the next piece; None: `timeout_s`."""
    stopped: threading.Event | None = field(default=None, repr=False)
    """Of a blocking stream: another thread sets it when nobody wants the rest, and a wait for bytes ends soon after."""

    def until_content_s(self) -> float:
        """Seconds until a stream without content is given up."""
        return self.timeout_s if self.first_event_s is None else self.first_event_s

    def texts(self) -> Iterator[str]:
        """Every text of the conversation, for keeping it out of messages."""
        for message in self.request.messages:
            for part in message.content:
                if isinstance(part, Text):
                    yield part.text
                elif isinstance(part, ToolCall):
                    yield part.arguments
                elif isinstance(part, ToolResult):
                    yield part.text


class Adapter(Protocol):
    """A way to reach endpoints: a codec of `llmroute.wire` on a transport.

    One instance serves any number of endpoints, calls and threads. Every failure is an `LLMRouteError`, and no
    exception of a transport or an SDK gets out. Streams are generators: closing one closes its connection. A
    stream ends with a `Finish` event or an exception.
    """

    def complete(self, call: Call) -> Reply:
        """Make the call and wait for the whole answer."""

    async def acomplete(self, call: Call) -> Reply:
        """The same, asynchronous."""

    def stream(self, call: Call) -> Generator[Event, None, None]:
        """Make the call and give the answer piece by piece; nothing is sent before the first `next`."""

    def astream(self, call: Call) -> AsyncGenerator[Event, None]:
        """The same, asynchronous."""

    def close(self) -> None:
        """Close the connections of the blocking calls."""

    async def aclose(self) -> None:
        """Close all connections, those of the running event loop included."""


class _Closable(Protocol):
    def close(self) -> None: ...


class _AsyncClosable(Protocol):
    async def aclose(self) -> None: ...


_Sync = TypeVar("_Sync", bound=_Closable)
_Async = TypeVar("_Async", bound=_AsyncClosable)


def pool_key(endpoint: Endpoint) -> tuple[Any, ...]:
    """What two calls must have in common to share connections; the key of the provider is not part of it."""
    return (endpoint.provider, endpoint.base_url, endpoint.proxy, endpoint.locality)


class Clients(Generic[_Sync, _Async]):
    """Clients made at first use: one an endpoint, and for asynchronous calls one an endpoint and event loop.

    Connections belong to the loop that opened them, so a client is never used in another one.
    """

    def __init__(self, sync: Callable[[Endpoint], _Sync], async_: Callable[[Endpoint], _Async]) -> None:
        self._make_sync = sync
        self._make_async = async_
        self._lock = threading.Lock()
        self._sync: dict[tuple[Any, ...], _Sync] = {}
        self._async: weakref.WeakKeyDictionary[Any, dict[tuple[Any, ...], _Async]]
        self._async = weakref.WeakKeyDictionary()

    def sync(self, endpoint: Endpoint) -> _Sync:
        """The client of this endpoint for blocking calls."""
        key = pool_key(endpoint)
        client = self._sync.get(key)
        if client is None:
            with self._lock:
                client = self._sync.get(key)
                if client is None:
                    client = self._sync[key] = self._make_sync(endpoint)
        return client

    def async_(self, endpoint: Endpoint) -> _Async:
        """The client of this endpoint for the running event loop."""
        loop = _running_loop()
        with self._lock:
            clients = self._async.setdefault(loop, {})
            key = pool_key(endpoint)
            client = clients.get(key)
            if client is None:
                client = clients[key] = self._make_async(endpoint)
        return client

    def close(self) -> None:
        """Close the clients of blocking calls; the next call opens new ones."""
        with self._lock:
            clients, self._sync = list(self._sync.values()), {}
        for client in clients:
            client.close()

    async def aclose(self) -> None:
        """Close all clients of this loop, and those of blocking calls."""
        self.close()
        with self._lock:
            clients = self._async.pop(_running_loop(), {})
        for client in clients.values():
            await client.aclose()


def _running_loop() -> Any:
    import asyncio  # here: a program that only makes blocking calls never loads it

    return asyncio.get_running_loop()
