"""No repr shows what was said: they end up in logs and error trackers."""

from __future__ import annotations

from typing import Any

import pytest

from llmroute.wire import anthropic_messages, openai_chat
from llmroute.wire.chat import (
    ChatRequest,
    Finish,
    Image,
    Opaque,
    Reply,
    ResponseFormat,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallEnd,
    assistant,
    system,
    tool_result,
    user,
)
from llmroute.wire.sse import ServerSentEvent

SECRET = "canary-7f3a"
CALL = ToolCall("a", "f", f'{{"x": "{SECRET}"}}', extra={"p": {"signature": SECRET}})
REQUEST = ChatRequest(
    (
        system(SECRET),
        user([Text(SECRET), Image(f"https://example.org/{SECRET}"), Image(data=SECRET, media_type="image/png")]),
        assistant([Thinking(SECRET, SECRET), Thinking("", redacted=SECRET)], tool_calls=[CALL]),
        tool_result(CALL, SECRET),
    ),
    tools=(Tool("f", SECRET, {"description": SECRET, "type": "object"}),),
    response_format=ResponseFormat("json_schema", "n", {"const": SECRET}, description=SECRET),
    user=SECRET,
    metadata={"a": SECRET},
)
REPLY = Reply(assistant(SECRET, tool_calls=[CALL]), extra={"p": {"x": SECRET}})


@pytest.mark.parametrize(
    "record",
    [
        REQUEST,
        REPLY,
        Finish(REPLY),
        Opaque("p", {"x": SECRET}),
        TextDelta.append([SECRET], SECRET),
        ThinkingDelta.append([SECRET], SECRET, SECRET),
        ToolCallDelta(0, "a", SECRET),
        ToolCallEnd(0, CALL),
        ServerSentEvent(SECRET),
        openai_chat.encode_request(REQUEST, model="m"),
        openai_chat.decode_request(openai_chat.encode_request(REQUEST, model="m").body),
        anthropic_messages.encode_request(REQUEST, model="m"),
    ],
    ids=lambda record: type(record).__name__,
)
def test_no_repr_shows_content(record: Any) -> None:
    assert SECRET not in repr(record)
    assert SECRET not in f"{record}"
    assert type(record).__name__ in repr(record)


def test_what_a_repr_does_show() -> None:
    assert repr(Text("four")) == "Text(text=<4 characters>, pinned=False, extra={})"
    assert repr(Opaque("p", {"x": 1})) == "Opaque(api='p', data=<1 fields>)"
    assert repr(Tool("f")) == "Tool(name='f', description='', parameters={}, strict=None, custom=False, extra={})"
