"""One way to make the call, as the comparison measures it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Iterable

KEY = "canary"
OPENAI, ANTHROPIC = "openai-chat", "anthropic-messages"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A client that was made once and is asked again and again; what it can't do is None."""

    name: str
    api: str
    complete: Callable[[], object] | None = None
    stream: Callable[[], Iterable[object]] | None = None
    acomplete: Callable[[], Awaitable[object]] | None = None
    astream: Callable[[], Awaitable[AsyncIterable[object]]] | None = None
    setup: str
    """The imports and the client, as a program of its own: for the time and the memory that they take."""


async def counted(stream: Awaitable[AsyncIterable[Any]]) -> int:
    """The number of a stream's events."""
    return sum([1 async for _ in await stream])
