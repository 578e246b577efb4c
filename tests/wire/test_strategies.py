"""The strategies draw every field that the neutral conversation has; one that is added and not drawn fails here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from llmroute.wire.chat import Attempt, ChatRequest, Message, Params, Reply, ResponseFormat, Tool, ToolChoice, Usage
from llmroute.wire.codec import ANTHROPIC, OPENAI
from llmroute.wire.message import PART_TYPES
from llmroute.wire.reply import STOP_REASONS
from llmroute.wire.request import EFFORTS, FORMAT_KINDS, TOOL_MODES
from tests.wire.json_strategies import any_replies, any_requests
from tests.wire.reply_strategies import anthropic_replies, openai_replies
from tests.wire.strategies import anthropic_requests, openai_requests

REQUESTS = {OPENAI: openai_requests(), ANTHROPIC: anthropic_requests()}
REPLIES = {OPENAI: openai_replies(), ANTHROPIC: anthropic_replies()}
PARTS = tuple(PART_TYPES.values())
REQUEST = (ChatRequest, Message, *PARTS, Tool, ToolChoice, ResponseFormat, Params)
REPLY = (Reply, Message, Usage, *(PART_TYPES[name] for name in ("text", "thinking", "tool_call", "opaque")))
UNSAID = {"Text.pinned", "ToolResult.pinned", "Thinking.source"}
"""What no API is told: what pruning leaves alone, and whose thoughts they are."""
UNSAYABLE: dict[str, set[str]] = {
    OPENAI: {
        # Thoughts go to servers that want them, which a request does not say.
        "Thinking.text", "Thinking.signature", "Thinking.redacted", "Thinking.extra",
        # Documents of other kinds are lost or refused, and these have no word at all.
        "Document.url", "Document.text", "ToolResult.is_error", "ToolCall.complete", "Params.top_k",
        "Params.thinking_budget",
    },
    ANTHROPIC: {
        "Message.name", "Image.detail", "ToolCall.complete", "ToolCall.custom", "Tool.custom", "ToolChoice.allowed",
        "ResponseFormat.name", "ResponseFormat.description", "Params.seed", "Params.frequency_penalty",
        "Params.presence_penalty", "ChatRequest.metadata",
    },
}  # fmt: skip
OF_THE_ROUTER = {"Reply.attempts", "Reply.resolution", "Reply.mock", "Reply.warnings", "Message.name"}
"""What a reply does not bring from the wire."""
UNSAYABLE_REPLY: dict[str, set[str]] = {
    OPENAI: {"Thinking.signature", "Thinking.redacted", "Thinking.extra"},
    ANTHROPIC: {"Message.extra", "ToolCall.custom"},
}


WORDS = {*TOOL_MODES, *FORMAT_KINDS, *EFFORTS, "system", "user", "assistant", "tool"}
UNSAYABLE_WORDS = {OPENAI: {"max"}, ANTHROPIC: {"minimal", "text", "json_object"}}
REASONS: dict[str, set[str]] = {OPENAI: set(STOP_REASONS), ANTHROPIC: {*STOP_REASONS} - {"content_filter"}}


class Enough(Exception):  # noqa: N818
    """All that was looked for has been drawn."""


def seen(strategy: Any, wanted: set[str], most: int = 3000) -> set[str]:
    """What is drawn of the wanted: `Class.field` where it is not at its default, and the words of choices."""
    found: set[str] = set()

    @settings(
        max_examples=most,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
        print_blob=False,
    )
    @given(strategy)
    def look(value: Any) -> None:
        found.update(said(value))
        if found >= wanted:
            raise Enough

    with suppress(Enough):
        look()
    return found


def said(value: Any) -> set[str]:
    if isinstance(value, tuple | list):
        return set().union(*map(said, value)) if value else set()
    if not is_dataclass(value):
        return set()
    found: set[str] = set()
    for item in fields(value):
        mine = getattr(value, item.name)
        default = item.default_factory() if item.default_factory is not MISSING else item.default
        if mine != default and mine is not None:
            found |= {f"{type(value).__name__}.{item.name}"} | said(mine)
        if isinstance(mine, str) and item.name in {"mode", "kind", "reasoning_effort", "stop_reason", "role"}:
            found.add(mine)
    return found


def all_of(classes: tuple[type, ...]) -> set[str]:
    return {f"{cls.__name__}.{item.name}" for cls in classes for item in fields(cls)}


@pytest.mark.parametrize(("api", "strategy"), REQUESTS.items())
def test_requests(api: str, strategy: Any) -> None:
    wanted = (all_of(REQUEST) - UNSAID - UNSAYABLE[api]) | (WORDS - UNSAYABLE_WORDS[api])
    assert seen(strategy, wanted) >= wanted


@pytest.mark.parametrize(("api", "strategy"), REPLIES.items())
def test_replies(api: str, strategy: Any) -> None:
    wanted = (all_of(REPLY) - UNSAID - OF_THE_ROUTER - UNSAYABLE_REPLY[api]) | REASONS[api]
    assert seen(strategy, wanted) >= wanted


def test_requests_of_any_kind() -> None:
    wanted = all_of(REQUEST) | WORDS
    assert seen(any_requests, wanted) >= wanted


def test_replies_of_any_kind() -> None:
    wanted = (all_of((*REPLY, Attempt)) - {"Reply.resolution"}) | set(STOP_REASONS)
    assert seen(any_replies, wanted) >= wanted


@pytest.mark.parametrize("api", REQUESTS)
def test_what_is_called_unsayable_is(api: str) -> None:
    assert not (UNSAID | UNSAYABLE[api]) & seen(REQUESTS[api], {"what is never drawn"}, 100)
