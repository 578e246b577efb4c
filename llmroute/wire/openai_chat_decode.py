"""OpenAI Chat Completions: a request that was received, as the neutral conversation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire import shape
from llmroute.wire.codec import OPENAI, Decoded
from llmroute.wire.message import (
    Document,
    Image,
    Message,
    Opaque,
    Part,
    ResultPart,
    Role,
    Text,
    Thinking,
    ToolResult,
)
from llmroute.wire.openai_chat_content import PDF, UNTITLED
from llmroute.wire.openai_chat_decode_tools import choice_of, functions, tool_calls
from llmroute.wire.openai_chat_legacy import is_legacy, original, upgraded
from llmroute.wire.request import FORMAT_KINDS, ChatRequest, Params, ResponseFormat
from llmroute.wire.unknown import Known, known, said, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DATA_URL = re.compile(r"data:([a-zA-Z0-9.+/-]+);base64,(.*)", re.DOTALL)
_ROLES: tuple[str, ...] = ("system", "developer", "user", "assistant", "tool")
_MESSAGE_FIELDS = frozenset({"role", "content", "name", "tool_calls", "reasoning_content", "refusal"})
_PARAMS = ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty", "reasoning_effort", "stop")
_PART: dict[str, Known] = {
    "text": known("type", "text"),
    "image_url": known("type", image_url=known("url", "detail")),
    "file": known("type", file=known("filename", "file_data", "file_id")),
    "refusal": known("type", "refusal"),
}
_CHOICE = known("type", function=known("name"), custom=known("name"), allowed_tools=known("mode", "tools"))
_FORMAT = known("type", json_schema=known("name", "schema", "strict", "description"))
_REQUEST_FIELDS = frozenset({
    *_PARAMS, "model", "messages", "stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls",
    "response_format", "max_tokens", "max_completion_tokens", "user", "metadata",
})  # fmt: skip


def decode_request(body: object) -> Decoded:
    """The request in a body (parsed JSON).

    Raises:
        ConversionError: the body is no request; `pointer` says where.
    """
    row = shape.as_object(body, "")
    if not is_legacy(row):
        return _request(row)
    new = upgraded(row)
    try:
        return _request(new)
    except ConversionError as error:
        raise ConversionError(error.message, pointer=original(row, error.pointer)) from error


def _request(row: Mapping[str, Any]) -> Decoded:
    messages = shape.as_array(row.get("messages"), "/messages")
    options = shape.mapping(row, "stream_options", "")
    rest = {key: value for key, value in shape.rest(row, _REQUEST_FIELDS).items() if value is not None}
    tools = functions(shape.array(row, "tools", ""), rest)
    inner = {
        "stream_options": unknown(options, known("include_usage")),
        "tool_choice": _inner(row.get("tool_choice"), _CHOICE),
        "response_format": _inner(row.get("response_format"), _FORMAT),
    }
    rest |= said(inner)
    request = ChatRequest(
        tuple(_message(item, f"/messages/{i}") for i, item in enumerate(messages)),
        tools=tools,
        tool_choice=choice_of(row.get("tool_choice")),
        parallel_tool_calls=shape.optional(row, "parallel_tool_calls", bool, ""),
        response_format=_format(row),
        params=_params(row),
        user=shape.optional(row, "user", str, ""),
        metadata=shape.mapping(row, "metadata", ""),
        extra={OPENAI: rest} if rest else {},
    )
    stream = shape.optional(row, "stream", bool, "") or False
    return Decoded(request, shape.text(row, "model", ""), stream, bool(options.get("include_usage")))


def _inner(value: object, names: Known) -> dict[str, Any]:
    return unknown(value, names) if isinstance(value, dict) else {}


def _message(data: object, at: str) -> Message:
    row = shape.as_object(data, at)
    role = shape.one_of(row.get("role"), _ROLES, f"{at}/role")
    extra = {key: value for key, value in shape.rest(row, _MESSAGE_FIELDS).items() if value not in (None, [], {})}
    if "audio" in extra:
        raise ConversionError("audio is not supported", pointer=f"{at}/audio")
    content = _content(row, at)
    if isinstance(row.get("content"), list) and not always_list(role, content):
        extra["content_list"] = True
    if role == "tool":
        return _result(row, content, extra, at)
    if role == "assistant":
        content = (
            *_thinking(row),
            *content,
            *_refusal(row, at),
            *tool_calls(shape.array(row, "tool_calls", at), f"{at}/tool_calls"),
        )
    if role == "developer":
        extra["role"] = "developer"
    neutral: Role = "assistant" if role == "assistant" else "user" if role == "user" else "system"
    try:
        return Message(neutral, content, shape.optional(row, "name", str, at), extra={OPENAI: extra} if extra else {})
    except ValueError as error:
        raise ConversionError(str(error), pointer=f"{at}/content") from error


def _content(row: Mapping[str, Any], at: str) -> tuple[Part, ...]:
    raw, where = row.get("content"), f"{at}/content"
    if raw is None and row.get("role") == "assistant":
        return ()
    if isinstance(raw, str):
        return (Text(raw),) if raw or row.get("role") != "assistant" else ()
    items = shape.as_array(raw, where)
    if not items:
        raise ConversionError("an array of content has one part at least", pointer=where)
    return tuple(_part(item, shape.pointer(where, i)) for i, item in enumerate(items))


def always_list(role: str, content: Sequence[Part]) -> bool:
    """Whether content can't be written as one string; a list of it needs no note then."""
    plain = all(isinstance(part, Text) and not part.extra for part in content)
    return not plain or (role == "user" and len(content) > 1)


