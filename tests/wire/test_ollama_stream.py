"""Ollama's own API: streams, read and written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmroute.errors import (
    ConversionError,
    MalformedReplyError,
    OverloadedError,
    ServerError,
    TruncatedStreamError,
)
from llmroute.wire import ollama_chat
from llmroute.wire.chat import (
    ErrorEvent,
    Event,
    Finish,
    Reply,
    Restart,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
    UsageEvent,
    assistant,
)

AT = "2026-09-01T10:00:0{}Z"
F = {"function": {"name": "f", "arguments": {"x": 1}}}
G = {"id": "call_g", "function": {"index": 0, "name": "g", "arguments": {}}}


def chunk(message: Any = None, *, at: int = 0, **fields: Any) -> str:
    row = {"model": "m", "created_at": AT.format(at), "done": False, **fields}
    return json.dumps(row if message is None else {**row, "message": {"role": "assistant", "content": "", **message}})


END = chunk({}, done=True, done_reason="stop", total_duration=9, prompt_eval_count=7, eval_count=2)


def read(*lines: str, **options: Any) -> list[Event]:
    decoder = ollama_chat.StreamDecoder(**options)
    events = [event for line in lines for event in decoder.feed(line)]
    return [*events, *decoder.close()]


def reply_of(*lines: str, **options: Any) -> Reply:
    last = read(*lines, **options)[-1]
    assert isinstance(last, Finish)
    return last.reply


def test_a_stream() -> None:
    events = read(
        chunk({"thinking": "2+"}), chunk({"thinking": "2"}), chunk({"content": "Fo"}), chunk({"content": "ur."}), END
    )
    assert [event.type for event in events] == [*["thinking_delta"] * 2, *["text_delta"] * 2, "usage", "finish"]
    assert events[1].snapshot == "2+2"  # type: ignore[union-attr]
    reply = reply_of(chunk({"content": "Fo"}), chunk({"content": "ur."}), END)
    assert (reply.text, reply.model, reply.usage) == ("Four.", "m", Usage(input_tokens=7, output_tokens=2))
    assert reply.extra == {"ollama-chat": {"created_at": AT.format(0), "total_duration": 9}}


@pytest.mark.parametrize(
    "lines",
    [
        [chunk({"tool_calls": [F, G]}), END],
        [chunk({"tool_calls": [F]}), chunk({"tool_calls": [G]}), END],
        [chunk({"tool_calls": [F]}), END.replace('"content": ""', f'"content": "", "tool_calls": [{json.dumps(G)}]')],
    ],
    ids=["one-frame", "two-frames", "the-last-frame"],
)
def test_tool_calls_in_any_frame(lines: list[str]) -> None:
    events = read(chunk({"content": "I see."}), *lines)
    starts = [event for event in events if isinstance(event, ToolCallStart)]
    ends = [event.call for event in events if isinstance(event, ToolCallEnd)]
    assert [(start.index, start.name) for start in starts] == [(0, "f"), (1, "g")]
    assert starts[0].id.startswith("call_")
    assert starts[1].id == "call_g"
    assert [(call.name, call.arguments) for call in ends] == [("f", '{"x":1}'), ("g", "{}")]
    last = events[-1]
    assert isinstance(last, Finish)
    assert (last.reply.stop_reason, last.reply.tool_calls) == ("tool_calls", tuple(ends))


def test_a_call_is_told_at_once_and_whole() -> None:
    decoder = ollama_chat.StreamDecoder()
    events = decoder.feed(chunk({"tool_calls": [G]}))
    call = ToolCall("call_g", "g", "{}")
    assert events == [ToolCallStart(0, "call_g", "g"), ToolCallDelta(0, "call_g", "{}"), ToolCallEnd(0, call)]
    assert decoder.partial().tool_calls == (call,)


def test_ids_differ_between_frames_of_one_time() -> None:
    reply = reply_of(chunk({"tool_calls": [F]}), chunk({"tool_calls": [F]}), END)
    assert len({call.id for call in reply.tool_calls}) == 2


def test_names_come_back() -> None:
    assert [call.name for call in reply_of(chunk({"tool_calls": [F]}), END, names={"f": "a.f"}).tool_calls] == ["a.f"]


def test_the_end_without_a_message() -> None:
    end = json.dumps({"model": "m", "done": True, "done_reason": "length"})
    reply = reply_of(chunk({"content": "a"}), end)
    assert (reply.stop_reason, reply.usage) == ("length", None)


def test_what_nobody_knows_is_kept() -> None:
    first = chunk({"content": "a", "mood": ["x"]}, logprobs=[{"token": "a"}])
    second = chunk({"content": "b", "mood": ["y"]}, logprobs=[{"token": "b"}])
    reply = reply_of(first, second, END, source="box")
    assert reply.extra["box"]["logprobs"] == [{"token": "a"}, {"token": "b"}]
    assert reply.message.extra == {"box": {"mood": ["x", "y"]}}


def test_after_the_end_nothing_counts() -> None:
    assert read(chunk({"content": "a"}), "", "  ", END, chunk({"content": "b"}), '{"error": "x"}') == read(
        chunk({"content": "a"}), END
    )


def test_a_prompt_that_was_cut() -> None:
    (warning,) = reply_of(chunk({"content": "a"}), END, options={"num_ctx": 7}).warnings
    assert warning == "num_ctx: the prompt has 7 tokens, to which Ollama cuts a longer one when num_ctx is 7"


@pytest.mark.parametrize(
    "lines", [[], [chunk({"content": "a"})], [chunk({"tool_calls": [F]})], [chunk({}, done_reason="stop")]]
)
def test_a_stream_that_ends_too_early(lines: list[str]) -> None:
    with pytest.raises(TruncatedStreamError) as caught:
        read(*lines)
    assert isinstance(caught.value.partial, Reply)


def test_what_there_is_of_a_stream_that_ended_too_early() -> None:
    with pytest.raises(TruncatedStreamError) as caught:
        read(chunk({"content": "a"}))
    assert caught.value.partial.text == "a"


def test_an_error_in_the_middle() -> None:
    decoder = ollama_chat.StreamDecoder(failure=lambda row: OverloadedError(str(row["error"])))
    decoder.feed(chunk({"content": "a"}))
    with pytest.raises(OverloadedError, match="busy"):
        decoder.feed('{"error": "busy"}')


def test_an_error_by_default() -> None:
    with pytest.raises(MalformedReplyError, match="an error inside a success"):
        read('{"error": "secret words"}')


@pytest.mark.parametrize(
    "line",
    [
        "<html>",
        "[]",
        "1",
        '{"message": 1}',
        '{"model": 1}',
        chunk({"content": 1}),
        chunk({"thinking": 1}),
        chunk({"tool_calls": 1}),
        chunk({"tool_calls": [{"function": {"name": "f", "arguments": 1}}]}),
        json.dumps({"model": "m", "done": True}),
        "{" * 100_000,
    ],
)
def test_what_is_no_line_of_a_stream(line: str) -> None:
    with pytest.raises(MalformedReplyError) as caught:
        read(line)
    assert caught.value.__cause__ is None or "wrong shape" in caught.value.message


# -- written


def test_lines() -> None:
    encoder = ollama_chat.StreamEncoder(model="m", created_at=AT.format(1))
    reply = Reply(assistant("a"), usage=Usage(input_tokens=1, output_tokens=2), model="other")
    sent: list[Event] = [
        ThinkingDelta("t"),
        ThinkingDelta("", signature="s"),
        TextDelta("a"),
        ToolCallStart(0, "c", "f"),
        ToolCallDelta(0, "c", "{}"),
        ToolCallEnd(0, ToolCall("c", "f", "{}", extra={"box": {"x": 1}})),
        UsageEvent(Usage()),
        Finish(reply),
    ]
    rows = [json.loads(line) for event in sent for line in encoder.encode(event)]
    assert [row["message"] for row in rows] == [
        {"role": "assistant", "content": "", "thinking": "t"},
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {}}}]},
        {"role": "assistant", "content": ""},
    ]
    assert [row["done"] for row in rows] == [False, False, False, True]
    assert {(row["model"], row["created_at"]) for row in rows} == {("m", AT.format(1))}
    assert (rows[-1]["done_reason"], rows[-1]["prompt_eval_count"], rows[-1]["eval_count"]) == ("stop", 1, 2)


def test_what_a_stream_loses_is_known_at_its_end() -> None:
    encoder = ollama_chat.StreamEncoder(model="m", source="box")
    encoder.encode(Finish(Reply(assistant("a"), stop_reason="refusal", extra={"box": {"load_duration": 1}})))
    assert [loss.field for loss in encoder.losses] == ["stop_reason"]


def test_an_error() -> None:
    encoder = ollama_chat.StreamEncoder(model="m")
    assert encoder.encode(ErrorEvent(ServerError("gone"))) == ['{"error":"gone"}']


def test_what_a_stream_can_not_say() -> None:
    encoder = ollama_chat.StreamEncoder(model="m")
    with pytest.raises(ConversionError):
        encoder.encode(Restart(ServerError("gone"), "p/m"))
    with pytest.raises(ConversionError):
        encoder.encode(ToolCallEnd(0, ToolCall("c", "f", "{")))
    raw = ollama_chat.StreamEncoder(model="m", raw_arguments=True)
    (line,) = raw.encode(ToolCallEnd(0, ToolCall("c", "f", "{")))
    assert json.loads(line)["message"]["tool_calls"][0]["function"]["arguments"] == {"_raw": "{"}
