"""What LiteLLM's exceptions mean, where our own connections did not see the failure themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.adapters.broken import from_exception
from llmroute.adapters.connections.breaks import Break, TimedOut
from llmroute.adapters.failures import context, from_status, situated, where
from llmroute.adapters.redaction import clean
from llmroute.adapters.retry_after import retry_after_s
from llmroute.errors import (
    AmbiguousError,
    AuthenticationError,
    CallError,
    ContextLengthError,
    LLMRouteError,
    MalformedReplyError,
    ModelNotFoundError,
    OverloadedError,
    RateLimitError,
    RefusalError,
    RequestError,
    ServerError,
    TruncatedStreamError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.adapters.litellm_passage import Passage
    from llmroute.wire.chat import Reply

_BY_CLASS: Mapping[str, type[CallError]] = {
    "ContextWindowExceededError": ContextLengthError,
    "ContentPolicyViolationError": RefusalError,
    "AuthenticationError": AuthenticationError,
    "PermissionDeniedError": AuthenticationError,
    "NotFoundError": ModelNotFoundError,
    "RateLimitError": RateLimitError,
    "ServiceUnavailableError": OverloadedError,
    "InternalServerError": ServerError,
    "BadGatewayError": ServerError,
    "Timeout": AmbiguousError,
    "BadRequestError": RequestError,
    "UnprocessableEntityError": RequestError,
    "APIConnectionError": AmbiguousError,
    "APIResponseValidationError": MalformedReplyError,
    "JSONSchemaValidationError": MalformedReplyError,
}
"""LiteLLM's exceptions; those that are not here are subclasses of one that is."""
_MID_STREAM = "MidStream"
"""What newer releases wrap a failure in that came after the first chunk: a connection that ended too early, too."""
_SEEN = (AmbiguousError, MalformedReplyError, RequestError, ServerError)
"""Verdicts about an answer that began well: whatever LiteLLM calls it, it could not read it."""


def failure_of(
    exc: BaseException, passage: Passage, partial: Reply | None = None, *, began: bool = False
) -> LLMRouteError:
    """The failure behind whatever ended a call; `partial` is what there is of a stream, `began`: some was told."""
    call = passage.call
    if isinstance(exc, CallError):
        return situated(exc, call)
    if isinstance(exc, LLMRouteError):
        return exc
    known = passage.failure(partial, began=began)
    if known is not None:
        return known
    if isinstance(exc, Break | TimeoutError):
        return from_exception(exc if isinstance(exc, Break) else TimedOut(), call)
    wrapped = getattr(exc, "original_exception", None)
    failure = _by_class(wrapped if isinstance(wrapped, Exception) else exc, passage)
    if partial is not None and isinstance(failure, MalformedReplyError) and _MID_STREAM in type(exc).__name__:
        return TruncatedStreamError(
            f"the stream of {where(call.endpoint)} broke off before its end",
            partial=partial,
            **context(call.endpoint, 200),
        )
    return failure


def _by_class(exc: BaseException, passage: Passage) -> CallError:
    call = passage.call
    names = [cls.__name__ for cls in type(exc).__mro__ if cls.__module__.startswith("litellm")]
    cls = next((_BY_CLASS[name] for name in names if name in _BY_CLASS), None)
    if cls is AmbiguousError and passage.unsent:
        cls = RequestError
    if passage.answered and (cls is None or issubclass(cls, _SEEN)):
        return MalformedReplyError(
            f"{where(call.endpoint)} sent what LiteLLM can't read ({type(exc).__name__})", **context(call.endpoint, 200)
        )
    status, headers = getattr(exc, "status_code", None), _headers(exc)
    if cls is None and names and isinstance(status, int):
        return from_status(status, headers, _said(exc).encode(), call)
    said = clean(_said(exc), call) if names else ""  # nobody knows what others say
    return (cls or RequestError)(
        f"LiteLLM for {where(call.endpoint)}: {type(exc).__name__}" + (f": {said}" if said else ""),
        retry_after_s=retry_after_s(headers),
        **context(call.endpoint, status if isinstance(status, int) and cls is not AmbiguousError else None),
    )


def _said(exc: BaseException) -> str:
    """LiteLLM's words, without the names that it puts before them."""
    text = str(getattr(exc, "message", ""))
    while text.startswith("litellm."):
        _, _, text = text.partition(": ")
    return text


def _headers(exc: BaseException) -> dict[str, str]:
    headers: Any = getattr(getattr(exc, "response", None), "headers", None) or {}
    return {str(name).lower(): str(value) for name, value in headers.items()}
