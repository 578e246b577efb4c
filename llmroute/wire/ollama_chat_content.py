"""Ollama's own API, `/api/chat`: the messages of a request, written.

The content of a message is one string. Pictures stand beside it, as base64 data: Ollama fetches nothing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.codec import OLLAMA, Extras
from llmroute.wire.message import Document, Image, Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from llmroute.wire.unknown import united

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Content:
    """Writes `messages`."""

    def __init__(self, messages: Sequence[Message], extras: Extras, names: Mapping[str, str], source: str) -> None:
        self._messages = messages
        self._extras = extras
        self._losses = extras.losses
        self._names = names
        self._source = source
        self._called: dict[str, str] = {}
        """The id of each call so far, and the name of its tool as it is written."""

    def rows(self) -> list[dict[str, Any]]:
        """The conversation; a message with several tool results becomes one message a result."""
        rows: list[dict[str, Any]] = []
        for i, message in enumerate(self._messages):
            at = f"/messages/{i}"
            if message.role == "tool":
                own = self._own(message, at)
                results = (part for part in message.content if isinstance(part, ToolResult))
                rows += [self._result(result, f"{at}/content/{j}") | own for j, result in enumerate(results)]
            else:
                rows.append(self._message(message, at))
        return rows

    def _message(self, message: Message, at: str) -> dict[str, Any]:
        if message.name is not None:
            self._losses.add("name", f"{OLLAMA} has no names of participants", f"{at}/name")
        row = {"role": message.role, **self._said(message.content, at, "" if message.role == "assistant" else "\n\n")}
        thoughts = [self._thought(part, f"{at}/content/{i}") for i, part in _of(message.content, Thinking)]
        if any(thoughts):
            row["thinking"] = "".join(thoughts)
        calls = [self._call(call, f"{at}/content/{i}") for i, call in _of(message.content, ToolCall)]
        if calls:
            row["tool_calls"] = calls
        return row | self._own(message, at)

    def _own(self, part: Message | Part, at: str) -> dict[str, Any]:
        own = self._extras.of(getattr(part, "extra", {}), f"{at}/extra")
        own.pop("content_list", None)
        return own

    def _said(self, content: Sequence[Part], at: str, between: str) -> dict[str, Any]:
        """`content` and `images`."""
        texts: list[str] = []
        images: list[str] = []
        for i, part in enumerate(content):
            where = f"{at}/content/{i}"
            if isinstance(part, Text):
                self._own(part, where)
                texts.append(part.text)
            elif isinstance(part, Image):
                images.append(self._image(part, where))
            elif isinstance(part, Document):
                texts.append(self._document(part, where))
            elif isinstance(part, Opaque):
                kind = part.data.get("type", "unknown")
                raise ConversionError(f"a part of type {kind!r} can't be written for {OLLAMA}", pointer=where)
        if images and _mixed(content):
            self._losses.add("content", "where the images stood among the texts is not kept", f"{at}/content")
        row: dict[str, Any] = {"content": between.join(texts)}
        return {**row, "images": images} if images else row

    def _image(self, part: Image, at: str) -> str:
        self._own(part, at)
        if part.data is None:
            raise ConversionError(f"{OLLAMA} fetches no images; give the data, as base64", pointer=f"{at}/url")
        if part.detail is not None:
            self._losses.add("image.detail", f"{OLLAMA} has no such field", f"{at}/detail")
        return part.data

    def _document(self, part: Document, at: str) -> str:
        self._own(part, at)
        if part.text is None:
            where = f"{at}/{'url' if part.data is None else 'data'}"
            raise ConversionError(f"{OLLAMA} reads no PDF; give its text", pointer=where)
        self._losses.add("document", "a text document is written as text", at)
        return part.text if part.title is None else f"{part.title}\n\n{part.text}"

    def _thought(self, part: Thinking, at: str) -> str:
        self._own(part, at)
        if part.signature is not None or part.redacted is not None or part.source not in {None, self._source}:
            self._losses.add("thinking", "it can only go back to the provider that thought it", at)
            return ""
        return part.text

    def _call(self, call: ToolCall, at: str) -> dict[str, Any]:
        try:
            arguments = call.parsed()
        except ConversionError as error:
            raise ConversionError(error.message, pointer=f"{at}/arguments") from error
        name = self._called[call.id] = self._names[call.name]
        return united({"id": call.id, "function": {"name": name, "arguments": arguments}}, self._own(call, at))

    def _result(self, result: ToolResult, at: str) -> dict[str, Any]:
        row = {"role": "tool", **self._said(result.content, at, "\n\n")}
        if result.is_error:
            self._losses.add("tool_result.is_error", "written as a prefix of the text", f"{at}/is_error")
            row["content"] = f"Error: {row['content']}"
        named = {"tool_name": self._called[result.tool_call_id], "tool_call_id": result.tool_call_id}
        return row | named | self._own(result, at)


def _of(content: Sequence[Part], kind: type[Any]) -> Iterable[tuple[int, Any]]:
    return ((i, part) for i, part in enumerate(content) if isinstance(part, kind))


def _mixed(content: Sequence[Part]) -> bool:
    """Whether images and texts take turns, so that it matters where each stands.

    >>> picture = Image(data="AA==", media_type="image/png")
    >>> _mixed((Text("a"), picture)), _mixed((Text("a"), picture, Text("b")))
    (False, True)
    """
    order = [isinstance(part, Image) for part in content]
    return sum(before != after for before, after in pairwise(order)) > 1
