"""How many tokens a request will come to, before anybody has counted them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmroute.wire.chat import Document, Text, Thinking, ToolCall, ToolResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.wire.chat import ChatRequest, Part

BYTES_A_TOKEN = 4
"""English text has about so many, most other languages and code fewer; the count of the answer corrects it."""


def estimated_tokens(request: ChatRequest) -> int:
    """The bytes of all texts and tool definitions (UTF-8) divided by 4, and `max_tokens` where it is set.

    Images and files count nothing until the provider has counted them.
    """
    texts = [text for message in request.messages for part in message.content for text in _texts(part)]
    texts += [f"{tool.name}{tool.description}{json.dumps(tool.parameters)}" for tool in request.tools]
    if request.response_format is not None and request.response_format.schema is not None:
        texts.append(json.dumps(request.response_format.schema))
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    return -(-size // BYTES_A_TOKEN) + (request.params.max_tokens or 0)


def _texts(part: Part) -> Iterator[str]:
    match part:
        case Text(text) | Thinking(text):
            yield text
        case Document(text=str(text)):
            yield text
        case ToolCall():
            yield part.name
            yield part.arguments
        case ToolResult():
            for inner in part.content:
                yield from _texts(inner)
