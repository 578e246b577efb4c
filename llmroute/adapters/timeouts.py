"""How long each part of an exchange may take; the limits hold for an answer as a whole, however slowly it drips."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from llmroute.adapters.connections.breaks import TimedOut

if TYPE_CHECKING:
    import threading

    from llmroute.adapters.base import Call


GLANCE_S = 0.2
"""So often a blocking read looks whether somebody still waits for it."""


class Limit(float):
    """Seconds to wait for the next bytes, shrinking as the end of what may be waited for comes nearer.

    httpx2 hands the read timeout of a request down to the network stream as it is; a per-read timeout alone
    never fires on a server that sends one byte a second.
    """

    __slots__ = ("ends_at", "idle_s", "stopped")
    ends_at: float
    """No read goes on after this, on the monotonic clock."""
    idle_s: float
    """The longest that one read may take."""
    stopped: threading.Event | None
    """Set by another thread when nothing is to be waited for any more."""

    def __new__(cls, idle_s: float, ends_at: float, stopped: threading.Event | None = None) -> Self:
        """Both limits; they may be changed while an answer is read."""
        limit = super().__new__(cls, idle_s)
        limit.idle_s, limit.ends_at, limit.stopped = idle_s, ends_at, stopped
        return limit

    def left(self) -> float:
        """Seconds that the next read may take.

        Raises:
            TimedOut: the answer as a whole took too long, or nobody waits for it any more.
        """
        if self.stopped is not None and self.stopped.is_set():
            raise TimedOut("nobody waits for the answer any more")
        remaining = self.ends_at - time.monotonic()
        if remaining <= 0:
            raise TimedOut("the answer took too long as a whole")
        return min(self.idle_s, remaining)


class Timeouts:
    """The timeouts of one exchange."""

    def __init__(self, connect_s: float, read: Limit) -> None:
        self._connect_s = connect_s
        self._read = read

    @classmethod
    def whole(cls, call: Call) -> Timeouts:
        """Those of a whole answer."""
        return cls._within(call, call.timeout_s)

    @classmethod
    def stream(cls, call: Call) -> Timeouts:
        """Those of a stream until its first content: whatever a server sends to keep it alive does not count."""
        return cls._within(call, call.until_content_s())

    @classmethod
    def _within(cls, call: Call, seconds: float) -> Timeouts:
        now = time.monotonic()
        ends_at = now + seconds if call.ends_at is None else min(now + seconds, call.ends_at)
        return cls(max(0.001, min(call.connect_s, ends_at - now)), Limit(seconds, ends_at, call.stopped))

    @property
    def connect_s(self) -> float:
        """Seconds until the connection stands."""
        return self._connect_s

    def read_s(self) -> float:
        """Seconds for the next read.

        Raises:
            TimedOut: the answer as a whole took too long.
        """
        return self._read.left()

    @property
    def glance_s(self) -> float:
        """The longest that a blocking read may go on without a look whether it was stopped."""
        return float("inf") if self._read.stopped is None else GLANCE_S

    def to_dict(self) -> dict[str, float]:
        """The form of httpx2's request extension."""
        return {"connect": self._connect_s, "read": self._read, "write": self._read, "pool": self._connect_s}

    def begun(self, call: Call) -> None:
        """The first content of a stream is there: from now on each wait counts by itself."""
        self._read.idle_s = call.timeout_s if call.idle_s is None else call.idle_s
        self._read.ends_at = float("inf") if call.ends_at is None else call.ends_at

    def hurry(self, seconds: float) -> None:
        """Let nothing be waited for longer than this from now on."""
        self._read.ends_at = min(self._read.ends_at, time.monotonic() + seconds)