def _part(data: object, at: str) -> Part:
    row = shape.as_object(data, at)
    kind = shape.text(row, "type", at)
    if kind == "text":
        return Text(shape.text(row, "text", at), extra=_extra(row, _PART[kind]))
    if kind == "image_url":
        image = shape.as_object(row.get("image_url"), f"{at}/image_url")
        url = shape.text(image, "url", f"{at}/image_url")
        detail = shape.optional(image, "detail", str, f"{at}/image_url")
        extra = _extra(row, _PART[kind])
        inline = _DATA_URL.fullmatch(url)
        if inline:
            return Image(data=inline[2], media_type=inline[1], detail=detail, extra=extra)
        return Image(url, detail=detail, extra=extra)
    if kind == "refusal":
        own = unknown(row, _PART[kind])
        return Text(shape.text(row, "refusal", at), extra={OPENAI: {"refusal": "part", **own}})
    return (_pdf(row, at) if kind == "file" else None) or Opaque(OPENAI, row)


def _pdf(row: Mapping[str, Any], at: str) -> Document | None:
    """A PDF whose data is there; None for other files, and for those that the provider keeps."""
    file = shape.as_object(row.get("file"), f"{at}/file")
    data = file.get("file_data")
    if not isinstance(data, str) or not data.startswith(PDF) or file.get("file_id") is not None:
        return None
    name = shape.optional(file, "filename", str, f"{at}/file")
    return Document(
        data=data.removeprefix(PDF), title=None if name == UNTITLED else name, extra=_extra(row, _PART["file"])
    )


def _refusal(row: Mapping[str, Any], at: str) -> tuple[Part, ...]:
    text = shape.optional(row, "refusal", str, at)
    return (Text(text, extra={OPENAI: {"refusal": "field"}}),) if text else ()


def _extra(row: Mapping[str, Any], names: Known) -> dict[str, dict[str, Any]]:
    rest = unknown(row, names)
    return {OPENAI: rest} if rest else {}


def _thinking(row: Mapping[str, Any]) -> tuple[Part, ...]:
    text = row.get("reasoning_content")
    return (Thinking(text),) if isinstance(text, str) and text else ()


def _result(row: Mapping[str, Any], content: tuple[Part, ...], extra: dict[str, Any], at: str) -> Message:
    parts = tuple(part for part in content if isinstance(part, ResultPart))
    call_id = shape.text(row, "tool_call_id", at)
    extra.pop("tool_call_id", None)
    if row.get("name") is not None:
        extra["name"] = shape.text(row, "name", at)
    return Message("tool", (ToolResult(call_id, parts, extra={OPENAI: extra} if extra else {}),))


def _format(row: Mapping[str, Any]) -> ResponseFormat | None:
    at = "/response_format"
    form = shape.optional(row, "response_format", dict, "")
    if form is None:
        return None
    kind = shape.one_of(form.get("type"), FORMAT_KINDS, f"{at}/type")
    if kind != "json_schema":
        return ResponseFormat(kind)
    inner, where = shape.as_object(form.get("json_schema"), f"{at}/json_schema"), f"{at}/json_schema"
    return ResponseFormat(
        "json_schema",
        shape.text(inner, "name", where),
        shape.mapping(inner, "schema", where),
        shape.optional(inner, "strict", bool, where),
        shape.optional(inner, "description", str, where),
    )


def _params(row: Mapping[str, Any]) -> Params:
    values = {name: row[name] for name in _PARAMS if row.get(name) is not None}
    limits = [row[name] for name in ("max_completion_tokens", "max_tokens") if row.get(name) is not None]
    if limits and limits[0] != limits[-1]:
        raise ConversionError("max_tokens and max_completion_tokens differ", pointer="/max_tokens")
    if limits:
        values["max_tokens"] = limits[0]
        if type(limits[0]) is int and limits[0] < 1:
            field = "max_completion_tokens" if row.get("max_completion_tokens") is not None else "max_tokens"
            raise ConversionError(f"{field} is at least 1", pointer=f"/{field}")
    return Params.from_json(values)
