"""Endpoints, calls and wire samples that the adapter tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.adapters.base import Call
from llmroute.routing.route import Target
from llmroute.testing import good_answer as good
from llmroute.testing import good_stream as streamed
from llmroute.testing.answers import completion_chunk, head, piece, tail, whole
from llmroute.wire.chat import ChatRequest, Event, Reply, user

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.adapters.base import Adapter
    from llmroute.testing import FaultServer

__all__ = ["good", "head", "piece", "streamed", "tail", "whole"]
"""Those of the package that tests import from here."""

KEY = "sk-canary-0123456789abcdef"
PROMPT = "the prompt that must never show up in any message"
OPENAI, ANTHROPIC = "openai-chat", "anthropic-messages"
APIS = (OPENAI, ANTHROPIC)
ADAPTERS = (("http", OPENAI), ("http", ANTHROPIC), ("openai_sdk", OPENAI), ("anthropic_sdk", ANTHROPIC))
LIMITS = ("ends_at", "connect_s", "first_event_s", "idle_s")
PATHS = {OPENAI: "/v1/chat/completions", ANTHROPIC: "/v1/messages"}


def target(server_url: str, api: str = OPENAI, **changes: Any) -> Target:
    base_url = f"{server_url}/v1" if api == OPENAI else server_url
    given: dict[str, Any] = {"provider": "srv", "base_url": base_url, "model": "m-1", "locality": "local"}
    return Target(api=api, **{"auth": "bearer", **given, **changes})


def call(server: FaultServer | str, api: str = OPENAI, **changes: Any) -> Call:
    url = server if isinstance(server, str) else server.url
    timeout_s = changes.pop("timeout_s", 5.0)
    key = changes.pop("key", KEY)
    limits = {name: changes.pop(name) for name in LIMITS if name in changes}
    return Call(target(url, api, **changes), ChatRequest((user(PROMPT),)), key, timeout_s, **limits)


def chunk(text: str | None = None, finish: str | None = None) -> dict[str, Any]:
    return completion_chunk({} if text is None else {"content": text}, finish)


async def acollect(adapter: Adapter, made: Call) -> list[Event]:
    return [event async for event in adapter.astream(made)]


async def aclosing(adapter: Adapter, made: Call) -> Reply:
    """One asynchronous call, with everything closed afterwards."""
    try:
        return await adapter.acomplete(made)
    finally:
        await adapter.aclose()


def texts(events: Sequence[Event]) -> list[str]:
    return [event.text for event in events if event.type == "text_delta"]
