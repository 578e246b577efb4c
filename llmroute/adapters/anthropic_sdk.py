"""Anthropic's own SDK as the transport to Anthropic, with the codec of `llmroute.wire` above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic

from llmroute.adapters.connections.httpx2_clients import async_client, sync_client
from llmroute.adapters.sdk import UNUSED_KEY, SDKExchange, aput_headers, put_headers

if TYPE_CHECKING:
    from llmroute.adapters.base import Endpoint


class AnthropicSDKAdapter(SDKExchange):
    """`anthropic-messages` through `anthropic.Anthropic` and `anthropic.AsyncAnthropic`."""

    path = "/v1/messages"
    status_error = anthropic.APIStatusError
    sdk_error = anthropic.AnthropicError

    def _sync(self, endpoint: Endpoint) -> anthropic.Anthropic:
        return anthropic.Anthropic(http_client=sync_client(endpoint, [put_headers]), **_explicit(endpoint))

    def _async(self, endpoint: Endpoint) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(http_client=async_client(endpoint, [aput_headers]), **_explicit(endpoint))


def _explicit(endpoint: Endpoint) -> dict[str, Any]:
    """Every argument that the SDK would look up in the environment, or on disk, where it is missing."""
    return {
        "api_key": UNUSED_KEY,
        "webhook_key": "",
        "base_url": endpoint.base_url.removesuffix("/v1"),
        "open_telemetry": False,
        "max_retries": 0,
    }
