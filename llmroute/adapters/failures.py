"""One classification of everything that a provider or the way to it can do wrong.

Three doors, by what there is to judge: `from_status` (an HTTP answer that is no success), `from_error` (an error
object inside a success), `from_exception` (the transport). Each returns a typed `CallError` to be raised; what a
class of failure leads to (retry, next target) is `llmroute.dispatch.failures`.

Foreign exceptions hold the request, and with it prompt and key. Callers therefore leave the `except` block before
they raise what these functions return, so that no `__context__` drags the foreign exception along; its class
stands in the message.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.adapters.redaction import clean
from llmroute.adapters.retry_after import retry_after_s
from llmroute.errors import (
    AmbiguousError,
    AuthenticationError,
    CallError,
    ConnectError,
    MalformedReplyError,
    ModelNotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    RefusalError,
    RequestError,
    ServerError,
    TruncatedStreamError,
)
from llmroute.wire.faults import from_error_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.adapters.base import Call, Endpoint

_QUOTA = ("insufficient_quota", "billing", "spend_limit", "insufficient_balance", "credit")
_BY_STATUS: dict[int, type[CallError]] = {
    400: RequestError,
    401: AuthenticationError,
    402: QuotaError,
    403: AuthenticationError,
    404: ModelNotFoundError,
    408: ServerError,
    409: ServerError,
    413: RequestError,
    422: RequestError,
    429: RateLimitError,
    503: OverloadedError,
    529: OverloadedError,
}


class Report(NamedTuple):
    """What an error body says."""

    text: str
    words: tuple[str, ...]
    """The error's type and code, in lower case."""
    number: int | None
    """A numeric code, as OpenRouter writes the status into the body."""


def read_report(body: bytes | Mapping[str, Any]) -> Report:
    """The message and the codes of an error body, in any of the forms that servers write.

    OpenAI `{"error": {…}}`, Anthropic `{"type": "error", "error": {…}}`, LM Studio `{"error": "text"}`, Mistral
    `{"object": "error", "message": …}`, FastAPI `{"detail": …}`; HTML is named, not quoted.
    """
    if isinstance(body, bytes):
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            return Report(_plain(body), (), None)
    else:
        data = body
    if isinstance(data, list) and len(data) == 1:  # Gemini wraps its error objects in an array
        data = data[0]
    if not isinstance(data, dict):
        return Report("", (), None)
    error = data.get("error")
    inner: dict[str, Any] = error if isinstance(error, dict) else data
    text = error if isinstance(error, str) else _message(inner)
    codes = [inner.get(name) for name in ("type", "code", "error_code", "status")]
    words = tuple(code.lower() for code in codes if isinstance(code, str))
    number = next((code for code in codes if type(code) is int), None)
    return Report(text, words, number)


def _message(data: Mapping[str, Any]) -> str:
    for name in ("message", "detail", "msg"):
        value = data.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, list):  # FastAPI: places and messages; `input` would echo the prompt
            rows = [row for row in value if isinstance(row, dict)]
            return "; ".join(f"{row.get('msg')} at {row.get('loc')}" for row in rows)
    return ""


def _plain(body: bytes) -> str:
    text = body[:2000].decode("utf-8", "replace").strip()
    if not text:
        return ""
    return "an HTML page" if text.startswith("<") else text


def from_status(status: int, headers: Mapping[str, str], body: bytes, call: Call) -> CallError:
    """The failure that an HTTP status other than success means; `headers` has names in lower case."""
    if 300 <= status < 400:
        return MalformedReplyError(
            f"{where(call.endpoint)} answered {status}: a redirect, which is never followed (upstream_redirect)",
            hint="put the final URL into base_url",
            **context(call.endpoint, status),
        )
    report = read_report(body)
    cls = _class_of(status, report)
    said = clean(report.text, call)
    message = f"{where(call.endpoint)} answered {status}" + (f": {said}" if said else "")
    if cls is ModelNotFoundError:
        message = f"{where(call.endpoint)} has no model {call.endpoint.model!r} ({status}{': ' + said if said else ''})"
    return cls(
        message, retry_after_s=retry_after_s(headers) if status >= 400 else None, **context(call.endpoint, status)
    )


def _class_of(status: int, report: Report) -> type[CallError]:
    words = " ".join(report.words)
    if status == 429 and any(word in words for word in _QUOTA):
        return QuotaError
    if status >= 500 and "overloaded" in words:
        return OverloadedError
    if status in {400, 422} and ("content_filter" in words or "responsibleaipolicy" in words):
        return RefusalError
    if status in {400, 422} and "model_not_found" in words:
        return ModelNotFoundError
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return ServerError
    return RequestError if status >= 400 else MalformedReplyError


