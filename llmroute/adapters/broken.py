"""What an exception of the transport, or of an SDK around it, means.

These exceptions hold the request, and with it prompt and key. Callers therefore leave the `except` block before
they raise what these functions return, so that no `__context__` drags the exception along; its class stands in
the message in place of its text.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import httpx2

from llmroute.adapters.failures import context, situated, where
from llmroute.adapters.transport import CLOSED_BEFORE
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
    from llmroute.adapters.base import Call

_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)


def from_exception(
    exc: BaseException, call: Call, *, answered: bool = False, within_s: float | None = None
) -> CallError:
    """The failure behind an exception; `answered`: the head of the answer had come, so that its body broke.

    `within_s` is what was waited for an answer, where that is not the call's `timeout_s`.
    """
    inner = _innermost(exc)
    if isinstance(inner, CallError):
        return situated(inner, call)
    cls, what = _judged(inner, call, answered=answered, within_s=within_s)
    failure = cls(what.replace("{at}", where(call.endpoint)), **context(call.endpoint))
    if CLOSED_BEFORE in str(inner):
        failure.retry_after_s = 0.0  # the server is well: a new connection needs no wait
    return failure


def _judged(exc: BaseException, call: Call, *, answered: bool, within_s: float | None) -> tuple[type[CallError], str]:
    """The class, and the message with `{at}` in the endpoint's place."""
    name = type(exc).__name__
    if isinstance(exc, _NEVER_SENT):
        verdict: tuple[type[CallError], str] = ConnectError, f"cannot reach {{at}} ({reason(exc)})"
    elif isinstance(exc, httpx2.TimeoutException):
        verdict = AmbiguousError, f"{{at}} did not answer within {within_s or call.timeout_s:g} s ({name})"
        if call.ends_at is not None and time.monotonic() >= call.ends_at:
            verdict = DeadlineError, "{at} had not answered when the time limit of the request passed"
    elif isinstance(exc, httpx2.LocalProtocolError | UnicodeError):  # the text quotes the header, maybe the key
        verdict = RequestError, "a header for {at} holds characters that HTTP does not allow"
    elif isinstance(exc, httpx2.DecodingError):
        verdict = MalformedReplyError, "{at} sent a body that is not encoded as its content-encoding says"
    elif isinstance(exc, OSError):  # httpx2 wraps those of sockets: the certificates can't be read
        where_from = "see SSL_CERT_FILE and SSL_CERT_DIR"
        verdict = ConnectError, f"cannot reach {{at}}: no certificates ({exc.strerror or name}; {where_from})"
    elif answered:
        verdict = MalformedReplyError, f"{{at}} sent an answer that breaks off in its middle ({name})"
    elif isinstance(exc, httpx2.RemoteProtocolError) and "disconnected" not in str(exc):
        verdict = MalformedReplyError, f"{{at}} sent what is no HTTP ({name})"
    else:
        verdict = AmbiguousError, f"the connection to {{at}} broke after the request was sent ({name})"
    return verdict


def broken_stream(exc: BaseException, call: Call, *, partial: Any, began: bool) -> CallError:
    """The failure behind an exception in the middle of a stream; `began`: events had come before."""
    failure = from_exception(exc, call, answered=True, within_s=call.until_content_s())
    if isinstance(failure, DeadlineError) or not isinstance(exc, httpx2.TransportError):
        return failure
    if isinstance(failure, AmbiguousError) and not began:
        return failure
    why = "stalled" if isinstance(exc, httpx2.TimeoutException) else "broke off"
    return TruncatedStreamError(
        f"the stream of {where(call.endpoint)} {why} before its end ({type(exc).__name__})",
        partial=partial,
        **context(call.endpoint, 200),
    )


def _innermost(exc: BaseException) -> BaseException:
    """What an SDK wrapped: its connection errors carry the transport's exception as their cause."""
    inner: BaseException | None = exc
    while inner is not None:
        if isinstance(inner, CallError | httpx2.HTTPError | httpx2.InvalidURL | UnicodeError | OSError):
            return inner
        inner = inner.__cause__
    return exc


def reason(exc: BaseException) -> str:
    """Why a connection did not come about, in the words of the operating system where it has any."""
    if CLOSED_BEFORE in str(exc):
        return CLOSED_BEFORE
    inner: BaseException | None = exc
    while inner is not None:
        if isinstance(inner, ConnectionError) and inner.errno:  # asyncio writes a text of its own
            return os.strerror(inner.errno).lower()
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror.lower()
        inner = inner.__cause__ or inner.__context__
    if "All connection attempts failed" in str(exc):  # asyncio tried several addresses
        return "connection refused"
    return {"ConnectTimeout": "timed out", "PoolTimeout": "no free connection"}.get(type(exc).__name__, str(exc))
