"""What one codec writes it reads back, whole or in a stream cut anywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.errors import ConversionError
from llmroute.wire import (
    anthropic_messages,
    anthropic_messages_reply,
    anthropic_messages_reply_encode,
    openai_chat,
    openai_chat_usage,
    sse,
)
from llmroute.wire.chat import (
    ChatRequest,
    Event,
    Finish,
    Reply,
    Text,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    events_from_json,
)
from llmroute.wire.replies import empty
from tests.wire.json_strategies import any_replies, any_requests
from tests.wire.reply_strategies import REPLIES, anthropic_replies, events_of, openai_replies, usages
from tests.wire.strategies import ANTHROPIC, OPENAI, anthropic_requests, cuts, openai_requests, requests

if TYPE_CHECKING:
    from types import ModuleType

TOLD: dict[ModuleType, dict[str, Any]] = {openai_chat: {"reasoning": True}, anthropic_messages: {}}
"""How a reply is written so that all of it is told."""
API = {openai_chat: OPENAI, anthropic_messages: ANTHROPIC}
BOTH = pytest.mark.parametrize("codec", [openai_chat, anthropic_messages], ids=["openai", "anthropic"])


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@given(any_requests | requests())
def test_request_and_its_json(request: ChatRequest) -> None:
    assert ChatRequest.from_json(through_json(request.to_json())) == request


@given(any_replies | openai_replies() | anthropic_replies())
def test_reply_and_its_json(reply: Reply) -> None:
    assert Reply.from_json(through_json(reply.to_json())) == reply


@given(openai_requests(), st.booleans())
def test_openai_request(request: ChatRequest, stream: bool) -> None:  # noqa: FBT001 - drawn
    encoded = openai_chat.encode_request(request, model="m", stream=stream)
    decoded = openai_chat.decode_request(through_json(encoded.body))
    assert decoded == (request, "m", stream, stream)
    assert encoded.warnings == ()
    assert openai_chat.encode_request(decoded.request, model="m", stream=stream) == encoded


@given(anthropic_requests(), st.booleans())
def test_anthropic_request(request: ChatRequest, stream: bool) -> None:  # noqa: FBT001 - drawn
    encoded = anthropic_messages.encode_request(request, model="m", stream=stream)
    decoded = anthropic_messages.decode_request(through_json(encoded.body))
    assert decoded == (request, "m", stream, False)
    assert encoded.warnings == ()
    assert anthropic_messages.encode_request(decoded.request, model="m", stream=stream) == encoded


@BOTH
@given(request=requests())
def test_losses_are_reported_once_and_can_be_refused(codec: ModuleType, request: ChatRequest) -> None:
    encoded = codec.encode_request(request, model="m")
    fields = [warning.partition(":")[0] for warning in encoded.warnings]
    assert len(fields) == len(set(fields))
    if encoded.warnings:
        with pytest.raises(ConversionError) as caught:
            codec.encode_request(request, model="m", quirks={"on_unsupported": "error"})
        assert caught.value.pointer.startswith("/")
    else:
        assert codec.encode_request(request, model="m", quirks={"on_unsupported": "error"}) == encoded


@BOTH
@given(request=requests())
def test_calls_stay_paired_and_names_come_back(codec: ModuleType, request: ChatRequest) -> None:
    """Whatever ids and names are, the wire form is valid, distinct, and leads back."""
    encoded = codec.encode_request(request, model="m")
    decoded = codec.decode_request(through_json(encoded.body)).request

    def calls(of: ChatRequest) -> list[tuple[str, str]]:
        return [(call.id, call.name) for message in of.messages for call in message.tool_calls]

    def results(of: ChatRequest) -> list[str]:
        return [part.tool_call_id for message in of.messages if message.role == "tool" for part in message.content]

    before, after = calls(request), calls(decoded)
    assert [encoded.names.get(name, name) for _, name in after] == [name for _, name in before]
    renamed = dict(zip([one for one, _ in before], [one for one, _ in after], strict=True))
    assert len(set(renamed.values())) == len(renamed)
    assert results(decoded) == [renamed[one] for one in results(request)]
    choice = request.tool_choice
    left_out = codec is anthropic_messages and choice is not None and choice.allowed
    told = [tool.name for tool in request.tools if not left_out or tool.name in choice.allowed]
    assert [encoded.names.get(tool.name, tool.name) for tool in decoded.tools] == told


@BOTH
@given(data=st.data())
def test_reply(codec: ModuleType, data: st.DataObject) -> None:
    reply = data.draw(REPLIES[API[codec]]())
    encoded = codec.encode_reply(reply, **TOLD[codec])
    assert encoded.losses == ()
    body = through_json(encoded.body)
    assert codec.decode_reply(body) == flagged(reply)
    assert codec.decode_reply(json.dumps(body).encode()) == flagged(reply)


def refused(reply: Reply) -> bool:
    """A stream of OpenAI's format tells a refusal as text."""
    return reply.stop_reason == "refusal"


