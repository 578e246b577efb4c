"""What to try next: a pure generator, driven alike by the blocking and the asynchronous router.

It never calls, sleeps or looks at a clock of its own. The driver does what each `Try` says and sends back the
failure; it stops asking once there is an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from llmroute.dispatch.failures import retries_left, wait_s
from llmroute.errors import CallError, DeadlineError
from llmroute.routing.retries import goes_on, max_retries

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from llmroute.routing.route import Target


class Try(NamedTuple):
    """One request to make."""

    target: Target
    number: int
    """Counts the requests to this target from 1."""
    wait_s: float
    """Seconds to wait before it."""


class Onward(NamedTuple):
    """A failure after which the same target is not asked again, and the next one is, whatever its kind."""

    failure: CallError


class Memory(Protocol):
    """What is known of targets from earlier requests (see `llmroute.dispatch.health`)."""

    def down(self, target: Target) -> str | None:
        """The failure for which the target is to be passed over; None: it may be asked."""

    def wait_s(self, target: Target) -> float:
        """Seconds until the target is to be asked again."""

    def may_retry(self, target: Target) -> bool:
        """Take a retry out of the target's budget."""


class Bounds(NamedTuple):
    """What bounds the attempts, and the things that tests hold still."""

    clock: Callable[[], float]
    """Seconds on a monotonic clock."""
    random: Callable[[], float]
    """A number in [0, 1)."""
    ends_at: float | None = None
    """The end of the whole request on that clock: no wait reaches past it, nothing is tried after it."""
    max_retries: int | None = None
    """What the request says over every target's own number."""
    max_attempts: int | None = None
    """How many tries there may be, over all targets."""
    memory: Memory | None = None
    fits: Callable[[Target], bool] = lambda _: True
    """Whether a target can take what the failures up to now have left to do."""


def attempts(targets: Iterable[Target], bounds: Bounds) -> Generator[Try, CallError | Onward, CallError]:
    """Yield what to try; `send` the failure of each try; the generator's value is the failure to raise.

    A target that is down is passed over where its failure would have led to the next one anyway. When all others
    have failed it is asked after all: no route is given up unasked.
    """
    ends_at = float("inf") if bounds.ends_at is None else bounds.ends_at
    left = float("inf") if bounds.max_attempts is None else bounds.max_attempts
    failure: CallError = DeadlineError("the time limit of the request passed before anything was tried")
    for target in _in_order(targets, bounds.memory):
        if not bounds.fits(target):
            continue
        retries = max_retries(target) if bounds.max_retries is None else bounds.max_retries
        tries, pause = 0, 0.0
        while True:
            if bounds.clock() + pause >= ends_at:
                return _too_late(failure)
            tries, left = tries + 1, left - 1
            outcome = yield Try(target, tries, pause)
            onward = isinstance(outcome, Onward)
            failure = outcome.failure if isinstance(outcome, Onward) else outcome
            if left <= 0:
                return failure
            wanted = None if onward else _pause(failure, target, tries, retries, bounds)
            if wanted is None or bounds.clock() + wanted >= ends_at:
                break
            pause = wanted
        if not onward and not goes_on(failure.kind, target):
            break
    return failure


def _pause(failure: CallError, target: Target, tries: int, retries: int, bounds: Bounds) -> float | None:
    """Seconds until the same target is asked again; None: it is not."""
    if not retries_left(failure, tries, retries, target.params.get("retry_on")):
        return None
    wanted = wait_s(failure, tries, bounds.random())
    if wanted is None or (bounds.memory is not None and not bounds.memory.may_retry(target)):
        return None
    return wanted


def _in_order(targets: Iterable[Target], memory: Memory | None) -> Iterator[Target]:
    """Those that are well as they come, then those that are down, the soonest to be up first."""
    passed_over: list[Target] = []
    for target in targets:
        kind = None if memory is None else memory.down(target)
        if kind is None or not goes_on(kind, target):
            yield target
        else:
            passed_over.append(target)
    if memory is not None:
        yield from sorted(passed_over, key=memory.wait_s)


def _too_late(failure: CallError) -> CallError:
    if isinstance(failure, DeadlineError):
        return failure
    return DeadlineError(
        f"the time limit of the request passed; the last failure was: {failure.message}",
        status=failure.status,
        provider=failure.provider,
        model=failure.model,
        base_url=failure.base_url,
    )
