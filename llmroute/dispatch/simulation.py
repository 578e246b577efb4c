"""A router that calls nobody, on a clock that nobody waits for: which targets it would ask when some of them fail.

What to try next, what is remembered of a target and what each failure leads to are the router's own code; only the
answers are made up. Waits are taken at their longest, so that a time limit that holds here holds there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from llmroute.catalog.patience import CONNECT_S, TIMEOUT_S
from llmroute.dispatch.attempts import Bounds, attempts
from llmroute.dispatch.credentials import in_the_clear
from llmroute.dispatch.health import Health
from llmroute.errors import KINDS, CallError, DeadlineError, KeyInTheClearError, MissingKeyError
from llmroute.proof.routing_tests.expect import Outcome, Step
from llmroute.routing.capabilities import capability_of
from llmroute.routing.expectations import seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.routing.expectations import Fault
    from llmroute.routing.route import Resolution, Target
    from llmroute.routing.spec import RoutingSpec

_TIMEOUTS = {"connect-timeout": "connect", "timeout": "ambiguous"}
"""The kinds of failure that a router sees when a time limit passes."""


class _Break(NamedTuple):
    """A failure, and how long it takes to show."""

    failure: CallError
    takes_s: float


class Simulation:
    """One router: what it remembers of its targets lasts from call to call."""

    def __init__(self, spec: RoutingSpec, faults: Sequence[Fault] = ()) -> None:
        self._spec = spec
        self._faults = faults
        self._now = 0.0
        self._health = Health(self._clock)
        self._too_small = 0

    def _clock(self) -> float:
        return self._now

    def call(self, resolution: Resolution, at_s: float = 0.0) -> Outcome:
        """One call along a route; it begins when its time has come and the call before it has ended."""
        self._now = began = max(self._now, at_s)
        self._too_small = 0
        try:
            targets = _usable(resolution)
        except (MissingKeyError, KeyInTheClearError) as error:
            return Outcome(resolution, error)
        primary = targets[0].params
        deadline, most = primary.get("deadline"), primary.get("max_attempts")
        ends_at = None if deadline is None else began + deadline
        bounds = Bounds(self._clock, _longest, ends_at, None, most, self._health, self._fits)
        tries = attempts(targets, bounds)
        steps: list[Step] = []
        failure: CallError | None = None
        while True:
            try:
                following = next(tries) if failure is None else tries.send(failure)
            except StopIteration as stop:
                return Outcome(resolution, stop.value, None, tuple(steps), self._now - began)
            self._now += following.wait_s
            target = following.target
            broken = self._break(target, ends_at)
            steps.append(Step(target, self._now - began, broken.failure.kind if broken else None))
            if broken is None:
                self._health.answered(target)
                tries.close()
                return Outcome(resolution, None, target, tuple(steps), self._now - began)
            failure = broken.failure
            self._now += broken.takes_s
            if failure.kind == "context":
                self._too_small = max(self._too_small, capability_of(self._spec, target, "context_window") or 0)
            self._health.failed(target, failure)

    def _fits(self, target: Target) -> bool:
        """Whether a target can take a conversation that was too long for another."""
        window = capability_of(self._spec, target, "context_window") if self._too_small else None
        return window is None or window > self._too_small

    def _break(self, target: Target, ends_at: float | None) -> _Break | None:
        """What befalls a request that begins now; the first fault that fits."""
        fault = next((fault for fault in self._faults if _befalls(fault, target, self._now)), None)
        if fault is None:
            return None
        takes_s = _takes_s(fault, target)
        if ends_at is not None and self._now + takes_s >= ends_at:
            late = DeadlineError("the time limit of the request passed", provider=target.provider, model=target.model)
            return _Break(late, ends_at - self._now)
        kind = KINDS[_TIMEOUTS.get(fault.fault, fault.fault)]
        failure = kind(
            f"{target.name} fails: {fault.fault}",
            provider=target.provider,
            model=target.model,
            base_url=target.base_url,
            retry_after_s=None if fault.retry_after is None else seconds(fault.retry_after),
        )
        return _Break(failure, takes_s)


def _longest() -> float:
    return 1.0


def _befalls(fault: Fault, target: Target, now: float) -> bool:
    names = ((fault.provider, target.provider), (fault.model, target.model), (fault.target, target.name))
    if any(wanted is not None and wanted != name for wanted, name in names):
        return False
    begins = 0.0 if fault.from_ is None else seconds(fault.from_)
    return begins <= now and (fault.to is None or now < seconds(fault.to))


def _takes_s(fault: Fault, target: Target) -> float:
    if fault.takes is not None:
        return seconds(fault.takes)
    if fault.fault == "connect-timeout":
        return min(float(target.params.get("connect_timeout", CONNECT_S)), _timeout_s(target))
    return _timeout_s(target) if fault.fault == "timeout" else 0.0


def _timeout_s(target: Target) -> float:
    return float(target.params.get("timeout", TIMEOUT_S))


def _usable(resolution: Resolution) -> list[Target]:
    """The targets that have their keys, a variable that a test does not set taken as set.

    Raises:
        MissingKeyError: the key of the first target belongs to another origin.
        KeyInTheClearError: it would travel in the clear.
    """
    primary, *fallbacks = resolution.route.targets
    if primary.credential.status == "dropped":
        raise MissingKeyError(
            f"the key of {primary.provider} belongs to another origin and is not sent to {primary.base_url}",
            origin=primary.origin,
        )
    if _in_the_clear(primary):
        raise KeyInTheClearError(f"the key for {primary.name} would travel over plain HTTP", origin=primary.origin)
    return [primary, *(hop for hop in fallbacks if hop.credential.status != "dropped" and not _in_the_clear(hop))]


def _in_the_clear(target: Target) -> bool:
    if target.credential.status != "missing":
        return in_the_clear(target)
    return in_the_clear(replace(target, credential=target.credential._replace(status="set")))
