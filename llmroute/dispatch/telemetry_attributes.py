"""What the semantic conventions for generative AI call the things of a request; no content is among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.dispatch.advice import preset_of
from llmroute.errors import CallError
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.adapters.base import Call
    from llmroute.routing.route import Resolution, Target
    from llmroute.wire.chat import Reply, Usage

VENDORS = {
    "azure-openai": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "moonshot-cn": "moonshot_ai",
    "xai": "x_ai",
}
"""What `gen_ai.provider.name` calls the presets; all others by their own name."""
_SAID = (
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "seed",
    "frequency_penalty",
    "presence_penalty",
)
"""Parameters; the stop texts are content."""
_COUNTED = {
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "gen_ai.usage.cache_read.input_tokens": "cached_tokens",
    "gen_ai.usage.cache_creation.input_tokens": "cache_write_tokens",
    "gen_ai.usage.reasoning.output_tokens": "reasoning_tokens",
}


def names(resolution: Resolution) -> dict[str, Any]:
    """For whom and what for, the route, and the spec that says so."""
    query = resolution.query
    said = {"llmroute.agent": query.agent, "llmroute.purpose": query.purpose, "llmroute.client": query.client}
    route = {
        "llmroute.route": [target.name for target in resolution.route.targets],
        "llmroute.spec_hash": resolution.spec_hash,
    }
    return route | {name: value for name, value in said.items() if value is not None}


def place(target: Target) -> dict[str, Any]:
    """Who is asked: what all spans and metrics have in common."""
    preset, url = preset_of(target), parse(target.base_url)
    name = VENDORS.get(preset.name, preset.name) if preset else target.provider or target.api
    port = {"server.port": url.port} if url.port else {}
    return {
        "gen_ai.provider.name": name,
        "gen_ai.request.model": target.model,
        "server.address": url.host,
        **port,
    }


def asked(call: Call, *, streamed: bool) -> Iterator[tuple[str, Any]]:
    """The parameters of a request."""
    for name in _SAID:
        value = getattr(call.request.params, name)
        if value is not None:
            yield f"gen_ai.request.{name}", value
    if call.request.params.reasoning_effort is not None:
        yield "gen_ai.request.reasoning.level", call.request.params.reasoning_effort
    form = call.request.response_format
    if form is not None:
        yield "gen_ai.output.type", "text" if form.kind == "text" else "json"
    if streamed:
        yield "gen_ai.request.stream", True


def answer(reply: Reply) -> Iterator[tuple[str, Any]]:
    """What is known of an answer, but not the answer."""
    yield "gen_ai.response.finish_reasons", [reply.stop_reason]
    if reply.id:
        yield "gen_ai.response.id", reply.id
    if reply.model:
        yield "gen_ai.response.model", reply.model
    if reply.usage is not None:
        yield from counted(reply.usage)


def counted(usage: Usage) -> Iterator[tuple[str, int]]:
    """The counts that the provider gave."""
    for name, field in _COUNTED.items():
        count = getattr(usage, field)
        if count is not None:
            yield name, count


def error_type(failure: BaseException) -> str:
    """The kind of a failed call, else the class."""
    return failure.kind if isinstance(failure, CallError) else type(failure).__name__
