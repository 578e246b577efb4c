"""Anthropic Messages: a request that was received, as the neutral conversation."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire import shape
from llmroute.wire.codec import ANTHROPIC, Decoded
from llmroute.wire.json_text import arguments_text
from llmroute.wire.message import (
    Document,
    Extra,
    Image,
    Message,
    Opaque,
    Part,
    ResultPart,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from llmroute.wire.replies import provider
from llmroute.wire.request import EFFORTS, ChatRequest, Effort, Params, ResponseFormat, Tool, ToolChoice, ToolMode
from llmroute.wire.unknown import Known, known, said, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUEST_FIELDS = frozenset({
    "model", "messages", "system", "max_tokens", "stream", "tools", "tool_choice", "temperature", "top_p", "top_k",
    "stop_sequences", "metadata", "thinking", "output_config",
})  # fmt: skip
_BLOCK: dict[str, Known] = {
    "text": known("type", "text"),
    "thinking": known("type", "thinking", "signature"),
    "redacted_thinking": known("type", "data"),
    "tool_use": known("type", "id", "name", "input"),
    "image": known("type", source=known("type", "url", "media_type", "data")),
    "document": known("type", "title", source=known("type", "url", "media_type", "data")),
    "tool_result": known("type", "tool_use_id", "content", "is_error"),
}
_TOOL = known("type", "name", "description", "input_schema", "strict")
_CHOICE = known("type", "name", "disable_parallel_tool_use")
_CONFIG = known("effort", format=known("type", "schema"))
_PDF, _PLAIN = (None, "application/pdf"), (None, "text/plain")
_MODES: dict[str, ToolMode] = {"auto": "auto", "any": "required", "none": "none", "tool": "named"}


def decode_request(body: object) -> Decoded:
    """The request in a body (parsed JSON).

    Raises:
        ConversionError: the body is no request; `pointer` says where.
    """
    row = shape.as_object(body, "")
    messages: list[Message] = []
    system = _blocks(row.get("system"), "/system") if row.get("system") is not None else ()
    if system:
        messages.append(_message("system", system, "/system"))
    for i, item in enumerate(shape.as_array(row.get("messages"), "/messages")):
        messages += _turn(item, f"/messages/{i}")
    extra = shape.rest(row, _REQUEST_FIELDS)
    inner = {
        "tool_choice": unknown(shape.mapping(row, "tool_choice", ""), _CHOICE),
        "metadata": unknown(shape.mapping(row, "metadata", ""), known("user_id")),
        "output_config": unknown(shape.mapping(row, "output_config", ""), _CONFIG),
    }
    extra |= said(inner)
    tools = _tools(shape.array(row, "tools", ""), extra)
    choice = shape.mapping(row, "tool_choice", "")
    parallel = shape.optional(choice, "disable_parallel_tool_use", bool, "/tool_choice")
    request = ChatRequest(
        tuple(messages),
        tools=tools,
        tool_choice=_choice(choice) if choice else None,
        parallel_tool_calls=None if parallel is None else not parallel,
        response_format=_format(row),
        params=_params(row, extra),
        user=shape.optional(shape.mapping(row, "metadata", ""), "user_id", str, "/metadata"),
        extra={ANTHROPIC: extra} if extra else {},
    )
    return Decoded(request, shape.text(row, "model", ""), shape.optional(row, "stream", bool, "") or False)


def _turn(data: object, at: str) -> list[Message]:
    """One turn; a user turn with tool results becomes a tool message, and a user message for the rest."""
    row = shape.as_object(data, at)
    role = shape.one_of(row.get("role"), ("user", "assistant", "system"), f"{at}/role")
    parts = _blocks(row.get("content"), f"{at}/content")
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    others = tuple(part for part in parts if not isinstance(part, ToolResult))
    rest = unknown(row, known("role", "content"))
    extra = {ANTHROPIC: rest} if rest else {}
    messages = [Message("tool", results, extra=extra)] if results and role == "user" else []
    if results and role != "user":
        raise ConversionError("only a user message holds tool results", pointer=f"{at}/content")
    if others or not results:
        messages.append(_message(role, others, f"{at}/content", {} if messages else extra))
    return messages


def _message(role: str, parts: tuple[Part, ...], at: str, extra: Extra = MappingProxyType({})) -> Message:
    neutral: Role = "assistant" if role == "assistant" else "user" if role == "user" else "system"
    try:
        return Message(neutral, parts, extra=extra)
    except ValueError as error:
        raise ConversionError(str(error), pointer=at) from error


def _blocks(content: object, at: str) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),) if content else ()
    return tuple(block_of(item, f"{at}/{i}") for i, item in enumerate(shape.as_array(content, at)))


def block_of(data: object, at: str, source: str = ANTHROPIC) -> Part:
    """The part that a block of a request or a reply is; `Opaque` when there is no word for it.

    Raises:
        ConversionError: a block that is known has the wrong shape.
    """
    row = shape.as_object(data, at)
    kind = shape.text(row, "type", at)
    if kind == "image":
        return _image(row, at)
    if kind == "document":
        return _document(row, at)
    if kind == "tool_result":
        return _result(row, at)
    return _said(row, kind, at, source) or Opaque(ANTHROPIC, row)


def _said(row: Mapping[str, Any], kind: str, at: str, source: str) -> Part | None:
    """The blocks that a model writes."""
    match kind:
        case "text":
            return Text(shape.text(row, "text", at), extra=extra_of(row, source))
        case "thinking":
            signature = shape.optional(row, "signature", str, at)
            extra, whose = extra_of(row, source), provider(source, ANTHROPIC)
            return Thinking(shape.text(row, "thinking", at), signature or None, source=whose, extra=extra)
        case "redacted_thinking":
            extra, whose = extra_of(row, source), provider(source, ANTHROPIC)
            return Thinking("", redacted=shape.text(row, "data", at), source=whose, extra=extra)
        case "tool_use":
            arguments = shape.as_object(row.get("input"), f"{at}/input")
            call_id, name = shape.text(row, "id", at), shape.text(row, "name", at)
            extra = extra_of(row, source)
            return ToolCall(call_id, name, arguments_text(arguments, at), extra=extra)
        case _:
            return None


def extra_of(row: Mapping[str, Any], source: str = ANTHROPIC) -> dict[str, dict[str, Any]]:
    """The fields of a block that there is no word for."""
    rest = unknown(row, _BLOCK[row["type"]])
    return {source: rest} if rest else {}


def _image(row: dict[str, Any], at: str) -> Part:
    source = shape.as_object(row.get("source"), f"{at}/source")
    where, extra = f"{at}/source", extra_of(row)
    if source.get("type") == "url":
        return Image(shape.text(source, "url", where), extra=extra)
    if source.get("type") == "base64":
        data, media_type = shape.text(source, "data", where), shape.text(source, "media_type", where)
        return Image(data=data, media_type=media_type, extra=extra)
    return Opaque(ANTHROPIC, row)


def _document(row: dict[str, Any], at: str) -> Part:
    source, where = shape.mapping(row, "source", at), f"{at}/source"
    title = shape.optional(row, "title", str, at)
    extra = extra_of(row)
    match source.get("type"), source.get("media_type"):
        case "url", _:
            return Document(shape.text(source, "url", where), title=title, extra=extra)
        case "base64", media_type if media_type in _PDF:
            return Document(data=shape.text(source, "data", where), title=title, extra=extra)
        case "text", media_type if media_type in _PLAIN:
            return Document(text=shape.text(source, "data", where), title=title, extra=extra)
    return Opaque(ANTHROPIC, row)


def _result(row: Mapping[str, Any], at: str) -> ToolResult:
    parts = () if row.get("content") is None else _blocks(row["content"], f"{at}/content")
    content = tuple(part for part in parts if isinstance(part, ResultPart))
    if len(content) != len(parts):
        raise ConversionError("a tool result holds text, images and documents", pointer=f"{at}/content")
    return ToolResult(
        shape.text(row, "tool_use_id", at),
        content,
        shape.optional(row, "is_error", bool, at) or False,
        extra=extra_of(row),
    )


def _tools(items: list[Any], extra: dict[str, Any]) -> tuple[Tool, ...]:
    """The tools of the client; those of the API itself go to `extra`, under the same name."""
    tools: list[Tool] = []
    for i, item in enumerate(items):
        at = f"/tools/{i}"
        row = shape.as_object(item, at)
        if row.get("type") not in (None, "custom"):
            extra.setdefault("tools", []).append(row)
            continue
        tools.append(
            Tool(
                shape.text(row, "name", at),
                shape.optional(row, "description", str, at) or "",
                shape.as_object(row.get("input_schema"), f"{at}/input_schema"),
                shape.optional(row, "strict", bool, at),
                extra={ANTHROPIC: rest} if (rest := unknown(row, _TOOL)) else {},
            )
        )
    return tuple(tools)


def _choice(row: Mapping[str, Any]) -> ToolChoice:
    at = "/tool_choice"
    mode = _MODES[shape.one_of(row.get("type"), tuple(_MODES), f"{at}/type")]
    return ToolChoice(mode, shape.text(row, "name", at) if mode == "named" else None)


def _format(row: Mapping[str, Any]) -> ResponseFormat | None:
    at = "/output_config/format"
    form = shape.optional(shape.mapping(row, "output_config", ""), "format", dict, "/output_config")
    if form is None:
        return None
    shape.one_of(form.get("type"), ("json_schema",), f"{at}/type")
    return ResponseFormat("json_schema", schema=shape.as_object(form.get("schema"), f"{at}/schema"), strict=True)


def _params(row: Mapping[str, Any], extra: dict[str, Any]) -> Params:
    effort = shape.optional(shape.mapping(row, "output_config", ""), "effort", str, "/output_config")
    thinking = shape.mapping(row, "thinking", "")
    budget: int | None = None
    told: Effort | None = None if effort is None else shape.one_of(effort, EFFORTS, "/output_config/effort")
    kind, rest = thinking.get("type"), thinking
    if kind == "enabled":
        budget = shape.expect(thinking.get("budget_tokens"), int, "/thinking/budget_tokens")
        rest = unknown(thinking, known("type", "budget_tokens"))
    elif kind == "disabled" and told is None:
        told, rest = "none", unknown(thinking, known("type"))
    extra |= said({"thinking": rest})
    return Params(
        temperature=shape.optional(row, "temperature", float, ""),
        top_p=shape.optional(row, "top_p", float, ""),
        top_k=shape.optional(row, "top_k", int, ""),
        max_tokens=shape.expect(row.get("max_tokens"), int, "/max_tokens"),
        stop=tuple(shape.expect(s, str, "/stop_sequences") for s in shape.array(row, "stop_sequences", "")),
        reasoning_effort=told,
        thinking_budget=budget,
    )
