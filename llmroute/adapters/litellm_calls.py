"""A call as arguments of LiteLLM's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import llmroute
from llmroute.adapters.failures import context, where
from llmroute.adapters.formats import PLACEHOLDER, source_of
from llmroute.errors import ConversionError, PolicyError, RequestError
from llmroute.wire import openai_chat
from llmroute.wire.codec import Encoded, Loss

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.adapters.base import Call

OVER_SDK = frozenset({
    "baseten", "cerebras", "custom_openai", "dashscope", "deepinfra", "empower", "featherless_ai",
    "friendliai", "galadriel", "github", "hyperbolic", "litellm_proxy", "llamafile", "lm_studio", "meta_llama",
    "moonshot", "morph", "nebius", "novita", "nscale", "nvidia_nim", "openai", "perplexity", "sambanova", "v0",
    "volcengine", "wandb", "xinference",
})  # fmt: skip
"""Providers that LiteLLM reaches through an OpenAI SDK; it takes one of ours."""
OVER_HTTPX = frozenset({
    "anthropic", "bedrock", "deepseek", "fireworks_ai", "gemini", "groq", "hosted_vllm", "mistral",
    "ollama", "ollama_chat", "openrouter", "xai",
})  # fmt: skip
"""Providers that it reaches through a handler on httpx; it takes one of ours."""
REFUSED = frozenset({
    "api_base", "api_key", "api_version", "base_url", "cache", "caching", "callbacks", "client", "cooldown_time",
    "context_window_fallback_dict", "custom_llm_provider", "deployment_id", "drop_params", "extra_headers",
    "failure_callback", "fallbacks", "headers", "input_callback", "litellm_credential_name", "litellm_logging_obj",
    "logger_fn", "max_retries", "messages", "mock_delay", "mock_response", "mock_timeout", "mock_tool_calls", "model",
    "model_list", "no-log", "num_retries", "retry_policy", "retry_strategy", "shared_session", "ssl_verify", "stream",
    "success_callback", "timeout",
})  # fmt: skip
"""Arguments that would change where a call goes, what follows a failure, or who is told."""
_MAY_GO = ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty", "reasoning_effort", "user")
"""Fields that are left out, with a warning, where LiteLLM says that the provider does not have them."""
_NOWHERE = "litellm://"
_HOME = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """What LiteLLM is asked. It has no repr: key and prompt are in it."""

    provider: str
    """LiteLLM's name of it."""
    base_url: str
    """Of the server, as far as LiteLLM says it."""
    arguments: dict[str, Any]
    headers: dict[str, str]
    """For clients that would send others beside them."""
    encoded: Encoded

    def client(self, way: Any) -> Any:
        """The client that the call goes through; None where it is LiteLLM's own."""
        if self.provider in OVER_SDK:
            return way.sdk(self.base_url or _HOME)
        return way.handler if self.provider in OVER_HTTPX else None


def asked_of(library: Any, call: Call, *, stream: bool) -> Asked:
    """The arguments of a call.

    Raises:
        ConversionError: the conversation can't be written.
        RequestError: the endpoint says what can't be asked of LiteLLM.
        PolicyError: the target is near, and LiteLLM would send from connections that nobody can hold to that.
    """
    endpoint = call.endpoint
    key = None if endpoint.auth == "none" else call.key or PLACEHOLDER
    base_url = _base_url(call)
    provider, found = _provider(library, call, key, base_url)
    if endpoint.locality != "remote" and provider not in OVER_SDK | OVER_HTTPX:
        raise PolicyError(
            f"LiteLLM reaches {provider} over connections of its own, which can't be held to be {endpoint.locality}",
            hint="give it to a provider with `api: openai-chat`, if the server speaks that",
            **context(endpoint),
        )
    encoded = openai_chat.encode_request(
        call.request, model=endpoint.model, stream=stream, quirks=endpoint.quirks, source=source_of(endpoint)
    )
    body, losses = dict(encoded.body), tuple(_unknown(library, call, provider, encoded))
    for loss in losses:
        body.pop(loss.field)
    arguments = {**body, **_settings(call, key, base_url), **_extra(call)}
    headers = {"user-agent": f"llmroute/{llmroute.__version__}"}
    headers |= {name.lower(): value for name, value in endpoint.headers.items()}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    told = encoded._replace(losses=(*encoded.losses, *losses))
    return Asked(provider, base_url or found, arguments, headers, told)


def _base_url(call: Call) -> str:
    """The server's URL; empty where LiteLLM is to know it."""
    url = call.endpoint.base_url
    if url.startswith(("http://", "https://")):
        return url
    if url.startswith(_NOWHERE):
        return ""
    raise RequestError(f"{where(call.endpoint)}: LiteLLM reaches URLs of HTTP alone", **context(call.endpoint))


def _provider(library: Any, call: Call, key: str | None, base_url: str) -> tuple[str, str]:
    """LiteLLM's name of the provider, and the URL that it knows of it."""
    endpoint = call.endpoint
    if "://" not in endpoint.model:  # some of its providers take a URL as a model, and would go there
        try:
            _, provider, _, found = library.get_llm_provider(
                model=endpoint.model, api_base=base_url or None, api_key=key
            )
        except library.exceptions.BadRequestError:
            provider, found = "", ""
        if provider:
            return provider, found or ""
    raise RequestError(
        f"{where(call.endpoint)}: LiteLLM knows no provider of the model {endpoint.model!r}",
        hint="write LiteLLM's name of the provider before the model: `openai/gpt-4o`, `bedrock/anthropic.claude-…`",
        **context(endpoint),
    )


def _unknown(library: Any, call: Call, provider: str, encoded: Encoded) -> Iterator[Loss]:
    """Fields of the request that the provider does not have, as LiteLLM says.

    Raises:
        ConversionError: losses are not wanted.
    """
    _, _, model = call.endpoint.model.partition("/")
    known = library.get_supported_openai_params(model=model or call.endpoint.model, custom_llm_provider=provider)
    for name in _MAY_GO if known else ():
        if name in encoded.body and name not in known:
            at = "/user" if name == "user" else f"/params/{name}"
            what = f"LiteLLM's {provider} has no such field"
            if call.endpoint.quirks.get("on_unsupported") == "error":
                raise ConversionError(f"{name}: {what}", pointer=at)
            yield Loss(at, name, what)


def _settings(call: Call, key: str | None, base_url: str) -> dict[str, Any]:
    """What holds for every call: nothing is asked again, kept, or told to others."""
    endpoint = call.endpoint
    settings = {
        "api_key": key,
        "base_url": base_url or None,
        "api_version": endpoint.api_version,
        "extra_headers": dict(endpoint.headers) or None,
    }
    return {
        **{name: value for name, value in settings.items() if value is not None},
        "max_retries": 0,
        "num_retries": 0,
        "caching": False,
        "cache": {"no-cache": True, "no-store": True},
    }


def _extra(call: Call) -> dict[str, Any]:
    extra = call.endpoint.extra_body
    for name in extra:
        if name in REFUSED:
            raise RequestError(
                f"{where(call.endpoint)}: {name} in extra_body is not handed to LiteLLM",
                hint="URL, key, headers, time limits and retries are settings of the provider",
                **context(call.endpoint),
            )
    return dict(extra)
