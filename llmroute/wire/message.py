"""A message of the neutral conversation, and the parts that it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

from llmroute.errors import ConversionError
from llmroute.wire import shape
from llmroute.wire.json_text import parse_object
from llmroute.wire.quiet import quiet

Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool")
Extra: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Fields that only one API knows, under the name of that API: kept as read and written back to it alone."""


@quiet("text", "extra")
@dataclass(frozen=True, slots=True)
class Text:
    """Plain text."""

    text: str
    pinned: bool = False
    """Pruning leaves it alone."""
    extra: Extra = field(default_factory=dict, hash=False, kw_only=True)


@quiet("url", "data", "extra")
@dataclass(frozen=True, slots=True)
class Image:
    """A picture, by URL or as base64 data; one of the two."""

    url: str | None = None
    data: str | None = None
    """Base64, without line breaks."""
    media_type: str | None = None
    """`image/png`, `image/jpeg`, `image/gif` or `image/webp`; needed with `data`."""
    detail: str | None = None
    """OpenAI's `low`, `high` or `auto`."""
    extra: Extra = field(default_factory=dict, hash=False, kw_only=True)

    def __post_init__(self) -> None:
        if (self.url is None) == (self.data is None):
            raise ValueError("an image has a url or data, one of the two")
        if self.data is not None and self.media_type is None:
            raise ValueError("an image with data needs its media_type")


@quiet("url", "data", "text", "title", "extra")
@dataclass(frozen=True, slots=True)
class Document:
    """A PDF, by URL or as base64 data, or a plain text; one of the three."""

    url: str | None = None
    data: str | None = None
    """Base64, without line breaks."""
    text: str | None = None
    title: str | None = None
    """The name of the file."""
    extra: Extra = field(default_factory=dict, hash=False, kw_only=True)

    def __post_init__(self) -> None:
        if [self.url, self.data, self.text].count(None) != 2:  # noqa: PLR2004 - all but one
            raise ValueError("a document has a url, data or text, one of the three")


@quiet("text", "signature", "redacted", "extra")
@dataclass(frozen=True, slots=True)
class Thinking:
    """What the model thought before it answered."""

    text: str
    signature: str | None = None
    """Anthropic's proof that the text is its own; without it the block can't be replayed there."""
    redacted: str | None = None
    """The encrypted form, where the provider hides the text (which is empty then)."""
    source: str | None = field(default=None, kw_only=True)
    """The provider that thought it, which alone is given it back; None: not known, so any may be."""
    extra: Extra = field(default_factory=dict, hash=False, kw_only=True)


@quiet("arguments", "extra")
@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants called."""

    id: str
    name: str
    arguments: str
    """The JSON text as the model wrote it; it may be broken. Of a custom tool, its input: any text."""
    complete: bool = True
    """False when the answer was cut before the arguments ended."""
    custom: bool = field(default=False, kw_only=True)
    """The tool is a custom one (`Tool.custom`)."""
    extra: Extra = field(default_factory=dict, hash=False, kw_only=True)

    def parsed(self) -> dict[str, Any]:
        """The arguments as an object; no arguments at all are `{}`.

        Raises:
            ConversionError: they are no JSON object, or were cut.
        """
        if self.custom:
            raise ConversionError(f"the input of the custom tool {self.name!r} is plain text", pointer="/arguments")
        if not self.complete:
            raise ConversionError(f"the arguments of the call to {self.name!r} were cut", pointer="/arguments")
        return parse_object(self.arguments, f"the arguments of the call to {self.name!r}", "/arguments")


@quiet("extra")
@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered."""

    tool_call_id: str
    content: tuple[ResultPart, ...]
    is_error: bool = False
    pinned: bool = False
    extra: Extra = field(default_factory=dict, hash=False, kw_only=True)

    @property
    def text(self) -> str:
        """All text of the result."""
        return "".join(part.text for part in self.content if isinstance(part, Text))


@quiet("data")
@dataclass(frozen=True, slots=True)
class Opaque:
    """A part that the neutral conversation has no word for; only its own API can be given it back."""

    api: str
    data: Mapping[str, Any] = field(hash=False)


ResultPart: TypeAlias = Text | Image | Document | Opaque
Part: TypeAlias = Text | Image | Document | Thinking | ToolCall | ToolResult | Opaque
PART_TYPES: dict[str, type[Part]] = {
    "text": Text,
    "image": Image,
    "document": Document,
    "thinking": Thinking,
    "tool_call": ToolCall,
    "tool_result": ToolResult,
    "opaque": Opaque,
}
_TYPE_NAMES = {cls: name for name, cls in PART_TYPES.items()}
_ALLOWED: dict[Role, tuple[type[Part], ...]] = {
    "system": (Text,),
    "user": (Text, Image, Document, Opaque),
    "assistant": (Text, Thinking, ToolCall, Opaque),
    "tool": (ToolResult,),
}


