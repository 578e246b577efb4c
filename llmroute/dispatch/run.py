"""One request under way: the state that the blocking and the asynchronous driver share."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from llmroute.adapters.base import CONNECT_S, TIMEOUT_S, Adapter, Call
from llmroute.dispatch.advice import advise
from llmroute.dispatch.attempts import Limits, Try, attempts
from llmroute.dispatch.credentials import key_of
from llmroute.dispatch.failures import goes_on
from llmroute.dispatch.health import FOR_EVER
from llmroute.dispatch.requests import for_target, limit
from llmroute.errors import MissingKeyError
from llmroute.wire.chat import Attempt, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.dispatch.health import Health
    from llmroute.dispatch.ledger import Ledger
    from llmroute.dispatch.requests import Wanted
    from llmroute.errors import CallError
    from llmroute.routing.route import Resolution, Target
    from llmroute.wire.chat import Reply

logger = logging.getLogger("llmroute")
_NO_USAGE = Usage()


class Step(NamedTuple):
    """What the driver is to do next."""

    adapter: Adapter
    call: Call
    wait_s: float


class Ways(NamedTuple):
    """What a run needs of its router."""

    adapter_for: Callable[[Target], Adapter]
    clock: Callable[[], float]
    random: Callable[[], float]
    health: Health
    ledger: Ledger
    on_attempt: Callable[[Attempt], object] | None = None
    """Told of each attempt when it has ended."""


class Run:
    """One request on its way along a route.

    The driver takes `first`, does it, reports the outcome to `succeeded` or `failed`, and does what the latter
    returns, until one of them ends the request.
    """

    def __init__(self, resolution: Resolution, want: Wanted, ways: Ways) -> None:
        """Read the keys.

        Raises:
            MissingKeyError: the primary target has none. A fallback without its key is left out, with a warning.
        """
        self.resolution = resolution
        self._want = want
        self._ways = ways
        self._keys = self._usable()
        self.log: list[Attempt] = []
        self._limits = self._bounds()
        self._tries = attempts([target for target, _ in self._keys], self._limits)
        self._try = Try(resolution.target, 0, 0.0)
        self._began = 0.0

    def _bounds(self) -> Limits:
        """The bounds of the whole request: its own, else those that were won for the primary target."""
        want, ways, primary = self._want, self._ways, self._keys[0][0]
        deadline_s = primary.params.get("deadline") if want.deadline_s is None else want.deadline_s
        return Limits(
            ways.clock,
            ways.random,
            None if deadline_s is None else ways.clock() + deadline_s,
            want.limits.get("max_retries"),
            limit(want, primary, "max_attempts"),
            ways.health,
        )

    def _usable(self) -> list[tuple[Target, str | None]]:
        primary, *fallbacks = self.resolution.route.targets
        usable = [(primary, key_of(primary))]
        for target in fallbacks:
            try:
                usable.append((target, key_of(target)))
            except MissingKeyError as exc:
                logger.warning("the fallback %s is left out: %s", target.name, exc.message)
        return usable

    def first(self) -> Step:
        """The first step.

        Raises:
            DeadlineError: no time was given at all.
        """
        return self._advance(None)

    def failed(self, failure: CallError) -> Step:
        """The step after a failure.

        Raises:
            CallError: that was the last try; it carries every attempt, and the next step for a person.
        """
        self._failed(failure)
        return self._advance(failure)

    def broke(self, failure: CallError) -> CallError:
        """The failure of a stream whose content has reached the caller, after which nothing is tried."""
        self._failed(failure)
        return self._advised(failure)

    def succeeded(self, reply: Reply) -> Reply:
        """The reply, with the resolution and every attempt."""
        self._record(None)
        self._tries.close()
        self._ways.health.answered(self._try.target)
        self._ways.ledger.enter(self.resolution.query, self._try.target, reply.usage or _NO_USAGE)
        return replace(reply, attempts=tuple(self.log), resolution=self.resolution)

    def _advance(self, failure: CallError | None) -> Step:
        final: CallError | None = None
        try:
            following = next(self._tries) if failure is None else self._tries.send(failure)
            if failure is not None and failure.kind == "auth":
                refused, other = self._try.target.name, following.target.name
                logger.warning("%s refused its key; %s is asked, as `fallback_on` says", refused, other)
            self._try = following
        except StopIteration as stop:
            final = stop.value
        if final is not None:
            raise self._advised(final)
        return self._step(self._try)

    def _step(self, now: Try) -> Step:
        target = now.target
        timeout_s, connect_s = self._limit(target, "timeout"), self._limit(target, "connect_timeout")
        key = next(key for candidate, key in self._keys if candidate is target)
        call = Call(
            target,
            for_target(self._want, target),
            key,
            TIMEOUT_S if timeout_s is None else timeout_s,
            self._limits.ends_at,
            CONNECT_S if connect_s is None else connect_s,
            self._limit(target, "first_event_timeout"),
            self._limit(target, "idle_timeout"),
        )
        self._began = self._ways.clock() + now.wait_s
        return Step(self._ways.adapter_for(target), call, now.wait_s)

    def _limit(self, target: Target, name: str) -> float | None:
        value = limit(self._want, target, name)
        return None if value is None else float(value)

    def _failed(self, failure: CallError) -> None:
        self._record(failure)
        target = self._try.target
        down_s = self._ways.health.failed(target, failure)
        if down_s and len(self._keys) > 1 and goes_on(failure.kind, target):
            spell = f"for {down_s:g} s" if down_s < FOR_EVER else "until the router is made anew"
            logger.info("%s is passed over %s: %s", target.name, spell, failure.kind)

    def _record(self, failure: CallError | None) -> None:
        now = self._try
        row = Attempt(
            target=now.target.name,
            provider=now.target.provider,
            model=now.target.model,
            kind=None if failure is None else failure.kind,
            status=200 if failure is None else failure.status,
            wait_s=now.wait_s,
            elapsed_s=max(0.0, self._ways.clock() - self._began),
            message="" if failure is None else failure.message,
        )
        self.log.append(row)
        if self._ways.on_attempt is not None:
            self._ways.on_attempt(row)

    def _advised(self, failure: CallError) -> CallError:
        return advise(failure, self._try.target, self.resolution, self.log)
