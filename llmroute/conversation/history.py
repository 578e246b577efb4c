"""The history of a conversation: which calls await a result, what a result may be, and what every API can read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from llmroute.errors import ConversationError, ConversionError
from llmroute.wire.chat import Message, Text, ToolCall, ToolResult, user
from llmroute.wire.message import ResultPart

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmroute.wire.chat import Part

_RESULT_PARTS = get_args(ResultPart)


def awaiting(messages: Sequence[Message]) -> tuple[ToolCall, ...]:
    """The calls of the last answer that have no result yet, in order."""
    answered: set[str] = set()
    for message in reversed(messages):
        if message.role != "tool":
            return tuple(call for call in message.tool_calls if call.id not in answered)
        answered.update(part.tool_call_id for part in message.content if isinstance(part, ToolResult))
    return ()


def extended(
    messages: tuple[Message, ...], message: str | Part | Iterable[Part] | Message | None
) -> tuple[Message, ...]:
    """The messages of the next request: with one more of the user's, or as they are.

    Raises:
        ConversationError: calls await their results, or there is nothing to answer.
    """
    if calls := awaiting(messages):
        ids = ", ".join(repr(call.id) for call in calls)
        raise ConversationError(f"the tool calls {ids} await their results: see `add_tool_result` and `run_tools`")
    if message is not None:
        return (*messages, message if isinstance(message, Message) else user(message))
    if not messages or messages[-1].role not in {"user", "tool"}:
        raise ConversationError("there is nothing to answer: pass a message")
    return messages


def result_of(call_id: str, value: object, *, is_error: bool = False, pinned: bool = False) -> ToolResult:
    """What a tool gave back, as a result: a text, parts, a `ToolResult`, None, or anything that JSON can hold.

    Raises:
        TypeError: it is none of these.
    """
    if isinstance(value, ToolResult):
        said = replace(value, tool_call_id=call_id)
        return replace(said, is_error=said.is_error or is_error, pinned=said.pinned or pinned)
    return ToolResult(call_id, _parts(value), is_error, pinned)


def _parts(value: Any) -> tuple[ResultPart, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (Text(value),)
    if isinstance(value, _RESULT_PARTS):
        return (value,)
    if isinstance(value, list | tuple) and value and all(isinstance(part, _RESULT_PARTS) for part in value):
        return tuple(value)
    try:
        return (Text(json.dumps(value, ensure_ascii=False)),)
    except (TypeError, ValueError, RecursionError):
        pass  # raised out here: the original names what is in it
    raise TypeError(f"a tool gives a text, parts, a ToolResult or JSON data, not {type(value).__name__}")


def readable(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages, with arguments that are no JSON object put into one, so that every API takes them.

    The form `{"INVALID_JSON": …}` is the one that Anthropic's documentation gives for sending broken arguments back.
    """
    if all(_is_whole(part) for message in messages for part in message.content):
        return messages
    return tuple(replace(message, content=tuple(map(_mended, message.content))) for message in messages)


def _mended(part: Part) -> Part:
    if not isinstance(part, ToolCall) or _is_whole(part):
        return part
    arguments = json.dumps({"INVALID_JSON": part.arguments}, ensure_ascii=False)
    return replace(part, arguments=arguments, complete=True)


def _is_whole(part: Part) -> bool:
    if not isinstance(part, ToolCall) or part.custom:
        return True
    try:
        part.parsed()
    except ConversionError:
        return False
    return True
