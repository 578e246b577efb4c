"""The formats that travel over HTTP: the codec of each, its path, and the headers that it wants."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import llmroute
from llmroute.adapters.failures import context, where
from llmroute.errors import RequestError
from llmroute.wire import ndjson, sse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from llmroute.adapters.base import Call, Endpoint
    from llmroute.wire.codec import Encoded


class Format(NamedTuple):
    """What the exchange must know of a wire format beside its codec."""

    codec: str
    """The module."""
    framing: Callable[[], sse.Decoder | ndjson.Decoder] = sse.Decoder
    """Cuts the bytes of a stream into the pieces that the codec's `StreamDecoder` takes."""
    stream_type: str = "text/event-stream"
    whole_types: tuple[str, ...] = ("application/json", "text/html")
    """Content types that are no stream."""
    settings: tuple[str, ...] = ()
    """Objects of the body that `extra_body` adds to and does not replace; the codec's decoders are told them."""


FORMATS: Mapping[str, Format] = {
    "openai-chat": Format("llmroute.wire.openai_chat"),
    "anthropic-messages": Format("llmroute.wire.anthropic_messages"),
    "ollama-chat": Format(
        "llmroute.wire.ollama_chat", ndjson.Decoder, "application/x-ndjson", ("text/html",), ("options",)
    ),
    "oci-genai": Format("llmroute.wire.oci_chat"),
}
"""The formats by the name of their API."""
PLACEHOLDER = "none"
"""Sent as the bearer key where none was declared: local servers want some, and ignore it."""
ANTHROPIC_VERSION = "2023-06-01"
"""What a server of this format is asked for where the spec names no `api_version`: all of them know it."""


@dataclass(frozen=True, slots=True, repr=False)
class Prepared:
    """A call, ready for the wire. It has no repr: the key is in the headers, the prompt in the body."""

    method: ClassVar[str] = "POST"
    codec: ModuleType
    format: Format
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
    form = FORMATS[endpoint.api]
    codec = import_module(form.codec)
    encoded: Encoded = codec.encode_request(
        call.request, model=endpoint.model, stream=stream, quirks=endpoint.quirks, source=source_of(endpoint)
    )
    body = _with(encoded.body, endpoint.extra_body, form.settings) if endpoint.extra_body else encoded.body
    return Prepared(codec, form, url_of(endpoint), headers_of(call, stream=stream), body, encoded)


def _with(body: dict[str, Any], extra: Mapping[str, Any], settings: tuple[str, ...]) -> dict[str, Any]:
    """The body with `extra_body`, which is the stronger; `settings` are united, all else is replaced.

    >>> _with({"stream": True, "options": {"seed": 1}}, {"options": {"num_ctx": 8192}}, ("options",))
    {'stream': True, 'options': {'seed': 1, 'num_ctx': 8192}}
    """
    united = {**body, **extra}
    for name in settings:
        mine, added = body.get(name), extra.get(name)
        if isinstance(mine, dict) and isinstance(added, dict):
            united[name] = {**mine, **added}
    return united


def url_of(endpoint: Endpoint) -> str:
    """The URL that the format's requests go to.

    `/v1` belongs to the path of Anthropic's format, and to the base URL of OpenAI's; a base URL that ends with it
    is taken for what it means. Ollama's own API stands beside its `/v1`.
    """
    if endpoint.api == "oci-genai":
        return endpoint.base_url.removesuffix("/20231130") + "/20231130/actions/chat"
    if endpoint.api == "ollama-chat":
        return endpoint.base_url.removesuffix("/v1").removesuffix("/api") + "/api/chat"
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
        "accept": FORMATS[endpoint.api].stream_type if stream else "application/json",
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
