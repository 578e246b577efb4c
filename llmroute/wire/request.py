"""What is asked of a model: messages, tools, the form of the answer and the parameters."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from llmroute.errors import ConversionError
from llmroute.wire import shape
from llmroute.wire.message import Extra, Message
from llmroute.wire.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Mapping

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
ToolMode = Literal["auto", "none", "required", "named"]
TOOL_MODES: tuple[ToolMode, ...] = ("auto", "none", "required", "named")
FormatKind = Literal["text", "json_object", "json_schema"]
FORMAT_KINDS: tuple[FormatKind, ...] = ("text", "json_object", "json_schema")


@quiet("description", "parameters", "extra")
@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """JSON Schema of the arguments; empty means no arguments."""
    strict: bool | None = None
    """Whether the provider must hold the arguments to the schema; None leaves it to the provider."""
    custom: bool = field(default=False, kw_only=True)
    """The tool takes plain text in place of arguments; OpenAI alone has such tools."""
    extra: Extra = field(default_factory=dict, hash=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.custom and (self.parameters or self.strict is not None):
            raise ValueError("a custom tool has no schema: its input is plain text")


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Which tools may or must be called."""

    mode: ToolMode
    name: str | None = None
    """The one tool, for mode `named`."""
    allowed: tuple[str, ...] = ()
    """The tools that may be called, for modes `auto` and `required`; empty: all of them."""

    def __post_init__(self) -> None:
        if self.allowed and self.mode not in {"auto", "required"}:
            raise ValueError("allowed tools go with the modes 'auto' and 'required'")
        if (self.mode == "named") != (self.name is not None):
            raise ValueError("a tool choice has a name if and only if its mode is 'named'")


