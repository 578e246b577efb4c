"""What all decoders share: judging cut tool calls, and answers that a tool stands for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.errors import ConversionError
from llmroute.wire.message import Part, Text, Thinking, ToolCall
from llmroute.wire.tools import ANSWER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llmroute.wire.reply import StopReason

CUT: frozenset[StopReason] = frozenset({"length", "content_filter"})
"""Reasons to stop that may have cut the last tool call."""
BESIDE = "content: the text beside the answer was left out"
TWICE = "content: only the first of several answers is kept"


def finished_calls(parts: Sequence[Part], stop_reason: StopReason) -> tuple[Part, ...]:
    """The parts of an answer, with the calls marked incomplete whose arguments ended only because the answer did."""
    if stop_reason not in CUT:
        return tuple(parts)
    return tuple(
        replace(part, complete=False) if isinstance(part, ToolCall) and is_cut(part, last=part is parts[-1]) else part
        for part in parts
    )


def is_cut(call: ToolCall, *, last: bool) -> bool:
    """Whether a call of an answer that was cut may have been cut with it.

    Arguments show it, plain text does not: the input of a custom tool counts as cut where it is the last thing said.

    >>> is_cut(ToolCall("1", "f", "{}"), last=True), is_cut(ToolCall("1", "f", "{}", custom=True), last=True)
    (False, True)
    """
    return last if call.custom else not is_object(call.arguments)


def provider(source: str, api: str) -> str | None:
    """Whose thoughts they are; None where only the API is known.

    >>> provider("deepseek", "openai-chat"), provider("openai-chat", "openai-chat")
    ('deepseek', None)
    """
    return None if source == api else source


def answered(parts: Sequence[Part], names: Mapping[str, str]) -> tuple[list[Part], tuple[str, ...]]:
    """The parts with tools under the names that the request gave them, and what was left out.

    Where a tool stands for the answer, its arguments are the text, and all other text is left out.
    """
    answers = [part for part in parts if isinstance(part, ToolCall) and names.get(part.name) == ANSWER]
    found: list[Part] = []
    lost: dict[str, None] = {}
    for part in parts:
        if answers and part is answers[0]:
            found.append(Text(answers[0].arguments))
        elif answers and isinstance(part, Text):
            lost[BESIDE] = None
        elif part in answers:
            lost[TWICE] = None
        else:
            found.append(_renamed(part, names) if isinstance(part, ToolCall) else part)
    return found, tuple(lost)


def _renamed(call: ToolCall, names: Mapping[str, str]) -> ToolCall:
    name = names.get(call.name)
    return call if name is None else replace(call, name=name)


def empty(parts: Iterable[Part], stop_reason: StopReason) -> tuple[str, ...]:
    """The warning that a model ended its answer without a word of it.

    >>> empty([Thinking("t")], "stop")
    ('content: the answer is empty',)
    """
    says_nothing = stop_reason == "stop" and all(isinstance(part, Thinking) for part in parts)
    return ("content: the answer is empty",) if says_nothing else ()


def is_object(arguments: str) -> bool:
    """Whether the text is a whole JSON object; no text at all is one."""
    try:
        ToolCall("", "", arguments).parsed()
    except ConversionError:
        return False
    return True
