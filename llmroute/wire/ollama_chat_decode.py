"""Ollama's own API, `/api/chat`: a request that was received, as the neutral conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire import shape
from llmroute.wire.codec import OLLAMA, Decoded
from llmroute.wire.json_text import arguments_text
from llmroute.wire.message import Image, Message, Part, Role, Text, Thinking, ToolCall, ToolResult
from llmroute.wire.request import ChatRequest, Effort, Params, ResponseFormat, Tool
from llmroute.wire.unknown import known, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool")
_LEVELS: tuple[Effort, ...] = ("low", "medium", "high", "max")
_REQUEST_FIELDS = frozenset({"model", "messages", "stream", "tools", "format", "options", "think"})
_MESSAGE_FIELDS = frozenset({"role", "content", "thinking", "tool_calls"})
_CALL = known("id", "type", function=known("name", "arguments", "index"))
_TOOL = known("type", function=known("name", "description", "parameters"))
_PARAMS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "stop": "stop",
    "num_predict": "max_tokens",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}
"""The options that are parameters here."""
_SIGNS = {"iVBORw0KGgo": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}
"""How the base64 data of each type of image begins."""
_ANY_IMAGE = "application/octet-stream"


def decode_request(body: object) -> Decoded:
    """The request in a body (parsed JSON).

    Raises:
        ConversionError: the body is no request; `pointer` says where.
    """
    row = shape.as_object(body, "")
    rest = {key: value for key, value in shape.rest(row, _REQUEST_FIELDS).items() if value is not None}
    params = _params(row, rest)
    items = [shape.as_object(item, f"/messages/{i}") for i, item in enumerate(shape.array(row, "messages", ""))]
    calls = _Calls(items)
    request = ChatRequest(
        tuple(_message(item, calls, f"/messages/{i}") for i, item in enumerate(items)),
        tools=tuple(_tool(item, f"/tools/{i}") for i, item in enumerate(shape.array(row, "tools", ""))),
        response_format=_format(row.get("format")),
        params=params,
        extra={OLLAMA: rest} if rest else {},
    )
    stream = shape.optional(row, "stream", bool, "")
    return Decoded(request, shape.text(row, "model", ""), stream is not False)


class _Calls:
    """Gives an id to each call that has none, and to each result the call that it belongs to."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        self._taken = {given for row in messages for given in _ids(row.get("tool_calls"))}
        self._count = 0
        self._open: dict[str, str] = {}
        """The calls that await a result: id and name."""

    def made(self, row: Mapping[str, Any], at: str) -> ToolCall:
        """A call of an assistant message."""
        call_id = shape.optional(row, "id", str, at) or self._next()
        call = call_of(row, call_id, at)
        self._open[call.id] = call.name
        return call

    def _next(self) -> str:
        while True:
            call_id = f"call_{self._count}"
            self._count += 1
            if call_id not in self._taken:
                return call_id

    def answered(self, row: Mapping[str, Any], at: str) -> tuple[str, str | None]:
        """The id of the call that a tool message answers, and the name in it where that is not the call's."""
        name = shape.optional(row, "tool_name", str, at)
        given = shape.optional(row, "tool_call_id", str, at)
        awaiting = [given] if given else [one for one, called in self._open.items() if called == name] or [*self._open]
        if not awaiting:
            raise ConversionError("a tool result that no call before it awaits", pointer=at)
        called = self._open.pop(awaiting[0], None)
        return awaiting[0], None if name == called else name


