"""Anthropic Messages: whole replies, written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.anthropic_messages_content import RAW
from llmroute.wire.codec import ANTHROPIC, Encoded, Extras, Foreign, Losses
from llmroute.wire.message import Opaque, Part, Text, Thinking, ToolCall
from llmroute.wire.openai_chat_reply_encode import flat
from llmroute.wire.quirks import Quirks
from llmroute.wire.tools import call_ids, valid_id

if TYPE_CHECKING:
    from llmroute.wire.reply import Reply, StopReason, Usage

_STOP_BACK: dict[StopReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
}
_ENDED = frozenset({"stop", "tool_calls"})
"""Reasons to stop that a stop string can be behind."""
_FOREIGN = Foreign(idle={"refusal": ("field", "part")})
"""Where a refusal stood in another API has no meaning here: the reason to stop tells it."""


def encode_reply(
    reply: Reply,
    *,
    model: str | None = None,
    raw_arguments: bool = False,
    source: str = "",
    quirks: Quirks = Quirks(),  # noqa: B008 - frozen
) -> Encoded:
    """A reply as a body, and what was lost; pointers are into its JSON form.

    `model` is the name that the client asked for, `source` names the provider whose own fields the client may see.
    Ids of tool calls that this API does not take are changed, each into another. With `raw_arguments`, arguments
    that are no JSON object (cut, or broken) are written as `{"_raw": TEXT}`.

    Raises:
        ConversionError: the arguments of a tool call are no JSON object; a part belongs to no reply; something is
            lost, and `quirks` forbid it.
    """
    writer = _Writer(reply, Extras(ANTHROPIC, source, Losses(quirks), _FOREIGN, every=True), raw=raw_arguments)
    body = {
        "id": reply.id,
        "type": "message",
        "role": "assistant",
        "model": reply.model if model is None else model,
        "content": writer.content(),
        **stop_to(reply),
        "usage": usage_to(reply.usage),
    }
    if reply.stop_sequence is not None and reply.stop_reason not in _ENDED:
        writer.losses.add("stop_sequence", f"{ANTHROPIC} does not tell it with this reason to stop", "/stop_sequence")
    own = writer.extras.of(flat(reply.extra, ANTHROPIC, source), "/extra")
    writer.extras.of(reply.message.extra, "/message/extra")
    return Encoded(body | own, writer.losses.found())


def usage_to(usage: Usage | None) -> dict[str, Any]:
    """Token counts as the API writes them; what is unknown is null, never 0."""
    if usage is None:
        return {"input_tokens": None, "output_tokens": None}
    cached, written = usage.cached_tokens, usage.cache_write_tokens
    total = usage.input_tokens
    row: dict[str, Any] = {
        "input_tokens": None if total is None else max(0, total - (cached or 0) - (written or 0)),
        "output_tokens": usage.output_tokens,
    }
    if written is not None:
        row["cache_creation_input_tokens"] = written
    if cached is not None:
        row["cache_read_input_tokens"] = cached
    if usage.reasoning_tokens is not None:
        row["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return row


def stop_to(reply: Reply) -> dict[str, Any]:
    """`stop_reason` and `stop_sequence` of a reply."""
    word = reply.stop_sequence if reply.stop_reason in _ENDED else None
    return {"stop_reason": _STOP_BACK[reply.stop_reason] if word is None else "stop_sequence", "stop_sequence": word}


class _Writer:
    """Writes what a reply says."""

    def __init__(self, reply: Reply, extras: Extras, *, raw: bool) -> None:
        self._reply = reply
        self.extras = extras
        self.losses = extras.losses
        self._raw = raw
        self._ids = call_ids((reply.message,), valid_id)

    def content(self) -> list[dict[str, Any]]:
        """The blocks, in their order."""
        return [row for i, part in enumerate(self._reply.content) for row in self._rows(part, f"/message/content/{i}")]

    def _rows(self, part: Part, at: str) -> list[dict[str, Any]]:
        if isinstance(part, ToolCall):
            return [self._call(part, at)]
        if isinstance(part, Opaque):
            return self._opaque(part, at)
        if isinstance(part, Text):
            row: dict[str, Any] = {"type": "text", "text": part.text}
        elif isinstance(part, Thinking) and part.redacted is not None:
            row = {"type": "redacted_thinking", "data": part.redacted}
        elif isinstance(part, Thinking):
            row = {"type": "thinking", "thinking": part.text, "signature": part.signature or ""}
        else:
            raise ConversionError(f"a {type(part).__name__} belongs to no reply of {ANTHROPIC}", pointer=at)
        return [row | self.extras.of(part.extra, f"{at}/extra")]

    def _opaque(self, part: Opaque, at: str) -> list[dict[str, Any]]:
        if part.api == ANTHROPIC:
            return [dict(part.data)]
        kind = part.data.get("type", "unknown")
        self.losses.add("content", f"a part of type {kind!r} has no word in {ANTHROPIC}", at)
        return []

    def _call(self, call: ToolCall, at: str) -> dict[str, Any]:
        row = {"type": "tool_use", "id": self._ids[call.id], "name": call.name, "input": self._input(call, at)}
        return row | self.extras.of(call.extra, f"{at}/extra")

    def _input(self, call: ToolCall, at: str) -> dict[str, Any]:
        try:
            arguments = replace(call, complete=True).parsed()
        except ConversionError as error:
            if not self._raw:
                raise ConversionError(error.message, pointer=f"{at}/arguments") from error
            self.losses.add("tool_use.input", f"arguments that are no JSON object are told as {RAW}", f"{at}/arguments")
            return {RAW: call.arguments}
        last = self._reply.stop_reason == "length" and call is self._reply.content[-1] and not arguments
        if call.complete == last:  # of no arguments at the limit, readers think that they were cut
            self.losses.add("tool_use", "whether arguments may have been cut is not told", at)
        return arguments
