"""What a stream tells, piece by piece. The last event is a `Finish` or an `ErrorEvent`; never both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from llmroute.errors import KINDS, CallError, ConversionError
from llmroute.wire import shape
from llmroute.wire.message import Opaque, Thinking, ToolCall, part_from_json, part_to_json
from llmroute.wire.quiet import quiet
from llmroute.wire.reply import Reply, Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of text, and where it stands in the list of all pieces, which the events of a stream share."""

    text: str
    pieces: Sequence[str] = field(default=(), repr=False, compare=False)
    end: int = field(default=0, repr=False, compare=False)

    @property
    def snapshot(self) -> str:
        """All text up to this piece, joined when asked for."""
        return "".join(self.pieces[: self.end]) if self.end else self.text


@quiet("text")
@dataclass(frozen=True, slots=True)
class TextDelta(_Piece):
    """More text of the answer."""

    type: ClassVar[str] = "text_delta"

    @classmethod
    def append(cls, pieces: list[str], text: str) -> TextDelta:
        """The event for `text`, which is added to the `pieces` before it."""
        pieces.append(text)
        return cls(text, pieces, len(pieces))

    def to_json(self) -> dict[str, Any]:
        """The text; the snapshot is the sum of all up to here, so it is left out."""
        return {"type": self.type, "text": self.text}


@quiet("text", "signature")
@dataclass(frozen=True, slots=True)
class ThinkingDelta(_Piece):
    """More of what the model thinks."""

    type: ClassVar[str] = "thinking_delta"
    signature: str | None = None
    """Ends a block of thinking: the proof that it is the provider's own (the text is empty then)."""

    @classmethod
    def append(cls, pieces: list[str], text: str, signature: str | None = None) -> ThinkingDelta:
        """The event for `text`, which is added to the `pieces` before it."""
        pieces.append(text)
        return cls(text, pieces, len(pieces), signature)

    def to_json(self) -> dict[str, Any]:
        """The text; the snapshot is the sum of all up to here, so it is left out."""
        data = {"type": self.type, "text": self.text}
        return data if self.signature is None else {**data, "signature": self.signature}


@dataclass(frozen=True, slots=True)
class ToolCallStart:
    """A tool call begins."""

    type: ClassVar[str] = "tool_call_start"
    index: int
    """The place among the tool calls of the answer, from 0."""
    id: str
    name: str
    custom: bool = False
    """The tool is a custom one: what follows is plain text."""

    def to_json(self) -> dict[str, Any]:
        """All fields; `custom` where it is true."""
        data = {"type": self.type, "index": self.index, "id": self.id, "name": self.name}
        return {**data, "custom": True} if self.custom else data


