"""Who may send next: first come, first served, over any number of threads and event loops.

One generator says what to do next (look whether there is room, or wait); the blocking and the asynchronous entrance
are two thin drivers of it.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

UNFORESEEN = float("inf")
"""When an attempt under way will have ended, nobody knows."""
GRACE_S = 1.0
"""So long a ticket stays in the queue after its time."""


class Room(NamedTuple):
    """When there is room."""

    wait_s: float
    """0: now; `UNFORESEEN`: when an attempt under way has ended."""
    limit: str = ""
    """The limit that is full."""


NOW = Room(0.0)


class Ask(NamedTuple):
    """What there must be room for."""

    parts: int = 0
    """Of the tokens per minute."""
    reserved: int = 0
    """Parts that attempts under way may still use."""
    requests: int = 1
    """More than one: it stands in a queue, and asks for those before it too."""


class Windows(Protocol):
    """What the last minute leaves (see `llmroute.dispatch.windows`)."""

    is_slow: bool
    """An answer may take a while: it comes over a network."""

    def parts(self, tokens: int) -> int:
        """So many parts of the limit these tokens are."""

    def foresee(self, ask: Ask) -> Room:
        """When there will be room at the earliest; nothing is taken."""

    def take(self, ask: Ask) -> Room:
        """Take a request, if there is room for it and its tokens."""

    def spend(self, parts: int) -> None:
        """Count the tokens that an attempt has used."""

    def owe(self, parts: int) -> None:
        """Count them at the next occasion."""


class StorageFailedError(Exception):
    """The storage of the windows can't be reached. The message holds the kind of the failure and nothing else."""


class NoRoomError(Exception):
    """There will be no room in time."""

    def __init__(self, room: Room, waited_s: float) -> None:
        super().__init__(room.limit)
        self.room = room
        self.waited_s = waited_s


Look: TypeAlias = "Callable[[], Room]"
Steps: TypeAlias = "Generator[Look | float, Room | None, Place]"
"""Yields what the driver is to do: a look, whose answer it sends, or a wait of so many seconds until it is woken."""


class _Ticket:
    """One attempt in the queue."""

    __slots__ = ("parts", "until", "wake")

    def __init__(self, parts: int, until: float, wake: Callable[[], object]) -> None:
        self.parts = parts
        self.until = until
        self.wake = wake


class Place:
    """Room for one attempt, kept until `leave`; one that is dropped is given back too."""

    __slots__ = ("_parts", "_turns", "waited_s")

    def __init__(self, turns: Turns, parts: int, waited_s: float) -> None:
        self._turns: Turns | None = turns
        self._parts = parts
        self.waited_s = waited_s

    def leave(self, used: int | None = None) -> None:
        """Give it back, and count the parts that were used; None: those that were asked for. Only once."""
        turns, self._turns = self._turns, None
        if turns is None:
            return
        try:
            if turns.windows is not None:
                turns.windows.spend(self._parts if used is None else used)
        finally:
            turns.left(self._parts)

    def __del__(self) -> None:
        # Nothing may wait here: this can run on any thread, at any time.
        if self._turns is not None:
            if self._turns.windows is not None:
                self._turns.windows.owe(self._parts)
            self._turns.left(self._parts)