def flagged(reply: Reply) -> Reply:
    """The reply with the one warning that every decoder gives by itself."""
    return replace(reply, warnings=empty(reply.content, reply.stop_reason))


def streamed(codec: ModuleType, reply: Reply) -> bytes:
    options = {"include_usage": True, "reasoning": True} if codec is openai_chat else {}
    encoder = codec.StreamEncoder(model=reply.model, id=reply.id, **options)
    return b"".join(sse.encode(sent) for event in events_of(reply) for sent in encoder.encode(event))


def read(codec: ModuleType, chunks: list[bytes]) -> list[Event]:
    decoder, reader = codec.StreamDecoder(), sse.Decoder()
    events = [event for chunk in chunks for sent in reader.feed(chunk) for event in decoder.feed(sent)]
    return [*events, *decoder.close()]


def check_grammar(events: list[Event]) -> None:
    """Deltas only inside of their call, each call ended once, one terminal event at the end."""
    assert [event for event in events if isinstance(event, Finish)] == events[-1:]
    started: dict[int, list[str]] = {}
    ended: dict[int, str] = {}
    text = thinking = ""
    for event in events:
        if isinstance(event, TextDelta):
            text += event.text
            assert event.snapshot == text
        elif isinstance(event, ThinkingDelta):
            thinking += event.text
            assert event.snapshot == thinking
        elif isinstance(event, ToolCallStart):
            assert event.index == len(started)
            started[event.index] = []
        elif isinstance(event, ToolCallDelta):
            assert event.index not in ended
            started[event.index].append(event.arguments)
        elif isinstance(event, ToolCallEnd):
            assert event.index not in ended
            ended[event.index] = event.call.arguments
    assert {index: "".join(pieces) for index, pieces in started.items()} == ended
    last = events[-1]
    assert isinstance(last, Finish)
    assert (last.reply.text, last.reply.thinking) == (text, thinking)
    assert [call.arguments for call in last.reply.tool_calls] == list(ended.values())


@BOTH
@given(data=st.data())
def test_stream(codec: ModuleType, data: st.DataObject) -> None:
    """Events through the wire, in chunks cut anywhere, are the reply that went in."""
    reply = data.draw(REPLIES[API[codec]](whole=False).filter(lambda one: codec is not openai_chat or not refused(one)))
    sent = streamed(codec, reply)
    events = read(codec, [sent])
    check_grammar(events)
    assert events[-1] == Finish(flagged(reply))
    assert read(codec, data.draw(cuts(sent))) == events
    again = list(events_from_json(through_json([event.to_json() for event in events])))
    assert again == events
    check_grammar(again)


@BOTH
def test_every_cut_of_a_stream(codec: ModuleType) -> None:
    reply = replace(
        _REPLY, message=replace(_REPLY.message, content=(Text("ä\u2028\U0001f600\x85\r\n"), *_REPLY.tool_calls))
    )
    sent = streamed(codec, reply)
    events = read(codec, [sent])
    assert events[-1] == Finish(reply)
    for place in range(len(sent) + 1):
        assert read(codec, [sent[:place], sent[place:]]) == events
    assert read(codec, [sent[i : i + 1] for i in range(len(sent))]) == events


_REPLY = Reply.from_json(
    {
        "message": {
            "role": "assistant",
            "content": [
                {"type": "tool_call", "id": "a", "name": "f", "arguments": '{"x":"ü"}'},
                {"type": "tool_call", "id": "b", "name": "g", "arguments": "{}"},
            ],
        },
        "stop_reason": "tool_calls",
        "usage": {"input_tokens": 3, "output_tokens": 2},
        "model": "m",
        "id": "1",
    }
)


@given(usages())
def test_usage_there_and_back(usage: Any) -> None:
    assert openai_chat_usage.usage_of(openai_chat_usage.usage_to(usage)) == usage
    assert anthropic_messages_reply.usage_of(anthropic_messages_reply_encode.usage_to(usage)) == usage