@quiet("schema", "description")
@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """The form that the answer must have."""

    kind: FormatKind
    name: str | None = None
    schema: Mapping[str, Any] | None = field(default=None, hash=False)
    """JSON Schema of the answer, for kind `json_schema`."""
    strict: bool | None = None
    description: str | None = None

    def __post_init__(self) -> None:
        if (self.kind == "json_schema") != (self.schema is not None):
            raise ValueError("a response format has a schema if and only if its kind is 'json_schema'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """How to sample, and how much to think; None says nothing."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    """The most tokens that the answer may have, thinking included."""
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: Effort | None = None
    thinking_budget: int | None = None
    """The most tokens to think with."""

    def over(self, weaker: Params) -> Params:
        """These parameters, and those of `weaker` where these say nothing.

        >>> Params(temperature=0).over(Params(temperature=1, seed=7))
        Params(temperature=0, top_p=None, top_k=None, max_tokens=None, stop=(), seed=7, \
frequency_penalty=None, presence_penalty=None, reasoning_effort=None, thinking_budget=None)
        """
        gaps = {name: getattr(weaker, name) for name in PARAM_NAMES if getattr(self, name) in (None, ())}
        return replace(self, **gaps)

    def to_json(self) -> dict[str, Any]:
        """The parameters that say something."""
        said = {name: getattr(self, name) for name in PARAM_NAMES}
        return {
            name: list(value) if name == "stop" else value for name, value in said.items() if value not in (None, ())
        }

    @classmethod
    def from_json(cls, data: object, at: str = "") -> Params:
        """The inverse of `to_json`; a single stop string is taken too.

        Raises:
            ConversionError: an unknown name, or a value of the wrong type.
        """
        values: dict[str, Any] = {}
        for name, value in shape.as_object(data, at).items():
            where = shape.pointer(at, name)
            if name not in PARAM_NAMES:
                raise ConversionError(f"unknown parameter {name!r}", pointer=where)
            if value is not None:
                values[name] = _param(name, value, where)
        return cls(**values)


PARAM_NAMES: tuple[str, ...] = tuple(item.name for item in fields(Params))
_INTEGERS = frozenset({"top_k", "max_tokens", "seed", "thinking_budget"})


def _param(name: str, value: object, at: str) -> object:
    if name == "stop":
        items = [value] if isinstance(value, str) else shape.as_array(value, at)
        return tuple(shape.expect(item, str, shape.pointer(at, i)) for i, item in enumerate(items))
    if name == "reasoning_effort":
        return shape.one_of(value, EFFORTS, at)
    return shape.expect(value, int if name in _INTEGERS else float, at)


@quiet("user", "metadata", "extra")
@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request to a model. Which model is the route's business, not the request's."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = field(default=(), kw_only=True)
    tool_choice: ToolChoice | None = field(default=None, kw_only=True)
    parallel_tool_calls: bool | None = field(default=None, kw_only=True)
    response_format: ResponseFormat | None = field(default=None, kw_only=True)
    params: Params = field(default_factory=Params, kw_only=True)
    user: str | None = field(default=None, kw_only=True)
    """An opaque id of the end user."""
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False, kw_only=True)
    extra: Extra = field(default_factory=dict, hash=False, kw_only=True)

    def to_json(self) -> dict[str, Any]:
        """The request as JSON data; what says nothing is left out."""
        data: dict[str, Any] = {"messages": [message.to_json() for message in self.messages]}
        if self.tools:
            data["tools"] = [_said(tool) for tool in self.tools]
        for name in ("tool_choice", "response_format"):
            value = getattr(self, name)
            if value is not None:
                data[name] = _said(value)
        for name in ("parallel_tool_calls", "user"):
            if getattr(self, name) is not None:
                data[name] = getattr(self, name)
        mappings = {"params": self.params.to_json(), "metadata": self.metadata, "extra": self.extra}
        return data | {name: value for name, value in mappings.items() if value}

    @classmethod
    def from_json(cls, data: object) -> ChatRequest:
        """The inverse of `to_json`.

        Raises:
            ConversionError: the data is no request; `pointer` says where.
        """
        row = shape.as_object(data, "")
        rows = enumerate(shape.as_array(row.get("messages"), "/messages"))
        choice = shape.optional(row, "tool_choice", dict, "")
        form = shape.optional(row, "response_format", dict, "")
        return cls(
            tuple(Message.from_json(item, f"/messages/{i}") for i, item in rows),
            tools=tuple(_tool(item, f"/tools/{i}") for i, item in enumerate(shape.array(row, "tools", ""))),
            tool_choice=None if choice is None else _choice(choice),
            parallel_tool_calls=shape.optional(row, "parallel_tool_calls", bool, ""),
            response_format=None if form is None else _format(form),
            params=Params.from_json(row.get("params") or {}, "/params"),
            user=shape.optional(row, "user", str, ""),
            metadata=shape.mapping(row, "metadata", ""),
            extra=shape.mapping(row, "extra", ""),
        )


def _said(record: Tool | ToolChoice | ResponseFormat) -> dict[str, Any]:
    values = {item.name: getattr(record, item.name) for item in fields(record)}
    said = {name: list(value) if name == "allowed" else value for name, value in values.items() if value is not None}
    return {name: value for name, value in said.items() if value or name not in {"extra", "allowed", "custom"}}


def _tool(data: object, at: str) -> Tool:
    row = shape.as_object(data, at)
    try:
        return Tool(
            shape.text(row, "name", at),
            shape.optional(row, "description", str, at) or "",
            shape.mapping(row, "parameters", at),
            shape.optional(row, "strict", bool, at),
            custom=shape.optional(row, "custom", bool, at) or False,
            extra=shape.mapping(row, "extra", at),
        )
    except ValueError as error:
        raise ConversionError(str(error), pointer=at) from error


def _choice(row: Mapping[str, Any]) -> ToolChoice:
    at = "/tool_choice"
    mode = shape.one_of(row.get("mode"), TOOL_MODES, f"{at}/mode")
    try:
        return ToolChoice(mode, shape.optional(row, "name", str, at), _allowed(row, at))
    except ValueError as error:
        raise ConversionError(str(error), pointer=at) from error


def _allowed(row: Mapping[str, Any], at: str) -> tuple[str, ...]:
    where = shape.pointer(at, "allowed")
    names = enumerate(shape.array(row, "allowed", at))
    return tuple(shape.expect(name, str, shape.pointer(where, i)) for i, name in names)


def _format(row: Mapping[str, Any]) -> ResponseFormat:
    at = "/response_format"
    kind = shape.one_of(row.get("kind"), FORMAT_KINDS, f"{at}/kind")
    name = shape.optional(row, "name", str, at)
    schema = shape.optional(row, "schema", dict, at)
    strict = shape.optional(row, "strict", bool, at)
    try:
        return ResponseFormat(kind, name, schema, strict, shape.optional(row, "description", str, at))
    except ValueError as error:
        raise ConversionError(str(error), pointer=at) from error
