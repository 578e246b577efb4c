"""One request under way: the state that the blocking and the asynchronous driver share."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from llmroute.adapters.base import Adapter, Call
from llmroute.catalog.patience import CONNECT_S, TIMEOUT_S
from llmroute.dispatch.advice import advise
from llmroute.dispatch.attempts import Bounds, Onward, Try, attempts
from llmroute.dispatch.credentials import key_of
from llmroute.dispatch.fitted import Fitted
from llmroute.dispatch.health import ANSWERED, FOR_EVER
from llmroute.dispatch.log_records import fields, logger
from llmroute.dispatch.requests import for_target, limit
from llmroute.errors import CallError, MissingKeyError
from llmroute.routing.retries import LONGEST_S, goes_on
from llmroute.wire.chat import Attempt, Usage

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from types import TracebackType

    from llmroute.dispatch.conversations import Conversations
    from llmroute.dispatch.health import Health
    from llmroute.dispatch.ledger import Ledger
    from llmroute.dispatch.limits import Limited, Limiters
    from llmroute.dispatch.log_records import Event as LogEvent
    from llmroute.dispatch.observe import Observer
    from llmroute.dispatch.requests import Wanted
    from llmroute.routing.route import Resolution, Target
    from llmroute.wire.chat import Reply

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
    capability: Callable[[Target, str], Any]
    """What is known of a target: one of the fields of `Capabilities`, None where nobody says it."""
    conversations: Conversations
    limiters: Limiters
    observer: Observer
    on_attempt: Callable[[Attempt], object] | None = None
    """Told of each attempt when it has ended."""


class Run:
    """One request on its way along a route.

    Inside `with` the driver takes `first`, does it, reports the outcome to `succeeded` or `failed`, and does what the
    latter returns, until one of them ends the request.
    """

    def __init__(self, resolution: Resolution, want: Wanted, ways: Ways) -> None:
        """Read the keys.

        Raises:
            MissingKeyError: the primary target has none. A fallback without its key is left out, with a warning.
        """
        self.resolution = resolution
        self._want = want
        self._ways = ways
        self.log: list[Attempt] = []
        self._keys = self._usable()
        self._prefill = ""
        self._too_small = 0
        self._bounded = self._bounds()
        self._conversation = ways.conversations.of(want, resolution)
        targets = [target for target, _ in self._keys]
        self._tries = attempts(ways.conversations.in_order(self._conversation, targets), self._bounded)
        self._try = Try(resolution.target, 0, 0.0)
        self._began = 0.0
        self.stopped: threading.Event | None = None
        """Set by another thread when nobody wants the rest of a blocking stream."""
        self._limited: Limited | None = None
        """The attempt under way, where its provider has limits."""
        self._watched = ways.observer.watch(resolution)

    def _bounds(self) -> Bounds:
        """The bounds of the whole request: its own, else those that were won for the primary target."""
        want, ways, primary = self._want, self._ways, self._keys[0][0]
        deadline_s = primary.params.get("deadline") if want.deadline_s is None else want.deadline_s
        return Bounds(
            ways.clock,
            ways.random,
            None if deadline_s is None else ways.clock() + deadline_s,
            want.limits.get("max_retries"),
            limit(want, primary, "max_attempts"),
            ways.health,
            self._fits,
        )

    def _fits(self, target: Target) -> bool:
        """Whether a target can take over: it writes on where text is to be continued, its window is not too small."""
        if self._prefill and not self._ways.capability(target, "prefill"):
            return False
        window = self._ways.capability(target, "context_window") if self._too_small else None
        return window is None or window > self._too_small

    def _usable(self) -> list[tuple[Target, str | None]]:
        primary, *fallbacks = self.resolution.route.targets
        usable = [(primary, key_of(primary))]
        for target in fallbacks:
            try:
                usable.append((target, key_of(target)))
            except MissingKeyError as exc:
                about = self._about("fallback_left_out", target, kind=exc.rule)
                logger.warning("the fallback %s is left out: %s", target.name, exc.message, extra=about)
        return usable

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The driver goes, whether the request has come to its end or not."""
        if self._watched is not None:
            self._watched.close(value)

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
        # A refused prefill says nothing against the request itself.
        refused = self._prefill and failure.kind in ANSWERED
        return self._advance(Onward(failure) if refused else failure)

    @property
    def on_stream_break(self) -> str:
        """What follows when the stream of the target under way breaks after content."""
        return str(self._try.target.params.get("on_stream_break", "error"))

    @property
    def plain(self) -> bool:
        """Whether the answer may be any text."""
        form = self._want.request.response_format
        return form is None or form.kind == "text"

    @property
    def target(self) -> Target:
        """The target under way."""
        return self._try.target

    def broke(self, failure: CallError) -> None:
        """A stream broke whose content has reached the caller."""
        self._failed(failure)

    def taken_over(self, failure: CallError, prefill: str) -> Step:
        """The step after `broke`, for the next target; `prefill` is the text that it is to continue, if any.

        Raises:
            CallError: no other target is left, or none may follow such a failure.
        """
        self._prefill = prefill
        if not goes_on(failure.kind, self._try.target):
            raise failure
        return self._advance(Onward(failure))

    def given_up(self, failure: CallError) -> CallError:
        """The failure that ends the request, with every attempt and the next step for a person."""
        if self._watched is not None:
            self._watched.failed(failure)
        return advise(failure, self._try.target, self.resolution, self.log)

    def succeeded(self, reply: Reply) -> Reply:
        """The reply, with the resolution and every attempt."""
        self._record(None)
        self._tries.close()
        self._ways.health.answered(self._try.target)
        self._ways.conversations.answered(self._conversation, self._try.target)
        self._ways.ledger.enter(self.resolution.query, self._try.target, reply.usage or _NO_USAGE)
        if self._watched is not None:
            self._watched.answered(reply)
        return replace(reply, attempts=tuple(self.log), resolution=self.resolution)

    def _advance(self, outcome: CallError | Onward | None) -> Step:
        final: CallError | None = None
        try:
            following = next(self._tries) if outcome is None else self._tries.send(outcome)
            if isinstance(outcome, CallError) and outcome.kind == "auth":
                refused, other = self._try.target.name, following.target.name
                about = self._about("key_refused", self._try.target, kind="auth", next_target=other)
                logger.warning("%s refused its key; %s is asked, as `fallback_on` says", refused, other, extra=about)
            self._try = following
        except StopIteration as stop:
            final = stop.value
        if final is not None:
            raise self.given_up(final)
        return self._step(self._try)

    def _step(self, now: Try) -> Step:
        target = now.target
        timeout_s, connect_s = self._limit(target, "timeout"), self._limit(target, "connect_timeout")
        key = next(key for candidate, key in self._keys if candidate is target)
        call = Call(
            target,
            for_target(self._want, target, self._prefill),
            key,
            TIMEOUT_S if timeout_s is None else timeout_s,
            self._bounded.ends_at,
            CONNECT_S if connect_s is None else connect_s,
            self._limit(target, "first_event_timeout"),
            self._limit(target, "idle_timeout"),
            self.stopped,
        )
        self._began = self._ways.clock() + now.wait_s
        adapter = self._ways.adapter_for(target)
        if target.limits is not None:
            adapter = self._limited = self._ways.limiters.limited(adapter, target, self._turn_by(target))
        else:
            self._limited = None
        if self._watched is not None:
            adapter = self._watched.adapter(adapter, target)
        if self._want.fit is not None:
            adapter = Fitted(adapter, self._want.fit, target)
        return Step(adapter, call, now.wait_s)

    def _turn_by(self, target: Target) -> float:
        """Until when an attempt may wait for its turn: another target must still have its time before the end."""
        ends_at = self._bounded.ends_at
        if ends_at is None:
            return self._began + LONGEST_S
        return ends_at if target is self._keys[-1][0] else (self._began + ends_at) / 2

    def _limit(self, target: Target, name: str) -> float | None:
        value = limit(self._want, target, name)
        return None if value is None else float(value)

    def _failed(self, failure: CallError) -> None:
        self._record(failure)
        target = self._try.target
        if failure.own_limit:
            return
        if failure.kind == "context":
            self._too_small = max(self._too_small, self._ways.capability(target, "context_window") or 0)
        down_s = self._ways.health.failed(target, failure)
        if down_s and len(self._keys) > 1 and goes_on(failure.kind, target):
            ends = down_s < FOR_EVER
            spell = f"for {down_s:g} s" if ends else "until the router is made anew"
            about = self._about("endpoint_down", target, kind=failure.kind, wait_s=down_s if ends else None)
            logger.info("%s is passed over %s: %s", target.name, spell, failure.kind, extra=about)

    def _record(self, failure: CallError | None) -> None:
        now = self._try
        queued_s = 0.0 if self._limited is None else self._limited.waited_s
        row = Attempt(
            target=now.target.name,
            provider=now.target.provider,
            model=now.target.model,
            kind=None if failure is None else failure.kind,
            status=200 if failure is None else failure.status,
            wait_s=now.wait_s + queued_s,
            elapsed_s=max(0.0, self._ways.clock() - self._began - queued_s),
            message="" if failure is None else failure.message,
        )
        self.log.append(row)
        if logger.isEnabledFor(logging.DEBUG):
            about = self._about("attempt", now.target, **_known(row))
            logger.debug("%s: %s in %.3f s", row.target, row.kind or "answered", row.elapsed_s, extra=about)
        if self._ways.on_attempt is not None:
            self._ways.on_attempt(row)

    def _about(self, event: LogEvent, target: Target, **known: Any) -> dict[str, Any]:
        """The fields of a log record."""
        return fields(event, self.resolution, target=target.name, attempt=len(self.log) or None, **known)


def _known(row: Attempt) -> dict[str, Any]:
    return {"kind": row.kind, "status": row.status, "wait_s": row.wait_s, "elapsed_s": row.elapsed_s}
