"""One exchange over HTTP, whoever sends it: prepare, send, judge the status, decode.

The adapters on HTTP differ in `_send` and `_asend` alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from llmroute.adapters.answers import EventReader, WholeAnswer
from llmroute.adapters.broken import from_exception
from llmroute.adapters.connections.breaks import Break
from llmroute.adapters.formats import Prepared, prepare
from llmroute.adapters.timeouts import Timeouts
from llmroute.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from llmroute.adapters.base import Call
    from llmroute.errors import CallError
    from llmroute.wire.chat import Event, Reply


class Exchange(ABC):
    """The part of an adapter that all on HTTP share."""

    broken: tuple[type[Exception], ...] = (Break, PolicyError)
    """What sending and reading may raise. These exceptions hold the request, so they end here: what is raised in
    their place is raised outside of the `except` block, where it gets no `__context__`."""

    def _prepare(self, call: Call, *, stream: bool) -> Prepared:
        """The request, but for what only sending adds to it."""
        return prepare(call, stream=stream)

    @abstractmethod
    def _send(self, call: Call, ready: Prepared, timeouts: Timeouts) -> Any:
        """Send, and return when the head of the answer is there."""

    @abstractmethod
    async def _asend(self, call: Call, ready: Prepared, timeouts: Timeouts) -> Any:
        """The same, asynchronous."""

    def complete(self, call: Call) -> Reply:
        """Ask, and read the whole answer."""
        answer = WholeAnswer(call, self._prepare(call, stream=False))
        failure: CallError | None = None
        response: Any | None = None
        try:
            response = self._send(call, answer.ready, Timeouts.whole(call))
            answer.begin(response)
            for chunk in response.iter_bytes() if answer.encoded else response.iter_raw():
                answer.feed(chunk)
        except self.broken as exc:
            failure = from_exception(exc, call, answered=response is not None)
        finally:
            if response is not None:
                response.close()
        if failure is not None:
            raise failure
        return answer.reply()

    async def acomplete(self, call: Call) -> Reply:
        """The same, asynchronous."""
        answer = WholeAnswer(call, self._prepare(call, stream=False))
        failure: CallError | None = None
        response: Any | None = None
        try:
            response = await self._asend(call, answer.ready, Timeouts.whole(call))
            answer.begin(response)
            async for chunk in response.aiter_bytes() if answer.encoded else response.aiter_raw():
                answer.feed(chunk)
        except self.broken as exc:
            failure = from_exception(exc, call, answered=response is not None)
        finally:
            if response is not None:
                await response.aclose()
        if failure is not None:
            raise failure
        return answer.reply()

    def stream(self, call: Call) -> Generator[Event, None, None]:
        """Ask, and give the events as they come."""
        reader = EventReader(call, self._prepare(call, stream=True), Timeouts.stream(call))
        failure: CallError | None = None
        response: Any | None = None
        try:
            response = self._send(call, reader.ready, reader.timeouts)
            reader.begin(response)
            for chunk in response.iter_bytes() if reader.encoded else response.iter_raw():
                yield from reader.feed(chunk)
            yield from reader.end()
        except self.broken as exc:
            failure = reader.failure(exc, answered=response is not None)
        finally:
            if response is not None:
                response.close()
        if failure is not None:
            raise failure

    async def astream(self, call: Call) -> AsyncGenerator[Event, None]:
        """The same, asynchronous."""
        reader = EventReader(call, self._prepare(call, stream=True), Timeouts.stream(call))
        failure: CallError | None = None
        response: Any | None = None
        try:
            response = await self._asend(call, reader.ready, reader.timeouts)
            reader.begin(response)
            async for chunk in response.aiter_bytes() if reader.encoded else response.aiter_raw():
                for event in reader.feed(chunk):
                    yield event
            for event in reader.end():
                yield event
        except self.broken as exc:
            failure = reader.failure(exc, answered=response is not None)
        finally:
            if response is not None:
                await response.aclose()
        if failure is not None:
            raise failure