@quiet("name", "extra")
@dataclass(frozen=True, slots=True)
class Message:
    """One message; `tool` holds tool results and nothing else, only `assistant` thinks and calls tools."""

    role: Role
    content: tuple[Part, ...]
    name: str | None = None
    extra: Extra = field(default_factory=dict, hash=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"role is {self.role!r}, but must be one of {', '.join(ROLES)}")
        for part in self.content:
            if not isinstance(part, _ALLOWED[self.role]):
                raise ValueError(f"a {self.role} message can't hold {type(part).__name__}")  # noqa: TRY004 - the value is a part, at the wrong place

    @property
    def text(self) -> str:
        """All text of the message, thinking and tools left out."""
        return "".join(part.text for part in self.content if isinstance(part, Text))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
        return tuple(part for part in self.content if isinstance(part, ToolCall))

    def to_json(self) -> dict[str, Any]:
        """The message as JSON data."""
        data: dict[str, Any] = {"role": self.role, "content": [part_to_json(part) for part in self.content]}
        if self.name is not None:
            data["name"] = self.name
        if self.extra:
            data["extra"] = self.extra
        return data

    @classmethod
    def from_json(cls, data: object, at: str = "") -> Message:
        """The inverse of `to_json`; a plain string as content is one text.

        Raises:
            ConversionError: the data is no message; `pointer` says where.
        """
        row = shape.as_object(data, at)
        role = shape.one_of(row.get("role"), ROLES, shape.pointer(at, "role"))
        where = shape.pointer(at, "content")
        raw = row.get("content")
        items = [{"type": "text", "text": raw}] if isinstance(raw, str) else shape.as_array(raw, where)
        content = tuple(part_from_json(item, shape.pointer(where, i)) for i, item in enumerate(items))
        extra = shape.mapping(row, "extra", at)
        try:
            return cls(role, content, shape.optional(row, "name", str, at), extra=extra)
        except ValueError as error:
            raise ConversionError(str(error), pointer=where) from error


def part_to_json(part: Part) -> dict[str, Any]:
    """A part as JSON data: its `type`, and every field that is not at its default."""
    data: dict[str, Any] = {"type": _TYPE_NAMES[type(part)]}
    for item in fields(part):
        value = getattr(part, item.name)
        if item.name == "content":
            data["content"] = [part_to_json(inner) for inner in value]
        elif value is not None and value is not item.default and not (item.name == "extra" and not value):
            data[item.name] = value
    return data


def part_from_json(data: object, at: str = "") -> Part:
    """The inverse of `part_to_json`.

    Raises:
        ConversionError: the data is no part; `pointer` says where.
    """
    row = shape.as_object(data, at)
    name = shape.one_of(row.get("type"), tuple(PART_TYPES), shape.pointer(at, "type"))
    cls = PART_TYPES[name]
    values: dict[str, Any] = {}
    for item in fields(cls):
        if row.get(item.name) is not None:
            values[item.name] = _field_from_json(cls, item.name, row[item.name], shape.pointer(at, item.name))
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise ConversionError(f"not all fields of a {name} are there", pointer=at) from error


def _field_from_json(cls: type[Part], name: str, value: object, at: str) -> object:
    if name == "content":
        raw = [{"type": "text", "text": value}] if isinstance(value, str) else shape.as_array(value, at)
        parts = tuple(part_from_json(item, shape.pointer(at, i)) for i, item in enumerate(raw))
        for i, part in enumerate(parts):
            if not isinstance(part, ResultPart):
                raise ConversionError("a tool result holds text, images and documents", pointer=shape.pointer(at, i))
        return parts
    if name in {"pinned", "is_error", "complete", "custom"}:
        return shape.expect(value, bool, at)
    is_object = name == "extra" or (cls is Opaque and name == "data")
    return shape.expect(value, dict if is_object else str, at)


def _texts(content: str | Part | Iterable[Part], *, pinned: bool) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content, pinned),)
    return tuple(content) if isinstance(content, Iterable) else (content,)


def system(content: str | Iterable[Part], *, pinned: bool = False) -> Message:
    """A system message."""
    return Message("system", _texts(content, pinned=pinned))


def user(content: str | Part | Iterable[Part], *, pinned: bool = False) -> Message:
    """A user message; a string is one text."""
    return Message("user", _texts(content, pinned=pinned))


def assistant(content: str | Part | Iterable[Part] = (), *, tool_calls: Iterable[ToolCall] = ()) -> Message:
    """An assistant message; the tool calls come after the content."""
    return Message("assistant", (*_texts(content, pinned=False), *tool_calls))


def tool_result(
    call: ToolCall | str,
    content: str | Iterable[ResultPart],
    *,
    is_error: bool = False,
    pinned: bool = False,
) -> Message:
    """A tool message with one result; `call` is the call or its id."""
    parts = (Text(content),) if isinstance(content, str) else tuple(content)
    return Message("tool", (ToolResult(call if isinstance(call, str) else call.id, parts, is_error, pinned),))
