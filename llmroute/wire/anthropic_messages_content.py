"""Anthropic Messages: the messages of a request, written.

The API wants turns that alternate, tool results first in the turn after the calls, and no empty text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.codec import ANTHROPIC, Extras
from llmroute.wire.message import Document, Image, Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from llmroute.wire.tools import call_ids, valid_id
from llmroute.wire.unknown import united

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmroute.wire.quirks import Quirks

RAW = "_raw"
"""The name under which arguments that are no JSON object are written, if that is asked for."""
_MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")


class Content:
    """Writes `system` and `messages`."""

    def __init__(self, messages: Sequence[Message], quirks: Quirks, extras: Extras, names: Mapping[str, str]) -> None:
        self._messages = messages
        self._quirks = quirks
        self._extras = extras
        self._losses = extras.losses
        self._names = names
        self._ids = call_ids(messages, valid_id)
        self._system: list[dict[str, Any]] = []
        self._turns: list[dict[str, Any]] = []

    def body(self) -> dict[str, Any]:
        """The two fields; `system` only where there is one."""
        for i, message in enumerate(self._messages):
            self._add(message, f"/messages/{i}")
        if not self._turns:
            raise ConversionError("there is no message but system ones", pointer="/messages")
        self._check_last()
        body: dict[str, Any] = {"messages": [_shortened(turn) for turn in self._turns]}
        if self._system:
            first = self._system[0]
            plain = len(self._system) == 1 and first.keys() == {"type", "text"}
            body["system"] = first["text"] if plain else self._system
        return body

    def goes_on_without_thoughts(self) -> bool:
        """Whether the last turn answers calls before which nothing was thought that this API could read.

        It happens where another model made the calls; a request that turns thinking on is refused then.
        """
        *before, last = self._turns
        if not before or last["content"][0]["type"] != "tool_result":
            return False
        return before[-1]["content"][0]["type"] not in {"thinking", "redacted_thinking"}

    def _add(self, message: Message, at: str) -> None:
        if message.name is not None:
            self._losses.add("name", f"{ANTHROPIC} has no names of participants", f"{at}/name")
        extra = self._extras.of(message.extra, f"{at}/extra")
        extra.pop("content_list", None)
        blocks = [block for i, part in enumerate(message.content) for block in self._blocks(part, f"{at}/content/{i}")]
        if message.role == "system":
            self._add_system(blocks, at)
            return
        if not blocks and message.role == "user":
            raise ConversionError("a user message without content", pointer=f"{at}/content")
        if not blocks:
            self._losses.add("messages", "a message without content is left out", at)
            return
        role = "assistant" if message.role == "assistant" else "user"
        if not self._turns or self._turns[-1]["role"] != role:
            self._turns.append({"role": role, "content": []})
        self._turns[-1]["content"] += blocks
        self._turns[-1] |= extra

    def _add_system(self, blocks: list[dict[str, Any]], at: str) -> None:
        if not self._turns or not blocks:
            self._system += blocks
        elif self._quirks.mid_system:
            self._turns.append({"role": "system", "content": blocks})
        else:
            self._losses.add("system", "a system message inside of the conversation was moved to its start", at)
            self._system += blocks

    def _blocks(self, part: Part, at: str) -> list[dict[str, Any]]:
        """The block of a part; none for empty text and for thinking that nobody signed."""
        if isinstance(part, Text):
            block = {"type": "text", "text": part.text}
            if part.text and not part.text.strip():
                self._losses.add("content", "text of white space only is left out", at)
            return [block | self._extras.of(part.extra, f"{at}/extra")] if part.text.strip() else []
        return self._thinking(part, at) if isinstance(part, Thinking) else [self._block(part, at)]

    def _block(self, part: Image | Document | ToolCall | ToolResult | Opaque, at: str) -> dict[str, Any]:
        if isinstance(part, Image | Document) and part.url is not None and self._quirks.no_urls:
            raise ConversionError("the server may not fetch what is at a URL; give the data", pointer=f"{at}/url")
        if isinstance(part, Image):
            return self._image(part, at)
        if isinstance(part, Document):
            return self._document(part, at)
        if isinstance(part, ToolCall):
            return self._call(part, at)
        if isinstance(part, ToolResult):
            return self._result(part, at)
        if part.api == ANTHROPIC:
            return dict(part.data)
        kind = part.data.get("type", "unknown")
        raise ConversionError(f"a part of type {kind!r} can't be written for {ANTHROPIC}", pointer=at)

    def _image(self, part: Image, at: str) -> dict[str, Any]:
        source: dict[str, Any] = {"type": "url", "url": part.url}
        if part.data is not None:
            if part.media_type not in _MEDIA_TYPES:
                raise ConversionError(f"images are of {', '.join(_MEDIA_TYPES)}", pointer=f"{at}/media_type")
            source = {"type": "base64", "media_type": part.media_type, "data": part.data}
        if part.detail is not None:
            self._losses.add("image.detail", f"{ANTHROPIC} has no such field", f"{at}/detail")
        return united({"type": "image", "source": source}, self._extras.of(part.extra, f"{at}/extra"))

    def _document(self, part: Document, at: str) -> dict[str, Any]:
        source = {"type": "url", "url": part.url}
        if part.data is not None:
            source = {"type": "base64", "media_type": "application/pdf", "data": part.data}
        elif part.text is not None:
            source = {"type": "text", "media_type": "text/plain", "data": part.text}
        block: dict[str, Any] = {"type": "document", "source": source}
        if part.title is not None:
            block["title"] = part.title
        return united(block, self._extras.of(part.extra, f"{at}/extra"))

    def _thinking(self, part: Thinking, at: str) -> list[dict[str, Any]]:
        if not self._extras.knows(part.source):
            self._losses.add("thinking", "thinking goes back to its own provider alone", at)
            return []
        extra = self._extras.of(part.extra, f"{at}/extra")
        if part.redacted is not None:
            return [{"type": "redacted_thinking", "data": part.redacted, **extra}]
        if part.signature is None:
            self._losses.add("thinking", "thinking without a signature can't be replayed", at)
            return []
        return [{"type": "thinking", "thinking": part.text, "signature": part.signature, **extra}]

    def _arguments(self, call: ToolCall, at: str) -> dict[str, Any]:
        try:
            return call.parsed()
        except ConversionError as error:
            if not self._quirks.raw_arguments:
                raise ConversionError(error.message, pointer=f"{at}/arguments") from error
        self._losses.add("arguments", f"what is no JSON object is written as {RAW}", f"{at}/arguments")
        return {RAW: call.arguments}

    def _call(self, call: ToolCall, at: str) -> dict[str, Any]:
        arguments = self._arguments(call, at)
        block = {"type": "tool_use", "id": self._ids[call.id], "name": self._names[call.name], "input": arguments}
        return block | self._extras.of(call.extra, f"{at}/extra")

    def _result(self, result: ToolResult, at: str) -> dict[str, Any]:
        content = [block for i, part in enumerate(result.content) for block in self._blocks(part, f"{at}/content/{i}")]
        block: dict[str, Any] = {"type": "tool_result", "tool_use_id": self._ids[result.tool_call_id]}
        if content:
            block = _shortened({**block, "content": content})
        if result.is_error:
            block["is_error"] = True
        extra = self._extras.of(result.extra, f"{at}/extra")
        extra.pop("content_list", None)
        return block | extra

    def _check_last(self) -> None:
        last = self._turns[-1]
        if last["role"] != "assistant":
            return
        at = f"/messages/{len(self._messages) - 1}"
        if not self._quirks.prefill:
            raise ConversionError("the last message may not be the assistant's", pointer=at)
        block = last["content"][-1]
        if block["type"] == "text" and block["text"] != block["text"].rstrip():
            self._losses.add("messages", "white space at the end of the last message was cut", at)
            block["text"] = block["text"].rstrip()


def _shortened(row: dict[str, Any]) -> dict[str, Any]:
    """Content that is one plain text is written as a string."""
    content = row["content"]
    if len(content) == 1 and content[0].keys() == {"type", "text"}:
        return {**row, "content": content[0]["text"]}
    return row
