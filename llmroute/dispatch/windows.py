"""What the last minute leaves, counted by the library `limits`: in memory, or in one of its other storages."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, cast

from limits import RateLimitItemPerSecond
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from llmroute.dispatch.turns import NOW, UNFORESEEN, Room, StorageFailedError

if TYPE_CHECKING:
    from limits.storage import MovingWindowSupport

    from llmroute.dispatch.turns import Ask
    from llmroute.routing.shapes import Limits

WINDOW_S = 60
PARTS = 10_000
"""The library keeps an entry for each thing that it counts; of tokens, for each of so many parts of the limit."""
EXACT_S = 0.01
"""How exactly it is known when there will be room."""


class Window:
    """A limited number of things in any `WINDOW_S` seconds."""

    def __init__(self, storage: Storage, name: str, amount: int) -> None:
        self._seconds = WINDOW_S
        self._item = RateLimitItemPerSecond(amount, self._seconds, "llmroute")
        self._name = name
        self._limiter = MovingWindowRateLimiter(storage)
        self._storage = cast("MovingWindowSupport", storage)

    def left(self, later_s: float = 0.0) -> int:
        """How many there is room for, now or so many seconds later."""
        amount = self._item.amount
        # The storages subtract the seconds from a time; that they are declared as whole ones has no meaning there.
        seconds = cast(int, self._seconds - later_s)
        return amount - self._storage.get_moving_window(self._item.key_for(self._name), amount, seconds)[1]

    def take(self, count: int) -> bool:
        """Count that many, if there is room for all of them."""
        return self._limiter.hit(self._item, self._name, cost=count)

    def room_in_s(self, count: int) -> float:
        """Seconds until there is room for that many, if nobody else takes it; 0: now."""
        windows, rest = divmod(count - 1, self._item.amount)
        if self.left() > rest:
            return float(windows * self._seconds)
        low, high = 0.0, float(self._seconds)
        while high - low > EXACT_S:
            middle = (low + high) / 2
            low, high = (low, middle) if self.left(middle) > rest else (middle, high)
        return windows * self._seconds + high


class ProviderWindows:
    """The two windows of one provider."""

    def __init__(self, storage: Storage, provider: str, limits: Limits) -> None:
        self.is_slow = not isinstance(storage, MemoryStorage)
        """An answer may take a while: it comes over a network."""
        requests, tokens = limits.requests_per_minute, limits.tokens_per_minute
        self._failures: tuple[type[Exception], ...] = (StorageError, *_classes(storage.base_exceptions))
        self._requests = Window(storage, f"{provider}/requests", requests) if requests else None
        self._part = max(1, tokens // PARTS) if tokens else 1
        self._tokens = Window(storage, f"{provider}/tokens", self.parts(tokens)) if tokens else None
        self._owed: deque[int] = deque()
        """Parts that were used and are not in the window yet."""
        self._lock = threading.RLock()

    def parts(self, tokens: int) -> int:
        """So many parts of the limit these tokens are, rounded up."""
        return -(-tokens // self._part)

    def foresee(self, ask: Ask) -> Room:
        """When there will be room at the earliest; nothing is taken.

        Raises:
            StorageFailedError: the storage can't be reached.
        """
        try:
            rooms = [Room(self._tokens.room_in_s(ask.parts), "tokens_per_minute")] if self._tokens else []
            if self._requests:
                rooms.append(Room(self._requests.room_in_s(ask.requests), "requests_per_minute"))
        except self._failures as exc:
            raise StorageFailedError(type(exc).__name__) from None
        return max(rooms)

    def take(self, ask: Ask) -> Room:
        """Take a request if there is room for it and for its tokens, which `spend` takes when they are known.

        Raises:
            StorageFailedError: the storage can't be reached.
        """
        try:
            owed = self._settle()
            if self._tokens and self._tokens.left() - owed - ask.reserved < ask.parts:
                return Room(self._tokens.room_in_s(ask.parts + owed) or UNFORESEEN, "tokens_per_minute")
            if self._requests and not self._requests.take(1):
                return Room(self._requests.room_in_s(1) or EXACT_S, "requests_per_minute")
        except self._failures as exc:
            raise StorageFailedError(type(exc).__name__) from None
        return NOW

    def owe(self, parts: int) -> None:
        """Count these at the next occasion."""
        self._owed.append(parts)

    def spend(self, parts: int) -> None:
        """Count what an attempt has used.

        Raises:
            StorageFailedError: the storage can't be reached; it is counted at the next occasion.
        """
        self.owe(parts)
        try:
            self._settle()
        except self._failures as exc:
            raise StorageFailedError(type(exc).__name__) from None

    def _settle(self) -> int:
        """Count what is owed, as far as there is room; give what stays owed."""
        if self._tokens is None:
            return 0
        with self._lock:
            while self._owed:
                owed = self._owed[0]
                payable = min(owed, self._tokens.left())
                if payable > 0 and not self._tokens.take(payable):
                    break
                self._owed.popleft()
                if payable < owed:
                    self._owed.appendleft(owed - payable)
                    break
            return sum(self._owed)


def open_storage(given: str | Storage | None) -> Storage:
    """The storage of a URL such as `redis://localhost:6379`, a ready one, or a new one in memory.

    Raises:
        ValueError: none of these; a storage without a moving window, or whose package is not installed.
    """
    try:
        found = storage_from_string(given, wrap_exceptions=True) if isinstance(given, str) else given or MemoryStorage()
    except ConfigurationError:
        # The library's own message quotes the URL, which may hold a password.
        scheme = str(given).partition(":")[0]
        raise ValueError(
            f"limits_storage: {scheme!r} is no storage of the package `limits`, or needs a package"
        ) from None
    if not isinstance(found, Storage):
        raise ValueError("limits_storage: a blocking storage of the package `limits` is needed")  # noqa: TRY004 - as above
    if not hasattr(found, "get_moving_window"):
        raise ValueError(f"limits_storage: {type(found).__name__} has no moving window")
    return found


def _classes(found: type[Exception] | tuple[type[Exception], ...]) -> tuple[type[Exception], ...]:
    return found if isinstance(found, tuple) else (found,)
