"""What a router remembers of its endpoints: who is passed over for a while, and how much may be retried.

An endpoint is a URL, a model and a key: another key is another endpoint, so a mended key is tried at once. It is
down after a failure that says so, or after `IN_A_ROW` failures in a row. When its time is over one request probes
it; the others pass it over until that one has its answer.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.errors import CallError
    from llmroute.routing.route import Target

IN_A_ROW = 3
"""So many failures in a row put an endpoint down."""
DOWN_S = 5.0
"""For how long, the first time; each further failure doubles it."""
LONGEST_DOWN_S = 60.0
FOR_EVER = float("inf")
"""Until the router is made anew: the key is wrong, or the model is not there."""
AT_ONCE_S = {"auth": FOR_EVER, "model": FOR_EVER, "quota": 600.0}
"""Failures that put an endpoint down by themselves, and for how long."""
BUSY_S = {"rate": 1.0, "overload": 2.0}
"""Failures that do so for a short time at first; each further one in a row doubles it."""
COUNTED = frozenset({"server", "connect", "ambiguous", "malformed", "truncated"})
"""Failures that do so in a row."""
ANSWERED = frozenset({"request", "context", "refusal"})
"""Failures that lie with the request."""
PROBE_S = 30.0
"""So long others wait for a probe; one that was abandoned holds nobody up for longer."""
LONGEST_WORD_S = 3600.0
"""A provider that names a longer wait is asked again after this one."""

WINDOW_S = 10.0
"""What "recent" means to the budget of retries."""
SHARE = 0.2
"""The part of recent requests that may be retried."""
LEAST = 3
"""So many retries are always allowed in a window."""
REMEMBERED = 1000
"""No more times than this are kept of an endpoint."""

Name: TypeAlias = tuple[str, str, object]


class _State:
    """One endpoint, as the last answers left it."""

    __slots__ = ("failures", "kind", "probe_until", "requests", "retries", "until")

    def __init__(self) -> None:
        self.failures = 0
        self.kind: str | None = None
        """The failure that put it down; None: it is well."""
        self.until = 0.0
        self.probe_until = 0.0
        self.requests: deque[float] = deque(maxlen=REMEMBERED)
        """When answers and failures came, retries included."""
        self.retries: deque[float] = deque(maxlen=REMEMBERED)


class Health:
    """The memory of one router, shared by its threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._states: dict[Name, _State] = {}

    def down(self, target: Target) -> str | None:
        """The failure for which the target is to be passed over now; None: it may be asked.

        The first to hear None after the time is over has the probe.
        """
        state = self._states.get(name_of(target))
        if state is None or state.kind is None:
            return None
        with self._lock:
            now = self._clock()
            if now < max(state.until, state.probe_until):
                return state.kind
            state.probe_until = now + PROBE_S
            return None

    def wait_s(self, target: Target) -> float:
        """Seconds until the target's time is over; 0 for one that is well."""
        state = self._states.get(name_of(target))
        return 0.0 if state is None or state.kind is None else max(0.0, state.until - self._clock())

    def may_retry(self, target: Target) -> bool:
        """Take one retry out of the endpoint's budget, if there is one left."""
        with self._lock:
            state = self._states.setdefault(name_of(target), _State())
            now = self._clock()
            for times in (state.requests, state.retries):
                while times and times[0] <= now - WINDOW_S:
                    times.popleft()
            first = len(state.requests) - len(state.retries)
            allowed = len(state.retries) < max(LEAST, SHARE * first)
            if allowed:
                state.retries.append(now)
            return allowed

    def answered(self, target: Target) -> None:
        """The target answered: it is well."""
        with self._lock:
            state = self._states.setdefault(name_of(target), _State())
            state.requests.append(self._clock())
            state.failures, state.kind, state.until, state.probe_until = 0, None, 0.0, 0.0

    def failed(self, target: Target, failure: CallError) -> float:
        """The target failed: for how many seconds that puts it down, 0 when it was down before or stays up.

        A wait that the provider named is kept, and no later word shortens it. A refused request says nothing
        against the endpoint: it answered.
        """
        if failure.kind in ANSWERED:
            self.answered(target)
            return 0.0
        with self._lock:
            state = self._states.setdefault(name_of(target), _State())
            now = self._clock()
            state.requests.append(now)
            wait = _down_s(failure, state)
            if not wait:
                return 0.0
            known = state.kind
            if now + wait >= state.until:
                state.until, state.kind = now + wait, failure.kind
            state.probe_until = 0.0
            return wait if known is None else 0.0


def name_of(target: Target) -> Name:
    """What makes an endpoint the same one."""
    return target.base_url, target.model, target.credential.secret or target.credential.source


def _down_s(failure: CallError, state: _State) -> float:
    """For how long the failure puts the endpoint down, 0: it does not."""
    if failure.kind in COUNTED or failure.kind in BUSY_S:
        state.failures += 1
        first_s, allowed = (BUSY_S[failure.kind], 1) if failure.kind in BUSY_S else (DOWN_S, IN_A_ROW)
        beyond = state.failures - allowed
        wait = min(LONGEST_DOWN_S, first_s * 2.0 ** min(beyond, 10)) if beyond >= 0 else 0.0
    else:
        wait = AT_ONCE_S.get(failure.kind, 0.0)
    if wait and failure.retry_after_s is not None:
        wait = max(wait, min(failure.retry_after_s, LONGEST_WORD_S))
    return wait
