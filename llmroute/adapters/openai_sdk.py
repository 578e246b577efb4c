"""OpenAI's own SDK as the transport to OpenAI, with the codec of `llmroute.wire` above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import openai

from llmroute.adapters.connections.httpx2_clients import async_client, sync_client
from llmroute.adapters.sdk import UNUSED_KEY, SDKExchange, aput_headers, put_headers

if TYPE_CHECKING:
    from llmroute.adapters.base import Endpoint


class OpenAISDKAdapter(SDKExchange):
    """`openai-chat` through `openai.OpenAI` and `openai.AsyncOpenAI`."""

    path = "/chat/completions"
    status_error = openai.APIStatusError
    sdk_error = openai.OpenAIError

    def _sync(self, endpoint: Endpoint) -> openai.OpenAI:
        return openai.OpenAI(http_client=sync_client(endpoint, [put_headers]), **_explicit(endpoint))

    def _async(self, endpoint: Endpoint) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(http_client=async_client(endpoint, [aput_headers]), **_explicit(endpoint))


def _explicit(endpoint: Endpoint) -> dict[str, Any]:
    """Every argument that the SDK would look up in the environment where it is missing."""
    query = {"api-version": endpoint.api_version} if endpoint.api_version else None
    return {
        "api_key": UNUSED_KEY,
        "admin_api_key": "",
        "organization": "",
        "project": "",
        "webhook_secret": "",
        "base_url": httpx2.URL(endpoint.base_url),
        "default_query": query,
        "max_retries": 0,
    }