class Turns:
    """The queue before one provider."""

    def __init__(self, clock: Callable[[], float], slots: int | None, windows: Windows | None) -> None:
        """Begin with an empty queue: at most `slots` attempts at a time, and what the windows allow."""
        self.windows = windows
        self._clock = clock
        self._slots = UNFORESEEN if slots is None else slots
        # Reentrant: a place that is dropped may be given back by the garbage collector, inside of any of these lines.
        self._lock = threading.RLock()
        self._queue: deque[_Ticket] = deque()
        self._full = "concurrency"
        """What the first of the queue waits for."""
        self._taken = 0
        self._reserved = 0

    def enter(self, parts: int, until: float) -> Place:
        """Wait for a place.

        Raises:
            NoRoomError: there is none until then, on the clock.
        """
        # Of all that can wake a thread this is what may be used in a destructor too.
        woken: SimpleQueue[None] = SimpleQueue()
        steps = self._steps(_Ticket(parts, until, lambda: woken.put(None)))
        answer: Room | None = None
        try:
            while True:
                step = steps.send(answer)
                answer = None
                if callable(step):
                    answer = step()
                else:
                    with suppress(Empty):
                        woken.get(timeout=step)
        except StopIteration as end:
            return cast(Place, end.value)
        finally:
            steps.close()

    async def aenter(self, parts: int, until: float) -> Place:
        """The same, asynchronous."""
        import asyncio

        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        steps = self._steps(_Ticket(parts, until, lambda: loop.call_soon_threadsafe(woken.set)))
        answer: Room | None = None
        try:
            while True:
                step = steps.send(answer)
                answer = None
                if callable(step):
                    answer = await asyncio.to_thread(step) if self.is_slow else step()
                else:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(step):
                            await woken.wait()
                    woken.clear()
        except StopIteration as end:
            return cast(Place, end.value)
        finally:
            steps.close()

    @property
    def is_slow(self) -> bool:
        """A look at the windows, and leaving, may take a while."""
        return self.windows is not None and self.windows.is_slow

    def left(self, parts: int) -> None:
        """A place is free again."""
        self._give_back(parts)
        self._wake_first()

    def _steps(self, ticket: _Ticket) -> Steps:
        began, waited = self._clock(), False
        with self._lock:
            ask = Ask(ticket.parts + sum(row.parts for row in self._queue), requests=1 + len(self._queue))
            self._queue.append(ticket)
        try:
            if ask.requests > 1 and self.windows is not None:
                answer = yield partial(self.windows.foresee, ask)
                self._in_time(ticket, answer or NOW, began)
            while (room := (yield from self._take(ticket))).wait_s:
                self._in_time(ticket, room, began)
                waited = True
                yield min(room.wait_s, ticket.until - self._clock())
        finally:
            with self._lock, suppress(ValueError):
                self._queue.remove(ticket)
            self._wake_first()
        return Place(self, ticket.parts, self._clock() - began if waited else 0.0)

    def _take(self, ticket: _Ticket) -> Generator[Look | float, Room | None, Room]:
        """Take a place if the ticket is the first of the queue and there is room."""
        with self._lock:
            if not self._is_first(ticket):
                return Room(UNFORESEEN, self._full)
            if self._taken >= self._slots:
                self._full = "concurrency"
                return Room(UNFORESEEN, self._full)
            ask = Ask(ticket.parts, self._reserved)
            self._taken += 1
            self._reserved += ticket.parts
        room: Room | None = None
        try:
            room = NOW if self.windows is None else (yield partial(self.windows.take, ask)) or NOW
        finally:
            if room is None or room.wait_s:
                self._give_back(ticket.parts)
        self._full = room.limit
        return room

    def _in_time(self, ticket: _Ticket, room: Room, began: float) -> None:
        now = self._clock()
        if now >= ticket.until or (room.wait_s != UNFORESEEN and now + room.wait_s > ticket.until):
            raise NoRoomError(room, now - began)

    def _is_first(self, ticket: _Ticket) -> bool:
        # A ticket that is long over its time belongs to an event loop that stands still.
        late = self._clock() - GRACE_S
        while self._queue and self._queue[0] is not ticket and self._queue[0].until < late:
            self._queue.popleft()
        return bool(self._queue) and self._queue[0] is ticket

    def _give_back(self, parts: int) -> None:
        with self._lock:
            self._taken -= 1
            self._reserved -= parts

    def _wake_first(self) -> None:
        with self._lock:
            while self._queue:
                try:
                    self._queue[0].wake()
                except RuntimeError:  # its event loop is closed
                    self._queue.popleft()
                else:
                    return
