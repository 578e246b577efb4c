"""What each class of failure leads to where a spec says nothing else: the same target again, the next, or the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

    from llmroute.routing.route import Target

Again = Literal["never", "once", "budget"]


class Policy(NamedTuple):
    """What may be tried after a failure of one kind."""

    again: Again
    """Whether the same target is asked again: `once` at most, or as often as its `max_retries` allows."""
    onward: bool
    """Whether the next target of the route is asked."""


POLICIES: dict[str, Policy] = {
    "auth": Policy("never", onward=False),
    "quota": Policy("never", onward=True),
    "rate": Policy("budget", onward=True),
    "overload": Policy("once", onward=True),
    "server": Policy("budget", onward=True),
    "connect": Policy("budget", onward=True),
    "ambiguous": Policy("never", onward=True),
    "request": Policy("never", onward=False),
    "context": Policy("never", onward=False),
    "model": Policy("never", onward=True),
    "refusal": Policy("never", onward=False),
    "malformed": Policy("once", onward=True),
    "truncated": Policy("budget", onward=True),
    "policy": Policy("never", onward=False),
    "deadline": Policy("never", onward=False),
    "call": Policy("never", onward=False),
}
"""Every `CallError.kind`. `truncated` counts before the first content of a stream only: after it nothing is
tried again, because the caller has seen a part. `auth` and `refusal` end the route: a wrong key is to be mended,
and nobody shops around filters."""

RETRIES = 2
LOCAL_RETRIES = 1
"""A local server that fails twice is down; waiting longer helps nobody."""
BACKOFF_S = 0.5
"""The first wait; each further one is twice as long."""
LONGEST_S = 30.0
"""No wait is longer; a provider that asks for more is left alone. So long an attempt waits for its turn, too."""


def max_retries(target: Target) -> int:
    """How often the target may be asked again: its `max_retries`, else 2, else 1 for this machine."""
    won = target.params.get("max_retries")
    if won is not None:
        return int(won)
    return LOCAL_RETRIES if target.locality == "local" else RETRIES


def retries_after(kind: str, most: int, retry_on: Collection[str] | None = None) -> int:
    """How often a target is asked again at the most, after failures of one kind; `most` is its `max_retries`.

    `retry_on` says after which kinds, in place of the table; how often stays with the table where it says so.

    >>> retries_after("server", 2), retries_after("overload", 2), retries_after("ambiguous", 2)
    (2, 1, 0)
    """
    again = POLICIES[kind].again
    if retry_on is not None:
        if kind not in retry_on:
            return 0
        again = "budget" if again == "never" else again
    return {"never": 0, "once": min(1, most), "budget": most}[again]


def goes_on(kind: str, target: Target) -> bool:
    """Whether another target is asked after a failure of this kind: the target's `fallback_on`, else the table."""
    kinds = target.params.get("fallback_on")
    return POLICIES[kind].onward if kinds is None else kind in kinds