def _ids(calls: object) -> list[str]:
    """The ids that stand in a list of calls, whatever else does."""
    found = [call.get("id") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    return [call_id for call_id in found if isinstance(call_id, str)]


def call_of(row: Mapping[str, Any], call_id: str, at: str, source: str = OLLAMA) -> ToolCall:
    """A tool call as requests and replies write it.

    Raises:
        ConversionError: it has no function, or the function no name.
    """
    function = shape.as_object(row.get("function"), f"{at}/function")
    rest = unknown(row, _CALL)
    return ToolCall(
        call_id,
        shape.text(function, "name", f"{at}/function"),
        arguments_text(function.get("arguments"), f"{at}/function/arguments") or "{}",
        extra={source: rest} if rest else {},
    )


def _message(row: Mapping[str, Any], calls: _Calls, at: str) -> Message:
    role = shape.one_of(shape.text(row, "role", at).lower(), _ROLES, f"{at}/role")
    known = _MESSAGE_FIELDS if role == "assistant" else _MESSAGE_FIELDS | {"images", "tool_name", "tool_call_id"}
    extra = {key: value for key, value in shape.rest(row, known).items() if value is not None}
    if role == "assistant":
        return Message("assistant", _spoken(row, calls, at), extra={OLLAMA: extra} if extra else {})
    parts: tuple[Image | Text, ...] = (*_images(row, at), *_text(row, at))
    if role == "tool":
        call_id, name = calls.answered(row, at)
        extra |= {} if name is None else {"tool_name": name}
        return Message("tool", (ToolResult(call_id, parts, extra={OLLAMA: extra} if extra else {}),))
    try:
        return Message(role, parts, extra={OLLAMA: extra} if extra else {})
    except ValueError as error:
        raise ConversionError(str(error), pointer=f"{at}/images") from error


def _spoken(row: Mapping[str, Any], calls: _Calls, at: str) -> tuple[Part, ...]:
    thinking = shape.optional(row, "thinking", str, at)
    items = enumerate(shape.array(row, "tool_calls", at))
    made = [calls.made(shape.as_object(item, f"{at}/tool_calls/{i}"), f"{at}/tool_calls/{i}") for i, item in items]
    return (*((Thinking(thinking),) if thinking else ()), *_text(row, at), *made)


def _text(row: Mapping[str, Any], at: str) -> tuple[Text, ...]:
    text = shape.optional(row, "content", str, at)
    return (Text(text),) if text else ()


def _images(row: Mapping[str, Any], at: str) -> tuple[Image, ...]:
    items = enumerate(shape.array(row, "images", at))
    data = [shape.expect(item, str, f"{at}/images/{i}") for i, item in items]
    return tuple(Image(data=one, media_type=_media_type(one)) for one in data)


def _media_type(data: str) -> str:
    """The type of an image, by its first bytes: the API has no field for it.

    >>> _media_type("R0lGODlhAQABAAAAACw="), _media_type("AAAA")
    ('image/gif', 'application/octet-stream')
    """
    return next((kind for sign, kind in _SIGNS.items() if data.startswith(sign)), _ANY_IMAGE)


def _tool(item: object, at: str) -> Tool:
    row = shape.as_object(item, at)
    function, where = shape.as_object(row.get("function"), f"{at}/function"), f"{at}/function"
    rest = unknown(row, _TOOL)
    return Tool(
        shape.text(function, "name", where),
        shape.optional(function, "description", str, where) or "",
        shape.mapping(function, "parameters", where),
        extra={OLLAMA: rest} if rest else {},
    )


def _format(value: object) -> ResponseFormat | None:
    if value in (None, ""):
        return None
    if isinstance(value, dict):
        return ResponseFormat("json_schema", schema=value, strict=True)
    shape.one_of(value, ("json",), "/format")
    return ResponseFormat("json_object")


def _params(row: Mapping[str, Any], rest: dict[str, Any]) -> Params:
    """The parameters; what is none goes to `rest`."""
    options = shape.mapping(row, "options", "")
    values: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, value in options.items():
        endless = name == "num_predict" and type(value) is int and value < 1  # -1: no limit; -2: until it is full
        if name in _PARAMS and not endless:
            values[_PARAMS[name]] = value
        elif value is not None:
            others[name] = value
    if others:
        rest["options"] = others
    think = row.get("think")
    if think is True:
        rest["think"] = True
    elif think is not None:
        values["reasoning_effort"] = "none" if think is False else shape.one_of(think, _LEVELS, "/think")
    try:
        return Params.from_json(values)
    except ConversionError as error:
        raise ConversionError(error.message, pointer=f"/options/{_option(error.pointer)}") from error


def _option(pointer: str) -> str:
    """The name of an option that is that parameter, and what comes after it."""
    name, _, rest = pointer.removeprefix("/").partition("/")
    option = next((one for one, param in _PARAMS.items() if param == name), name)
    return f"{option}/{rest}" if rest else option
