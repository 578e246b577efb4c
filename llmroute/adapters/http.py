"""Plain HTTP on connections of our own: any server that speaks one of the formats, blocking and asynchronous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.adapters.base import Clients
from llmroute.adapters.connections.reach import obeys_proxy
from llmroute.adapters.exchange import Exchange
from llmroute.adapters.formats import to_bytes

if TYPE_CHECKING:
    from llmroute.adapters.base import Call, Endpoint
    from llmroute.adapters.formats import Prepared
    from llmroute.adapters.timeouts import Timeouts


class HttpAdapter(Exchange):
    """`openai-chat`, `anthropic-messages` and `ollama-chat` over plain HTTP."""

    def __init__(self) -> None:
        self._pools: Clients[Any, Any] = Clients(_pool, _async_pool)

    def _send(self, call: Call, ready: Prepared, timeouts: Timeouts) -> Any:
        return self._pools.sync(call.endpoint).send(ready, to_bytes(ready.body, call), timeouts)

    async def _asend(self, call: Call, ready: Prepared, timeouts: Timeouts) -> Any:
        return await self._pools.async_(call.endpoint).send(ready, to_bytes(ready.body, call), timeouts)

    def close(self) -> None:
        """Close the connections of blocking calls."""
        self._pools.close()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pools.aclose()


def _pool(endpoint: Endpoint) -> Any:
    if obeys_proxy(endpoint):
        from llmroute.adapters.connections.proxied import Proxied

        return Proxied(endpoint)
    from llmroute.adapters.connections.blocking import Pool

    return Pool(endpoint)


def _async_pool(endpoint: Endpoint) -> Any:
    if obeys_proxy(endpoint):
        from llmroute.adapters.connections.proxied import AsyncProxied

        return AsyncProxied(endpoint)
    from llmroute.adapters.connections.asynchronous import Pool

    return Pool(endpoint)
