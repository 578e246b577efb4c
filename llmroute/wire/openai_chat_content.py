"""OpenAI Chat Completions: the messages of a request, written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.codec import OPENAI, Extras
from llmroute.wire.message import Document, Image, Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from llmroute.wire.tools import call_ids, mistral_id
from llmroute.wire.unknown import united

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmroute.wire.quirks import Quirks

PDF = "data:application/pdf;base64,"
"""How the data of a PDF begins."""
_SILENCE = " "
"""DeepSeek and Moonshot refuse a turn among tool calls without `reasoning_content`, DeepSeek an empty one too
(NousResearch/hermes-agent, pull request 17341); thoughts of other providers are none of their business."""
UNTITLED = "document.pdf"
"""The API wants a name with the data of a file; this is the name of one without a title, and is read as none."""


def call_to(call: ToolCall, call_id: str, name: str) -> dict[str, Any]:
    """A tool call as the API writes it."""
    if call.custom:
        return {"id": call_id, "type": "custom", "custom": {"name": name, "input": call.arguments}}
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": call.arguments}}


class Content:
    """Writes `messages`."""

    def __init__(self, messages: Sequence[Message], quirks: Quirks, extras: Extras, names: Mapping[str, str]) -> None:
        self._messages = messages
        self._quirks = quirks
        self._extras = extras
        self._losses = extras.losses
        self._names = names
        self._ids = call_ids(messages, mistral_id if quirks.tool_id_pattern == "mistral9" else str)
        self._has_calls = any(message.tool_calls for message in messages)

    def rows(self) -> list[dict[str, Any]]:
        """The conversation; a message with several tool results becomes one message a result."""
        result: list[dict[str, Any]] = []
        for i, message in enumerate(self._messages):
            at = f"/messages/{i}"
            if message.role == "tool":
                result += self._results(message, at)
            else:
                result.append(self._message(message, at))
        return result

    def _message(self, message: Message, at: str) -> dict[str, Any]:
        row: dict[str, Any] = {"role": message.role}
        extra = self._extras.of(message.extra, f"{at}/extra")
        as_list = extra.pop("content_list", False)
        thoughts = self._thoughts(message, at)
        content = [{"type": "thinking", "thinking": [{"type": "text", "text": text}]} for text in thoughts]
        content = content if self._quirks.thinking_parts else []
        content += [
            self._part(part, f"{at}/content/{i}")
            for i, part in enumerate(message.content)
            if not isinstance(part, Thinking | ToolCall)
        ]
        if content and "refusal_field" in content[-1]:  # it stood beside the content
            row["refusal"] = content.pop()["refusal_field"]
        row["content"] = self._content(message, content, as_list=as_list, refused="refusal" in row)
        if message.name is not None:
            row["name"] = message.name
        if message.role == "assistant":
            row |= self._reasoning(thoughts) | self._calls(message, at)
        return row | extra

    def _content(self, message: Message, content: list[dict[str, Any]], *, as_list: bool, refused: bool) -> Any:
        plain = all(part.keys() == {"type", "text"} for part in content)
        if content and (as_list or not plain or (message.role == "user" and len(content) > 1)):
            return content
        if message.role == "assistant" and not content and (message.tool_calls or refused):
            return None
        # Chat templates of small models take strings only, and one system text.
        return ("\n\n" if message.role == "system" else "").join(part["text"] for part in content)

    def _part(self, part: Part, at: str) -> dict[str, Any]:
        if isinstance(part, Text):
            extra = self._extras.of(part.extra, f"{at}/extra")
            if extra.get("refusal") == "field":
                return {"refusal_field": part.text}
            if extra.pop("refusal", None) is not None:
                return {"type": "refusal", "refusal": part.text, **extra}
            return {"type": "text", "text": part.text, **extra}
        if isinstance(part, Image):
            if part.url is not None and self._quirks.no_urls:
                raise ConversionError("the server may not fetch images; give the data", pointer=f"{at}/url")
            url = part.url if part.url is not None else f"data:{part.media_type};base64,{part.data}"
            image = {"url": url} if part.detail is None else {"url": url, "detail": part.detail}
            row = {"type": "image_url", "image_url": image}
            return united(row, self._extras.of(part.extra, f"{at}/extra"))
        if isinstance(part, Document):
            return self._document(part, at)
        if isinstance(part, Opaque) and part.api == OPENAI:
            return dict(part.data)
        kind = part.data.get("type", "unknown") if isinstance(part, Opaque) else type(part).__name__
        raise ConversionError(f"a part of type {kind!r} can't be written for {OPENAI}", pointer=at)

    def _document(self, part: Document, at: str) -> dict[str, Any]:
        extra = self._extras.of(part.extra, f"{at}/extra")
        if part.data is not None:
            file = {"filename": part.title or UNTITLED, "file_data": f"{PDF}{part.data}"}
            return united({"type": "file", "file": file}, extra)
        if part.text is None:
            raise ConversionError(f"{OPENAI} fetches no documents; give the data", pointer=f"{at}/url")
        self._losses.add("document", "a text document is written as text", at)
        return {"type": "text", "text": part.text if part.title is None else f"{part.title}\n\n{part.text}", **extra}

    def _thoughts(self, message: Message, at: str) -> list[str]:
        """The thoughts that go back: those of this provider, to servers that want them."""
        thoughts: list[str] = []
        for i, part in enumerate(message.content):
            if not isinstance(part, Thinking):
                continue
            if not (self._quirks.replay_reasoning or self._quirks.thinking_parts):
                self._losses.add("thinking", "thinking is not sent back", f"{at}/content/{i}")
            elif part.signature or part.redacted:
                self._losses.add("thinking", "signed thinking can only go back to Anthropic", f"{at}/content/{i}")
            elif not self._extras.knows(part.source):
                self._losses.add("thinking", "thinking goes back to its own provider alone", f"{at}/content/{i}")
            else:
                thoughts.append(part.text)
        return thoughts

    def _reasoning(self, thoughts: list[str]) -> dict[str, Any]:
        if not self._quirks.replay_reasoning:
            return {}
        text = "".join(thoughts) or (_SILENCE if self._has_calls else "")
        return {"reasoning_content": text} if text else {}

    def _calls(self, message: Message, at: str) -> dict[str, Any]:
        parts = enumerate(message.content)
        calls = [self._call(call, f"{at}/content/{i}") for i, call in parts if isinstance(call, ToolCall)]
        return {"tool_calls": calls} if calls else {}

    def _call(self, call: ToolCall, at: str) -> dict[str, Any]:
        row = call_to(call, self._ids[call.id], self._names[call.name])
        if not call.custom:
            row["function"]["arguments"] = call.arguments.strip() or "{}"
        return united(row, self._extras.of(call.extra, f"{at}/extra"))

    def _results(self, message: Message, at: str) -> list[dict[str, Any]]:
        """The tool role takes text only: all else goes into a user message behind the results."""
        self._extras.of(message.extra, f"{at}/extra")  # a turn of another API may have had some
        results = [part for part in message.content if isinstance(part, ToolResult)]
        rows: list[dict[str, Any]] = []
        moved: list[dict[str, Any]] = []
        for i, result in enumerate(results):
            where = f"{at}/content/{i}"
            rows.append(self._result(result, where))
            for j, part in enumerate(result.content):
                place = f"{where}/content/{j}"
                if not isinstance(part, Text | Opaque):
                    self._losses.add(f"tool_result.{type(part).__name__.lower()}", "moved into a user message", place)
                    moved.append(self._part(part, place))
                elif isinstance(part, Opaque):
                    raise ConversionError("a tool result holds text only here", pointer=place)
        return [*rows, {"role": "user", "content": moved}] if moved else rows

    def _result(self, result: ToolResult, at: str) -> dict[str, Any]:
        texts = [(i, part) for i, part in enumerate(result.content) if isinstance(part, Text)]
        extra = self._extras.of(result.extra, f"{at}/extra")
        parts = [self._part(part, f"{at}/content/{i}") for i, part in texts]
        as_list = extra.pop("content_list", False) or any(row.keys() != {"type", "text"} for row in parts)
        if result.is_error:
            self._losses.add("tool_result.is_error", "written as a prefix of the text", f"{at}/is_error")
            first = parts[0] if parts else {"type": "text", "text": ""}
            parts[:1] = [{**first, "text": f"Error: {first['text']}"}]
        content: Any = parts if parts and as_list else "\n\n".join(row["text"] for row in parts)
        return {"role": "tool", "tool_call_id": self._ids[result.tool_call_id], "content": content, **extra}