@quiet("arguments")
@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of the arguments of a tool call."""

    type: ClassVar[str] = "tool_call_delta"
    index: int
    id: str
    arguments: str
    """A piece of JSON text; of the input, where the tool is a custom one."""

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {"type": self.type, "index": self.index, "id": self.id, "arguments": self.arguments}


@dataclass(frozen=True, slots=True)
class ToolCallEnd:
    """A tool call is whole, or was cut (`call.complete`)."""

    type: ClassVar[str] = "tool_call_end"
    index: int
    call: ToolCall

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {"type": self.type, "index": self.index, "call": part_to_json(self.call)}


@dataclass(frozen=True, slots=True)
class PartEvent:
    """A part of the answer that comes whole: hidden thinking, or a block that there is no word for."""

    type: ClassVar[str] = "part"
    part: Thinking | Opaque

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {"type": self.type, "part": part_to_json(self.part)}


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """Token counts so far; the last one holds."""

    type: ClassVar[str] = "usage"
    usage: Usage

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {"type": self.type, "usage": self.usage.to_json()}


@dataclass(frozen=True, slots=True)
class Finish:
    """The answer is whole."""

    type: ClassVar[str] = "finish"
    reply: Reply

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {"type": self.type, "reply": self.reply.to_json()}


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """The stream failed; what came before it is not the whole answer."""

    type: ClassVar[str] = "error"
    error: CallError

    def to_json(self) -> dict[str, Any]:
        """Kind, message and status."""
        return {"type": self.type, **_told(self.error)}


@dataclass(frozen=True, slots=True)
class Restart:
    """The stream broke and another target answers from the beginning: everything before this event is void."""

    type: ClassVar[str] = "restart"
    error: CallError
    """Why the stream broke."""
    target: str
    """`provider/model` of the target that answers now."""

    def to_json(self) -> dict[str, Any]:
        """Kind, message and status of the error, and the target."""
        return {"type": self.type, **_told(self.error), "target": self.target}


def _told(error: CallError) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": error.kind, "message": error.message}
    return told if error.status is None else {**told, "status": error.status}


Event: TypeAlias = (
    TextDelta
    | ThinkingDelta
    | ToolCallStart
    | ToolCallDelta
    | ToolCallEnd
    | PartEvent
    | UsageEvent
    | Finish
    | ErrorEvent
    | Restart
)
EVENT_TYPES = (
    "text_delta",
    "thinking_delta",
    "tool_call_start",
    "tool_call_delta",
    "tool_call_end",
    "part",
    "usage",
    "finish",
    "error",
    "restart",
)


def event_from_json(data: object) -> Event:  # noqa: PLR0911 - one case a type
    """The inverse of an event's `to_json`; a delta lacks what stood before it (see `events_from_json`).

    Raises:
        ConversionError: the data is no event; `pointer` says where.
    """
    row = shape.as_object(data, "")
    match shape.one_of(row.get("type"), EVENT_TYPES, "/type"):
        case "text_delta":
            return TextDelta(shape.text(row, "text", ""))
        case "thinking_delta":
            return ThinkingDelta(shape.text(row, "text", ""), signature=shape.optional(row, "signature", str, ""))
        case "part":
            return PartEvent(_part(row))
        case "usage":
            return UsageEvent(Usage.from_json(row.get("usage"), "/usage"))
        case "finish":
            return Finish(Reply.from_json(row.get("reply"), "/reply"))
        case "error" | "restart" as kind:
            return ErrorEvent(_error(row)) if kind == "error" else Restart(_error(row), shape.text(row, "target", ""))
        case kind:
            return _tool_event(kind, row, shape.expect(row.get("index"), int, "/index"))


def _tool_event(kind: str, row: dict[str, Any], index: int) -> Event:
    if kind == "tool_call_start":
        custom = shape.optional(row, "custom", bool, "") or False
        return ToolCallStart(index, shape.text(row, "id", ""), shape.text(row, "name", ""), custom)
    if kind == "tool_call_delta":
        return ToolCallDelta(index, shape.text(row, "id", ""), shape.text(row, "arguments", ""))
    call = part_from_json(row.get("call"), "/call")
    if not isinstance(call, ToolCall):
        raise ConversionError("expected a tool call", pointer="/call/type")
    return ToolCallEnd(index, call)


def _part(row: dict[str, Any]) -> Thinking | Opaque:
    part = part_from_json(row.get("part"), "/part")
    if not isinstance(part, Thinking | Opaque):
        raise ConversionError("expected thinking or an opaque part", pointer="/part/type")
    return part


def _error(row: dict[str, Any]) -> CallError:
    cls = KINDS[shape.one_of(row.get("kind"), tuple(KINDS), "/kind")]
    message, status = shape.text(row, "message", ""), shape.optional(row, "status", int, "")
    return cls(message, status=status)


def events_from_json(rows: Iterable[object]) -> Iterator[Event]:
    """The events of one stream; deltas get their snapshots back."""
    text: list[str] = []
    thinking: list[str] = []
    for row in rows:
        event = event_from_json(row)
        if isinstance(event, TextDelta):
            yield TextDelta.append(text, event.text)
        elif isinstance(event, ThinkingDelta):
            yield ThinkingDelta.append(thinking, event.text, event.signature)
        else:
            if isinstance(event, Restart):
                text, thinking = [], []
            yield event
