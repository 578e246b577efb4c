"""Ollama's own API, `/api/chat`: whole replies, written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.codec import OLLAMA, Encoded, Extras, Foreign, Losses
from llmroute.wire.message import Part, Text, Thinking, ToolCall
from llmroute.wire.openai_chat_reply_encode import flat
from llmroute.wire.quirks import Quirks
from llmroute.wire.unknown import united

if TYPE_CHECKING:
    from llmroute.wire.reply import Reply, Usage

RAW = "_raw"
"""The name under which arguments that are no JSON object are written, if that is asked for."""
_FOREIGN = Foreign(idle={"refusal": ("field", "part")})
"""Where a refusal stood in another API has no meaning here."""


def encode_reply(  # noqa: PLR0913 - the reply, and what the client may see of it
    reply: Reply,
    *,
    model: str | None = None,
    created_at: str | None = None,
    raw_arguments: bool = False,
    source: str = "",
    quirks: Quirks = Quirks(),  # noqa: B008 - frozen
) -> Encoded:
    """A reply as a body, and what was lost; pointers are into its JSON form.

    `model` is the name that the client asked for, `created_at` a time as of RFC 3339, `source` names the provider
    whose own fields the client may see. With `raw_arguments`, arguments that are no JSON object (cut, or broken) are
    written as `{"_raw": TEXT}`.

    Raises:
        ConversionError: the arguments of a tool call are no JSON object; something is lost, and `quirks` forbid it.
    """
    writer = _Writer(reply, Extras(OLLAMA, source, Losses(quirks), _FOREIGN, every=True), raw=raw_arguments)
    message = writer.message() | writer.extras.of(reply.message.extra, "/message/extra")
    own = writer.extras.of(flat(reply.extra, OLLAMA, source), "/extra")
    head = head_of(reply.model if model is None else model, created_at)
    body = {**head, "message": message, "done": True, **writer.end(), **own}
    return Encoded(body, writer.losses.found())


def head_of(model: str, created_at: str | None) -> dict[str, Any]:
    """How each object of an answer begins."""
    return {"model": model} if created_at is None else {"model": model, "created_at": created_at}


def usage_to(usage: Usage | None) -> dict[str, int]:
    """Token counts as the API writes them; what is unknown is left out."""
    counts = {} if usage is None else {"prompt_eval_count": usage.input_tokens, "eval_count": usage.output_tokens}
    return {name: count for name, count in counts.items() if count is not None}


def call_to(call: ToolCall, *, raw: bool) -> dict[str, Any]:
    """A tool call as the API writes it: its arguments are an object.

    Raises:
        ConversionError: they are none, and `raw` is not asked for.
    """
    try:
        arguments = replace(call, complete=True).parsed()
    except ConversionError:
        if not raw:
            raise
        arguments = {RAW: call.arguments}
    return {"id": call.id, "function": {"name": call.name, "arguments": arguments}}


class _Writer:
    """Writes what a reply says."""

    def __init__(self, reply: Reply, extras: Extras, *, raw: bool) -> None:
        self._reply = reply
        self.extras = extras
        self.losses = extras.losses
        self._raw = raw
        self._thoughts: list[str] = []
        self._texts: list[str] = []
        self._calls: list[dict[str, Any]] = []

    def message(self) -> dict[str, Any]:
        """The message, without the fields that only one provider knows."""
        ranks = []
        for i, part in enumerate(self._reply.content):
            ranks.append(self._add(part, f"/message/content/{i}"))
        if ranks != sorted(ranks):
            self.losses.add("content", "the order of thinking, text and calls is not kept", "/message/content")
        row: dict[str, Any] = {"role": "assistant", "content": "".join(self._texts)}
        if self._thoughts:
            row["thinking"] = "".join(self._thoughts)
        return row | ({"tool_calls": self._calls} if self._calls else {})

    def _add(self, part: Part, at: str) -> int:
        """Write a part; the number says where its kind stands in a message."""
        if isinstance(part, Thinking):
            self.extras.of(part.extra, f"{at}/extra")
            if part.signature or part.redacted:
                self.losses.add("thinking", "signatures and hidden thoughts are not told", at)
            self._thoughts.append(part.text)
            return 0
        if isinstance(part, ToolCall):
            self._calls.append(self._call(part, at))
            return 2
        if isinstance(part, Text):
            self.extras.of(part.extra, f"{at}/extra")
            self._texts.append(part.text)
        else:
            self.losses.add("content", f"a part of type {type(part).__name__} has no word in {OLLAMA}", at)
        return 1

    def _call(self, call: ToolCall, at: str) -> dict[str, Any]:
        try:
            row = call_to(call, raw=self._raw)
        except ConversionError as error:
            raise ConversionError(error.message, pointer=f"{at}/arguments") from error
        if row["function"]["arguments"] == {RAW: call.arguments}:
            self.losses.add("tool_calls", f"arguments that are no JSON object are told as {RAW}", f"{at}/arguments")
        elif not call.complete:
            self.losses.add("tool_calls", "that arguments may have been cut is not told", at)
        return united(row, self.extras.of(call.extra, f"{at}/extra"))

    def end(self) -> dict[str, Any]:
        """The reason to stop and the token counts."""
        reply, usage = self._reply, self._reply.usage
        if reply.stop_reason in {"content_filter", "refusal"}:
            self.losses.add("stop_reason", f"{reply.stop_reason} is told as stop", "/stop_reason")
        if reply.stop_sequence is not None:
            self.losses.add("stop_sequence", f"{OLLAMA} does not tell it", "/stop_sequence")
        if reply.id:
            self.losses.add("id", f"{OLLAMA} has no ids of answers", "/id")
        for name in ("cached_tokens", "cache_write_tokens", "reasoning_tokens"):
            if usage is not None and getattr(usage, name) is not None:
                self.losses.add("usage", "counts of parts are not told", f"/usage/{name}")
        reason = "length" if reply.stop_reason == "length" else "stop"
        return {"done_reason": reason, **usage_to(usage)}
