"""Other HTTP clients with nothing above them: what could stand under plain HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aiohttp
import httpcore2
from pyreqwest.client import ClientBuilder, SyncClientBuilder

from tests.benchmarks.bare import BODY, PATHS
from tests.benchmarks.rivals.contender import OPENAI, Contender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

HEADERS = {"accept": "application/json", "accept-encoding": "identity", "content-type": "application/json"}
WHOLE = json.dumps(BODY).encode()
STREAM = json.dumps({**BODY, "stream": True}).encode()


class _Lines:
    """Events out of pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[object]:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data: ") and line != b"data: [DONE]":
                yield json.loads(line[6:])


def _events(pieces: Iterable[bytes]) -> Iterator[object]:
    lines = _Lines()
    for piece in pieces:
        yield from lines.feed(piece)


async def _aevents(pieces: AsyncIterator[bytes]) -> AsyncIterator[object]:
    lines = _Lines()
    async for piece in pieces:
        for event in lines.feed(piece):
            yield event


class HttpCore2:
    """httpcore2, without the objects of httpx2."""

    def __init__(self, url: str) -> None:
        self.pool, self.apool = httpcore2.ConnectionPool(), httpcore2.AsyncConnectionPool(max_connections=None)
        self.url = httpcore2.URL(url)

    def _request(self, body: bytes) -> dict[str, Any]:
        headers = {**HEADERS, "host": "127.0.0.1", "content-length": str(len(body))}
        return {"method": "POST", "url": self.url, "headers": headers, "content": body}

    def complete(self) -> object:
        return json.loads(self.pool.request(**self._request(WHOLE)).content)

    def stream(self) -> Iterator[object]:
        with self.pool.stream(**self._request(STREAM)) as response:
            yield from _events(response.iter_stream())

    async def acomplete(self) -> object:
        return json.loads((await self.apool.request(**self._request(WHOLE))).content)

    async def astream(self) -> AsyncIterator[object]:
        async def events() -> AsyncIterator[object]:
            async with self.apool.stream(**self._request(STREAM)) as response:
                async for event in _aevents(response.aiter_stream()):
                    yield event

        return events()


class Aiohttp:
    """aiohttp, which is asynchronous only."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session: Any = None

    def _post(self, body: bytes) -> Any:
        if self.session is None:
            connector = aiohttp.TCPConnector(limit=0)
            self.session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self.session.post(self.url, data=body, headers=HEADERS, allow_redirects=False)

    async def acomplete(self) -> object:
        async with self._post(WHOLE) as response:
            return json.loads(await response.read())

    async def astream(self) -> AsyncIterator[object]:
        async def events() -> AsyncIterator[object]:
            async with self._post(STREAM) as response:
                async for event in _aevents(response.content.iter_any()):
                    yield event

        return events()


class Pyreqwest:
    """pyreqwest (Rust), its buffer off: with it the first events of a stream are held back."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client: Any = self._built(SyncClientBuilder())
        self.other: Any = self._built(ClientBuilder())

    @staticmethod
    def _built(builder: Any) -> Any:
        return builder.no_proxy().follow_redirects(enable=False).build()

    def _request(self, client: Any, body: bytes) -> Any:
        return client.post(self.url).headers(HEADERS).body_bytes(body)

    def complete(self) -> object:
        return json.loads(bytes(self._request(self.client, WHOLE).build().send().bytes()))

    def stream(self) -> Iterator[object]:
        request = self._request(self.client, STREAM).streamed_read_buffer_limit(0).build_streamed()
        with request as response:
            pieces = iter(response.body_reader.read_chunk, None)
            yield from _events(bytes(piece) for piece in pieces)

    async def acomplete(self) -> object:
        response = await self._request(self.other, WHOLE).build().send()
        return json.loads(bytes(await response.bytes()))

    async def astream(self) -> AsyncIterator[object]:
        async def pieces() -> AsyncIterator[bytes]:
            request = self._request(self.other, STREAM).streamed_read_buffer_limit(0).build_streamed()
            async with request as response:
                while (piece := await response.body_reader.read_chunk()) is not None:
                    yield bytes(piece)

        return _aevents(pieces())


SETUPS = {
    HttpCore2: "import httpcore2; httpcore2.ConnectionPool()",
    Aiohttp: "import aiohttp",
    Pyreqwest: "from pyreqwest.client import SyncClientBuilder; SyncClientBuilder().build()",
}


def contenders(root: str) -> Iterator[Contender]:
    """Each with JSON parsed, as the baseline does."""
    for kind, setup in SETUPS.items():
        one: Any = kind(root + PATHS[OPENAI])
        ways = {name: getattr(one, name, None) for name in ("complete", "stream", "acomplete", "astream")}
        yield Contender(name=f"{kind.__name__.lower()} and json", api=OPENAI, **ways, setup=setup)
