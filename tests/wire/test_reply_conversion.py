"""Replies and streams of one API as those of another: places are in the reply that was given."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.errors import ConversionError
from llmroute.wire import ndjson, openai_chat, sse
from llmroute.wire.chat import Reply, Text, Thinking, ToolCall, assistant
from llmroute.wire.codec import ANTHROPIC, OLLAMA, OPENAI
from llmroute.wire.conversion import CODECS
from llmroute.wire.quirks import Quirks
from llmroute.wire.reply_conversion import convert_reply, convert_stream, is_reply, is_stream
from tests.wire.random_requests import Maker
from tests.wire.reply_strategies import events_of

REFUSE = Quirks(on_unsupported="error")
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
MESSAGE = {
    "role": "assistant",
    "reasoning": "Hm.",
    "content": "19 °C",
    "annotations": [1],
    "provider_note": 2,
    "tool_calls": [{**CALL, "x": 1}],
}
CHOICE = {"index": 0, "message": MESSAGE, "finish_reason": "tool_calls", "logprobs": {"content": [1]}}
OPENAI_REPLY = {
    "id": "1",
    "created": 7,
    "model": "m",
    "choices": [CHOICE],
    "usage": {"x": 1},
    "system_fingerprint": "s",
}
TEXT = {"type": "text", "text": ""}
ANTHROPIC_REPLY: dict[str, Any] = {
    "id": "1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        TEXT,
        {"type": "text", "text": "19 °C", "citations": [1]},
        {"type": "server_tool_use", "id": "s", "name": "n", "input": {}},
    ],
    "stop_reason": "stop_sequence",
    "stop_sequence": "END",
    "usage": {"input_tokens": 1, "output_tokens": 1},
    "container": {"id": 1},
}
OLLAMA_REPLY: dict[str, Any] = {
    "model": "m",
    "message": {
        "role": "assistant",
        "content": "a",
        "thinking": "t",
        "x": 1,
        "tool_calls": [{"function": {"name": "f"}}],
    },
    "done": True,
    "done_reason": "stop",
    "eval_duration": 5,
}


def at(value: Any, pointer: str) -> Any:
    for key in pointer.split("/")[1:]:
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def lost(found: Any) -> list[tuple[str, str]]:
    return [(loss.field, loss.pointer) for loss in found.losses]


def test_openai_to_anthropic() -> None:
    before = deepcopy(OPENAI_REPLY)
    found = convert_reply(OPENAI_REPLY, OPENAI, ANTHROPIC, model="n")
    assert (found.body["model"], found.body["stop_reason"]) == ("n", "tool_use")
    assert [block["type"] for block in found.body["content"]] == ["thinking", "text", "tool_use"]
    assert lost(found) == [
        ("x", "/choices/0/message/tool_calls/0/x"),
        ("system_fingerprint", "/system_fingerprint"),
        ("logprobs", "/choices/0/logprobs"),
        ("annotations", "/choices/0/message/annotations"),
        ("provider_note", "/choices/0/message/provider_note"),
    ]
    assert before == OPENAI_REPLY


def test_anthropic_to_openai() -> None:
    found = convert_reply(ANTHROPIC_REPLY, ANTHROPIC, OPENAI)
    assert found.body["choices"][0]["message"]["content"] == "19 °C"
    assert lost(found) == [
        ("container", "/container"),
        ("thinking", "/content/0"),
        ("citations", "/content/2/citations"),
        ("content", "/content/3"),
        ("stop_sequence", "/stop_sequence"),
    ]


def test_ollama_to_both() -> None:
    found = convert_reply(OLLAMA_REPLY, OLLAMA, OPENAI)
    assert lost(found) == [("eval_duration", "/eval_duration"), ("thinking", "/message/thinking"), ("x", "/message/x")]
    counted = {**OLLAMA_REPLY, "eval_count": 3}
    assert ("usage", "") in lost(convert_reply(counted, OLLAMA, OPENAI))
    cut = {**OLLAMA_REPLY, "done_reason": "load"}
    assert ("done_reason", "/done_reason") in lost(convert_reply(cut, OLLAMA, ANTHROPIC))


def test_the_same_api_again() -> None:
    assert convert_reply(OPENAI_REPLY, OPENAI, OPENAI).losses == ()
    assert convert_reply(OPENAI_REPLY, OPENAI, OPENAI).body["created"] == 7
    assert convert_reply(ANTHROPIC_REPLY, ANTHROPIC, ANTHROPIC).losses == ()


@pytest.mark.parametrize(
    ("source", "target", "body", "pointer"),
    [
        (OPENAI, ANTHROPIC, {**OPENAI_REPLY, "choices": 1}, "/choices"),
        (OPENAI, ANTHROPIC, {**OPENAI_REPLY, "choices": []}, ""),
        (OPENAI, ANTHROPIC, {"error": {"type": "x"}, "choices": []}, ""),
        (
            OPENAI,
            ANTHROPIC,
            {"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}}]},
            "/choices/0/message/tool_calls/0/function/arguments",
        ),
        (ANTHROPIC, OPENAI, {**ANTHROPIC_REPLY, "stop_reason": "pause_turn"}, ""),
    ],
)
def test_what_is_no_reply_or_can_not_be_one(source: str, target: str, body: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ConversionError) as caught:
        convert_reply(body, source, target)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"finish_reason": "content_filter", "message": {"content": "a", "refusal": ""}}, None),
        ({"finish_reason": "length", "message": {"content": "a", "refusal": "no"}}, None),
        ({"message": {"content": [{"type": "text", "text": "a"}, {"type": "new"}]}}, "/choices/0/message/content/1"),
        ({"finish_reason": "eos", "message": {"content": "a"}}, ""),
    ],
)
def test_losses_as_errors(changes: dict[str, Any], pointer: str | None) -> None:
    body = {"id": "1", "model": "m", "choices": [{"index": 0, "finish_reason": "stop", **changes}]}
    if pointer is None:
        assert convert_reply(body, OPENAI, ANTHROPIC, quirks=REFUSE).losses == ()
        return
    with pytest.raises(ConversionError) as caught:
        convert_reply(body, OPENAI, ANTHROPIC, quirks=REFUSE)
    assert caught.value.pointer == pointer


def test_an_order_that_is_lost_is_that_of_the_message() -> None:
    blocks = [{"type": "tool_use", "id": "a", "name": "f", "input": {}}, {"type": "text", "text": "x"}]
    body = {**ANTHROPIC_REPLY, "content": blocks, "stop_reason": "tool_use", "stop_sequence": None, "container": None}
    assert lost(convert_reply(body, ANTHROPIC, OPENAI)) == [("content", "/content")]


def test_an_order_that_openai_told_as_parts() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}
    body = {"choices": [{"message": {"content": [{"type": "text", "text": "a"}, thinking]}, "finish_reason": "stop"}]}
    assert ("content", "/choices/0/message") in lost(convert_reply(body, OPENAI, OLLAMA))


def test_a_refusal_without_words_is_told_by_its_reason() -> None:
    body = {**ANTHROPIC_REPLY, "content": [], "stop_reason": "refusal", "stop_sequence": None, "container": None}
    assert lost(convert_reply(body, ANTHROPIC, OPENAI)) == [("stop_reason", "/stop_reason")]
    filtered = {**OPENAI_REPLY, "choices": [{"message": {"content": "a"}, "finish_reason": "content_filter"}]}
    found = convert_reply({**filtered, "system_fingerprint": None}, OPENAI, OLLAMA)
    assert lost(found) == [("stop_reason", "/choices/0/finish_reason"), ("id", "/id")]


def test_where_vllm_says_the_stop_string() -> None:
    body = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop", "stop_reason": "END"}]}
    assert ("stop_sequence", "/choices/0/stop_reason") in lost(convert_reply(body, OPENAI, OLLAMA))


def stream(api: str, reply: Reply) -> bytes:
    if api == OLLAMA:
        encoder = CODECS[api].StreamEncoder(model="m", raw_arguments=True)
        return b"".join(ndjson.encode(line) for event in events_of(reply) for line in encoder.encode(event))
    told = {"include_usage": True, "reasoning": True} if api == OPENAI else {}
    encoder = CODECS[api].StreamEncoder(model="m", id="1", **told)
    return b"".join(sse.encode(sent) for event in events_of(reply) for sent in encoder.encode(event))


REPLY = Reply(assistant([Thinking("t"), Text("a")], tool_calls=[ToolCall("a", "f", "{}")]), stop_reason="tool_calls")


@pytest.mark.parametrize("source", CODECS)
@pytest.mark.parametrize("target", CODECS)
def test_a_stream(source: str, target: str) -> None:
    found = convert_stream(stream(source, REPLY), source, target, model="n")
    again = convert_stream(found.body.encode(), target, source)
    assert is_stream(found.body, target)
    assert '"model":"n"' in found.body
    assert '"name":"f"' in again.body


def test_losses_of_a_stream_are_in_the_whole_reply() -> None:
    data = stream(OPENAI, REPLY)
    found = convert_stream(data, OPENAI, OLLAMA)
    assert lost(found) == [("id", "/id")]
    back = convert_stream(stream(ANTHROPIC, REPLY), ANTHROPIC, OPENAI)
    assert lost(back) == [("thinking", "/content/0")]
    with pytest.raises(ConversionError) as caught:
        convert_stream(stream(ANTHROPIC, REPLY), ANTHROPIC, OPENAI, quirks=REFUSE)
    assert caught.value.pointer == "/content/0"


def test_a_stream_that_is_cut_or_tells_an_error() -> None:
    with pytest.raises(ConversionError, match="ended before"):
        convert_stream(b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n', OPENAI, ANTHROPIC)
    with pytest.raises(ConversionError) as caught:
        convert_stream(b'data: {"choices": 1}\n\n', OPENAI, ANTHROPIC)
    assert caught.value.pointer == "/choices"
    with pytest.raises(ConversionError, match="no valid JSON"):
        convert_stream(stream(OPENAI, Reply(assistant(tool_calls=[ToolCall("a", "f", "{")]))), OPENAI, OLLAMA)


def test_what_a_text_is() -> None:
    assert is_stream('{"a": 1}\n{"b": 2}\n', OLLAMA)
    assert not is_stream('{"a": 1}\n', OLLAMA)
    assert not is_stream('{\n"a": 1}\n', OLLAMA)
    assert not is_stream("data: {}", OLLAMA)
    assert [is_stream(text, OPENAI) for text in (": hi\n\n", "event: x\n", "{}", "datum: 1")] == [
        True,
        True,
        False,
        False,
    ]
    assert is_reply(OPENAI_REPLY, OPENAI)
    assert is_reply(ANTHROPIC_REPLY, ANTHROPIC)
    assert is_reply(OLLAMA_REPLY, OLLAMA)
    assert not is_reply({"messages": [], "content": 1}, ANTHROPIC)
    assert not is_reply([1], OLLAMA)


@pytest.mark.parametrize("target", CODECS)
@pytest.mark.parametrize("source", [OPENAI, ANTHROPIC])
@given(seed=st.integers(0, 2**64))
def test_every_place_is_there(source: str, target: str, seed: int) -> None:
    body = (
        CODECS[source]
        .encode_reply(Maker(source, seed).reply(), **({"reasoning": True} if source == OPENAI else {}))
        .body
    )
    before = deepcopy(body)
    try:
        found = convert_reply(json.loads(json.dumps(body)), source, target)
    except ConversionError as error:
        at(body, error.pointer)
        return
    for loss in found.losses:
        at(body, loss.pointer)  # raises where there is no such place
    assert body == before
    CODECS[target].decode_reply(found.body)
    if source == target:
        assert found.losses == ()


def test_streams_are_written_by_the_codec_itself() -> None:
    assert convert_stream(stream(OPENAI, REPLY), OPENAI, OPENAI).body == stream(OPENAI, REPLY).decode()
    assert openai_chat.StreamDecoder().partial().content == ()
