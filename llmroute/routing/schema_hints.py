"""What the JSON Schema says for editors alone: examples, and what each value of a choice means.

Nothing here changes what a document may hold. There is no `default` anywhere: the YAML language server would write
every one of them into each mapping that it completes.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_API = {
    "openai-chat": "OpenAI's Chat Completions: most servers speak it.",
    "anthropic-messages": "Anthropic's Messages.",
    "ollama-chat": "Ollama's own API.",
    "litellm": "Any provider of LiteLLM's (extra litellm).",
    "oci-genai": "Oracle's generative AI inference (extra oci).",
    "mock": "Scripted replies; nothing is sent.",
}
_AT_MOST = {
    "local": "This machine.",
    "lan": "A private network, or this machine.",
    "remote": "Anywhere.",
}
_EXACTLY = {
    "local": "This machine.",
    "lan": "A private network.",
    "remote": "Anywhere else.",
}
_FAILURE = {
    "auth": "401 or 403: a wrong key is to be mended.",
    "quota": "No credit is left.",
    "rate": "429: too many requests.",
    "overload": "503 or 529: the server has too much to do.",
    "server": "Another 5xx, 408 or 409.",
    "connect": "Nothing was sent.",
    "ambiguous": "Sent, and no answer came: it may have been billed.",
    "model": "The provider does not have the model.",
    "context": "The conversation is too long for the model.",
    "refusal": "The model or a filter refused.",
    "malformed": "The answer is none.",
    "truncated": "A stream broke off before any content.",
}

MEANINGS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "api": _API,
        "apis": _API,
        "auth": {
            "bearer": "Authorization: Bearer KEY",
            "x-api-key": "x-api-key: KEY, as Anthropic's API takes it.",
            "api-key": "api-key: KEY, as Azure takes it.",
            "none": "No key is sent.",
        },
        "locality": _EXACTLY,
        "localities": _EXACTLY,
        "Require.locality": _AT_MOST,
        "PolicyRequire.locality": _AT_MOST,
        "transport": {
            "http": "Plain HTTP.",
            "sdk": "The vendor's own SDK.",
        },
        "proxy": {
            "none": "Direct, the default.",
            "env": "By HTTP_PROXY, HTTPS_PROXY and NO_PROXY.",
        },
        "retry_on": _FAILURE,
        "fallback_on": _FAILURE,
        "fault": {
            **_FAILURE,
            "request": "400: the request's own fault.",
            "connect-timeout": "No connection is accepted, until `connect_timeout`.",
            "timeout": "No answer comes, until `timeout`.",
        },
        "on_stream_break": {
            "error": "The stream ends in an error, the default.",
            "continue": "The next target that takes a prefill writes on.",
            "restart": "The next target begins anew.",
        },
        "sticky": {
            "none": "Each request is decided by itself, the default.",
            "conversation": "A conversation stays where it was answered last.",
        },
        "on_unsupported": {
            "warn": "It is left out, and named on the reply; the default.",
            "error": "Nothing is sent.",
        },
    }
)
"""What the values of a setting mean, by its name, or by `Class.setting`."""

EXAMPLES: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "temperature": (0.2,),
        "top_p": (0.95,),
        "top_k": (40,),
        "max_tokens": (4096,),
        "stop": (["END"],),
        "seed": (42,),
        "frequency_penalty": (0.5,),
        "presence_penalty": (0.5,),
        "timeout": (60,),
        "connect_timeout": (3,),
        "first_event_timeout": (30,),
        "idle_timeout": (15,),
        "max_retries": (1,),
        "deadline": (120,),
        "max_attempts": (4,),
        "retry_on": (["rate", "overload", "connect"],),
        "fallback_on": (["quota", "rate", "overload", "server", "connect"],),
        "base_url": ("http://localhost:8000/v1",),
        "api_key": ("${MY_SERVER_KEY}", "${MY_SERVER_KEY:-none}"),
        "api_version": ("2023-06-01",),
        "headers": ({"X-Team": "compilers"},),
        "extra_body": ({"options": {"num_ctx": 32768}},),
        "model": ("anthropic/claude-sonnet-5-5", "openai/gpt-6-luna", "ollama/qwen3:8b"),
        "fallbacks": (["openai/gpt-6-luna"], []),
        "metadata": ({"compact_prompts": True},),
        "context_window": (32768,),
        "Provider.model": ("claude-sonnet-5-5", "gpt-6-luna", "qwen3:8b"),
        "Provider.models": (["qwen3:8b"],),
        "Provider.regions": (["eu"],),
        "Provider.aliases": ({"claude-haiku-5-5": "qwen3:8b"},),
        "Provider.purposes": ({"planning": {"model": "claude-opus-5-5"}},),
        "ProviderPurpose.model": ("claude-opus-5-5",),
        "Expect.model": ("claude-sonnet-5-5",),
        "Expect.fallbacks": (["openai/gpt-6-luna"],),
        "Fault.model": ("claude-sonnet-5-5",),
        "KeyFile.file": ("/run/secrets/anthropic",),
        "Limits.requests_per_minute": (60,),
        "Limits.tokens_per_minute": (100_000,),
        "Limits.concurrency": (4,),
        "Quirks.top_k": (),
        "Quirks.default_max_tokens": (8192,),
        "Quirks.seed_field": ("random_seed",),
        "Env.prefix": ("MYTOOL_",),
        "Env.names": ({"model": ["MYTOOL_MODEL"]},),
        "Policy.name": ("secrets-stay-here",),
        "Policy.agents": (["file-picker", "secret-*"],),
        "Policy.purposes": (["planning"],),
        "Policy.clients": (["ci"],),
        "Policy.because": ("the repository is under embargo",),
        "PolicyRequire.providers": (["anthropic", "my-*"],),
        "PolicyRequire.regions": (["eu"],),
        "PolicyDeny.providers": (["deepseek"],),
        "PolicyDeny.models": (["*-preview", "openai/*"],),
        "PolicyDeny.hosts": (["*.example.com"],),
    }
)
"""Values as people write them, by the name of a setting, or by `Class.setting`."""

PROVIDER_NAMES = frozenset(
    {
        *("Scope.provider", "NamedScope.provider", "Endpoint.provider", "Provider.preset"),
        *("PolicyRequire.providers", "PolicyDeny.providers"),
    }
)
"""Where a provider is named: the presets are offered, and any other name, or a glob, may stand there."""

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "providers": "A preset's name, or one of your own.",
        "purposes": "What a call is for, as the program names it.",
        "agents": 'A part of the program, as it names itself. "*" takes in all other names.',
        "clients": "A program that embeds the engine, as it names itself.",
    }
)
"""What the keys of a group are."""