def from_error(error: Mapping[str, Any], call: Call, status: int = 200) -> CallError:
    """The failure that an error object inside a success means, in a body or in a stream.

    The class comes from the error's own words or number; one that has none is a malformed reply.
    """
    report = read_report(error)
    said = clean(report.text, call)
    cls = type(from_error_object(error))
    if cls is MalformedReplyError and report.number is not None and report.number >= 400:
        cls = _class_of(report.number, report)
    message = f"{where(call.endpoint)} answered {status} with an error inside" + (f": {said}" if said else "")
    return cls(message, **context(call.endpoint, status))


def malformed(what: str, call: Call, status: int | None = 200) -> MalformedReplyError:
    """The answer is not what the API promises; `what` goes on after `URL sent`."""
    return MalformedReplyError(f"{where(call.endpoint)} sent {what}", **context(call.endpoint, status))


def from_exception(exc: BaseException, call: Call, *, answered: bool = False) -> CallError:
    """The failure behind an exception of the transport or of an SDK.

    `answered`: the status line had come, so that the body is what broke.
    """
    import httpx2

    exc = _innermost(exc)
    if isinstance(exc, CallError):
        return exc
    at, given, name = where(call.endpoint), context(call.endpoint), type(exc).__name__
    if isinstance(exc, UnicodeError):
        return RequestError(f"the request to {at} holds text that is no valid Unicode (request/encoding)", **given)
    if isinstance(exc, httpx2.LocalProtocolError):  # its text quotes the header, which may be the key
        return RequestError(f"a header for {at} holds characters that HTTP does not allow", **given)
    if isinstance(exc, httpx2.DecodingError):
        return malformed("a body that is not encoded as its content-encoding says", call)
    never_sent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
    if isinstance(exc, (*never_sent, httpx2.UnsupportedProtocol, httpx2.InvalidURL)):
        return ConnectError(f"cannot reach {at} ({reason(exc)})", **given)
    if isinstance(exc, httpx2.TimeoutException):
        return AmbiguousError(
            f"{at} did not answer within {call.timeout_s:g} s ({name}); it may have executed", **given
        )
    if answered and isinstance(exc, httpx2.RemoteProtocolError | httpx2.ReadError):
        return malformed(f"an answer that was cut in its middle ({name})", call)
    if isinstance(exc, OSError):
        return ConnectError(f"cannot reach {at} ({exc.strerror or name})", **given)
    return AmbiguousError(f"the connection to {at} broke after the request was sent ({name})", **given)


def broken_stream(exc: BaseException, call: Call, *, partial: Any, began: bool) -> CallError:  # noqa: ANN401 - a Reply or None
    """The failure behind an exception in the middle of a stream; `began`: events had come before."""
    import httpx2

    failure = from_exception(exc, call, answered=True)
    if isinstance(failure, AmbiguousError) and not began:
        return failure
    if not isinstance(exc, httpx2.TransportError):
        return failure
    why = "stalled" if isinstance(exc, httpx2.TimeoutException) else "broke off"
    return TruncatedStreamError(
        f"the stream of {where(call.endpoint)} {why} before its end ({type(exc).__name__})",
        partial=partial,
        **context(call.endpoint, 200),
    )


def _innermost(exc: BaseException) -> BaseException:
    """What an SDK wrapped: its connection errors carry the transport's exception as their cause."""
    import httpx2

    inner: BaseException | None = exc
    while inner is not None:
        if isinstance(inner, CallError | httpx2.HTTPError | httpx2.InvalidURL | UnicodeError | OSError):
            return inner
        inner = inner.__cause__
    return exc


def reason(exc: BaseException) -> str:
    """Why a connection did not come about, in the words of the operating system."""
    inner: BaseException | None = exc
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror.lower() if inner.strerror.isascii() else inner.strerror
        inner = inner.__cause__ or inner.__context__
    text = str(exc)
    if "onnection refused" in text or "All connection attempts failed" in text:
        return "connection refused"
    return {"ConnectTimeout": "timed out", "PoolTimeout": "no free connection"}.get(type(exc).__name__) or text


def where(endpoint: Endpoint) -> str:
    """`provider at URL`, or the URL alone."""
    return f"{endpoint.provider} at {endpoint.base_url}" if endpoint.provider else endpoint.base_url


def context(endpoint: Endpoint, status: int | None = None) -> dict[str, Any]:
    """The arguments that every `CallError` about this endpoint gets."""
    return {
        "provider": endpoint.provider,
        "model": endpoint.model,
        "base_url": endpoint.base_url,
        "status": status,
    }
