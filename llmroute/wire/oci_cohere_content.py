"""Oracle's generative AI inference, format `COHERE`: the conversation, written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.codec import OCI, Extras
from llmroute.wire.message import Document, Message, Part, Text, Thinking, ToolCall, ToolResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROLES = {"user": "USER", "assistant": "CHATBOT", "system": "SYSTEM"}


class Content:
    """Writes `message`, `chatHistory`, `preambleOverride` and `toolResults`."""

    def __init__(self, messages: Sequence[Message], extras: Extras, names: Mapping[str, str]) -> None:
        self._messages = list(enumerate(messages))
        self._extras = extras
        self._losses = extras.losses
        self._names = names
        self._calls: dict[str, dict[str, Any]] = {}
        """Each call so far as the API writes it, by its id."""

    def said(self) -> dict[str, Any]:
        """The conversation. Results that stand at its end answer the model, so that there is no message.

        Raises:
            ConversionError: it does not end with a message of the user, or with results.
        """
        rows = self._messages
        first = next((n for n, (_, message) in enumerate(rows) if message.role != "system"), len(rows))
        found: dict[str, Any] = {}
        if first:
            found["preambleOverride"] = "\n\n".join(self._text(message, i) for i, message in rows[:first])
        turns = rows[first:]
        if not turns or turns[-1][1].role not in {"user", "tool"}:
            at = f"/messages/{len(rows) - 1}" if rows else "/messages"
            raise ConversionError("the last message must be the user's, or hold the results of tools", pointer=at)
        # Results may stand in several messages.
        end = len(turns) - 1
        while turns[end][1].role == "tool" and turns[end - 1][1].role == "tool":
            end -= 1
        history = [self._turn(message, i) for i, message in turns[:end]]
        if history:
            found["chatHistory"] = history
        if turns[-1][1].role == "user":
            return {"message": self._text(turns[-1][1], turns[-1][0]), **found}
        results = [row for i, message in turns[end:] for row in self._results(message, i)]
        return {"message": "", **found, "toolResults": results}

    def _turn(self, message: Message, i: int) -> dict[str, Any]:
        if message.role == "tool":
            return {"role": "TOOL", "toolResults": self._results(message, i)}
        row: dict[str, Any] = {"role": _ROLES[message.role], "message": self._text(message, i)}
        calls = [
            self._call(part, f"/messages/{i}/content/{j}")
            for j, part in enumerate(message.content)
            if isinstance(part, ToolCall)
        ]
        return {**row, "toolCalls": calls} if calls else row

    def _text(self, message: Message, i: int) -> str:
        at = f"/messages/{i}"
        if message.name is not None:
            self._losses.add("name", f"{OCI} has no names of participants for Cohere's models", f"{at}/name")
        self._extras.of(message.extra, f"{at}/extra")
        texts = [self._said(part, f"{at}/content/{j}") for j, part in enumerate(message.content)]
        return ("" if message.role == "assistant" else "\n\n").join(text for text in texts if text is not None)

    def _said(self, part: Part, at: str) -> str | None:
        """A part as text; None for one that stands elsewhere, or nowhere."""
        if isinstance(part, ToolCall):
            return None
        if isinstance(part, Thinking):
            self._losses.add("thinking", "thinking is not sent back", at)
            return None
        if isinstance(part, Text):
            self._extras.of(part.extra, f"{at}/extra")
            return part.text
        if isinstance(part, Document) and part.text is not None:
            self._losses.add("document", "a text document is written as text", at)
            return part.text if part.title is None else f"{part.title}\n\n{part.text}"
        raise ConversionError(f"a part of type {type(part).__name__} can't be written for Cohere's models", pointer=at)

    def _call(self, call: ToolCall, at: str) -> dict[str, Any]:
        try:
            parameters = call.parsed()
        except ConversionError as error:
            raise ConversionError(error.message, pointer=f"{at}/arguments") from error
        self._calls[call.id] = {"name": self._names[call.name], "parameters": parameters}
        return self._calls[call.id]

    def _results(self, message: Message, i: int) -> list[dict[str, Any]]:
        """Each result, beside its call."""
        parts = [(f"/messages/{i}/content/{j}", part) for j, part in enumerate(message.content)]
        return [self._result(part, at) for at, part in parts if isinstance(part, ToolResult)]

    def _result(self, result: ToolResult, at: str) -> dict[str, Any]:
        texts = [self._said(part, f"{at}/content/{j}") for j, part in enumerate(result.content)]
        output = {"error" if result.is_error else "output": "\n\n".join(text for text in texts if text is not None)}
        return {"call": self._calls[result.tool_call_id], "outputs": [output]}
