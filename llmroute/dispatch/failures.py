"""Whether, and when, a target is asked again after a failure (what follows each class: `llmroute.routing.retries`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.routing.retries import BACKOFF_S, LONGEST_S, retries_after

if TYPE_CHECKING:
    from collections.abc import Collection

    from llmroute.errors import CallError


def retries_left(failure: CallError, tries: int, max_retries: int, retry_on: Collection[str] | None = None) -> bool:
    """Whether the target may be asked again after `tries` requests to it (see `retries_after`)."""
    # A limit of the spec's own was waited for already.
    return not failure.own_limit and tries <= retries_after(failure.kind, max_retries, retry_on)


def wait_s(failure: CallError, tries: int, jitter: float) -> float | None:
    """Seconds before the next request to the same target, None when the provider asks for too long a wait.

    The provider's own word comes first, then exponential backoff with full jitter; `jitter` is in [0, 1).
    """
    if failure.retry_after_s is not None:
        return failure.retry_after_s if failure.retry_after_s <= LONGEST_S else None
    return min(LONGEST_S, BACKOFF_S * 2.0 ** min(tries - 1, 30)) * jitter
