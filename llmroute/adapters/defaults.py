"""The methods that an adapter of another package may leave out: `complete` is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from llmroute.errors import LLMRouteError
from llmroute.wire.chat import (
    Finish,
    Opaque,
    PartEvent,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageEvent,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Callable, Generator

    from llmroute.adapters.base import Adapter, Call
    from llmroute.wire.chat import Event, Reply

METHODS = ("complete", "acomplete", "stream", "astream", "close", "aclose")


def with_defaults(adapter: object) -> Adapter:
    """The adapter, with the methods that it lacks.

    Raises:
        LLMRouteError: it has no `complete`.
    """
    own = [name for name in METHODS if callable(getattr(adapter, name, None))]
    if "complete" not in own:
        raise LLMRouteError(f"{type(adapter).__name__} is no adapter: it has no method `complete`")
    return cast("Adapter", adapter if len(own) == len(METHODS) else _Filled(adapter, own))


class _Filled:
    """An adapter's own methods, and these where it has none; its other attributes are its own."""

    complete: Callable[[Call], Reply]

    def __init__(self, adapter: object, own: list[str]) -> None:
        self._adapter = adapter
        self._streams = "stream" in own
        for name in own:
            setattr(self, name, getattr(adapter, name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    async def acomplete(self, call: Call) -> Reply:
        """`complete` in a thread, so that the event loop is free."""
        import asyncio

        return await asyncio.to_thread(self.complete, call)

    def stream(self, call: Call) -> Generator[Event, None, None]:
        """The whole answer, as the events of a stream."""
        yield from events_of(self.complete(call))

    async def astream(self, call: Call) -> AsyncGenerator[Event, None]:
        """The adapter's own stream, each of its steps in a thread; else the whole answer as the events of one."""
        if not self._streams:
            for told in events_of(await self.acomplete(call)):
                yield told
            return
        import asyncio

        source = self.stream(call)
        step: asyncio.Future[Event | None] | None = None
        try:
            while True:
                step = _next(source)
                event = await asyncio.shield(step)
                if event is None:
                    return
                yield event
        finally:
            # A generator that runs can't be closed: one that was given up is closed when its step is over.
            if step is not None and not step.done():
                step.add_done_callback(lambda _: source.close())
            else:
                source.close()

    def close(self) -> None:
        """Nothing is known to be open."""

    async def aclose(self) -> None:
        """The same as `close`."""
        self.close()


def _next(source: Generator[Event, None, None]) -> asyncio.Future[Event | None]:
    """The next event, fetched in a thread; None at the end."""
    import asyncio
    from contextvars import copy_context

    def step() -> Event | None:
        return next(source, None)

    return asyncio.get_running_loop().run_in_executor(None, copy_context().run, step)


def events_of(reply: Reply) -> Generator[Event, None, None]:
    """The events of a stream that ends with this reply, tool calls included."""
    texts: list[str] = []
    thoughts: list[str] = []
    index = 0
    for part in reply.content:
        match part:
            case Text(text=text) if text:
                yield TextDelta.append(texts, text)
            case Opaque() | Thinking(redacted=str()):
                yield PartEvent(part)
            case Thinking():
                yield ThinkingDelta.append(thoughts, part.text)
                if part.signature is not None:
                    yield ThinkingDelta.append(thoughts, "", part.signature)
            case ToolCall():
                yield ToolCallStart(index, part.id, part.name, part.custom)
                yield ToolCallDelta(index, part.id, part.arguments)
                yield ToolCallEnd(index, part)
                index += 1
    if reply.usage is not None:
        yield UsageEvent(reply.usage)
    yield Finish(reply)
