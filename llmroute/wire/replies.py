"""What all decoders share: building the reply of a stream piece by piece, and judging cut tool calls."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError, MalformedReplyError
from llmroute.wire.events import (
    Event,
    Finish,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageEvent,
)
from llmroute.wire.message import Message, Opaque, Part, Text, Thinking, ToolCall
from llmroute.wire.reply import Reply, StopReason, Usage
from llmroute.wire.tools import ANSWER

if TYPE_CHECKING:
    from collections.abc import Mapping


def finished_call(call: ToolCall, stop_reason: StopReason) -> ToolCall:
    """The call, marked incomplete when the answer was cut before its arguments ended."""
    if stop_reason in {"length", "content_filter"} and not is_object(call.arguments):
        return replace(call, complete=False)
    return call


def renamed_call(call: ToolCall, names: Mapping[str, str]) -> ToolCall | Text:
    """The call under the name that the request gave the tool; the text of the answer, if the tool stands for it."""
    name = names.get(call.name)
    if name == ANSWER:
        return Text(call.arguments)
    return call if name is None else replace(call, name=name)


def is_object(arguments: str) -> bool:
    """Whether the text is a whole JSON object; no text at all is one."""
    try:
        ToolCall("", "", arguments).parsed()
    except ConversionError:
        return False
    return True


@dataclass(slots=True)
class Block:
    """A part of the answer that still grows."""

    kind: str
    """`text`, `thinking`, `tool_call`, `opaque`, or `answer`: a call whose arguments are the text of the answer."""
    pieces: list[str] = field(default_factory=list)
    id: str = ""
    name: str = ""
    index: int = -1
    """The place among the tool calls; -1 before it was announced."""
    signature: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    call: ToolCall | None = None
    """The whole call, once it was told."""


class Assembly:
    """The answer of a stream so far. Each method that adds something returns its events."""

    def __init__(self, names: Mapping[str, str], source: str, api: str) -> None:
        self.id = ""
        self.model = ""
        self.usage: Usage | None = None
        self.extra: dict[str, Any] = {}
        self.message_extra: dict[str, Any] = {}
        self.warnings: list[str] = []
        self.blocks: list[Block] = []
        self._names = names
        self._source = source
        self._api = api
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._calls: list[Block] = []
        self._ids: set[str] = set()

    @property
    def has_calls(self) -> bool:
        """Whether a tool call was announced."""
        return bool(self._calls)

    def _block(self, kind: str) -> Block:
        if self.blocks and self.blocks[-1].kind == kind:
            return self.blocks[-1]
        return self.open(kind)

    def open(self, kind: str) -> Block:
        """Begin a new part."""
        block = Block(kind)
        self.blocks.append(block)
        return block

    def text(self, piece: str, block: Block | None = None) -> TextDelta:
        """More text, of the last part unless another is given."""
        (block or self._block("text")).pieces.append(piece)
        return TextDelta.append(self._text, piece)

    def thinking(self, piece: str, block: Block | None = None, signature: str | None = None) -> ThinkingDelta:
        """More thinking, of the last part unless another is given."""
        (block or self._block("thinking")).pieces.append(piece)
        return ThinkingDelta.append(self._thinking, piece, signature)

    def announce(self, block: Block, call_id: str, name: str) -> list[Event]:
        """A tool call has its name: tell it, and the arguments that came before the name."""
        if self._names.get(name) == ANSWER:
            block.kind = "answer"
            return []
        block.index, block.name = len(self._calls), self._names.get(name, name)
        self._calls.append(block)
        block.id = call_id or f"call_{block.index}"
        if block.id in self._ids:
            self.warnings.append("tool_calls.id: two calls shared one id, the second was renamed")
            block.id = f"{block.id}_{block.index}"
        self._ids.add(block.id)
        events: list[Event] = [ToolCallStart(block.index, block.id, block.name)]
        if block.pieces:
            events.append(ToolCallDelta(block.index, block.id, "".join(block.pieces)))
        return events

    def arguments(self, block: Block, piece: str) -> list[Event]:
        """More of the arguments of a tool call; kept back until the call has a name."""
        if block.kind == "answer":
            return [self.text(piece, block)]
        block.pieces.append(piece)
        return [ToolCallDelta(block.index, block.id, piece)] if block.index >= 0 else []

    def end_call(self, block: Block, *, cut: bool) -> ToolCallEnd:
        """A tool call has ended; `cut`: the answer may have been cut, so broken arguments are incomplete ones."""
        block.call = self._call(block, cut=cut)
        return ToolCallEnd(block.index, block.call)

    def _call(self, block: Block, *, cut: bool) -> ToolCall:
        arguments = "".join(block.pieces)
        complete = not cut or is_object(arguments)
        extra = {self._source: block.extra} if block.extra else {}
        return ToolCall(block.id, block.name, arguments, complete, extra=extra)

    def count(self, usage: Usage | None) -> list[Event]:
        """Token counts; the last ones hold."""
        if usage is None or usage == self.usage:
            return []
        self.usage = usage
        return [UsageEvent(usage)]

    def finish(self, stop_reason: StopReason, stop_sequence: str | None = None) -> list[Event]:
        """End all calls, and the answer.

        Raises:
            MalformedReplyError: a tool call never got its name.
        """
        cut = stop_reason in {"length", "content_filter"}
        events: list[Event] = []
        for block in self.blocks:
            if block.kind == "tool_call" and block.index < 0:
                raise MalformedReplyError("a tool call of the stream has no name")
        events += [self.end_call(block, cut=cut) for block in self._calls if block.call is None]
        events.append(Finish(self.reply(stop_reason, stop_sequence)))
        return events

    def reply(self, stop_reason: StopReason = "stop", stop_sequence: str | None = None) -> Reply:
        """The answer so far; calls that have not ended count as cut."""
        parts = [part for part in map(self._part, self.blocks) if part is not None]
        extra = {self._source: self.message_extra} if self.message_extra else {}
        return Reply(
            Message("assistant", tuple(parts), extra=extra),
            stop_reason=stop_reason,
            stop_sequence=stop_sequence,
            usage=self.usage,
            model=self.model,
            id=self.id,
            warnings=tuple(dict.fromkeys(self.warnings)),
            extra={self._source: self.extra} if self.extra else {},
        )

    def _part(self, block: Block) -> Part | None:
        text = "".join(block.pieces)
        extra = {self._source: block.extra} if block.extra else {}
        if block.kind in {"text", "answer"}:
            return Text(text, extra=extra) if text else None
        if block.kind == "thinking":
            redacted = block.data.get("data")
            thought = Thinking(text, block.signature or None, redacted, extra=extra)
            return thought if text or block.signature or redacted else None
        if block.kind == "tool_call":
            return block.call or (self._call(block, cut=True) if block.index >= 0 else None)
        return Opaque(self._api, block.data)
