"""OpenAI streams as servers really send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmroute.errors import CallError, MalformedReplyError, OverloadedError, RateLimitError, TruncatedStreamError
from llmroute.wire.chat import (
    ErrorEvent,
    Event,
    Finish,
    Reply,
    Text,
    TextDelta,
    Thinking,
    ToolCall,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
    UsageEvent,
)
from llmroute.wire.openai_chat import StreamDecoder, StreamEncoder
from llmroute.wire.sse import ServerSentEvent


def chunk(delta: Any = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    return {"id": "1", "model": "m", "choices": [choice], **more}


def call(**delta: Any) -> dict[str, Any]:
    return {"tool_calls": [delta]}


def read(*chunks: Any, end: bool = True, **options: Any) -> list[Event]:
    decoder = StreamDecoder(**options)
    sent = [one if isinstance(one, str) else json.dumps(one) for one in chunks]
    events = [event for data in sent for event in decoder.feed(ServerSentEvent(data))]
    return [*events, *decoder.close()] if end else events


def reply_of(*chunks: Any, **options: Any) -> Reply:
    events = read(*chunks, **options)
    last = events[-1]
    assert isinstance(last, Finish)
    assert sum(isinstance(event, Finish) for event in events) == 1
    return last.reply


HI = chunk({"role": "assistant", "content": "Hi"})
STOP = chunk({}, "stop")


def test_text() -> None:
    events = read(chunk({"role": "assistant", "content": ""}), HI, chunk({"content": "!"}), STOP, "[DONE]")
    assert [event.snapshot for event in events if isinstance(event, TextDelta)] == ["Hi", "Hi!"]
    assert reply_of(HI, STOP, "[DONE]") == Reply.from_json(
        {"message": {"role": "assistant", "content": "Hi"}, "model": "m", "id": "1"}
    )


def test_end_without_done_is_an_end() -> None:
    reply = reply_of(HI, STOP)
    assert (reply.text, reply.warnings) == ("Hi", ("stream: it ended without `[DONE]`; the usage may be missing",))


def test_finish_in_the_chunk_of_the_last_content() -> None:
    assert reply_of(chunk({"content": "Hi"}, "length")).stop_reason == "length"


def test_nothing_after_done_counts() -> None:
    assert reply_of(HI, STOP, " [DONE] ", HI, "junk").text == "Hi"


def test_done_without_a_reason() -> None:
    reply = reply_of(HI, "[DONE]")
    assert (reply.stop_reason, reply.warnings) == ("stop", ("finish_reason: absent, taken for stop",))


def test_cut_before_the_end() -> None:
    with pytest.raises(TruncatedStreamError) as caught:
        read(HI, chunk(call(index=0, id="a", function={"name": "f", "arguments": '{"x'})))
    assert caught.value.partial.content == (Text("Hi"), ToolCall("a", "f", '{"x', complete=False))
    with pytest.raises(TruncatedStreamError):
        read()


@pytest.mark.parametrize(
    "chunks",
    [
        ["[DONE]"],
        ["[DONE] x"],
        ["{"],
        ["<html>"],
        ["null"],
        ["[]"],
        ['{"x": NaN}'],
        ["[" * 100_000],
        [{"choices": 1}],
        [{"choices": [1]}],
        [{"id": 1}],
        [chunk(1)],
        [chunk({"content": 1})],
        [chunk({"tool_calls": 1})],
        [chunk({"tool_calls": [1]})],
        [chunk(call(index=0, function={"name": 1}))],
        [chunk(call(index=0, function={"arguments": 1}))],
        [chunk(call(index=0, id="a", function={"arguments": "{}"})), STOP],
        [chunk({}, "error")],
    ],
)
def test_malformed(chunks: list[Any]) -> None:
    with pytest.raises(MalformedReplyError):
        read(*chunks)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"error": {"type": "rate_limit_error", "message": "secret"}}, RateLimitError),
        ({"error": {"message": "secret", "code": "rate_limit_exceeded"}}, RateLimitError),
        ({"error": "secret"}, MalformedReplyError),
    ],
)
def test_errors_in_the_stream(data: Any, kind: type[CallError]) -> None:
    with pytest.raises(kind) as caught:
        read(HI, data)
    assert "secret" not in str(caught.value)


def test_error_event_with_a_bare_message() -> None:
    with pytest.raises(OverloadedError):
        StreamDecoder(failure=lambda error: OverloadedError(error["message"])).feed(
            ServerSentEvent('{"message": "full"}', "error")
        )


@pytest.mark.parametrize(
    "strange", [{"choices": None}, {"choices": []}, {}, {"choices": [], "usage": None}, chunk(), ""]
)
def test_chunks_that_say_nothing(strange: Any) -> None:
    assert reply_of(strange, HI, strange, STOP, "[DONE]").text == "Hi"


def test_azure_filter_results_are_kept() -> None:
    first = {"choices": [], "prompt_filter_results": [1]}
    assert reply_of(first, HI, STOP, source="azure").extra == {"azure": {"prompt_filter_results": [1]}}


def test_unknown_fields_of_the_message_are_kept() -> None:
    reply = reply_of(chunk({"content": "Hi", "reasoning_details": [1], "role": None}), STOP, source="openrouter")
    assert reply.message.extra == {"openrouter": {"reasoning_details": [1]}}


def test_usage_the_last_one_holds() -> None:
    first, last = {"prompt_tokens": 1, "completion_tokens": 1}, {"prompt_tokens": 1, "completion_tokens": 5}
    events = read(
        chunk({"content": "Hi"}, usage=first), STOP, {"choices": [], "usage": last}, {"usage": last}, "[DONE]"
    )
    usages = [event.usage for event in events if isinstance(event, UsageEvent)]
    assert usages == [Usage(input_tokens=1, output_tokens=1), Usage(input_tokens=1, output_tokens=5)]
    assert reply_of(HI, STOP).usage is None


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thinking(name: str) -> None:
    reply = reply_of(chunk({name: "a"}), chunk({name: "b", "content": None}), chunk({name: "c", "content": "Hi"}), STOP)
    assert reply.content == (Thinking("abc"), Text("Hi"))


def test_refusal() -> None:
    reply = reply_of(chunk({"refusal": "No."}), STOP)
    assert (reply.text, reply.stop_reason) == ("No.", "refusal")


def test_other_choices_are_left_out() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "x"}, "finish_reason": "stop"}]}
    assert reply_of(HI, other, STOP).text == "Hi"


def calls_of(*deltas: Any, finish: str = "tool_calls", **options: Any) -> list[tuple[str, str, str]]:
    reply = reply_of(*(chunk(delta) for delta in deltas), chunk({}, finish), **options)
    return [(one.id, one.name, one.arguments) for one in reply.tool_calls]


F, G = {"name": "f", "arguments": ""}, {"name": "g", "arguments": ""}


@pytest.mark.parametrize(
    ("deltas", "calls"),
    [
        pytest.param(
            [
                call(index=0, id="a", function=F),
                call(index=1, id="b", function=G),
                call(index=0, function={"arguments": '{"x":'}),
                call(index=1, function={"arguments": "{}"}),
                call(index=0, function={"arguments": "1}"}),
            ],
            [("a", "f", '{"x":1}'), ("b", "g", "{}")],
            id="interleaved by index",
        ),
        pytest.param(
            [call(id="a", function=F), call(id="a", function={"arguments": "{}"}), call(id="b", function=G)],
            [("a", "f", "{}"), ("b", "g", "")],
            id="by id",
        ),
        pytest.param(
            [
                call(function={"name": "f", "arguments": "{"}),
                call(function={"arguments": "}"}),
                call(function={"name": "g", "arguments": "{}"}),
            ],
            [("call_0", "f", "{}"), ("call_1", "g", "{}")],
            id="by place",
        ),
        pytest.param(
            [{"tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}, {"function": {"name": "f"}}]}],
            [("call_0", "f", '{"x":1}'), ("call_1", "f", "")],
            id="whole, without index or id",
        ),
        pytest.param(
            [call(function={"name": "f", "arguments": '{"x"'}), call(function={"name": "f", "arguments": ":1}"})],
            [("call_0", "f", '{"x":1}')],
            id="the name with every piece",
        ),
        pytest.param(
            [call(function={"name": "f", "arguments": "{}"}), call(function={"name": "f", "arguments": "{}"})],
            [("call_0", "f", "{}"), ("call_1", "f", "{}")],
            id="the same tool twice",
        ),
        pytest.param(
            [call(index=0, id="a", function={"name": "f", "arguments": "{}"}), call(index=0, id="b", function=G)],
            [("a", "f", "{}"), ("b", "g", "")],
            id="every call has the index 0",
        ),
        pytest.param(
            [call(index=0, id="a", function=F), call(index=1, id="a", function=G)],
            [("a", "f", ""), ("a_1", "g", "")],
            id="one id twice",
        ),
        pytest.param(
            [
                call(index=7, id="a"),
                call(index=7, function={"arguments": "{"}),
                call(index=7, function={"name": "f", "arguments": "}"}),
            ],
            [("a", "f", "{}")],
            id="the name comes late",
        ),
        pytest.param([{"function_call": {"name": "f", "arguments": "{}"}}], [("call_0", "f", "{}")], id="legacy"),
    ],
)
def test_tool_calls(deltas: list[Any], calls: list[tuple[str, str, str]]) -> None:
    assert calls_of(*deltas) == calls
    assert calls_of(*deltas, finish="stop") == calls


def test_stop_with_calls_is_tool_calls() -> None:
    assert reply_of(chunk(call(index=0, id="a", function=F)), STOP).stop_reason == "tool_calls"


def test_events_of_a_call_whose_name_comes_late() -> None:
    late = [call(index=0, id="a", function={"arguments": "{"}), call(index=0, function={"name": "f", "arguments": "}"})]
    events = read(*map(chunk, late), chunk({}, "tool_calls"))
    assert events[:-1] == [
        ToolCallStart(0, "a", "f"),
        ToolCallDelta(0, "a", "{"),
        ToolCallDelta(0, "a", "}"),
        ToolCallEnd(0, ToolCall("a", "f", "{}")),
    ]


def test_signatures_of_gemini_stay_with_their_call() -> None:
    signature = {"extra_content": {"google": {"thought_signature": "x"}}}
    reply = reply_of(chunk(call(id="a", function=F, **signature)), STOP, source="gemini")
    assert reply.tool_calls[0].extra == {"gemini": signature}


def test_arguments_cut_by_the_limit() -> None:
    reply = reply_of(chunk(call(index=0, id="a", function={"name": "f", "arguments": '{"x'})), chunk({}, "length"))
    assert (reply.stop_reason, reply.tool_calls[0].complete) == ("length", False)


def test_broken_arguments_of_a_model_are_its_own() -> None:
    reply = reply_of(chunk(call(index=0, id="a", function={"name": "f", "arguments": "{x}"})), STOP)
    assert reply.tool_calls[0].complete


def test_names_lead_back() -> None:
    assert calls_of(call(index=0, id="a", function=F), names={"f": "a.f"}) == [("a", "a.f", "")]


def test_an_unknown_reason() -> None:
    reply = reply_of(HI, chunk({}, "eos"), "[DONE]")
    assert (reply.stop_reason, reply.warnings) == ("stop", ("finish_reason: 'eos' is unknown and taken for stop",))


def test_partial() -> None:
    decoder = StreamDecoder()
    decoder.feed(ServerSentEvent(json.dumps(HI)))
    decoder.feed(ServerSentEvent(json.dumps(chunk(call(index=0, id="a")))))
    assert decoder.partial().content == (Text("Hi"),)
    assert not decoder.finished


def test_encoder_of_an_error_sends_no_done() -> None:
    sent = StreamEncoder(model="m", id="1").encode(ErrorEvent(RateLimitError("slow", status=429)))
    assert [json.loads(event.data)["error"]["code"] for event in sent] == [429]
