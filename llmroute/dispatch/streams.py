"""The two streams that a router gives: iterable, to be closed, and with the whole reply at the end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from llmroute.dispatch.breaks import Breaks
from llmroute.errors import CallError, TruncatedStreamError
from llmroute.wire.chat import ErrorEvent, Event, Finish, UsageEvent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from types import TracebackType

    from llmroute.dispatch.run import Run, Step
    from llmroute.routing.route import Resolution
    from llmroute.wire.chat import Reply


class _Gate:
    """Holds back what comes before the first content, so that a stream that fails early can be tried again."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.open = False
        """Whether events may pass as they are."""
        self.reply: Reply | None = None
        self._breaks: Breaks | None = None
        self._began = False
        self._held: list[Event] = []
        self._broken: CallError | None = None
        """The break after which another target was asked."""

    def start(self) -> None:
        """A new attempt begins."""
        self.open = self._began = False
        self._held.clear()
        if self._breaks is None and self.run.on_stream_break != "error":
            self._breaks = Breaks(self.run)

    def pass_on(self, event: Event) -> list[Event]:
        """What the caller may see now."""
        if isinstance(event, ErrorEvent):
            raise event.error
        if not self._began and isinstance(event, UsageEvent):
            self._held.append(event)
            return []
        self._began, self.open = True, self._breaks is None
        events = [event] if self._breaks is None else self._breaks.seen(event)
        if events and isinstance(events[-1], Finish):
            self.reply = self.run.succeeded(events[-1].reply)
            events[-1] = Finish(self.reply)
        ready, self._held = [*self._held, *events], []
        return ready

    def unfinished(self) -> CallError | None:
        """The failure of an adapter whose stream ended without saying so."""
        return None if self.reply else TruncatedStreamError("the stream ended without its terminal event")

    def after(self, failure: CallError) -> Step | CallError:
        """The next step; or what ends a stream of which content has been seen.

        Raises:
            CallError: nothing is left to try, and nothing was seen.
        """
        seen = self._began or self._broken is not None
        try:
            return self._next(failure)
        except CallError:
            if not seen:
                raise
        return self.run.given_up(self._broken or failure)

    def _next(self, failure: CallError) -> Step:
        if not self._began:
            return self.run.failed(failure)
        self._broken = failure
        self.run.broke(failure)
        if self._breaks is None:
            raise failure
        return self._breaks.take_over(failure)


def _events(gate: _Gate, stopped: threading.Event, sleep: Callable[[float], object]) -> Generator[Event, None, None]:
    with gate.run:
        step = gate.run.first()
        while True:
            if step.wait_s:
                sleep(step.wait_s)
            if stopped.is_set():
                return
            gate.start()
            failure: CallError | None = None
            source = step.adapter.stream(step.call)
            try:
                for event in source:
                    if stopped.is_set():
                        return
                    if gate.open and not isinstance(event, Finish | ErrorEvent):
                        yield event
                    else:
                        yield from gate.pass_on(event)
                failure = gate.unfinished()
            except CallError as exc:
                failure = exc
            finally:
                source.close()
            if failure is None or stopped.is_set():
                return
            following = gate.after(failure)
            if isinstance(following, CallError):
                yield ErrorEvent(following)
                raise following
            step = following


async def _aevents(gate: _Gate) -> AsyncGenerator[Event, None]:
    import asyncio

    with gate.run:
        step = gate.run.first()
        while True:
            if step.wait_s:
                await asyncio.sleep(step.wait_s)
            gate.start()
            failure: CallError | None = None
            source = step.adapter.astream(step.call)
            try:
                async for event in source:
                    if gate.open and not isinstance(event, Finish | ErrorEvent):
                        yield event
                    else:
                        for ready in gate.pass_on(event):
                            yield ready
                failure = gate.unfinished()
            except CallError as exc:
                failure = exc
            finally:
                await source.aclose()
            if failure is None:
                return
            following = gate.after(failure)
            if isinstance(following, CallError):
                yield ErrorEvent(following)
                raise following
            step = following


class ReplyStream:
    """The events of one reply; iterate it inside `with`, so that leaving early closes the connection.

    Nothing is sent before the first event is asked for. The last event is `Finish`, or `ErrorEvent` when the
    stream broke after content had been given out; the iteration after an `ErrorEvent` raises its error. What
    fails before any content is tried again as the route says, and raised without an event.

    One thread iterates; `close` may be called from any other.
    """

    def __init__(self, run: Run, sleep: Callable[[float], object] = time.sleep) -> None:
        self._gate = _Gate(run)
        self._stopped = run.stopped = threading.Event()
        self._source = _events(self._gate, self._stopped, self._stopped.wait if sleep is time.sleep else sleep)

    @property
    def resolution(self) -> Resolution:
        """The route and its trace."""
        return self._gate.run.resolution

    @property
    def reply(self) -> Reply | None:
        """The whole reply, None until the `Finish` event."""
        return self._gate.reply

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        return next(self._source)

    def close(self) -> None:
        """Close the connection; what was not read is lost.

        Where another thread waits for the next event, that thread closes it within a quarter of a second, whatever the
        server does, and its iteration ends.
        """
        self._stopped.set()
        try:
            self._source.close()
        except ValueError as busy:
            # Another thread is in it, and looks at the event by itself.
            if "already executing" not in str(busy):
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncReplyStream:
    """The same for `async for` and `async with`."""

    def __init__(self, run: Run) -> None:
        self._gate = _Gate(run)
        self._source = _aevents(self._gate)

    @property
    def resolution(self) -> Resolution:
        """The route and its trace."""
        return self._gate.run.resolution

    @property
    def reply(self) -> Reply | None:
        """The whole reply, None until the `Finish` event."""
        return self._gate.reply

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        return await anext(self._source)

    async def aclose(self) -> None:
        """Close the connection; what was not read is lost."""
        await self._source.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
