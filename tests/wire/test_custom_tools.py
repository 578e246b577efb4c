"""Custom tools of OpenAI: their input is plain text, in requests, replies and streams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmroute.errors import ConversionError, MalformedReplyError
from llmroute.wire import anthropic_messages, ollama_chat, openai_chat
from llmroute.wire.chat import (
    ChatRequest,
    Finish,
    Reply,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    assistant,
    tool_result,
    user,
)
from llmroute.wire.conversion import convert_tools
from llmroute.wire.sse import ServerSentEvent

CALL = ToolCall("b", "g", "print(1) ", custom=True)
CALL_ROW = {"id": "b", "type": "custom", "custom": {"name": "g", "input": "print(1) "}}


def answer(*calls: dict[str, Any], finish: str = "tool_calls") -> dict[str, Any]:
    message = {"role": "assistant", "content": None, "tool_calls": list(calls)}
    return {"id": "1", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def deltas(*rows: dict[str, Any], finish: str = "tool_calls") -> list[ServerSentEvent]:
    chunks = [{"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **row}]}}]} for row in rows]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    return [*(ServerSentEvent(json.dumps(chunk)) for chunk in chunks), ServerSentEvent("[DONE]")]


def read(events: list[ServerSentEvent]) -> list[Any]:
    decoder = openai_chat.StreamDecoder()
    return [event for sent in events for event in decoder.feed(sent)]


def test_reply() -> None:
    reply = openai_chat.decode_reply(answer(CALL_ROW))
    assert reply.tool_calls == (CALL,)
    assert reply.stop_reason == "tool_calls"
    assert openai_chat.encode_reply(reply).body["choices"][0]["message"]["tool_calls"] == [CALL_ROW]


def test_a_call_without_input_is_malformed() -> None:
    with pytest.raises(MalformedReplyError, match="custom/input"):
        openai_chat.decode_reply(answer({"id": "b", "type": "custom", "custom": {"name": "g"}}))


def test_stream() -> None:
    head = {"id": "b", "type": "custom", "custom": {"name": "g", "input": ""}}
    events = read(deltas(head, {"custom": {"input": "print"}}, {"custom": {"input": "(1) "}}))
    assert events[:4] == [
        ToolCallStart(0, "b", "g", custom=True),
        ToolCallDelta(0, "b", "print"),
        ToolCallDelta(0, "b", "(1) "),
        ToolCallEnd(0, CALL),
    ]
    assert isinstance(events[-1], Finish)
    assert events[-1].reply.tool_calls == (CALL,)


def test_a_stream_is_written_as_it_was_read() -> None:
    encoder = openai_chat.StreamEncoder(model="m", id="1")
    sent = [row for event in read(deltas(CALL_ROW)) for row in encoder.encode(event)]
    told = [row["delta"]["tool_calls"][0] for row in choices(sent) if "tool_calls" in row["delta"]]
    assert told == [
        {"index": 0, "id": "b", "type": "custom", "custom": {"name": "g", "input": ""}},
        {"index": 0, "custom": {"input": "print(1) "}},
    ]


def choices(sent: list[ServerSentEvent]) -> list[dict[str, Any]]:
    return [json.loads(row.data)["choices"][0] for row in sent if row.data != "[DONE]"]


def test_plain_text_does_not_show_whether_it_was_cut() -> None:
    """The last thing of an answer that was cut counts as cut; a call before it is whole."""
    first, second = openai_chat.decode_reply(answer(CALL_ROW, {**CALL_ROW, "id": "c"}, finish="length")).tool_calls
    assert (first.complete, second.complete) == (True, False)
    rows = [{"index": i, **CALL_ROW, "id": f"{i}"} for i in range(2)]
    finish = read(deltas(*rows, finish="length"))[-1]
    assert [call.complete for call in finish.reply.tool_calls] == [True, False]


def test_input_is_no_arguments() -> None:
    with pytest.raises(ConversionError, match="the input of the custom tool 'g' is plain text"):
        CALL.parsed()


@pytest.mark.parametrize("codec", [anthropic_messages, ollama_chat])
def test_a_reply_for_clients_of_other_apis_is_refused(codec: Any) -> None:
    reply = Reply(assistant(tool_calls=[CALL]), stop_reason="tool_calls")
    with pytest.raises(ConversionError) as caught:
        codec.encode_reply(reply)
    assert caught.value.pointer == "/message/content/0/arguments"


def test_a_stream_for_clients_of_anthropic_is_refused() -> None:
    encoder = anthropic_messages.StreamEncoder(model="m", id="1")
    with pytest.raises(ConversionError, match="the custom tool 'g' has no equivalent in anthropic-messages"):
        encoder.encode(ToolCallStart(0, "b", "g", custom=True))


def test_a_request_for_ollama_is_refused() -> None:
    request = ChatRequest((user("Hi"), assistant(tool_calls=[CALL]), tool_result(CALL, "1")))
    with pytest.raises(ConversionError) as caught:
        ollama_chat.encode_request(request, model="m")
    assert caught.value.pointer == "/messages/1/content/0/arguments"


def test_tools_alone() -> None:
    tools = [{"type": "custom", "custom": {"name": "g", "description": "d"}}]
    assert convert_tools(tools, "openai-chat", "openai-chat").body == tools
    with pytest.raises(ConversionError) as caught:
        convert_tools(tools, "openai-chat", "anthropic-messages")
    assert caught.value.pointer == "/0"


def test_a_custom_tool_has_no_schema() -> None:
    with pytest.raises(ValueError, match="no schema"):
        Tool("g", parameters={"type": "object"}, custom=True)
    data = ChatRequest((user("Hi"),), tools=(Tool("g", custom=True),)).to_json()
    assert ChatRequest.from_json(data).tools[0].custom
    data["tools"][0]["strict"] = True
    with pytest.raises(ConversionError) as caught:
        ChatRequest.from_json(data)
    assert caught.value.pointer == "/tools/0"
