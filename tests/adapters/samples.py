"""Endpoints, calls and wire samples that the adapter tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.adapters.base import Call
from llmroute.routing.route import Target
from llmroute.wire.chat import ChatRequest, Event, Reply, user
from tests.faultserver.server import answer, sse, stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.adapters.base import Adapter
    from tests.faultserver.server import FaultServer, Step

KEY = "sk-canary-0123456789abcdef"
PROMPT = "the prompt that must never show up in any message"
OPENAI, ANTHROPIC = "openai-chat", "anthropic-messages"
APIS = (OPENAI, ANTHROPIC)
ADAPTERS = (("http", OPENAI), ("http", ANTHROPIC), ("openai_sdk", OPENAI), ("anthropic_sdk", ANTHROPIC))
PATHS = {OPENAI: "/v1/chat/completions", ANTHROPIC: "/v1/messages"}


def target(server_url: str, api: str = OPENAI, **changes: Any) -> Target:
    base_url = f"{server_url}/v1" if api == OPENAI else server_url
    given: dict[str, Any] = {"provider": "srv", "base_url": base_url, "model": "m-1", "locality": "local"}
    return Target(api=api, **{"auth": "bearer", **given, **changes})


def call(server: FaultServer | str, api: str = OPENAI, **changes: Any) -> Call:
    url = server if isinstance(server, str) else server.url
    timeout_s = changes.pop("timeout_s", 5.0)
    key = changes.pop("key", KEY)
    ends_at = changes.pop("ends_at", None)
    return Call(target(url, api, **changes), ChatRequest((user(PROMPT),)), key, timeout_s, ends_at)


def chunk(text: str | None = None, finish: str | None = None) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 0, "model": "m-1-real", "choices": choices}


def whole(api: str, text: str = "Four.") -> dict[str, Any]:
    """A complete answer of that API."""
    if api == ANTHROPIC:
        return {
            "id": "m-1",
            "type": "message",
            "role": "assistant",
            "model": "m-1-real",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 7, "output_tokens": 2},
        }
    return {
        "id": "c-1",
        "object": "chat.completion",
        "created": 0,
        "model": "m-1-real",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
    }


def head(api: str) -> list[dict[str, Any] | str]:
    """What a stream sends before its first text."""
    if api == OPENAI:
        return []
    message = {**whole(api), "content": [], "stop_reason": None, "usage": {"input_tokens": 7, "output_tokens": 1}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    return [{"type": "message_start", "message": message}, block]


def piece(api: str, text: str) -> dict[str, Any]:
    if api == OPENAI:
        return chunk(text)
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


def tail(api: str) -> list[dict[str, Any] | str]:
    """What a stream sends after its last text."""
    if api == OPENAI:
        usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
        return [chunk(finish="stop"), {**chunk(), "choices": [], "usage": usage}, "[DONE]"]
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]


def good(api: str, text: str = "Four.") -> list[Step]:
    return answer(200, whole(api, text))


def streamed(api: str, *texts: str) -> list[Step]:
    return stream(sse(*head(api)), *(sse(piece(api, text)) for text in texts), sse(*tail(api)))


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
