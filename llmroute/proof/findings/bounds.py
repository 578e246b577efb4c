"""The worst case of one call: how long, how many attempts, how many dollars.

It counts as `llmroute.dispatch` calls: every target's attempts, the waits between them and for the turn that `limits`
ask for, cut off by `max_attempts` and the deadline. A program that passes limits of its own with a request has other
bounds. Looking a host up is the system's affair and stands in none of the numbers.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from llmroute.catalog.patience import CONNECT_S, TIMEOUT_S
from llmroute.proof.findings.incoherence import incoherent
from llmroute.routing.retries import BACKOFF_S, LONGEST_S, POLICIES, max_retries, retries_after
from llmroute.routing.shapes import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmroute.proof.findings.incoherence import Incoherence
    from llmroute.routing.route import Resolution, Target

WORDLESS = frozenset({"connect", "ambiguous", "truncated"})
"""Failures without an HTTP answer that could name a wait (`Retry-After`)."""
CLOSED_BEFORE_S = 1.0
"""So late a kept connection may still turn out to have been closed, which counts as `connect`."""


class Tokens(NamedTuple):
    """The tokens of one attempt."""

    input: int
    output: int


Price: TypeAlias = "Callable[[Target, Tokens], float | None]"
"""The list price of one attempt in US dollars; None where it is not known."""


class Hop(NamedTuple):
    """What one target may come to, for itself."""

    target: Target
    attempts: int
    """Requests to it, the first included."""
    turn_s: float
    """How long each attempt may wait for its turn, without a deadline."""
    attempt_s: float
    """The longest that its last attempt may take, until a whole answer."""
    first_content_s: float
    """The same, until a stream has content."""
    seconds: tuple[float, ...]
    """For none, one, two … attempts in a row: seconds with all waits, until a whole answer."""
    seconds_to_content: tuple[float, ...]
    """The same, until a stream has content."""
    dollars: float | None
    """The list price of one attempt; None where it is not known."""


class WorstCase(NamedTuple):
    """What one call may come to at the most: every attempt takes as long as it may, and each is billed in full."""

    attempts: int
    """On all targets together."""
    seconds: float
    """Until a whole answer, or the failure."""
    stream_seconds: float | None
    """Until a stream has ended: the deadline; None: as long as pieces come, nothing ends it."""
    first_content_seconds: float
    """Until a stream has content, or the failure."""
    dollars: float | None
    """The list price of all attempts; None where that of a target is not known, or no tokens were given."""
    unpriced: tuple[str, ...]
    """The targets whose price is not known."""
    deadline_s: float | None
    """The time limit of the whole call; it is in all of the above."""
    hops: tuple[Hop, ...]
    """The targets that can be asked, in order."""
    incoherent: tuple[Incoherence, ...]
    """Settings that contradict each other."""

    def to_json(self) -> dict[str, Any]:
        """One row of `bounds`, the query aside."""
        return {
            "attempts": self.attempts,
            "seconds": round(self.seconds, 3),
            "stream_seconds": self.stream_seconds,
            "first_content_seconds": round(self.first_content_seconds, 3),
            "dollars": self.dollars,
            "unpriced": list(self.unpriced),
            "deadline": self.deadline_s,
            "incoherent": [item.to_json() for item in self.incoherent],
        }


def worst_case(resolution: Resolution, tokens: Tokens | None = None, price: Price | None = None) -> WorstCase:
    """The worst case of one call along a route.

    Args:
        resolution: the answer of `resolve`.
        tokens: those of each attempt; None: no dollars are reckoned.
        price: asked for targets that are not on this machine, where an attempt costs nothing.
    """
    targets = askable(resolution.route.targets)
    hops = tuple(_hop(target, tokens, price) for target in targets)
    primary = targets[0].params
    deadline_s, most = primary.get("deadline"), primary.get("max_attempts")
    attempts = sum(hop.attempts for hop in hops)
    attempts = attempts if most is None else min(attempts, most)
    seconds = _longest([hop.seconds for hop in hops], attempts)
    to_content = _longest([hop.seconds_to_content for hop in hops], attempts)
    unpriced = tuple(dict.fromkeys(hop.target.name for hop in hops if hop.dollars is None)) if tokens else ()
    return WorstCase(
        attempts,
        seconds if deadline_s is None else min(seconds, deadline_s),
        deadline_s,
        to_content if deadline_s is None else min(to_content, deadline_s),
        None if tokens is None or unpriced else _dearest(hops, attempts),
        unpriced,
        deadline_s,
        hops,
        tuple(incoherent(resolution, hops)),
    )


def askable(targets: Sequence[Target]) -> tuple[Target, ...]:
    """The targets up to the one after which none is asked, because its `fallback_on` names no failure.

    A prefill that such a target refuses is handed on all the same, where a stream is to be continued.
    """
    continued = any(target.params.get("on_stream_break") == "continue" for target in targets)
    for index, target in enumerate(targets):
        if target.params.get("fallback_on") == () and not (continued and index):
            return tuple(targets[: index + 1])
    return tuple(targets)


def _hop(target: Target, tokens: Tokens | None, price: Price | None) -> Hop:
    params = target.params
    timeout_s = float(params.get("timeout", TIMEOUT_S))
    content_s = float(params.get("first_event_timeout", timeout_s))
    connect_s = max(float(params.get("connect_timeout", CONNECT_S)), CLOSED_BEFORE_S)
    turn_s = LONGEST_S if target.limits not in {None, Limits()} else 0.0
    most, retry_on = max_retries(target), params.get("retry_on")
    again = {kind: often for kind in POLICIES if (often := retries_after(kind, most, retry_on))}
    retries = max(again.values(), default=0)
    reached = not again.keys() <= {"connect"}
    """Whether an attempt that is made again may have got further than the connection."""
    waits = [LONGEST_S if again.keys() - WORDLESS else _backoff_s(number) for number in range(retries)]

    def in_a_row(last_s: float) -> tuple[float, ...]:
        before_s = turn_s + (last_s if reached else min(last_s, connect_s))
        befores = [0.0, *accumulate(before_s + wait_s for wait_s in waits)]
        return (0.0, *(before + turn_s + last_s for before in befores))

    return Hop(
        target,
        1 + retries,
        turn_s,
        timeout_s,
        content_s,
        in_a_row(timeout_s),
        in_a_row(content_s),
        _dollars(target, tokens, price),
    )


def _backoff_s(number: int) -> float:
    """The longest wait before the retry of that number, from 0 on, where nobody names one."""
    return min(LONGEST_S, BACKOFF_S * 2.0 ** min(number, 30))


def _dollars(target: Target, tokens: Tokens | None, price: Price | None) -> float | None:
    if tokens is None:
        return None
    if target.locality == "local":
        return 0.0
    return None if price is None else price(target, tokens)


def _longest(costs: Sequence[Sequence[float]], attempts: int) -> float:
    """The most that so many attempts may come to, over targets that each have a cost for 0, 1, 2 … of them.

    Which targets are passed over as being down nobody knows beforehand, so any division counts.
    """
    if attempts == sum(len(row) - 1 for row in costs):
        return sum(row[-1] for row in costs)
    best = [0.0] * (attempts + 1)
    for row in costs:
        best = [
            max(best[left - tries] + row[tries] for tries in range(min(left, len(row) - 1) + 1))
            for left in range(attempts + 1)
        ]
    return best[attempts]


def _dearest(hops: Sequence[Hop], attempts: int) -> float:
    """The price of so many attempts, the dearest ones."""
    prices = sorted((hop.dollars or 0.0 for hop in hops for _ in range(hop.attempts)), reverse=True)
    return sum(prices[:attempts])
