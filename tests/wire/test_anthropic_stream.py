"""Anthropic streams as servers really send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmroute.errors import (
    CallError,
    MalformedReplyError,
    OverloadedError,
    RateLimitError,
    ServerError,
    TruncatedStreamError,
)
from llmroute.wire.anthropic_messages import StreamDecoder, StreamEncoder
from llmroute.wire.chat import (
    ErrorEvent,
    Event,
    Finish,
    Opaque,
    PartEvent,
    Reply,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
    UsageEvent,
    assistant,
)
from llmroute.wire.sse import ServerSentEvent


def feed(decoder: StreamDecoder, *rows: Any) -> list[Event]:
    sent = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    return [event for data in sent for event in decoder.feed(ServerSentEvent(data))]


def read(*rows: Any, **options: Any) -> list[Event]:
    decoder = StreamDecoder(**options)
    return [*feed(decoder, *rows), *decoder.close()]


def reply_of(*rows: Any, **options: Any) -> Reply:
    events = read(*rows, **options)
    last = events[-1]
    assert isinstance(last, Finish)
    assert sum(isinstance(event, Finish) for event in events) == 1
    return last.reply


def message_start(**usage: Any) -> dict[str, Any]:
    return {
        "type": "message_start",
        "message": {"id": "1", "model": "m", "role": "assistant", "content": [], "usage": usage},
    }


def start(index: Any, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: Any, kind: str, **more: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **more}}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def end(reason: str | None = "end_turn", usage: Any = None, **more: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason, **more}, "usage": usage}


DONE = {"type": "message_stop"}
START = message_start()
HI = [start(0, type="text", text=""), delta(0, "text_delta", text="Hi"), stop(0)]
CALL = start(1, type="tool_use", id="a", name="f", input={})


def test_text_and_a_call() -> None:
    part = delta(1, "input_json_delta", partial_json='{"x":1}')
    events = read(START, *HI, CALL, delta(1, "input_json_delta", partial_json=""), part, stop(1), end("tool_use"), DONE)
    call = ToolCall("a", "f", '{"x":1}')
    assert events[:-1] == [
        TextDelta("Hi"),
        ToolCallStart(0, "a", "f"),
        ToolCallDelta(0, "a", '{"x":1}'),
        ToolCallEnd(0, call),
    ]
    assert events[-1] == Finish(Reply(assistant("Hi", tool_calls=[call]), stop_reason="tool_calls", model="m", id="1"))


def test_end_without_message_stop_is_an_end() -> None:
    reply = reply_of(START, *HI, end())
    assert (reply.text, reply.warnings) == ("Hi", ("stream: it ended without `message_stop`",))


def test_nothing_after_message_stop_counts() -> None:
    assert reply_of(START, *HI, end(), DONE, *HI, "junk").text == "Hi"


def test_message_stop_without_a_reason() -> None:
    assert reply_of(START, *HI, DONE).warnings == ("stop_reason: absent, taken for stop",)


def test_cut_before_the_end() -> None:
    with pytest.raises(TruncatedStreamError) as caught:
        read(message_start(input_tokens=3), *HI, CALL, delta(1, "input_json_delta", partial_json='{"x'))
    partial = caught.value.partial
    assert partial.content == (Text("Hi"), ToolCall("a", "f", '{"x', complete=False))
    assert partial.usage == Usage(input_tokens=3)


@pytest.mark.parametrize(
    "rows",
    [
        [DONE],
        ["{"],
        ["<html>"],
        ["null"],
        [{"type": "message_start"}],
        [{"type": "content_block_start"}],
        [start(0)],
        [start([], type="text")],
        [start(0, type="text", text=1)],
        [start(0, type="tool_use", id="a")],
        [start(0, type="tool_use", name="a")],
        [start(0, type="redacted_thinking")],
        [delta([], "text_delta", text="a")],
        [delta(0, "text_delta", text=1)],
        [delta(0, "input_json_delta", partial_json="{")],
        [CALL, delta(1, "input_json_delta")],
        [{"type": "content_block_delta"}],
        [*HI, end("pause_turn"), DONE],
        [*HI, end(stop_sequence=1), DONE],
    ],
)
def test_malformed(rows: list[Any]) -> None:
    with pytest.raises(MalformedReplyError):
        read(*rows)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "overloaded_error", "message": "secret"}, OverloadedError),
        ({"type": "rate_limit_error"}, RateLimitError),
        ({"type": "api_error"}, ServerError),
        ({"message": "secret"}, MalformedReplyError),
    ],
)
def test_errors_in_the_stream(error: Any, kind: type[CallError]) -> None:
    for row in ({"type": "error", "error": error}, {"error": error}):
        with pytest.raises(kind) as caught:
            read(START, *HI, row)
        assert "secret" not in str(caught.value)


def test_error_event_with_a_bare_message() -> None:
    with pytest.raises(OverloadedError):
        StreamDecoder(failure=lambda error: OverloadedError(error["message"])).feed(
            ServerSentEvent('{"message": "full"}', "error")
        )


@pytest.mark.parametrize(
    "strange",
    [
        {"type": "ping"},
        {"type": "vendor_news", "data": 1},
        {"type": []},
        {},
        "",
        delta(9, "vendor_delta", x=1),
        delta(9, "citations_delta", citation={}),
        stop(9),
    ],
)
def test_what_there_is_no_word_for(strange: Any) -> None:
    assert reply_of(strange, START, strange, *HI, strange, end(), strange, DONE).content == (Text("Hi"),)


def test_type_in_the_event_only() -> None:
    decoder = StreamDecoder()
    (event,) = decoder.feed(
        ServerSentEvent('{"index": 0, "delta": {"type": "text_delta", "text": "x"}}', "content_block_delta")
    )
    assert event == TextDelta("x")


def test_strange_orders() -> None:
    """Deltas before their block, gaps, two starts, no stops, a delta of another kind than its block."""
    assert reply_of(delta(0, "text_delta", text="Hi"), START, START, end(), DONE).content == (Text("Hi"),)
    gap = [start(5, type="text", text="H"), delta(5, "text_delta", text="i"), end(), DONE]
    assert reply_of(*gap).content == (Text("Hi"),)
    assert reply_of(CALL, end("tool_use"), DONE).tool_calls == (ToolCall("a", "f", ""),)
    other = [start(0, type="text", text="a"), delta(0, "thinking_delta", thinking="b"), end(), DONE]
    assert reply_of(*other).content == (Text("a"), Thinking("b"))
    ignored = [*HI, delta(0, "input_json_delta", partial_json="{"), stop(0), CALL, stop(1), stop(1), end()]
    assert reply_of(*ignored).content == (Text("Hi"), ToolCall("a", "f", ""))


def test_thinking() -> None:
    reply = reply_of(
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="a"),
        delta(0, "thinking_delta", thinking="b"),
        delta(0, "signature_delta", signature="s"),
        stop(0),
        start(1, type="redacted_thinking", data="x"),
        stop(1),
        start(2, type="thinking", thinking=""),
        *[{**row, "index": 3} for row in HI],
        end(),
        DONE,
    )
    assert reply.content == (Thinking("ab", "s"), Thinking("", redacted="x"), Text("Hi"))


def test_blocks_without_a_word_come_back_as_they_are() -> None:
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    reply = reply_of(start(0, **block), stop(0), start(1, type="text", text="", citations=None), end(), DONE)
    assert reply.content == (Opaque("anthropic-messages", block),)


def test_what_comes_whole_is_told_when_it_ends() -> None:
    """Hidden thinking, and tools that the server runs, with the arguments that come in pieces."""
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    pieces = [delta(0, "input_json_delta", partial_json=piece) for piece in ('{"q"', ":1}")]
    hidden = [start(1, type="redacted_thinking", data="x"), stop(1), stop(1)]
    events = read(
        START, start(0, **block), *pieces, stop(0), *hidden, *[{**row, "index": 2} for row in HI], end(), DONE
    )
    parts = (Opaque("anthropic-messages", {**block, "input": {"q": 1}}), Thinking("", redacted="x"))
    assert events[:-1] == [PartEvent(parts[0]), PartEvent(parts[1]), TextDelta("Hi")]
    assert events[-1].reply.content == (*parts, Text("Hi"))
    unended = read(start(0, **block), *pieces[:1], end(), DONE)
    assert unended[0] == PartEvent(Opaque("anthropic-messages", {**block, "input": '{"q"'}))
    other = start(0, type="compaction", content=None), delta(0, "compaction_delta", content="c"), stop(0), end(), DONE
    assert reply_of(*other).content == (Opaque("anthropic-messages", {"type": "compaction", "content": "c"}),)


def test_a_signature_is_told_once_and_whole() -> None:
    pieces = [delta(0, "signature_delta", signature=piece) for piece in "ab"]
    events = read(start(0, type="thinking", thinking="t", signature=""), *pieces, stop(0), *HI_LATER, end(), DONE)
    assert events[:-1] == [ThinkingDelta("t"), ThinkingDelta("", signature="ab"), TextDelta("Hi")]
    assert events[-1].reply.content == (Thinking("t", "ab"), Text("Hi"))


HI_LATER = [{**row, "index": 1} for row in HI]


def test_thoughts_have_an_owner() -> None:
    rows = [start(0, type="thinking", thinking="t", signature="s"), stop(0), *HI_LATER, end(), DONE]
    assert reply_of(*rows, source="p").content[0] == Thinking("t", "s", source="p")


def test_an_unknown_reason_is_kept() -> None:
    reply = reply_of(*HI, end("new"), DONE, source="p")
    assert (reply.stop_reason, reply.extra) == ("stop", {"p": {"stop_reason": "new"}})


def test_citations_stay_with_their_text() -> None:
    cited = delta(0, "citations_delta", citation={"n": 1})
    part = reply_of(HI[0], HI[1], cited, HI[2], end(), DONE, source="p").content[0]
    assert part == Text("Hi", extra={"p": {"citations": [{"n": 1}]}})


def test_usage_is_cumulative_and_comes_in_parts() -> None:
    events = read(
        message_start(input_tokens=3, cache_read_input_tokens=4, output_tokens=1),
        *HI,
        end(usage={"output_tokens": 9, "input_tokens": 3, "cache_read_input_tokens": None}),
        DONE,
    )
    usages = [event.usage for event in events if isinstance(event, UsageEvent)]
    assert usages[-1] == Usage(input_tokens=7, output_tokens=9, cached_tokens=4)
    assert reply_of(*HI, end(), DONE).usage is None


def test_arguments_cut_by_the_limit() -> None:
    cut = [CALL, delta(1, "input_json_delta", partial_json='{"x'), stop(1), end("max_tokens"), DONE]
    reply = reply_of(*cut)
    assert (reply.stop_reason, reply.tool_calls) == ("length", (ToolCall("a", "f", '{"x', complete=False),))


def test_arguments_in_the_start() -> None:
    whole = start(0, type="tool_use", id="a", name="f", input={"x": "ü"})
    assert reply_of(whole, stop(0), end("tool_use"), names={"f": "a.f"}).tool_calls == (
        ToolCall("a", "a.f", '{"x":"ü"}'),
    )


def test_stop_sequence_and_refusal() -> None:
    reply = reply_of(*HI, end("stop_sequence", stop_sequence="x"), DONE)
    assert (reply.stop_reason, reply.stop_sequence) == ("stop", "x")
    refused = reply_of(*HI, end("refusal", stop_details={"category": "bio"}), DONE)
    assert (refused.stop_reason, refused.extra) == (
        "refusal",
        {"anthropic-messages": {"stop_details": {"category": "bio"}}},
    )


def rows_of(*events: Event) -> list[dict[str, Any]]:
    encoder = StreamEncoder(model="m", id="1")
    sent = [one for event in events for one in encoder.encode(event)]
    assert [json.loads(one.data)["type"] for one in sent] == [one.event for one in sent]
    return [json.loads(one.data) for one in sent]


def test_encoder_buffers_what_comes_between() -> None:
    """Parallel calls interleave at OpenAI; here the blocks come one after another."""
    calls = ToolCall("a", "f", "{}"), ToolCall("b", "g", "[]")
    rows = rows_of(
        TextDelta("Hi"),
        ToolCallStart(0, "a", "f"),
        ToolCallStart(1, "b", "g"),
        ToolCallDelta(1, "b", "[]"),
        TextDelta("!"),
        ToolCallDelta(0, "a", "{}"),
        ToolCallEnd(1, calls[1]),
        ToolCallEnd(0, calls[0]),
        UsageEvent(Usage(input_tokens=1)),
        Finish(Reply(assistant("Hi!", tool_calls=calls), stop_reason="tool_calls")),
    )
    assert [(row["type"], row.get("index")) for row in rows] == [
        ("message_start", None),
        *[(f"content_block_{word}", index) for index in range(4) for word in ("start", "delta", "stop")],
        ("message_delta", None),
        ("message_stop", None),
    ]
    assert [row["content_block"]["type"] for row in rows if "content_block" in row] == [
        "text",
        "tool_use",
        "tool_use",
        "text",
    ]


def test_encoder_knows_the_input_early() -> None:
    rows = rows_of(UsageEvent(Usage(input_tokens=7)), TextDelta("a"))
    assert rows[0]["message"]["usage"]["input_tokens"] == 7
    assert rows_of(TextDelta("a"))[0]["message"]["usage"]["input_tokens"] is None


def test_encoder_of_an_error_sends_no_message_stop() -> None:
    assert rows_of(ErrorEvent(RateLimitError("slow")), ErrorEvent(MalformedReplyError("x"))) == [
        {"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}},
        {"type": "error", "error": {"type": "api_error", "message": "x"}},
    ]
