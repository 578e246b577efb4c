"""What each class of failure leads to where a spec says nothing else: the same target again, the next, or the end."""

from __future__ import annotations

from typing import Literal, NamedTuple

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
