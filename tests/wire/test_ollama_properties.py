"""What the codec of Ollama's own format writes it reads back, whole or in a stream cut anywhere."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.errors import ConversionError, MalformedReplyError, TruncatedStreamError
from llmroute.wire import ndjson, ollama_chat
from llmroute.wire.chat import ChatRequest, Event, Finish, Image, Part, Reply, ToolResult, events_from_json
from llmroute.wire.codec import ANTHROPIC, OLLAMA, OPENAI
from llmroute.wire.conversion import CODECS, convert
from llmroute.wire.quirks import Quirks
from llmroute.wire.replies import empty
from tests.properties.test_wire_round_trips import check_grammar
from tests.wire.ollama_strategies import ollama_replies, ollama_requests
from tests.wire.random_requests import Maker
from tests.wire.reply_strategies import events_of
from tests.wire.strategies import anthropic_requests, cuts, openai_requests, requests

if TYPE_CHECKING:
    from collections.abc import Iterable

DRAWN = {OPENAI: openai_requests(), ANTHROPIC: anthropic_requests(), OLLAMA: ollama_requests()}
OTHERS = pytest.mark.parametrize("other", [OPENAI, ANTHROPIC])
SEEDS = st.integers(0, 2**64)


ODD = (None, True, -1, 1.5, "", "x", [], {}, [None], [[]], {"role": "tool"}, {"": {}}, "\ud800", {"function": {}})


def bend(chance: Random, body: Any) -> None:
    """Change or take away one value somewhere in a body."""
    key = chance.choice(list(body) if isinstance(body, dict) else range(len(body)))
    if isinstance(body[key], dict | list) and body[key] and chance.randrange(3):
        bend(chance, body[key])
    elif isinstance(body, dict) and chance.randrange(2):
        del body[key]
    else:
        body[key] = deepcopy(chance.choice(ODD))


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def inlined(request: ChatRequest) -> ChatRequest:
    """The request with the data of each image, as the format wants it."""
    return replace(request, messages=tuple(replace(one, content=data_of(one.content)) for one in request.messages))


def data_of(parts: tuple[Part, ...]) -> tuple[Any, ...]:
    return tuple(
        replace(part, url=None, data="AAAA", media_type="image/png")
        if isinstance(part, Image)
        else replace(part, content=data_of(part.content))
        if isinstance(part, ToolResult)
        else part
        for part in parts
    )


@given(ollama_requests(), st.booleans())
def test_a_request_there_and_back(request: ChatRequest, stream: bool) -> None:  # noqa: FBT001 - drawn
    encoded = ollama_chat.encode_request(request, model="m", stream=stream)
    decoded = ollama_chat.decode_request(through_json(encoded.body))
    assert decoded == (request, "m", stream, False)
    assert encoded.losses == ()
    assert ollama_chat.encode_request(decoded.request, model="m", stream=stream) == encoded


@given(requests().map(inlined) | ollama_requests())
def test_losses_are_reported_once_and_can_be_refused(request: ChatRequest) -> None:
    encoded = ollama_chat.encode_request(request, model="m")
    fields = [warning.partition(":")[0] for warning in encoded.warnings]
    assert len(fields) == len(set(fields))
    strict = {"on_unsupported": "error"}
    if encoded.warnings:
        with pytest.raises(ConversionError) as caught:
            ollama_chat.encode_request(request, model="m", quirks=strict)
        assert caught.value.pointer.startswith("/")
    else:
        assert ollama_chat.encode_request(request, model="m", quirks=strict) == encoded


@given(requests().map(inlined))
def test_calls_stay_paired_and_names_come_back(request: ChatRequest) -> None:
    encoded = ollama_chat.encode_request(request, model="m")
    body = through_json(encoded.body)
    assert_paired(request, ollama_chat.decode_request(body).request, encoded.names)
    for row in body["messages"]:  # as older servers and clients tell them
        row.pop("tool_call_id", None)
        for call in row.get("tool_calls", ()):
            del call["id"]
    again = ollama_chat.decode_request(body).request
    called = [call.id for message in again.messages for call in message.tool_calls]
    assert called == [f"call_{i}" for i in range(len(called))]


def assert_paired(before: ChatRequest, after: ChatRequest, names: Any) -> None:
    def calls(of: ChatRequest) -> list[tuple[str, str]]:
        return [(call.id, call.name) for message in of.messages for call in message.tool_calls]

    def results(of: ChatRequest) -> list[str]:
        return [part.tool_call_id for message in of.messages if message.role == "tool" for part in message.content]

    assert [(one, names.get(name, name)) for one, name in calls(after)] == calls(before)
    assert results(after) == results(before)


@OTHERS
@given(data=st.data())
def test_what_is_converted_says_what_it_loses(other: str, data: st.DataObject) -> None:
    """To another format and back: whatever is not the same was told, by its place."""
    request = data.draw(DRAWN[OLLAMA])
    body = through_json(ollama_chat.encode_request(request, model="m").body)
    try:
        found = convert(body, OLLAMA, other)
    except ConversionError:
        return
    for loss in found.losses:
        place: Any = body
        for key in loss.pointer.split("/")[1:]:
            place = place[int(key)] if isinstance(place, list) else place[key]
    if not found.losses:
        assert convert(body, OLLAMA, other, quirks=Quirks(on_unsupported="error")) == found


@OTHERS
@given(seed=SEEDS)
def test_a_body_that_is_bent_anywhere_is_converted_or_refused(other: str, seed: int) -> None:
    """No other exception, whatever stands in a body; and losses lead into it."""
    maker = Maker(other, seed)
    body = CODECS[other].encode_request(maker.request(), model="m").body
    try:
        mine = through_json(convert(body, other, OLLAMA).body)
    except ConversionError:
        mine = {
            "model": "m",
            "messages": [{"role": "user", "content": "x", "images": ["AAAA"]}],
            "options": {"seed": 1},
        }
    mine |= {"keep_alive": 5, "think": True, "format": {"type": "object"}}
    for _ in range(maker.random.randrange(1, 4)):
        bend(maker.random, mine)
    for target in CODECS:
        with suppress(ConversionError):
            assert set(convert(mine, OLLAMA, target).body) >= {"model", "messages"}


def flagged(reply: Reply) -> Reply:
    return replace(reply, warnings=empty(reply.content, reply.stop_reason))


@given(ollama_replies())
def test_a_reply_there_and_back(reply: Reply) -> None:
    encoded = ollama_chat.encode_reply(reply)
    assert encoded.losses == ()
    body = through_json(encoded.body)
    assert ollama_chat.decode_reply(body) == flagged(reply)
    assert ollama_chat.decode_reply(json.dumps(body).encode()) == flagged(reply)


def streamed(reply: Reply) -> bytes:
    encoder = ollama_chat.StreamEncoder(model=reply.model)
    sent = b"".join(ndjson.encode(line) for event in events_of(reply) for line in encoder.encode(event))
    assert encoder.losses == ()
    return sent


def read(chunks: Iterable[bytes]) -> list[Event]:
    decoder, lines = ollama_chat.StreamDecoder(), ndjson.Decoder()
    events = [event for chunk in chunks for line in lines.feed(chunk) for event in decoder.feed(line)]
    events += [event for line in lines.close() for event in decoder.feed(line)]
    return [*events, *decoder.close()]


@given(data=st.data())
def test_a_stream_in_any_chunks(data: st.DataObject) -> None:
    reply = data.draw(ollama_replies())
    sent = streamed(reply)
    events = read([sent])
    check_grammar(events)
    assert events[-1] == Finish(flagged(reply))
    assert read(data.draw(cuts(sent))) == events
    assert read(data.draw(cuts(sent.replace(b"\n", b"\r\n\n").removesuffix(b"\r\n\n")))) == events
    again = list(events_from_json(through_json([event.to_json() for event in events])))
    assert again == events


@given(reply=ollama_replies(), seed=SEEDS)
def test_a_stream_that_is_bent_anywhere_is_read_or_refused(reply: Reply, seed: int) -> None:
    """No other exception than those of the package, whatever stands in a line."""
    chance = Random(seed)  # noqa: S311 - no secret
    rows = [json.loads(line) for line in streamed(reply).splitlines()]
    row = chance.choice(rows)
    target = row["message"] if chance.randrange(2) else row
    target[chance.choice([*target, "tool_calls", "thinking"])] = deepcopy(chance.choice(ODD))
    with suppress(MalformedReplyError, TruncatedStreamError):
        check_grammar(read([ndjson.encode(json.dumps(one)) for one in rows]))
