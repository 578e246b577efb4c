"""What to try next: a pure generator, driven alike by the blocking and the asynchronous router.

It never calls, sleeps or looks at a clock of its own. The driver does what each `Try` says and sends back the
failure; it stops asking once there is an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmroute.dispatch.failures import POLICIES, retries_left, wait_s
from llmroute.errors import CallError, DeadlineError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from llmroute.routing.route import Target

RETRIES = 2
LOCAL_RETRIES = 1
"""A local server that fails twice is down; waiting longer helps nobody."""


class Try(NamedTuple):
    """One request to make."""

    target: Target
    number: int
    """Counts the requests to this target from 1."""
    wait_s: float
    """Seconds to wait before it."""


class Limits(NamedTuple):
    """What bounds the attempts, and the two things that tests hold still."""

    clock: Callable[[], float]
    """Seconds on a monotonic clock."""
    random: Callable[[], float]
    """A number in [0, 1)."""
    ends_at: float | None = None
    """The end of the whole request on that clock: no wait reaches past it, nothing is tried after it."""
    max_retries: int | None = None
    """What the request says over every target's own number."""


def attempts(targets: Iterable[Target], limits: Limits) -> Generator[Try, CallError, CallError]:
    """Yield what to try; `send` the failure of each try; the generator's value is the failure to raise."""
    ends_at = float("inf") if limits.ends_at is None else limits.ends_at
    failure: CallError = DeadlineError("the time limit of the request passed before anything was tried")
    for target in targets:
        retries = max_retries(target) if limits.max_retries is None else limits.max_retries
        tries, pause = 0, 0.0
        while True:
            if limits.clock() + pause >= ends_at:
                return _too_late(failure)
            tries += 1
            failure = yield Try(target, tries, pause)
            if not retries_left(failure, tries, retries):
                break
            wanted = wait_s(failure, tries, limits.random())
            if wanted is None or limits.clock() + wanted >= ends_at:
                break
            pause = wanted
        if not POLICIES[failure.kind].onward:
            break
    return failure


def max_retries(target: Target) -> int:
    """How often the target may be asked again: its `max_retries`, else 2, else 1 for this machine."""
    won = target.params.get("max_retries")
    if won is not None:
        return int(won)
    return LOCAL_RETRIES if target.locality == "local" else RETRIES


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
