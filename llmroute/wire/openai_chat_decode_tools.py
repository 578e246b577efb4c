"""OpenAI Chat Completions: the tools and the tool calls of a request that was received, or of a reply.

A custom tool, and a call of one, says the same as a function under another key: `input` is text in place of arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire import shape
from llmroute.wire.codec import OPENAI
from llmroute.wire.json_text import arguments_text
from llmroute.wire.message import ToolCall
from llmroute.wire.request import Tool, ToolChoice, ToolMode
from llmroute.wire.unknown import known, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS = ("function", "custom")
_CALL = {
    "function": known("id", "type", "index", function=known("name", "arguments")),
    "custom": known("id", "type", "index", custom=known("name", "input")),
}
_TOOL = {
    "function": known("type", function=known("name", "description", "parameters", "strict")),
    "custom": known("type", custom=known("name", "description")),
}
_ALLOWED = known("type", function=known("name"), custom=known("name"))


def tool_calls(items: list[Any], at: str, source: str = OPENAI) -> tuple[ToolCall, ...]:
    """Tool calls as requests and replies write them; a missing id is made from the place, an object becomes text.

    Raises:
        ConversionError: a call is neither of a function nor of a custom tool.
    """
    calls = []
    for i, item in enumerate(items):
        where = shape.pointer(at, i)
        row = shape.as_object(item, where)
        kind = shape.one_of(row.get("type") or "function", _KINDS, f"{where}/type")
        called, inner = shape.as_object(row.get(kind), f"{where}/{kind}"), f"{where}/{kind}"
        custom = kind == "custom"
        calls.append(
            ToolCall(
                shape.optional(row, "id", str, where) or f"call_{i}",
                shape.text(called, "name", inner),
                shape.text(called, "input", inner)
                if custom
                else arguments_text(called.get("arguments"), f"{inner}/arguments"),
                custom=custom,
                extra={source: rest} if (rest := unknown(row, _CALL[kind])) else {},
            )
        )
    return tuple(calls)


def functions(items: list[Any], extra: dict[str, Any]) -> tuple[Tool, ...]:
    """Functions and custom tools; those of other types go to `extra`, under the same name."""
    tools: list[Tool] = []
    for i, item in enumerate(items):
        row = shape.as_object(item, f"/tools/{i}")
        kind = shape.text(row, "type", f"/tools/{i}")
        if kind in _KINDS:
            tools.append(_tool(row, kind, f"/tools/{i}"))
        else:
            extra.setdefault("tools", []).append(row)
    return tuple(tools)


def _tool(row: Mapping[str, Any], kind: str, at: str) -> Tool:
    where = f"{at}/{kind}"
    inner = shape.as_object(row.get(kind), where)
    custom = kind == "custom"
    return Tool(
        shape.text(inner, "name", where),
        shape.optional(inner, "description", str, where) or "",
        {} if custom else shape.mapping(inner, "parameters", where),
        None if custom else shape.optional(inner, "strict", bool, where),
        custom=custom,
        extra={OPENAI: rest} if (rest := unknown(row, _TOOL[kind])) else {},
    )


def choice_of(value: object) -> ToolChoice | None:
    """Which tools may or must be called; None: nothing is said.

    Raises:
        ConversionError: it is no such choice.
    """
    at = "/tool_choice"
    if value is None:
        return None
    if isinstance(value, str):
        return ToolChoice(shape.one_of(value, ("auto", "none", "required"), at))
    row = shape.as_object(value, at)
    if shape.one_of(row.get("type"), (*_KINDS, "allowed_tools"), f"{at}/type") == "allowed_tools":
        return _allowed(shape.as_object(row.get("allowed_tools"), f"{at}/allowed_tools"), f"{at}/allowed_tools")
    return ToolChoice("named", _name(row, row["type"], at))


def _name(row: Mapping[str, Any], kind: str, at: str) -> str:
    return shape.text(shape.as_object(row.get(kind), f"{at}/{kind}"), "name", f"{at}/{kind}")


def _allowed(row: Mapping[str, Any], at: str) -> ToolChoice:
    mode: ToolMode = (
        "auto" if shape.one_of(row.get("mode"), ("auto", "required"), f"{at}/mode") == "auto" else "required"
    )
    names: list[str] = []
    for i, item in enumerate(shape.as_array(row.get("tools"), f"{at}/tools")):
        where = f"{at}/tools/{i}"
        row = shape.as_object(item, where)
        if unknown(row, _ALLOWED):
            raise ConversionError("a tool that is allowed has but a name", pointer=where)
        names.append(_name(row, shape.one_of(row.get("type"), _KINDS, f"{where}/type"), where))
    if not names:
        raise ConversionError("no tool is allowed", pointer=f"{at}/tools")
    return ToolChoice(mode, None, tuple(names))
