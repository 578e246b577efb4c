"""One classification of everything that a provider or the way to it can do wrong.

By what there is to judge: `from_status` (an HTTP answer that is no success) and `from_error` (an error object
inside a success) are here, exceptions of the transport in `llmroute.adapters.broken`. Each returns a typed
`CallError` to be raised; what a class of failure leads to (retry, next target) is `llmroute.dispatch.failures`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.adapters import ollama, oracle_words
from llmroute.adapters.redaction import clean
from llmroute.adapters.retry_after import retry_after_s
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
from llmroute.wire.faults import from_error_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.adapters.base import Call, Endpoint

SUCCESS, REDIRECTS = range(200, 300), range(300, 400)
_BAD_REQUEST, _TOO_MANY, _INTERNAL = 400, 429, 500
_REFUSES_INPUT = (400, 422)
_QUOTA = ("insufficient_quota", "billing", "spend_limit", "insufficient_balance", "credit")
_TOO_LONG = ("context_length_exceeded", "exceed_context_size_error")
_TOO_LONG_TEXTS = (
    "prompt is too long",  # Anthropic
    "exceed context limit",  # Anthropic, with max_tokens
    "maximum context length",  # OpenAI, vLLM, DeepSeek, Mistral, OpenRouter
    "available context size",  # llama.cpp
    "context the overflows",  # LM Studio, in its words
    "exceeds the maximum number of tokens allowed",  # Gemini
    ollama.TOO_LONG,
)
"""What servers say, without a code of its own, of a conversation that is too long."""
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
    if status in REDIRECTS:
        return MalformedReplyError(
            f"{where(call.endpoint)} answered {status}: a redirect, which is never followed (upstream_redirect)",
            hint="put the final URL into base_url",
            **context(call.endpoint, status),
        )
    report = read_report(body)
    cls = _class_of(status, report)
    said = clean(report.text, call)
    message = f"{where(call.endpoint)} answered {status}" + (f": {said}" if said else "")
    hint = ollama.hint_of(report.text) or oracle_words.hint_of(report.words)
    if cls is ModelNotFoundError and call.endpoint.api == "ollama-chat" and ollama.has_no_path(report.text):
        cls, hint = RequestError, ollama.NO_PATH_HINT
    elif cls is ModelNotFoundError:
        message = f"{where(call.endpoint)} has no model {call.endpoint.model!r} ({status}{': ' + said if said else ''})"
    return cls(message, hint=hint, retry_after_s=retry_after_s(headers), **context(call.endpoint, status))


def _class_of(status: int, report: Report) -> type[CallError]:
    words = " ".join(report.words)
    if status == _TOO_MANY and any(word in words for word in _QUOTA):
        return QuotaError
    if status in _REFUSES_INPUT and ("content_filter" in words or "responsibleaipolicy" in words):
        return RefusalError
    if status in _REFUSES_INPUT and "model_not_found" in words:
        return ModelNotFoundError
    if _BY_STATUS.get(status) is RequestError and _is_too_long(report):
        return ContextLengthError
    if status >= _INTERNAL:
        return OverloadedError if "overloaded" in words else _BY_STATUS.get(status, ServerError)
    return _BY_STATUS.get(status, RequestError if status >= _BAD_REQUEST else MalformedReplyError)


def _is_too_long(report: Report) -> bool:
    text = report.text.lower()
    return any(word in _TOO_LONG for word in report.words) or any(said in text for said in _TOO_LONG_TEXTS)


def from_error(error: Mapping[str, Any], call: Call, status: int = 200) -> CallError:
    """The failure that an error object inside a success means, in a body or in a stream.

    The class comes from the error's own words or number; one that has none is a malformed reply.
    """
    report = read_report(error)
    said = clean(report.text, call)
    cls = type(from_error_object(error))
    if cls is MalformedReplyError and report.number is not None and report.number >= _BAD_REQUEST:
        cls = _class_of(report.number, report)
    elif cls is RequestError and _is_too_long(report):
        cls = ContextLengthError
    elif cls is MalformedReplyError and call.endpoint.api == "ollama-chat" and report.text:
        cls = ContextLengthError if _is_too_long(report) else ollama.class_of(report.text)
    message = f"{where(call.endpoint)} answered {status} with an error inside" + (f": {said}" if said else "")
    return cls(message, hint=ollama.hint_of(report.text), **context(call.endpoint, status))


def malformed(what: str, call: Call, status: int | None = 200) -> MalformedReplyError:
    """The answer is not what the API promises; `what` goes on after `URL sent`."""
    return MalformedReplyError(f"{where(call.endpoint)} sent {what}", **context(call.endpoint, status))


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


def situated(failure: CallError, call: Call, status: int | None = None) -> CallError:
    """A failure of a codec or of the network, told of the endpoint that they know nothing of."""
    if failure.base_url is None:
        failure.message = f"{where(call.endpoint)}: {failure.message}"
        failure.args = (failure.message,)
        for name, value in context(call.endpoint, failure.status or status).items():
            setattr(failure, name, value)
    return failure
