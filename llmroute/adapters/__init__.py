"""Who is called: codecs of `llmroute.wire` on a transport each, by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from llmroute.errors import LLMRouteError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmroute.adapters.base import Adapter, Endpoint

ADAPTERS: dict[str, str] = {
    "http": "llmroute.adapters.http:HttpAdapter",
    "openai_sdk": "llmroute.adapters.openai_sdk:OpenAISDKAdapter",
    "anthropic_sdk": "llmroute.adapters.anthropic_sdk:AnthropicSDKAdapter",
    "litellm": "llmroute.adapters.litellm_sdk:LiteLLMAdapter",
    "oci-genai": "llmroute.adapters.oci:OracleAdapter",
    "mock": "llmroute.adapters.mock:MockAdapter",
}
"""Name to `module:Class`. A module, and the SDK behind it, is imported at the first call through it."""
GROUP = "llmroute.adapters"
"""The entry point group of other packages: the name is the `api` that a spec writes, the value `module:Class`."""
_SDKS = {"openai-chat": "openai_sdk", "anthropic-messages": "anthropic_sdk"}
_HTTP = ("openai-chat", "anthropic-messages", "ollama-chat")


def adapter_name(endpoint: Endpoint) -> str:
    """The adapter for an endpoint: `mock`, a vendor's SDK where the spec says so, plain HTTP, else a registered one.

    Ollama's own API has no SDK here, so it is plain HTTP in any case.
    """
    if endpoint.api in _HTTP:
        return _SDKS.get(endpoint.api, "http") if endpoint.transport == "sdk" else "http"
    return endpoint.api


def create(name: str) -> Adapter:
    """A new instance of the adapter of that name, with the methods that it leaves out.

    Raises:
        LLMRouteError: nothing is registered under it, more than one thing is, or it has no `complete`.
    """
    path = ADAPTERS.get(name) or table().get(name)
    if path is None:
        raise LLMRouteError(f"no adapter for api {name!r}; known: {', '.join(sorted({*_HTTP, *table()}))}")
    module, _, attribute = path.partition(":")
    adapter: Adapter = getattr(import_module(module), attribute)()
    if name in ADAPTERS:
        return adapter
    from llmroute.adapters.defaults import with_defaults

    return with_defaults(adapter)


def table() -> dict[str, str]:
    """All adapters, those of other packages included.

    Raises:
        LLMRouteError: two of them have one name; which one would be called must never be a matter of luck.
    """
    from importlib.metadata import entry_points

    return merged((point.name, point.value) for point in entry_points(group=GROUP))


def merged(others: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The built-in table with `others` added.

    Raises:
        LLMRouteError: a name is taken already.
    """
    adapters = dict(ADAPTERS)
    for name, path in others:
        if name in adapters or name in _HTTP:
            taken = adapters.get(name, "llmroute itself")
            raise LLMRouteError(f"two adapters are named {name!r}: {taken} and {path}; uninstall one of the packages")
        adapters[name] = path
    return adapters
