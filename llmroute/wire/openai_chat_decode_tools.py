"""OpenAI Chat Completions: the tools and the tool calls of a request that was received, or of a reply."""

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

_CALL = known("id", "type", "index", function=known("name", "arguments"))
_TOOL = known("type", function=known("name", "description", "parameters", "strict"))
_ALLOWED = known("type", function=known("name"))


def tool_calls(items: list[Any], at: str, source: str = OPENAI) -> tuple[ToolCall, ...]:
    """Tool calls as requests and replies write them; a missing id is made from the place, an object becomes text.

    Raises:
        ConversionError: a call is no function call.
    """
    calls = []
    for i, item in enumerate(items):
        where = shape.pointer(at, i)
        row = shape.as_object(item, where)
        if row.get("type") not in ("function", None, ""):
            raise ConversionError("a tool call that is no function call", pointer=f"{where}/type")
        function = shape.as_object(row.get("function"), f"{where}/function")
        calls.append(
            ToolCall(
                shape.optional(row, "id", str, where) or f"call_{i}",
                shape.text(function, "name", f"{where}/function"),
                arguments_text(function.get("arguments"), f"{where}/function/arguments"),
                extra={source: rest} if (rest := unknown(row, _CALL)) else {},
            )
        )
    return tuple(calls)


def functions(items: list[Any], extra: dict[str, Any]) -> tuple[Tool, ...]:
    """The functions; tools of other types go to `extra`, under the same name."""
    tools: list[Tool] = []
    for i, item in enumerate(items):
        row = shape.as_object(item, f"/tools/{i}")
        if shape.text(row, "type", f"/tools/{i}") == "function":
            tools.append(_tool(row, f"/tools/{i}"))
        else:
            extra.setdefault("tools", []).append(row)
    return tuple(tools)


def _tool(row: Mapping[str, Any], at: str) -> Tool:
    function = shape.as_object(row.get("function"), f"{at}/function")
    where = f"{at}/function"
    return Tool(
        shape.text(function, "name", where),
        shape.optional(function, "description", str, where) or "",
        shape.mapping(function, "parameters", where),
        shape.optional(function, "strict", bool, where),
        extra={OPENAI: rest} if (rest := unknown(row, _TOOL)) else {},
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
    if shape.one_of(row.get("type"), ("function", "allowed_tools"), f"{at}/type") == "allowed_tools":
        return _allowed(shape.as_object(row.get("allowed_tools"), f"{at}/allowed_tools"), f"{at}/allowed_tools")
    function = shape.as_object(row.get("function"), f"{at}/function")
    return ToolChoice("named", shape.text(function, "name", f"{at}/function"))


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
        function = shape.as_object(row.get("function"), f"{where}/function")
        names.append(shape.text(function, "name", f"{where}/function"))
    if not names:
        raise ConversionError("no tool is allowed", pointer=f"{at}/tools")
    return ToolChoice(mode, None, tuple(names))
