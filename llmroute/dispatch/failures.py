"""What each class of failure leads to: the same target again, the next one, or the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.routing.retries import BACKOFF_S, LONGEST_S, POLICIES

if TYPE_CHECKING:
    from collections.abc import Collection

    from llmroute.errors import CallError
    from llmroute.routing.route import Target


def retries_left(failure: CallError, tries: int, max_retries: int, retry_on: Collection[str] | None = None) -> bool:
    """Whether the target may be asked again after `tries` requests to it.

    `retry_on` says after which kinds, in place of the table; how often stays with the table where it says so.
    """
    if failure.own_limit:  # it was waited for already
        return False
    again = POLICIES[failure.kind].again
    if retry_on is not None:
        if failure.kind not in retry_on:
            return False
        again = "budget" if again == "never" else again
    allowed = {"never": 0, "once": min(1, max_retries), "budget": max_retries}[again]
    return tries <= allowed


def goes_on(kind: str, target: Target) -> bool:
    """Whether another target is asked after a failure of this kind: the target's `fallback_on`, else the table."""
    kinds = target.params.get("fallback_on")
    return POLICIES[kind].onward if kinds is None else kind in kinds


def wait_s(failure: CallError, tries: int, jitter: float) -> float | None:
    """Seconds before the next request to the same target, None when the provider asks for too long a wait.

    The provider's own word comes first, then exponential backoff with full jitter; `jitter` is in [0, 1).
    """
    if failure.retry_after_s is not None:
        return failure.retry_after_s if failure.retry_after_s <= LONGEST_S else None
    return min(LONGEST_S, BACKOFF_S * 2.0 ** min(tries - 1, 30)) * jitter
