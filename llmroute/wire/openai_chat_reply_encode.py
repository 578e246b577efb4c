"""OpenAI Chat Completions: whole replies, written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.wire.codec import OPENAI, Encoded, Extras, Losses
from llmroute.wire.message import Opaque, Part, Text, Thinking, ToolCall
from llmroute.wire.openai_chat_content import call_to
from llmroute.wire.openai_chat_usage import usage_to
from llmroute.wire.quirks import Quirks
from llmroute.wire.replies import CUT, is_cut
from llmroute.wire.unknown import united

if TYPE_CHECKING:
    from llmroute.wire.message import Extra
    from llmroute.wire.reply import Reply, StopReason

FINISH_BACK: dict[StopReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}
"""The `finish_reason` for each reason to stop."""
_INNER = ("choice", "message")
"""What `extra` of a reply holds of the inner objects of an answer, by their names."""


def encode_reply(  # noqa: PLR0913 - the reply, and what the client may see of it
    reply: Reply,
    *,
    model: str | None = None,
    created: int = 0,
    reasoning: bool = False,
    source: str = "",
    quirks: Quirks = Quirks(),  # noqa: B008 - frozen
) -> Encoded:
    """A reply as a body, and what was lost; pointers are into its JSON form.

    `model` is the name that the client asked for, `created` seconds since 1970. With `reasoning`, thinking goes into
    `reasoning_content`, which is no part of OpenAI's own API. `source` names the provider whose own fields the client
    may see.

    Raises:
        ConversionError: something is lost, and `quirks` forbid it.
    """
    writer = _Writer(reply, Extras(OPENAI, source, Losses(quirks), every=True), reasoning=reasoning)
    own = writer.extras.of(flat(reply.extra, OPENAI, source), "/extra")
    inner = own.pop("choice", {})
    message = writer.message() | own.pop("message", {}) | writer.extras.of(reply.message.extra, "/message/extra")
    if reply.stop_sequence is not None and "stop_reason" not in inner:
        writer.losses.add("stop_sequence", f"{OPENAI} does not tell it", "/stop_sequence")
    choice = {"index": 0, "message": message, "finish_reason": FINISH_BACK[reply.stop_reason], "logprobs": None}
    body: dict[str, Any] = {
        "id": reply.id,
        "object": "chat.completion",
        "created": created,
        "model": reply.model if model is None else model,
        "choices": [choice | inner],
    }
    usage = writer.usage()
    return Encoded(body | ({} if usage is None else {"usage": usage}) | own, writer.losses.found())


def flat(extra: Extra, *mine: str) -> Extra:
    """The fields of others with the inner ones beside the rest, so that each is a loss of its own.

    >>> flat({"groq": {"choice": {"logprobs": 1}, "x": 2}})
    {'groq': {'x': 2, 'logprobs': 1}}
    """
    return {key: fields if key in mine else _spread(fields) for key, fields in extra.items()}


def _spread(fields: Any) -> dict[str, Any]:
    found = {name: value for name, value in fields.items() if name not in _INNER}
    for name in _INNER:
        found |= fields.get(name, {})
    return found


class _Writer:
    """Writes what a reply says."""

    def __init__(self, reply: Reply, extras: Extras, *, reasoning: bool) -> None:
        self.reply = reply
        self.extras = extras
        self.losses = extras.losses
        self._reasoning = reasoning
        self._thoughts: list[str] = []
        self._content: list[dict[str, Any]] = []
        self._refusal: list[str] = []
        self._calls: list[dict[str, Any]] = []

    def message(self) -> dict[str, Any]:
        """The message, without the fields that only one provider knows."""
        ranks = []
        for i, part in enumerate(self.reply.content):
            ranks.append(self._add(part, f"/message/content/{i}"))
        if ranks != sorted(ranks):
            self.losses.add("content", "the order of thinking, text and calls is not kept", "/message/content")
        if self.reply.stop_reason == "refusal" and not self._refusal:
            self._refusal = [row.get("text", "") for row in self._content]
            self._content = []
        if self.reply.stop_reason == "refusal" and not "".join(self._refusal):
            self.losses.add("stop_reason", "a refusal without words is told as content_filter", "/stop_reason")
        row: dict[str, Any] = {"role": "assistant", "content": self._text(), "refusal": "".join(self._refusal) or None}
        if self._thoughts:
            row["reasoning_content"] = "".join(self._thoughts)
        return row | ({"tool_calls": self._calls} if self._calls else {})

    def _text(self) -> Any:
        if any(row.keys() != {"type", "text"} for row in self._content):
            return self._content
        return "".join(row["text"] for row in self._content) or None

    def _add(self, part: Part, at: str) -> int:
        """Write a part; the number says where its kind stands in a message."""
        if isinstance(part, Thinking):
            self._think(part, at)
            return 0
        if isinstance(part, ToolCall):
            self._calls.append(self._call(part, at))
            return 2
        if isinstance(part, Text):
            own = self.extras.of(part.extra, f"{at}/extra")
            if own.pop("refusal", None) is None:
                self._content.append({"type": "text", "text": part.text, **own})
            else:
                self._refusal.append(part.text)
        elif isinstance(part, Opaque) and part.api == OPENAI:
            self._content.append(dict(part.data))
        else:
            kind = part.data.get("type", "unknown") if isinstance(part, Opaque) else type(part).__name__
            self.losses.add("content", f"a part of type {kind!r} has no word in {OPENAI}", at)
        return 1

    def _think(self, part: Thinking, at: str) -> None:
        self.extras.of(part.extra, f"{at}/extra")
        if part.signature or part.redacted or not self._reasoning:
            why = "signatures and hidden thoughts are not told" if self._reasoning else "thinking is not told"
            self.losses.add("thinking", why, at)
        if self._reasoning:
            self._thoughts.append(part.text)

    def _call(self, call: ToolCall, at: str) -> dict[str, Any]:
        cut = self.reply.stop_reason in CUT and is_cut(call, last=call is self.reply.content[-1])
        if call.complete == cut:
            self.losses.add("tool_calls", "whether arguments may have been cut is not told", at)
        return united(call_to(call, call.id, call.name), self.extras.of(call.extra, f"{at}/extra"))

    def usage(self) -> dict[str, Any] | None:
        """The token counts."""
        row = usage_to(self.reply.usage)
        if row is None and self.reply.usage is not None:
            self.losses.add("usage", "counts without both totals are not told", "/usage")
        return row
