"""Answers that are none: text that is no JSON, objects that are errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from llmroute.errors import (
    AuthenticationError,
    CallError,
    ContextLengthError,
    MalformedReplyError,
    ModelNotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    RefusalError,
    RequestError,
    ServerError,
)
from llmroute.wire.json_text import no_constant

Failure: TypeAlias = Callable[[Mapping[str, Any]], CallError]
"""Classifies an error object that came inside a success."""

_BY_WORD: dict[str, type[CallError]] = {
    "overloaded_error": OverloadedError,
    "rate_limit_error": RateLimitError,
    "rate_limit_exceeded": RateLimitError,
    "authentication_error": AuthenticationError,
    "permission_error": AuthenticationError,
    "invalid_api_key": AuthenticationError,
    "billing_error": QuotaError,
    "insufficient_quota": QuotaError,
    "not_found_error": ModelNotFoundError,
    "model_not_found": ModelNotFoundError,
    "invalid_request_error": RequestError,
    "context_length_exceeded": ContextLengthError,
    "exceed_context_size_error": ContextLengthError,
    "request_too_large": RequestError,
    "content_filter": RefusalError,
    "api_error": ServerError,
    "server_error": ServerError,
    "timeout_error": ServerError,
}


def from_error_object(error: Mapping[str, Any]) -> CallError:
    """The failure behind an error object; the message has its type alone, never its text, which may quote a prompt.

    >>> from_error_object({"type": "error", "error": {"type": "overloaded_error", "message": "..."}})
    OverloadedError('the provider reported overloaded_error inside a success')
    """
    inner = error.get("error")
    data = inner if isinstance(inner, dict) else error
    words = [data.get(name) for name in ("code", "type", "error_code")]
    for word in words:
        if isinstance(word, str) and word in _BY_WORD:
            return _BY_WORD[word](f"the provider reported {word} inside a success", status=200)
    return MalformedReplyError("the provider sent an error inside a success", status=200)


def parse(text: str | bytes, what: str) -> Any:
    """The JSON value that `text` is.

    Raises:
        MalformedReplyError: it is none; the message never quotes it.
    """
    try:
        return _DECODER.decode(text if isinstance(text, str) else text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        pass  # raised below, without the original exception, which holds the whole text
    start = text[:100].strip()
    if not start:
        raise MalformedReplyError(f"{what} is empty")
    is_html = start.startswith("<") if isinstance(start, str) else start.startswith(b"<")
    raise MalformedReplyError(f"{what} is {'an HTML or XML page' if is_html else 'no JSON'}")


_DECODER = json.JSONDecoder(parse_constant=no_constant)


def answer_object(body: object, failure: Failure) -> dict[str, Any]:
    """The object that an answer is, parsed where it is still text.

    Raises:
        MalformedReplyError: it is no JSON object.
        CallError: it is an error object; what `failure` makes of it.
    """
    data = parse(body, "the answer") if isinstance(body, str | bytes) else body
    if not isinstance(data, dict):
        raise MalformedReplyError("the answer is no JSON object")
    if data.get("error") or data.get("type") == "error" or data.get("object") == "error":
        raise failure(data)
    return data
