"""The answer of a stream, built piece by piece; all stream decoders share it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError, MalformedReplyError
from llmroute.wire.events import (
    Event,
    Finish,
    PartEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageEvent,
)
from llmroute.wire.json_text import parse_object
from llmroute.wire.message import Message, Opaque, Part, Text, Thinking, ToolCall
from llmroute.wire.replies import BESIDE, CUT, TWICE, empty, is_cut, provider
from llmroute.wire.reply import Reply, StopReason, Usage
from llmroute.wire.tools import ANSWER
from llmroute.wire.unknown import gather

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class Block:
    """A part of the answer that still grows."""

    kind: str
    """`text`, `thinking`, `tool_call`, `opaque`; `answer`: a call whose arguments are the text of the answer;
    `surplus`: another call like it."""
    pieces: list[str] = field(default_factory=list)
    id: str = ""
    name: str = ""
    index: int = -1
    """The place among the tool calls; -1 before it was announced."""
    custom: bool = False
    """The tool that is called is a custom one."""
    signature: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    mark: dict[str, Any] = field(default_factory=dict)
    """Fields of the API, not of its provider alone."""
    call: ToolCall | None = None
    """The whole call, once it was told."""
    told: bool = False
    """Whether its end was told (see `Assembly.end_part`)."""


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
        self._awaits_answer = ANSWER in names.values()
        """Text is held back until it is known whether a tool stands for the answer."""
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._calls: list[Block] = []
        self._ids: set[str] = set()

    def keep(self, row: Mapping[str, Any]) -> None:
        """Fields of the answer that there is no word for."""
        gather(self.extra, row)

    @property
    def has_calls(self) -> bool:
        """Whether a tool call was announced."""
        return bool(self._calls)

    def _block(self, kind: str) -> Block:
        if self.blocks and self.blocks[-1].kind == kind and not self.blocks[-1].mark:
            return self.blocks[-1]
        return self.open(kind)

    def open(self, kind: str) -> Block:
        """Begin a new part."""
        block = Block(kind)
        self.blocks.append(block)
        return block

    def text(self, piece: str, block: Block | None = None) -> list[Event]:
        """More text, of the last part unless another is given."""
        (block or self._block("text")).pieces.append(piece)
        if self._awaits_answer and (block is None or block.kind != "answer"):
            return []
        return [TextDelta.append(self._text, piece)]

    def thinking(self, piece: str, block: Block | None = None) -> ThinkingDelta:
        """More thinking, of the last part unless another is given."""
        (block or self._block("thinking")).pieces.append(piece)
        return ThinkingDelta.append(self._thinking, piece)

    def announce(self, block: Block, call_id: str, name: str) -> list[Event]:
        """A tool call has its name: tell it, and the arguments that came before the name."""
        if self._names.get(name) == ANSWER:
            return self._announce_answer(block, name)
        block.index, block.name = len(self._calls), self._names.get(name, name)
        self._calls.append(block)
        block.id = call_id or f"call_{block.index}"
        if block.id in self._ids:
            self.warnings.append("tool_calls.id: two calls shared one id, the second was renamed")
            block.id = f"{block.id}_{block.index}"
        self._ids.add(block.id)
        events: list[Event] = [ToolCallStart(block.index, block.id, block.name, block.custom)]
        if block.pieces:
            events.append(ToolCallDelta(block.index, block.id, "".join(block.pieces)))
        return events

    def _announce_answer(self, block: Block, name: str) -> list[Event]:
        block.name = name
        block.kind = "surplus" if any(one.kind == "answer" for one in self.blocks) else "answer"
        if block.kind == "surplus" or not block.pieces:
            return []
        early = "".join(block.pieces)
        block.pieces.clear()
        return self.text(early, block)

    def arguments(self, block: Block, piece: str) -> list[Event]:
        """More of the arguments of a tool call; kept back until the call has a name."""
        if block.kind == "answer":
            return self.text(piece, block)
        block.pieces.append(piece)
        return [ToolCallDelta(block.index, block.id, piece)] if block.index >= 0 else []

    def end_call(self, block: Block, *, cut: bool) -> ToolCallEnd:
        """A tool call has ended; `cut`: the answer may have been cut, so broken arguments are incomplete ones."""
        block.call = self._call(block, cut=cut)
        return ToolCallEnd(block.index, block.call)

    def _call(self, block: Block, *, cut: bool) -> ToolCall:
        arguments = "".join(block.pieces)
        call = ToolCall(block.id, block.name, arguments, custom=block.custom, extra=self._extra(block))
        return replace(call, complete=False) if cut and is_cut(call, last=block is self.blocks[-1]) else call

    def _extra(self, block: Block) -> dict[str, dict[str, Any]]:
        fields = {self._api: block.mark, self._source: block.extra}
        if self._api == self._source:
            fields = {self._api: block.mark | block.extra}
        return {name: values for name, values in fields.items() if values}

    def end_part(self, block: Block) -> list[Event]:
        """What only the end of a part tells: the proof of a thought, or all of what has no deltas."""
        if block.told:
            return []
        block.told = True
        if block.kind == "thinking" and block.signature:
            return [ThinkingDelta.append(self._thinking, "", block.signature)]
        part = self._part(block) if block.kind == "opaque" or "data" in block.data else None
        return [PartEvent(part)] if isinstance(part, Thinking | Opaque) else []

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
        cut = stop_reason in CUT
        if any(block.kind == "tool_call" and block.index < 0 for block in self.blocks):
            raise MalformedReplyError("a tool call of the stream has no name")
        events = self._release()
        events += [event for block in self.blocks for event in self.end_part(block)]
        events += [self.end_call(block, cut=cut) for block in self._calls if block.call is None]
        reply = self.reply(stop_reason, stop_sequence)
        warnings = dict.fromkeys((*reply.warnings, *empty(reply.content, stop_reason)))
        events.append(Finish(replace(reply, warnings=tuple(warnings))))
        return events

    def _release(self) -> list[Event]:
        """The text that was held back, where no tool stands for the answer."""
        if not self._awaits_answer or any(block.kind == "answer" for block in self.blocks):
            return []
        pieces = [piece for block in self.blocks if block.kind == "text" for piece in block.pieces]
        return [TextDelta.append(self._text, piece) for piece in pieces]

    def reply(self, stop_reason: StopReason = "stop", stop_sequence: str | None = None) -> Reply:
        """The answer so far; calls that have not ended count as cut."""
        blocks, lost = self._said()
        parts = [part for part in map(self._part, blocks) if part is not None]
        extra = {self._source: self.message_extra} if self.message_extra else {}
        return Reply(
            Message("assistant", tuple(parts), extra=extra),
            stop_reason=stop_reason,
            stop_sequence=stop_sequence,
            usage=self.usage,
            model=self.model,
            id=self.id,
            warnings=tuple(dict.fromkeys((*self.warnings, *lost))),
            extra={self._source: self.extra} if self.extra else {},
        )

    def _said(self) -> tuple[list[Block], list[str]]:
        """The blocks that are part of the answer, and what is left out (see `answered`)."""
        kinds = {block.kind for block in self.blocks}
        if "answer" not in kinds:
            return self.blocks, []
        texts = any(block.kind == "text" and block.pieces for block in self.blocks)
        lost = [BESIDE] * texts + [TWICE] * ("surplus" in kinds)
        return [block for block in self.blocks if block.kind not in {"text", "surplus"}], lost

    def _part(self, block: Block) -> Part | None:
        text = "".join(block.pieces)
        extra = self._extra(block)
        if block.kind in {"text", "answer"}:
            return Text(text, extra=extra) if text else None
        if block.kind == "thinking":
            redacted = block.data.get("data")
            whose = provider(self._source, self._api)
            thought = Thinking(text, block.signature or None, redacted, source=whose, extra=extra)
            return thought if text or block.signature or redacted else None
        if block.kind == "tool_call":
            return block.call or (self._call(block, cut=True) if block.index >= 0 else None)
        if block.pieces:
            return Opaque(self._api, {**block.data, "input": _input(text)})
        return Opaque(self._api, block.data)


def _input(text: str) -> Any:
    """The arguments of a tool that the server runs, parsed; the text itself where they are no object."""
    try:
        return parse_object(text, "", "")
    except ConversionError:
        return text
