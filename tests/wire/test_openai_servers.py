"""What compatible servers do their own way, told whole and in a stream: both mean the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmroute.errors import MalformedReplyError, RateLimitError
from llmroute.wire.chat import Finish, Opaque, PartEvent, Reply, Text, TextDelta, Thinking, ThinkingDelta, Usage
from llmroute.wire.openai_chat import StreamDecoder, decode_reply, encode_request
from llmroute.wire.request import ChatRequest
from llmroute.wire.sse import ServerSentEvent

HI = {"content": "Hi"}


def whole(message: Any = None, choice: Any = None, finish: str | None = "stop", **more: Any) -> Reply:
    row = {"message": HI if message is None else message, "finish_reason": finish, **(choice or {})}
    return decode_reply({"id": "1", "model": "m", "choices": [row], **more}, source="srv")


def events_of(*rows: dict[str, Any]) -> list[Any]:
    decoder = StreamDecoder(source="srv")
    events = [event for row in rows for event in decoder.feed(ServerSentEvent(json.dumps(row)))]
    return [*events, *decoder.feed(ServerSentEvent("[DONE]")), *decoder.close()]


def chunk(delta: Any = None, choice: Any = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    row = {"index": 0, "delta": delta or {}, "finish_reason": finish, **(choice or {})}
    return {"id": "1", "model": "m", "choices": [row], **more}


def streamed(*rows: dict[str, Any]) -> Reply:
    last = events_of(*rows)[-1]
    assert isinstance(last, Finish)
    return last.reply


STOP = chunk(finish="stop")
COUNTS = {"prompt_tokens": 7, "completion_tokens": 2}
KNOWN = Usage(input_tokens=7, output_tokens=2)
TIMINGS = {"cache_n": 3, "prompt_n": 4, "predicted_n": 2, "prompt_ms": 1.5}


# -- Token counts


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"prompt_tokens": 7, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 3}, (7, None, 4, None)),
        ({"prompt_tokens": 7, "cached_tokens": 4}, (7, None, 4, None)),
        ({"prompt_cache_hit_tokens": 5, "prompt_tokens_details": {"cached_tokens": 0}}, (None, None, 0, None)),
        ({"cached_tokens": 4, "prompt_cache_hit_tokens": 5}, (None, None, 5, None)),
        ({**COUNTS, "completion_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 9}, (7, 2, None, 1)),
        # xAI leaves thinking out of the completion, Gemini does not even tell it.
        ({**COUNTS, "completion_tokens_details": {"reasoning_tokens": 5}, "total_tokens": 14}, (7, 7, None, 5)),
        ({**COUNTS, "total_tokens": 14}, (7, 7, None, None)),
        # A total that says something else is not believed.
        ({**COUNTS, "completion_tokens_details": {"reasoning_tokens": 4}, "total_tokens": 14}, (7, 2, None, 4)),
        ({**COUNTS, "total_tokens": 8}, (7, 2, None, None)),
        ({"completion_tokens": 2, "total_tokens": 9}, (None, 2, None, None)),
    ],
)  # fmt: skip
def test_counts(counts: dict[str, Any], usage: tuple[int | None, ...]) -> None:
    given, written, cached, thought = usage
    expected = Usage(input_tokens=given, output_tokens=written, cached_tokens=cached, reasoning_tokens=thought)
    assert whole(usage=counts).usage == expected
    assert streamed(chunk(HI), STOP, {"choices": [], "usage": counts}).usage == expected


@pytest.mark.parametrize(
    "last",
    [
        chunk(finish="stop", usage=COUNTS),
        chunk(finish="stop", x_groq={"id": "r", "usage": COUNTS}),
        chunk(finish="stop", choice={"usage": COUNTS}),
        {**chunk(finish="stop"), "usage": {}, "x_groq": {"usage": COUNTS}},
    ],
    ids=["top", "groq", "moonshot", "empty-at-the-top"],
)
def test_places_of_counts(last: dict[str, Any]) -> None:
    assert streamed(chunk(HI), last).usage == KNOWN


def test_places_of_counts_in_whole_answers() -> None:
    assert whole(choice={"usage": COUNTS}).usage == KNOWN
    assert whole(x_groq={"usage": COUNTS}).usage == KNOWN
    assert whole(usage=COUNTS, x_groq={"usage": {"prompt_tokens": 1}}).usage == KNOWN
    assert whole(x_groq=[], usage=None).usage is None


def test_timings_count_where_nothing_else_does() -> None:
    counted = Usage(input_tokens=7, output_tokens=2, cached_tokens=3)
    assert whole(timings=TIMINGS).usage == counted
    assert whole(timings=TIMINGS, usage=COUNTS).usage == KNOWN
    assert streamed(chunk(HI, timings={"predicted_n": 1}), STOP | {"timings": TIMINGS}).usage == counted
    assert streamed(chunk(HI), STOP | {"timings": TIMINGS, "usage": COUNTS}).usage == KNOWN
    old = {name: count for name, count in TIMINGS.items() if name != "cache_n"}
    assert whole(timings=old).usage == Usage(output_tokens=2)
    assert whole(timings={"prompt_ms": 1}).usage is None


# -- Fields that nobody knows


def test_fields_of_the_choice_stay_with_the_reply() -> None:
    fields = {"logprobs": {"content": [1]}, "native_finish_reason": "STOP", "content_filter_results": {}}
    kept = {"srv": {"choice": {"logprobs": {"content": [1]}, "native_finish_reason": "STOP"}}}
    assert whole(choice=fields).extra == kept
    assert streamed(chunk(HI, choice=fields), STOP).extra == kept
    first, second = {"logprobs": {"content": [1]}}, {"logprobs": {"content": [2]}}
    assert streamed(chunk(HI, choice=first), chunk(HI, choice=second), STOP).extra == {
        "srv": {"choice": {"logprobs": {"content": [1, 2]}}}
    }


def test_what_no_request_sends_back_stays_with_the_reply() -> None:
    shown = {"annotations": [{"type": "url_citation"}], "audio": {"id": "a", "data": "AA", "transcript": "x"}}
    assert whole(HI | shown).extra == {"srv": {"message": shown}}
    assert whole(HI | shown).message.extra == {}
    first = {"audio": {"id": "a", "data": "A", "transcript": "x"}}
    pieces = [first, {"audio": {"data": "A"}}, HI | {"annotations": shown["annotations"]}]
    assert streamed(*map(chunk, pieces), STOP).extra == {"srv": {"message": shown}}
    assert whole(HI | {"annotations": [], "audio": None}).extra == {}


def test_thoughts_of_openrouter_are_put_together() -> None:
    """Pieces of a text go on with it; what is encrypted or a summary comes back as it came, in its order."""

    def thought(text: str, **more: Any) -> dict[str, Any]:
        return {"type": "reasoning.text", "index": 0, "text": text, **more}

    summary = {"type": "reasoning.summary", "index": 0, "summary": "s"}
    hidden = {"type": "reasoning.encrypted", "index": 0, "data": "x"}
    rows = [[thought("a")], [thought("b", format="f")], [thought("", signature="s")], [summary], [summary], [hidden]]
    rows += [[hidden], [thought("c"), {**thought("d"), "index": 1}]]
    reply = streamed(*(chunk({"reasoning_details": row, "content": "Hi"}) for row in rows), STOP)
    details = [thought("ab", format="f", signature="s"), summary, summary, hidden, hidden, thought("c")]
    details.append({**thought("d"), "index": 1})
    assert reply.message.extra == {"srv": {"reasoning_details": details}}
    for source, back in (("srv", details), ("other", None)):
        (row,) = encode_request(ChatRequest((reply.message,)), model="m", source=source).body["messages"]
        assert row.get("reasoning_details") == back


def test_the_last_of_other_values_holds() -> None:
    reply = streamed(chunk(HI, provider="a", x={"y": 1}, z=[1]), chunk(HI, provider="b", x={"y": 2}, z=3), STOP)
    assert reply.extra == {"srv": {"provider": "b", "x": {"y": 2}, "z": 3}}


def test_signatures_alone() -> None:
    """Gemini tells the signature of a text, or of a call, in a delta that has nothing else."""
    signed = {"extra_content": {"google": {"thought_signature": "s"}}}
    assert streamed(chunk(HI), chunk(signed), STOP).message.extra == {"srv": signed}
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    rows = [chunk({"tool_calls": [call]}), chunk({"tool_calls": [{"index": 0, **signed}]})]
    assert streamed(*rows, STOP).tool_calls[0].extra == {"srv": signed}
    without = [chunk({"tool_calls": [{**call, "index": None}]}), chunk({"tool_calls": [signed]})]
    assert streamed(*without, STOP).tool_calls[0].extra == {"srv": signed}


# -- Content


SAID = [{"type": "text", "text": "a"}, {"type": "ref"}, {"type": "text", "text": "b"}]
THOUGHTS: list[Any] = [{"type": "thinking", "thinking": SAID}]
ANSWER: list[Any] = [{"type": "text", "text": "Hi"}, {"type": "reference", "ids": [1]}]


def test_content_in_parts() -> None:
    """Mistral tells thoughts as lists of texts inside of the content."""
    parts = (Thinking("ab", source="srv"), Text("Hi"), Opaque("openai-chat", {"type": "reference", "ids": [1]}))
    assert whole({"content": THOUGHTS + ANSWER}).content == parts
    events = events_of(chunk({"content": THOUGHTS}), chunk({"content": ANSWER}), STOP)
    assert events[:-1] == [ThinkingDelta("ab"), TextDelta("Hi"), PartEvent(parts[2])]
    assert events[-1].reply.content == parts
    with pytest.raises(MalformedReplyError):
        whole({"content": [{"type": "thinking", "thinking": [1]}]})


def test_a_refusal_is_told_apart_from_content() -> None:
    marked = {"openai-chat": {"refusal": "field"}}
    parts = (Text("a"), Text("No.", extra=marked), Text("b"))
    assert whole({"content": "a", "refusal": "No."}).content == parts[:2]
    rows = [{"content": "a"}, {"refusal": "N"}, {"refusal": "o."}, {"content": "b"}]
    reply = streamed(*map(chunk, rows), STOP)
    assert (reply.content, reply.stop_reason) == (parts, "refusal")
    (row,) = encode_request(ChatRequest((whole({"content": "a", "refusal": "No."}).message,)), model="m").body[
        "messages"
    ]
    assert row == {"role": "assistant", "content": "a", "refusal": "No."}


def test_an_empty_answer_is_flagged() -> None:
    flag = ("content: the answer is empty",)
    assert whole({"content": None}).warnings == flag
    assert whole({"content": "", "reasoning_content": "t"}).warnings == flag
    assert streamed(chunk({"content": ""}), STOP).warnings == flag
    assert whole({"content": None}, finish="length").warnings == ()
    assert whole().warnings == ()


# -- Reasons to stop


def test_a_reason_that_is_unknown_is_kept() -> None:
    for reply in (whole(finish="eos"), streamed(chunk(HI), chunk(finish="eos"))):
        assert reply.extra == {"srv": {"choice": {"finish_reason": "eos"}}}
        assert reply.stop_reason == "stop"


def test_an_answer_that_broke_is_no_answer() -> None:
    broken = {"error": {"code": "rate_limit_exceeded", "message": "secret"}}
    with pytest.raises(RateLimitError):
        whole(choice=broken, finish="error")
    with pytest.raises(RateLimitError):
        streamed(chunk(HI), chunk(choice=broken, finish="error"))
    with pytest.raises(MalformedReplyError):
        whole(finish="error")


@pytest.mark.parametrize(("word", "told"), [("END", "END"), (128001, None)])
def test_vllm_says_which_stop_string_it_was(word: Any, told: str | None) -> None:
    found = {"stop_reason": word}
    for reply in (whole(choice=found), streamed(chunk(HI), chunk(finish="stop", choice=found))):
        assert (reply.stop_reason, reply.stop_sequence) == ("stop", told)
    assert whole(choice=found, finish="length").stop_sequence is None
    assert streamed(chunk(HI), chunk(finish="length", choice=found)).stop_sequence is None


def test_other_choices_are_a_loss() -> None:
    warning = ("choices: only the first one is kept",)
    row = {"message": HI, "finish_reason": "stop"}
    assert decode_reply({"choices": [row, row]}).warnings == warning
    second = {"index": 1, "delta": {"content": "x"}, "finish_reason": None}
    other = {"choices": [second, chunk({"content": "!"})["choices"][0]]}
    reply = streamed(chunk(HI), other, other, STOP)
    assert (reply.text, reply.warnings) == ("Hi!!", warning)
