"""Plain HTTP on httpx2: any server that speaks one of the formats, blocking and asynchronous."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import httpx2

from llmroute.adapters.base import Clients
from llmroute.adapters.exchange import Exchange
from llmroute.adapters.formats import to_bytes
from llmroute.adapters.transport import async_transport, sync_transport

if TYPE_CHECKING:
    from llmroute.adapters.base import Call
    from llmroute.adapters.formats import Prepared
    from llmroute.adapters.timeouts import Timeouts


class HttpAdapter(Exchange):
    """`openai-chat`, `anthropic-messages` and `ollama-chat` over plain HTTP."""

    def __init__(self) -> None:
        self._ways: Clients[httpx2.BaseTransport, httpx2.AsyncBaseTransport]
        self._ways = Clients(sync_transport, async_transport)

    def _send(self, call: Call, ready: Prepared, timeouts: Timeouts) -> httpx2.Response:
        return self._ways.sync(call.endpoint).handle_request(_request(call, ready, timeouts))

    async def _asend(self, call: Call, ready: Prepared, timeouts: Timeouts) -> httpx2.Response:
        return await self._ways.async_(call.endpoint).handle_async_request(_request(call, ready, timeouts))

    def close(self) -> None:
        """Close the connections of blocking calls."""
        self._ways.close()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._ways.aclose()


@lru_cache(maxsize=64)
def _parsed(url: str) -> httpx2.URL:
    """Parsing costs as much as encoding the request."""
    return httpx2.URL(url)


def _request(call: Call, ready: Prepared, timeouts: Timeouts) -> httpx2.Request:
    """The request as it stands: no client stands between it and the wire."""
    return httpx2.Request(
        "POST",
        _parsed(ready.url),
        headers=ready.headers,
        content=to_bytes(ready.body, call),
        extensions={"timeout": timeouts.to_dict()},
    )
