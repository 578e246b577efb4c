"""The streams of a conversation: those of the router, whose last event goes into the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from llmroute.wire.chat import Finish

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from llmroute.dispatch.streams import AsyncReplyStream, ReplyStream
    from llmroute.routing.route import Resolution
    from llmroute.wire.chat import Event, Reply


class ConversationStream:
    """The events of one answer, as `ReplyStream` gives them; use it in `with`, so that leaving early closes it.

    The history has the message and the answer once `Finish` is there. Left before, or failed, the turn leaves it as
    it was.
    """

    def __init__(self, source: ReplyStream, ended: Callable[[Reply], object]) -> None:
        self._source = source
        self._ended = ended

    @property
    def resolution(self) -> Resolution:
        """The route and its trace."""
        return self._source.resolution

    @property
    def reply(self) -> Reply | None:
        """The whole reply, None until the `Finish` event."""
        return self._source.reply

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        event = next(self._source)
        if isinstance(event, Finish):
            self._ended(event.reply)
        return event

    def close(self) -> None:
        """Close the connection; what was not read is lost."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncConversationStream:
    """The same for `async for` and `async with`."""

    def __init__(self, source: AsyncReplyStream, ended: Callable[[Reply], object]) -> None:
        self._source = source
        self._ended = ended

    @property
    def resolution(self) -> Resolution:
        """The route and its trace."""
        return self._source.resolution

    @property
    def reply(self) -> Reply | None:
        """The whole reply, None until the `Finish` event."""
        return self._source.reply

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        event = await anext(self._source)
        if isinstance(event, Finish):
            self._ended(event.reply)
        return event

    async def aclose(self) -> None:
        """Close the connection; what was not read is lost."""
        await self._source.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
