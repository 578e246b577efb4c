"""Through the proxy that the environment names, where the spec says `proxy: env`: on httpx2, which knows them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2

from llmroute.adapters.connections.httpx2_breaks import Translated, translating
from llmroute.adapters.connections.httpx2_clients import async_transport, sync_transport

if TYPE_CHECKING:
    from llmroute.adapters.base import Endpoint
    from llmroute.adapters.formats import Prepared
    from llmroute.adapters.timeouts import Timeouts


def _request(ready: Prepared, body: bytes, timeouts: Timeouts) -> httpx2.Request:
    given: dict[str, Any] = {"headers": ready.headers, "content": body}
    return httpx2.Request("POST", ready.url, **given, extensions={"timeout": timeouts.to_dict()})


class Proxied:
    """Blocking."""

    def __init__(self, endpoint: Endpoint) -> None:
        with translating():
            self._way = sync_transport(endpoint)

    def send(self, ready: Prepared, body: bytes, timeouts: Timeouts) -> Translated:
        """Send a request, and return when the head of the answer is there."""
        with translating():
            return Translated(self._way.handle_request(_request(ready, body, timeouts)))

    def close(self) -> None:
        """Close the connections."""
        self._way.close()


class AsyncProxied:
    """Asynchronous."""

    def __init__(self, endpoint: Endpoint) -> None:
        with translating():
            self._way = async_transport(endpoint)

    async def send(self, ready: Prepared, body: bytes, timeouts: Timeouts) -> Translated:
        """Send a request, and return when the head of the answer is there."""
        with translating():
            return Translated(await self._way.handle_async_request(_request(ready, body, timeouts)))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._way.aclose()
