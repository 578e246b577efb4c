"""What an exchange that broke means for the caller.

Callers leave the `except` block before they raise what these functions return: no `__context__` may drag along an
exception of a transport or an SDK, which holds the request, and with it prompt and key.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from llmroute.adapters.connections.breaks import (
    Break,
    ClosedBefore,
    Cut,
    NoAnswer,
    NotDecodable,
    NotHttp,
    NotSendable,
    TimedOut,
    Unreached,
)
from llmroute.adapters.failures import context, situated, where
from llmroute.errors import (
    AmbiguousError,
    CallError,
    ConnectError,
    DeadlineError,
    MalformedReplyError,
    RequestError,
    TruncatedStreamError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.adapters.base import Call

_VERDICTS: Mapping[type[Break], tuple[type[CallError], str]] = {
    Unreached: (ConnectError, "cannot reach {at} ({why})"),
    ClosedBefore: (ConnectError, "cannot reach {at} ({why})"),
    TimedOut: (AmbiguousError, "{at} did not answer within {within} s"),
    NotSendable: (RequestError, "a header for {at} holds characters that HTTP does not allow"),
    NotDecodable: (MalformedReplyError, "{at} sent a body that is not encoded as its content-encoding says"),
    Cut: (MalformedReplyError, "{at} sent an answer that breaks off in its middle"),
    NotHttp: (MalformedReplyError, "{at} sent what is no HTTP"),
    NoAnswer: (AmbiguousError, "the connection to {at} broke after the request was sent"),
}


def from_exception(
    exc: Break | CallError | Exception, call: Call, *, answered: bool = False, within_s: float | None = None
) -> CallError:
    """The failure behind an exception; `answered`: the head of the answer had come, so that its body broke.

    `within_s` is what was waited for an answer, where that is not the call's `timeout_s`.
    """
    if isinstance(exc, CallError):
        return situated(exc, call)
    kind = Cut if answered and isinstance(exc, NoAnswer | NotHttp) else type(exc)
    if isinstance(exc, TimedOut) and call.ends_at is not None and time.monotonic() >= call.ends_at:
        verdict: tuple[type[CallError], str]
        verdict = DeadlineError, "{at} had not answered when the time limit of the request passed"
    else:
        verdict = _VERDICTS[kind]  # type: ignore[index]
    cls, what = verdict
    words = {"at": where(call.endpoint), "why": str(exc), "within": f"{within_s or call.timeout_s:g}"}
    failure = cls(what.format(**words), **context(call.endpoint))
    if isinstance(exc, ClosedBefore):
        failure.retry_after_s = 0.0  # the server is well: a new connection needs no wait
    return failure


def broken_stream(exc: Exception, call: Call, *, partial: Any, began: bool) -> CallError:
    """The failure behind an exception in the middle of a stream; `began`: events had come before."""
    failure = from_exception(exc, call, answered=True, within_s=call.until_content_s())
    if isinstance(failure, DeadlineError) or not isinstance(exc, TimedOut | Cut | NoAnswer | NotHttp):
        return failure
    if isinstance(failure, AmbiguousError) and not began:
        return failure
    why = "stalled" if isinstance(exc, TimedOut) else "broke off"
    return TruncatedStreamError(
        f"the stream of {where(call.endpoint)} {why} before its end", partial=partial, **context(call.endpoint, 200)
    )
