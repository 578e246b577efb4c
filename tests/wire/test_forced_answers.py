"""A tool in place of a schema for the answer: its call is the answer, whatever else a server says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmroute.errors import ReplyFormatError, TruncatedStreamError
from llmroute.wire import anthropic_messages, openai_chat
from llmroute.wire.chat import Finish, Reply, Text, TextDelta, Thinking, ToolCall, assistant
from llmroute.wire.sse import ServerSentEvent

NAMES = {"n": "", "f_1": "f.1"}
BESIDE = "content: the text beside the answer was left out"
TWICE = "content: only the first of several answers is kept"


def use(name: str = "n", **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"{name}{given}", "name": name, "input": given}


def anthropic(*content: dict[str, Any], reason: str = "tool_use") -> Reply:
    return anthropic_messages.decode_reply({"content": list(content), "stop_reason": reason}, names=NAMES)


def openai(*calls: tuple[str, str], content: str | None = None, finish: str = "tool_calls") -> Reply:
    rows = [{"id": f"{i}", "function": {"name": name, "arguments": text}} for i, (name, text) in enumerate(calls)]
    message = {"content": content, "tool_calls": rows}
    return openai_chat.decode_reply({"choices": [{"message": message, "finish_reason": finish}]}, names=NAMES)


def test_whole() -> None:
    text = {"type": "text", "text": "Sure!"}
    thought = {"type": "thinking", "thinking": "t", "signature": "s"}
    for reply in (anthropic(use(a=1)), openai(("n", '{"a":1}'))):
        assert (reply.content, reply.stop_reason, reply.warnings) == ((Text('{"a":1}'),), "stop", ())
    reply = anthropic(thought, text, use(a=1), use(a=2), use("f_1"))
    assert reply.content == (Thinking("t", "s"), Text('{"a":1}'), ToolCall("f_1{}", "f.1", "{}"))
    assert reply.warnings == (BESIDE, TWICE)
    assert openai(("n", "{}"), ("n", "{}"), content="Sure!").warnings == (BESIDE, TWICE)


def test_a_server_that_answers_without_the_tool() -> None:
    assert anthropic({"type": "text", "text": '{"a":1}'}, reason="end_turn").content == (Text('{"a":1}'),)
    assert openai(content='{"a":1}', finish="stop").warnings == ()


def test_an_answer_that_was_cut() -> None:
    """`{}` before the limit may be anything that was cut: it is no answer."""
    for reply in (anthropic(use(), reason="max_tokens"), openai(("n", '{"a'), finish="length")):
        with pytest.raises(ReplyFormatError, match="was cut"):
            reply.parse(dict[str, int])
    assert anthropic(use(a=1), reason="max_tokens").parse(dict[str, int]) == {"a": 1}


def told(decoder: Any, rows: list[Any]) -> list[Any]:
    sent = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    return [event for data in sent for event in decoder.feed(ServerSentEvent(data))]


def start(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **more: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **more}}


TEXT = [start(0, type="text", text="Su"), delta(0, "text_delta", text="re!")]
CALL = [start(1, type="tool_use", id="1", name="n", input={}), delta(1, "input_json_delta", partial_json='{"a"')]
REST = [delta(1, "input_json_delta", partial_json=":1}"), {"type": "content_block_stop", "index": 1}]
AGAIN = [start(2, type="tool_use", id="2", name="n", input={}), delta(2, "input_json_delta", partial_json="{}")]
END = [{"type": "message_delta", "delta": {"stop_reason": "tool_use"}}, {"type": "message_stop"}]


def test_streamed() -> None:
    events = told(anthropic_messages.StreamDecoder(names=NAMES), [*TEXT, *CALL, *REST, *AGAIN, *END])
    assert events[:-1] == [TextDelta('{"a"'), TextDelta(":1}")]
    assert events[-1] == Finish(Reply(assistant('{"a":1}'), warnings=(BESIDE, TWICE)))


def test_text_waits_for_the_answer_and_is_told_where_none_comes() -> None:
    decoder = anthropic_messages.StreamDecoder(names=NAMES)
    assert told(decoder, TEXT) == []
    assert decoder.partial().text == "Sure!"
    events = told(decoder, END)
    assert events[:-1] == [TextDelta("Su"), TextDelta("re!")]
    assert [event.snapshot for event in events[:-1]] == ["Su", "Sure!"]
    assert (events[-1].reply.text, events[-1].reply.stop_reason) == ("Sure!", "stop")


def test_a_stream_that_breaks_has_the_answer_so_far() -> None:
    decoder = anthropic_messages.StreamDecoder(names=NAMES)
    told(decoder, [*TEXT, *CALL])
    with pytest.raises(TruncatedStreamError) as caught:
        decoder.close()
    assert caught.value.partial.content == (Text('{"a"'),)


def chunk(*calls: dict[str, Any], finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"tool_calls": list(calls), **fields}, "finish_reason": finish}]}


def piece(text: str, **fields: Any) -> dict[str, Any]:
    return {"index": 0, "function": {"arguments": text, **fields}}


def test_streamed_by_openai() -> None:
    """The name may come with every piece, or after the first ones."""
    rows = [chunk(content="Sure!"), chunk(piece('{"a"', name="n")), chunk(piece(":1}", name="n")), chunk(finish="stop")]
    events = told(openai_chat.StreamDecoder(names=NAMES), [*rows, "[DONE]"])
    assert events[:-1] == [TextDelta('{"a"'), TextDelta(":1}")]
    assert (events[-1].reply.text, events[-1].reply.warnings) == ('{"a":1}', (BESIDE,))
    late = [chunk(piece('{"a"')), chunk(piece(":1}", name="n")), chunk(finish="tool_calls")]
    events = told(openai_chat.StreamDecoder(names=NAMES), [*late, "[DONE]"])
    assert events[:-1] == [TextDelta('{"a"'), TextDelta(":1}")]
    assert (events[-1].reply.stop_reason, events[-1].reply.tool_calls) == ("stop", ())
