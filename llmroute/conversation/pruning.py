"""What of a conversation is sent where not all of it fits: pure, and the history itself stays whole.

Kept are the system messages, the first and the last message of the user, the end of the conversation, and whatever
holds a pinned part. The rest is left out until it fits: first calls of tools with their results, then other messages,
of each the oldest first, and those that speak of the current file after those that do not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from llmroute.dispatch.token_estimate import estimated_tokens
from llmroute.errors import ContextLengthError
from llmroute.wire.chat import ChatRequest, Params, Text, ToolCall, ToolResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmroute.wire.chat import Message, Part

ANSWER_SHARE = 4
"""A request that says no `max_tokens` leaves a fourth of the window to the answer, or all that the model can write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a request has to fit into."""

    tokens: int
    """Input and output together."""
    max_output: int | None = None
    """The most tokens that the model can write, where that is known."""
    scale: float = 1.0
    """How many tokens the provider counts where one is estimated."""
    current_file: str | None = None
    """The path of the file that is being worked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What one attempt left out of the history."""

    target: str
    """`provider/model`."""
    window: int
    """Tokens of input and output together."""
    tokens_before: int
    """The input, tools included, as it was estimated."""
    tokens_after: int
    dropped: tuple[int, ...]
    """Places in `Conversation.messages`, in order."""


class Pruning(NamedTuple):
    """A request that fits, and what that took."""

    request: ChatRequest
    dropped: tuple[int, ...] = ()
    """Places in the messages of the request as it was, in order."""
    tokens_before: int = 0
    tokens_after: int = 0


class _Unit(NamedTuple):
    """Messages that stay or go together: one, with the tool results that follow it."""

    places: range
    tokens: int
    messages: Sequence[Message]

    @property
    def is_exchange(self) -> bool:
        """Whether tools were called."""
        return len(self.messages) > 1 or bool(self.messages[0].tool_calls)


def prune(request: ChatRequest, window: Window) -> Pruning:
    """The request without what does not fit the window; itself where all does.

    Raises:
        ContextLengthError: not even what must stay fits; nothing was sent.
    """
    fixed = ceil(window.scale * estimated_tokens(replace(request, messages=(), params=Params())))
    units = list(_units(request.messages, window.scale))
    before = fixed + sum(unit.tokens for unit in units)
    room, left, out = window.tokens - _for_answer(request, window), before, set[int]()
    for unit in _droppable(units, window.current_file):
        if left <= room:
            break
        out.update(unit.places)
        left -= unit.tokens
    if left > window.tokens:
        error = ContextLengthError(
            f"what must stay of the conversation comes to about {left} tokens, more than the {window.tokens} that fit"
        )
        error.own_limit = True
        raise error
    if not out:
        return Pruning(request, (), before, before)
    kept = tuple(message for i, message in enumerate(request.messages) if i not in out)
    return Pruning(replace(request, messages=kept), tuple(sorted(out)), before, left)


def _for_answer(request: ChatRequest, window: Window) -> int:
    most = window.tokens // ANSWER_SHARE if request.params.max_tokens is None else request.params.max_tokens
    return most if window.max_output is None else min(most, window.max_output)


def _units(messages: Sequence[Message], scale: float) -> Iterator[_Unit]:
    start = 0
    for end in range(1, len(messages) + 1):
        if end == len(messages) or messages[end].role != "tool":
            part = messages[start:end]
            yield _Unit(range(start, end), ceil(scale * estimated_tokens(ChatRequest(tuple(part)))), part)
            start = end


def _droppable(units: Sequence[_Unit], current_file: str | None) -> list[_Unit]:
    """What may go, in the order in which it goes."""
    by_user = [i for i, unit in enumerate(units) if unit.messages[0].role == "user"]
    stays = {*by_user[:1], *by_user[-1:], len(units) - 1}
    free = [
        unit
        for i, unit in enumerate(units)
        if i not in stays and unit.messages[0].role != "system" and not _is_pinned(unit)
    ]
    names = {current_file, json.dumps(current_file)[1:-1]} if current_file else set()
    return sorted(free, key=lambda unit: (not unit.is_exchange, _mentions(unit, names), unit.places.start))


def _is_pinned(unit: _Unit) -> bool:
    return any(_pinned(part) for message in unit.messages for part in message.content)


def _pinned(part: Part) -> bool:
    if isinstance(part, ToolResult):
        return part.pinned or any(_pinned(inner) for inner in part.content)
    return isinstance(part, Text) and part.pinned


def _mentions(unit: _Unit, names: set[str]) -> bool:
    texts = [text for message in unit.messages for part in message.content for text in _texts(part)]
    return any(name in text for name in names for text in texts)


def _texts(part: Part) -> tuple[str, ...]:
    if isinstance(part, ToolCall):
        return (part.arguments,)
    return (part.text,) if isinstance(part, Text | ToolResult) else ()
