"""What the adapters on a vendor's SDK share: the SDK sends, and nothing that it adds on its own goes out.

Left alone the SDKs read base URLs, keys, organisations and whole headers from the environment. The clients here
get everything explicitly, never hold a key, and send through a client of ours whose last step puts exactly the
headers of the call on the request: whatever the SDK found elsewhere is gone by then.
"""

from __future__ import annotations

from abc import abstractmethod
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import httpx2

from llmroute.adapters.base import Clients
from llmroute.adapters.connections.httpx2_breaks import Translated, translating
from llmroute.adapters.exchange import Exchange
from llmroute.adapters.formats import to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.adapters.base import Call, Endpoint
    from llmroute.adapters.formats import Prepared
    from llmroute.adapters.timeouts import Timeouts

UNUSED_KEY = "set-for-each-call"
"""What the SDK's objects hold in place of a key: the key is put on the request itself."""
_KEPT = ("host", "content-length", "transfer-encoding")
_headers: ContextVar[Mapping[str, str]] = ContextVar("headers of the call under way")


def put_headers(request: httpx2.Request) -> None:
    """Replace all headers but those of the transport by the call's own. A hook of the client."""
    kept = {name: request.headers[name] for name in _KEPT if name in request.headers}
    kept["host"] = request.url.netloc.decode("ascii")
    request.headers = httpx2.Headers({**kept, **_headers.get()})


async def aput_headers(request: httpx2.Request) -> None:
    """The same, as asynchronous clients want it."""
    put_headers(request)


class Unshown(bytes):
    """The body of a request as the SDKs see it: at level DEBUG Anthropic's logs the repr of all that it is given."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"

    __str__ = __repr__


class _Closing:
    """An asynchronous SDK object under the name that the pool closes by."""

    def __init__(self, sdk: Any) -> None:
        self.sdk = sdk

    async def aclose(self) -> None:
        await self.sdk.close()


class SDKExchange(Exchange):
    """An exchange that an SDK sends, with its own path, and whose answer is taken raw."""

    path: str
    sdk_error: type[Exception]
    """The SDK's root exception."""
    status_error: type[Exception]
    """The SDK's exception for an answer that is no success; it holds the response."""

    def __init__(self) -> None:
        self._clients: Clients[Any, _Closing] = Clients(self._sync, lambda at: _Closing(self._async(at)))

    @abstractmethod
    def _sync(self, endpoint: Endpoint) -> Any:
        """The SDK's client, everything explicit."""

    @abstractmethod
    def _async(self, endpoint: Endpoint) -> Any:
        """The same, asynchronous."""

    def _send(self, call: Call, ready: Prepared, timeouts: Timeouts) -> Translated:
        with translating():  # a new client reads the certificates
            sdk = self._clients.sync(call.endpoint)
        token = _headers.set(ready.headers)
        try:
            with translating(self.sdk_error):
                try:
                    response: httpx2.Response = sdk.post(self.path, **_arguments(call, ready, timeouts))
                except self.status_error as exc:
                    response = _response_of(exc)
        finally:
            _headers.reset(token)
        return Translated(response)

    async def _asend(self, call: Call, ready: Prepared, timeouts: Timeouts) -> Translated:
        with translating():
            sdk = self._clients.async_(call.endpoint).sdk
        token = _headers.set(ready.headers)
        try:
            with translating(self.sdk_error):
                try:
                    response: httpx2.Response = await sdk.post(self.path, **_arguments(call, ready, timeouts))
                except self.status_error as exc:
                    response = _response_of(exc)
        finally:
            _headers.reset(token)
        return Translated(response)

    def close(self) -> None:
        """Close the connections of blocking calls."""
        self._clients.close()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._clients.aclose()


def _arguments(call: Call, ready: Prepared, timeouts: Timeouts) -> dict[str, Any]:
    """Those of the SDK's `post`: our bytes out, and the response back before its body is read."""
    return {
        "content": Unshown(to_bytes(ready.body, call)),
        "cast_to": httpx2.Response,
        "stream": True,
        "options": {"timeout": httpx2.Timeout(**timeouts.to_dict()), "max_retries": 0},
    }


def _response_of(exc: Exception) -> httpx2.Response:
    response: httpx2.Response = exc.response  # type: ignore[attr-defined] # both SDKs' status errors have it
    return response
