"""The formats that travel over HTTP: the codec of each, its path, and the headers that it wants."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import llmroute
from llmroute.adapters.failures import context, where
from llmroute.errors import RequestError

if TYPE_CHECKING:
    from types import ModuleType

    from llmroute.adapters.base import Call, Endpoint
    from llmroute.wire.codec import Encoded

_CODECS = {
    "openai-chat": "llmroute.wire.openai_chat",
    "anthropic-messages": "llmroute.wire.anthropic_messages",
}
PLACEHOLDER = "none"
"""Sent as the bearer key where none was declared: local servers want some, and ignore it."""
ANTHROPIC_VERSION = "2023-06-01"
"""What a server of this format is asked for where the spec names no `api_version`: all of them know it."""


@dataclass(frozen=True, slots=True, repr=False)
class Prepared:
    """A call, ready for the wire. It has no repr: the key is in the headers, the prompt in the body."""

    codec: ModuleType
    url: str
    headers: dict[str, str]
    body: dict[str, Any]
    encoded: Encoded


def prepare(call: Call, *, stream: bool) -> Prepared:
    """The request of a call; nothing of the route is in it.

    Raises:
        ConversionError: the conversation can't be written in this format.
    """
    endpoint = call.endpoint
    codec = import_module(_CODECS[endpoint.api])
    encoded: Encoded = codec.encode_request(
        call.request, model=endpoint.model, stream=stream, quirks=endpoint.quirks, source=source_of(endpoint)
    )
    body = {**encoded.body, **endpoint.extra_body} if endpoint.extra_body else encoded.body
    return Prepared(codec, url_of(endpoint), headers_of(call, stream=stream), body, encoded)


def url_of(endpoint: Endpoint) -> str:
    """The URL that the format's requests go to.

    `/v1` belongs to the path of Anthropic's format, and to the base URL of OpenAI's; a base URL that ends with it
    is taken for what it means.
    """
    if endpoint.api == "anthropic-messages":
        return endpoint.base_url.removesuffix("/v1") + "/v1/messages"
    url = endpoint.base_url + "/chat/completions"
    return f"{url}?api-version={endpoint.api_version}" if endpoint.api_version else url


def source_of(endpoint: Endpoint) -> str:
    """Under which name fields that only this provider knows are kept: they go back to it alone."""
    return endpoint.provider or endpoint.base_url


def headers_of(call: Call, *, stream: bool) -> dict[str, str]:
    """All headers but those of the transport; names in lower case.

    Compressed answers are not asked for: they save little on text, and can be bombs.
    """
    endpoint = call.endpoint
    headers = {
        "accept": "text/event-stream" if stream else "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": f"llmroute/{llmroute.__version__}",
    }
    if endpoint.api == "anthropic-messages":
        headers["anthropic-version"] = endpoint.api_version or ANTHROPIC_VERSION
    for name, value in endpoint.headers.items():
        headers[name.lower()] = value
    if endpoint.auth == "bearer":
        headers["authorization"] = f"Bearer {call.key or PLACEHOLDER}"
    elif endpoint.auth in {"x-api-key", "api-key"} and call.key:
        headers[endpoint.auth] = call.key
    return headers


def to_bytes(body: dict[str, Any], call: Call) -> bytes:
    """The body as UTF-8 JSON.

    Raises:
        RequestError: it holds what JSON or UTF-8 can't: NaN, a lone surrogate.
    """
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError) as exc:  # UnicodeEncodeError is a ValueError
        problem = type(exc).__name__
    raise RequestError(
        f"the request to {where(call.endpoint)} can't be written as JSON ({problem}, request/encoding)",
        **context(call.endpoint),
    )
