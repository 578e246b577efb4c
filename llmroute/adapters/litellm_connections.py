"""The connections that LiteLLM sends through: ours, so that they go where the target says and nowhere else.

LiteLLM takes a client with each call: an OpenAI SDK for some of its providers, a handler on httpx for others. Both
stand here on the transport of `httpx2_clients`, which sees every answer before LiteLLM does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import openai
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, HTTPHandler

from llmroute.adapters.connections.breaks import Break
from llmroute.adapters.connections.httpx2_breaks import translating
from llmroute.adapters.connections.httpx2_clients import async_transport, sync_transport
from llmroute.adapters.litellm_passage import UNDER_WAY, Passage
from llmroute.adapters.sdk import UNUSED_KEY
from llmroute.errors import CallError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from llmroute.adapters.base import Endpoint

_BROKEN = (Break, CallError)
_KEPT = ("host", "content-length", "transfer-encoding", "content-type", "accept", "x-stainless-raw-response")
"""Headers of an OpenAI SDK that go out; others it may have found in the environment. By the last one it knows, when
the answer is there, that it was asked for the raw one."""


class _Body(httpx2.SyncByteStream):
    def __init__(self, response: httpx2.Response, passage: Passage) -> None:
        self._response = response
        self._passage = passage

    def __iter__(self) -> Iterator[bytes]:
        try:
            with translating():
                for piece in self._response.iter_raw():
                    yield self._passage.piece(piece)
        except _BROKEN as exc:
            ended = self._passage.broke(exc)
        else:
            return
        raise ended

    def close(self) -> None:
        self._response.close()


class _AsyncBody(httpx2.AsyncByteStream):
    def __init__(self, response: httpx2.Response, passage: Passage) -> None:
        self._response = response
        self._passage = passage

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            with translating():
                async for piece in self._response.aiter_raw():
                    yield self._passage.piece(piece)
        except _BROKEN as exc:
            ended = self._passage.broke(exc)
        else:
            return
        raise ended

    async def aclose(self) -> None:
        await self._response.aclose()


class _Way(httpx2.BaseTransport):
    """Sends for the call under way, and ends it where that goes wrong."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._inner = sync_transport(endpoint)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        passage = UNDER_WAY.get()
        passage.sending(request)
        try:
            with translating():
                response = self._inner.handle_request(request)
                body = b"" if passage.opened(response) else b"".join(map(passage.piece, response.iter_raw()))
        except _BROKEN as exc:
            ended = passage.broke(exc)
        else:
            if passage.answered:
                stream = _Body(response, passage)
                return httpx2.Response(response.status_code, headers=response.headers, stream=stream)
            ended = passage.refused(response, body)
        raise ended

    def close(self) -> None:
        self._inner.close()


class _AsyncWay(httpx2.AsyncBaseTransport):
    """The same, asynchronous."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._inner = async_transport(endpoint)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        passage = UNDER_WAY.get()
        passage.sending(request)
        try:
            with translating():
                response = await self._inner.handle_async_request(request)
                refused = not passage.opened(response)
                body = b"".join([passage.piece(piece) async for piece in response.aiter_raw()]) if refused else b""
        except _BROKEN as exc:
            ended = passage.broke(exc)
        else:
            if passage.answered:
                stream = _AsyncBody(response, passage)
                return httpx2.Response(response.status_code, headers=response.headers, stream=stream)
            ended = passage.refused(response, body)
        raise ended

    async def aclose(self) -> None:
        await self._inner.aclose()


# -- httpx, which LiteLLM's handlers stand on, and httpx2 are two packages


class _Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of an answer of httpx2 for httpx."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_raw()

    def close(self) -> None:
        self._response.close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._response.aiter_raw():
            yield piece

    async def aclose(self) -> None:
        await self._response.aclose()


class _Bridge(httpx.BaseTransport):
    def __init__(self, way: _Way) -> None:
        self._way = way

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return _given(self._way.handle_request(_asked(request, request.read())))


class _AsyncBridge(httpx.AsyncBaseTransport):
    def __init__(self, way: _AsyncWay) -> None:
        self._way = way

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return _given(await self._way.handle_async_request(_asked(request, await request.aread())))


def _asked(request: httpx.Request, content: bytes) -> httpx2.Request:
    return httpx2.Request(request.method, str(request.url), headers=request.headers.raw, content=content)


def _given(response: httpx2.Response) -> httpx.Response:
    return httpx.Response(response.status_code, headers=response.headers.raw, stream=_Stream(response))


class _Handler(AsyncHTTPHandler):  # type: ignore[misc] # LiteLLM is untyped here
    """LiteLLM's asynchronous handler, which makes its client itself."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._ours = client
        super().__init__()

    def create_client(self, *_: Any, **__: Any) -> httpx.AsyncClient:
        return self._ours


def _own_headers(request: httpx2.Request) -> None:
    """Put the call's own headers on a request of an OpenAI SDK. A hook of its client."""
    kept = {name: request.headers[name] for name in _KEPT if name in request.headers}
    request.headers = httpx2.Headers({**kept, **UNDER_WAY.get().headers})


async def _aown_headers(request: httpx2.Request) -> None:
    _own_headers(request)


_EXPLICIT: dict[str, Any] = {
    "api_key": UNUSED_KEY,
    "admin_api_key": "",
    "organization": "",
    "project": "",
    "webhook_secret": "",
    "max_retries": 0,
}
"""What an OpenAI SDK would look up in the environment, and how often it asks again."""


class Way:
    """The clients of one endpoint for blocking calls."""

    def __init__(self, endpoint: Endpoint) -> None:
        way = _Way(endpoint)
        hooks: dict[str, Any] = {"request": [_own_headers]}
        self._plain = httpx.Client(transport=_Bridge(way), trust_env=False, follow_redirects=False)
        self._client = httpx2.Client(transport=way, trust_env=False, follow_redirects=False, event_hooks=hooks)
        self.handler = HTTPHandler(client=self._plain)

    def sdk(self, base_url: str) -> openai.OpenAI:
        """An OpenAI SDK for one URL."""
        return openai.OpenAI(base_url=base_url, http_client=self._client, **_EXPLICIT)

    def close(self) -> None:
        """Close the connections."""
        self._plain.close()
        self._client.close()


class AsyncWay:
    """The clients of one endpoint for asynchronous calls of one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        way = _AsyncWay(endpoint)
        hooks: dict[str, Any] = {"request": [_aown_headers]}
        self._plain = httpx.AsyncClient(transport=_AsyncBridge(way), trust_env=False, follow_redirects=False)
        self._client = httpx2.AsyncClient(transport=way, trust_env=False, follow_redirects=False, event_hooks=hooks)
        self.handler = _Handler(self._plain)

    def sdk(self, base_url: str) -> openai.AsyncOpenAI:
        """An OpenAI SDK for one URL."""
        return openai.AsyncOpenAI(base_url=base_url, http_client=self._client, **_EXPLICIT)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._plain.aclose()
        await self._client.aclose()
