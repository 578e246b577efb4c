"""The data of Coda's provider interface, field by field as in `coda.base.providers.base`; its way to ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from llmroute.compat.bridge import Sums, arguments_of
from llmroute.routing.capabilities import capability
from llmroute.routing.endpoints import facts_of
from llmroute.wire import chat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmroute.compat.bridge import Types
    from llmroute.dispatch.router import Router
    from llmroute.wire.chat import Event, Reply

__all__ = [
    "AuthenticationError",
    "ChatCompletion",
    "ChatCompletionChunk",
    "Message",
    "Model",
    "ModelNotFoundError",
    "ProviderConnectionError",
    "ProviderError",
    "Role",
    "Tool",
    "ToolCall",
    "ToolNotSupportedError",
    "ToolResult",
]
ERRORS = {
    "": "ProviderError",
    "auth": "AuthenticationError",
    "model": "ModelNotFoundError",
    "tools": "ToolNotSupportedError",
    **dict.fromkeys(
        ("connect", "ambiguous", "truncated", "malformed", "deadline", "server", "overload"), "ProviderConnectionError"
    ),
}
"""Kinds of failure, and the exception of each; all others are the one under the empty string."""


class ProviderError(Exception):
    """A call failed; the cause is llmroute's own error."""


class ModelNotFoundError(ProviderError):
    """The provider does not have the model."""


class AuthenticationError(ProviderError):
    """The key is missing, or was refused."""


class ToolNotSupportedError(ProviderError):
    """The model calls no tools."""


class ProviderConnectionError(ProviderError):
    """The provider can't be reached, failed or broke off."""


class Role(str, Enum):  # noqa: UP042 - as Coda has it: a StrEnum prints differently
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass
class Tool:
    """A tool that the model may call."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass
class ToolCall:
    """A tool that the model wants called."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass
class ToolResult:
    """What a tool gave back."""

    tool_call_id: str
    content: str
    is_error: bool = False


@dataclass
class Message:
    """One message of a chat."""

    role: Role
    content: str
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass
class ChatCompletion:
    """A whole answer."""

    content: str
    model: str
    finish_reason: str | None = None
    tool_calls: list[ToolCall] | None = None
    usage: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass
class ChatCompletionChunk:
    """A piece of an answer."""

    content: str
    model: str
    finish_reason: str | None = None
    tool_calls: list[ToolCall] | None = None
    usage: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass
class Model:
    """What a provider offers."""

    id: str
    name: str
    provider: str
    context_length: int | None = None
    max_tokens: int | None = None
    supports_streaming: bool = True
    supports_functions: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)


def completion_of(reply: Reply, types: Types) -> ChatCompletion:
    """An answer as Coda has it."""
    completion: ChatCompletion = types.make("ChatCompletion", content=reply.text, **_about(reply, types))
    return completion


def chunk_of(event: Event, model: str, types: Types) -> ChatCompletionChunk | None:
    """An event as Coda has it: text as it comes, all else with the last piece; None for the rest."""
    made: dict[str, Any]
    match event:
        case chat.TextDelta(text=text) if text:
            made = {"content": text, "model": model}
        case chat.Finish(reply=reply):
            made = {"content": "", **_about(reply, types)}
        case _:
            return None
    chunk: ChatCompletionChunk = types.make("ChatCompletionChunk", **made)
    return chunk


def _about(reply: Reply, types: Types) -> dict[str, Any]:
    sums = Sums.of(reply)
    usage = {"prompt_tokens": sums.input_tokens, "completion_tokens": sums.output_tokens}
    calls = [
        types.make("ToolCall", id=call.id, name=call.name, arguments=arguments_of(call)) for call in reply.tool_calls
    ]
    return {
        "model": reply.model,
        "finish_reason": reply.stop_reason,
        "tool_calls": calls or None,
        "usage": {**usage, "total_tokens": sum(usage.values())} if reply.usage else None,
        "metadata": {"target": reply.attempts[-1].target, "cost_usd": sums.cost_usd},
    }


def models_of(router: Router, agent: str | None, types: Types) -> list[Model]:
    """What the provider of an agent's primary target offers; the spec's own model is always among it.

    Raises:
        LLMRouteError: the provider can't be asked, and never was.
    """
    target, listing = router.resolve(agent=agent).target, router.models(agent=agent)
    if listing.error is not None and not listing.models:
        raise listing.error
    offered = {row.name: row.facts for row in listing.models if row.facts.get("chat") is not False}
    facts = facts_of(router.spec, target.provider, None) if target.provider else None
    models = []
    for name, said in {target.model: {}, **offered}.items():
        known = {
            what: said.get(what, capability(facts, name, what)) for what in ("context_window", "max_output", "tools")
        }
        made = {"context_length": known["context_window"], "max_tokens": known["max_output"], "metadata": dict(said)}
        made["supports_functions"] = known["tools"] is not False
        models.append(types.make("Model", id=name, name=name, provider=target.provider or target.base_url, **made))
    return models


def request_of(messages: Iterable[Any], tools: Iterable[Any] | None = None) -> chat.ChatRequest:
    """Messages and tools of Coda's; a message may be its dictionary."""
    rows = [row if isinstance(row, Mapping) else vars(row) for row in messages]
    offered = tuple(chat.Tool(tool.name, tool.description, tool.parameters) for tool in tools or ())
    return chat.ChatRequest(tuple(map(_message, rows)), tools=offered)


def _message(row: Mapping[str, Any]) -> chat.Message:
    role, content, notes = Role(row["role"]), row.get("content") or "", row.get("metadata") or {}
    if role is Role.TOOL:
        flags = {name: bool(notes.get(name)) for name in ("is_error", "pinned")}
        return chat.tool_result(row.get("tool_call_id") or "", content, **flags)
    calls = [
        chat.ToolCall(call.id, call.name, json.dumps(call.arguments, ensure_ascii=False))
        for call in row.get("tool_calls") or ()
    ]
    said = (chat.Text(content, pinned=bool(notes.get("pinned"))),) if content or not calls else ()
    return chat.Message(role.value, (*said, *calls))
