"""LiteLLM (extra `litellm`): any of its providers, one call at a time, and none of its globals.

The model is written as LiteLLM wants it, the provider before it: `bedrock/anthropic.claude-sonnet-4-5`. Its requests
and answers have the shapes of OpenAI's API, so they go through that codec. What stands in `extra_body` is handed to it
as arguments (`aws_region_name`, `vertex_project`), but for those that would take a decision out of the route's hands.
`auth: none` lets LiteLLM look for credentials by itself; it gets a key in any other case, and finds none elsewhere.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from llmroute.adapters.base import Clients
from llmroute.adapters.connections.httpx2_breaks import translating
from llmroute.adapters.litellm_calls import asked_of
from llmroute.adapters.litellm_failures import failure_of
from llmroute.adapters.litellm_library import library
from llmroute.adapters.litellm_passage import UNDER_WAY, CallEnded, Passage
from llmroute.adapters.litellm_silence import silent
from llmroute.adapters.litellm_stream import ChunkReader, reply_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterator

    from llmroute.adapters.base import Call, Endpoint
    from llmroute.adapters.litellm_calls import Asked
    from llmroute.wire.chat import Event, Reply

_ENDS = (Exception, CallEnded)
"""LiteLLM raises whatever comes, and it holds the request: what is raised in its place gets no `__context__`."""


class LiteLLMAdapter:
    """`litellm`, through `completion` and `acompletion`."""

    def __init__(self) -> None:
        self._ways: Clients[Any, Any] = Clients(_way, _async_way)

    def complete(self, call: Call) -> Reply:
        """Ask, and read the whole answer."""
        library()  # importing it takes seconds, which are none of the call's
        passage = Passage(call, streams=False)
        asked = _asked(passage, stream=False)
        try:
            with _under_way(passage):
                client = asked.client(self._ways.sync(call.endpoint))
                response = library().completion(**_arguments(asked, passage, client))
            return reply_of(response, asked, passage)
        except _ENDS as exc:
            failure = failure_of(exc, passage)
        finally:
            passage.close()
        raise failure

    async def acomplete(self, call: Call) -> Reply:
        """The same, asynchronous."""
        await asyncio.to_thread(library)
        passage = Passage(call, streams=False)
        asked = _asked(passage, stream=False)
        try:
            with _under_way(passage):
                client = asked.client(self._ways.async_(call.endpoint))
                async with asyncio.timeout(_limit_s(passage, client)):
                    response = await library().acompletion(**_arguments(asked, passage, client, asynchronous=True))
            return reply_of(response, asked, passage)
        except _ENDS as exc:
            failure = failure_of(exc, passage)
        finally:
            await passage.aclose()
        raise failure

    def stream(self, call: Call) -> Generator[Event, None, None]:
        """Ask, and give the events as they come."""
        library()
        passage = Passage(call, streams=True)
        asked = _asked(passage, stream=True)
        reader = ChunkReader(asked, passage)
        source: Any = None
        try:
            with _under_way(passage):
                client = asked.client(self._ways.sync(call.endpoint))
                source = library().completion(**_arguments(asked, passage, client))
            while (chunk := _next(source, passage)) is not None:
                yield from reader.feed(chunk, source)
            yield from reader.end()
        except _ENDS as exc:
            failure = failure_of(exc, passage, reader.partial(), began=reader.began)
        else:
            return
        finally:
            passage.close()
            _close(source)
        raise failure

    async def astream(self, call: Call) -> AsyncGenerator[Event, None]:
        """The same, asynchronous."""
        await asyncio.to_thread(library)
        passage = Passage(call, streams=True)
        asked = _asked(passage, stream=True)
        reader = ChunkReader(asked, passage)
        source: Any = None
        try:
            with _under_way(passage):
                client = asked.client(self._ways.async_(call.endpoint))
                async with asyncio.timeout(_limit_s(passage, client)):
                    source = await library().acompletion(**_arguments(asked, passage, client, asynchronous=True))
            while (chunk := await _anext(source, passage)) is not None:
                for event in reader.feed(chunk, source):
                    yield event
            for event in reader.end():
                yield event
        except _ENDS as exc:
            failure = failure_of(exc, passage, reader.partial(), began=reader.began)
        else:
            return
        finally:
            await passage.aclose()
            await _aclose(source)
        raise failure

    def close(self) -> None:
        """Close the connections of blocking calls."""
        self._ways.close()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._ways.aclose()


def _way(endpoint: Endpoint) -> Any:
    from llmroute.adapters.litellm_connections import Way

    with translating():  # a new client reads the certificates
        return Way(endpoint)


def _async_way(endpoint: Endpoint) -> Any:
    from llmroute.adapters.litellm_connections import AsyncWay

    with translating():
        return AsyncWay(endpoint)


@contextmanager
def _under_way(passage: Passage) -> Iterator[None]:
    """While LiteLLM works for a call. A generator shares the context of its caller, who must see none of it."""
    token = UNDER_WAY.set(passage)
    try:
        yield
    finally:
        UNDER_WAY.reset(token)


def _asked(passage: Passage, *, stream: bool) -> Asked:
    with _under_way(passage):
        asked = asked_of(library(), passage.call, stream=stream)
    passage.headers = asked.headers
    return asked


def _arguments(asked: Asked, passage: Passage, client: Any, *, asynchronous: bool = False) -> dict[str, Any]:
    passage.unsent = client is not None
    # Our connections keep the time limits themselves; this one is for LiteLLM's own.
    given = {**asked.arguments, "timeout": passage.timeouts.read_s(), "client": client}
    return silent(given, streams="stream" in given, asynchronous=asynchronous)


def _limit_s(passage: Passage, client: Any) -> float | None:
    """Seconds for the whole of a request that goes over LiteLLM's own connections."""
    return passage.timeouts.read_s() if client is None else None


def _next(source: Any, passage: Passage) -> Any:
    with _under_way(passage):
        return next(source, None)


async def _anext(source: Any, passage: Passage) -> Any:
    with _under_way(passage):
        return await anext(source, None)


def _close(source: Any) -> None:
    """Close what LiteLLM reads a stream from, where that is no connection of ours."""
    inner = getattr(source, "completion_stream", None)
    if callable(close := getattr(inner, "close", None)):
        close()


async def _aclose(source: Any) -> None:
    """The same, asynchronous."""
    inner = getattr(source, "completion_stream", None)
    if callable(close := getattr(inner, "aclose", None)):
        await close()
