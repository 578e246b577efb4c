"""What a conversion keeps is kept, what it loses is said, and what it was given is as it was."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.errors import CallError, ConversionError
from llmroute.wire import sse
from llmroute.wire.chat import Finish, part_to_json
from llmroute.wire.codec import ANTHROPIC, OPENAI
from llmroute.wire.conversion import CODECS, convert
from llmroute.wire.quirks import Quirks
from tests.properties.test_wire_round_trips import TOLD, check_grammar, flagged, read, streamed
from tests.wire.random_requests import Maker
from tests.wire.strategies import anthropic_requests, openai_requests

if TYPE_CHECKING:
    from llmroute.wire.chat import ChatRequest, Message

MANY = settings(max_examples=20 * settings().max_examples)
REFUSE = Quirks(on_unsupported="error")
APIS = pytest.mark.parametrize("api", [OPENAI, ANTHROPIC])
WAYS = pytest.mark.parametrize(("source", "target"), [(OPENAI, ANTHROPIC), (ANTHROPIC, OPENAI)])
SEEDS = st.integers(0, 2**64)
DRAWN = {OPENAI: openai_requests(), ANTHROPIC: anthropic_requests()}
LOST_AS = {
    "tools": {"tools.strict", "cache_control", "tool_choice.allowed_tools", "x"},
    "response_format": {"response_format", "response_format.schema", "response_format.strict"},
    "tool_choice": {"tool_choice.allowed_tools"},
    "reasoning_effort": {"reasoning_effort", "thinking_budget"},
    "extra": {"store", "service_tier", "x", "display"},
    "messages": {
        "name", "thinking", "content", "messages", "cache_control", "image.detail", "system",
        "tool_result.image", "tool_result.document", "tool_result.is_error", "document", "citations", "x",
        "extra_content", "reasoning_details", "refusal",
    },
}  # fmt: skip
"""The fields of a request, and the words of the losses that may change them."""


def body_of(source: str, request: ChatRequest) -> dict[str, Any]:
    encoded = CODECS[source].encode_request(request, model="m")
    assert encoded.losses == ()
    body: dict[str, Any] = json.loads(json.dumps(encoded.body))
    return body


def at(body: Any, pointer: str) -> Any:
    for key in pointer.split("/")[1:]:
        name = key.replace("~1", "/").replace("~0", "~")
        body = body[int(name)] if isinstance(body, list) else body[name]
    return body


@WAYS
@given(data=st.data())
def test_there_and_back(source: str, target: str, data: st.DataObject) -> None:
    check_there_and_back(source, target, data.draw(DRAWN[source]))


@WAYS
@MANY
@given(seed=SEEDS)
def test_there_and_back_very_often(source: str, target: str, seed: int) -> None:
    check_there_and_back(source, target, Maker(source, seed).request())


@APIS
@MANY
@given(seed=SEEDS)
def test_the_same_api_again(api: str, seed: int) -> None:
    request = Maker(api, seed).request()
    assert CODECS[api].decode_request(body_of(api, request)).request == request


@APIS
@MANY
@given(seed=SEEDS)
def test_a_reply_and_its_stream_in_any_chunks(api: str, seed: int) -> None:
    maker = Maker(api, seed)
    reply, codec = maker.reply(), CODECS[api]
    if reply.content:
        assert codec.decode_reply(json.dumps(codec.encode_reply(reply, **TOLD[codec]).body)) == flagged(reply)
    sent = streamed(codec, reply)
    events = read(codec, [sent])
    check_grammar(events)
    assert events[-1] == Finish(flagged(reply))
    places = sorted(maker.random.randrange(len(sent)) for _ in range(4))
    assert read(codec, [sent[i:j] for i, j in pairwise([0, *places, len(sent)])]) == events


ODD = (None, True, -1, 1.5, "", "x", [], {}, [None], [[]], {"type": "text"}, {"type": None}, {"": {}}, "\ud800")


def bend(maker: Maker, body: Any) -> None:
    """Change or take away one value somewhere in a body."""
    chance = maker.random
    keys = list(body) if isinstance(body, dict) else range(len(body))
    key = chance.choice(keys)
    if isinstance(body[key], dict | list) and body[key] and chance.randrange(3):
        bend(maker, body[key])
    elif isinstance(body, dict) and chance.randrange(2):
        del body[key]
    else:
        body[key] = chance.choice(ODD)


@WAYS
@MANY
@given(seed=SEEDS)
def test_a_body_that_is_bent_anywhere_is_converted_or_refused(source: str, target: str, seed: int) -> None:
    """No other exception, whatever stands in a body."""
    maker = Maker(source, seed)
    body = body_of(source, maker.request())
    bend(maker, body)
    before = deepcopy(body)
    with suppress(ConversionError):
        convert(body, source, target)
    assert body == before


@APIS
@MANY
@given(seed=SEEDS)
def test_an_answer_that_is_bent_anywhere_is_read_or_malformed(api: str, seed: int) -> None:
    """No other exception, whatever a server sends."""
    maker = Maker(api, seed)
    body = CODECS[api].encode_reply(maker.reply()).body
    bend(maker, body)
    before = deepcopy(body)
    with suppress(CallError):
        CODECS[api].decode_reply(body)
    assert body == before


@APIS
@MANY
@given(seed=SEEDS)
def test_a_stream_that_is_bent_anywhere_is_read_or_malformed(api: str, seed: int) -> None:
    """No other exception, and at most one terminal event, which is the last one."""
    maker = Maker(api, seed)
    reader, decoder = sse.Decoder(), CODECS[api].StreamDecoder()
    sent = list(reader.feed(streamed(CODECS[api], maker.reply())))
    place = maker.random.randrange(len(sent) - 1)
    row = json.loads(sent[place].data)
    bend(maker, row)
    sent[place] = sse.ServerSentEvent(json.dumps(row), sent[place].event)
    events: list[Any] = []
    with suppress(CallError):
        for event in sent:
            events += decoder.feed(event)
        events += decoder.close()
    assert not any(isinstance(event, Finish) for event in events[:-1])


def check_there_and_back(source: str, target: str, request: ChatRequest) -> None:
    """Fields that come back changed are those that a loss names; places are in the body, which stays as it was."""
    body = body_of(source, request)
    before = deepcopy(body)
    try:
        there = convert(body, source, target)
    except ConversionError as error:
        at(body, error.pointer)
        assert body == before
        return
    for loss in there.losses:
        at(body, loss.pointer)
    assert len({(loss.field, loss.pointer) for loss in there.losses}) == len(there.losses)
    assert body == before
    again = CODECS[target].decode_request(there.body).request
    lost = {loss.field for loss in there.losses}
    for name in changed(request, again):
        assert lost & LOST_AS.get(name, {name}), (name, lost)
    if there.losses:
        with pytest.raises(ConversionError) as caught:
            convert(body, source, target, quirks=REFUSE)
        assert caught.value.pointer == there.losses[0].pointer
    else:
        assert convert(body, source, target, quirks=REFUSE) == there


def changed(request: ChatRequest, again: ChatRequest) -> set[str]:
    """The fields of the request that are not what they were."""
    one, other = request.to_json(), again.to_json()
    one["messages"], other["messages"] = said(request.messages), said(again.messages)
    for row in (one, other):
        row["extra"] = {name: value for fields in row.get("extra", {}).values() for name, value in fields.items()}
    params, back = one.pop("params", {}), other.pop("params", {})
    back = back if "max_tokens" in params else {k: v for k, v in back.items() if k != "max_tokens"}
    if not request.tools or (request.tool_choice is not None and request.tool_choice.mode == "none"):
        one.pop("parallel_tool_calls", None)
    fields = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
    for name in ("response_format", "tools", "tool_choice"):
        if name in fields and plain(one.get(name)) == plain(other.get(name)):
            fields.remove(name)
    return fields | {name for name in params.keys() | back.keys() if differs(params, back, name)}


def differs(params: dict[str, Any], back: dict[str, Any], name: str) -> bool:
    zero = name.endswith("_penalty") and not params.get(name)
    return params.get(name) != back.get(name) and not zero


def plain(value: Any) -> Any:
    """Without what has no meaning: strictness that is implied, a choice that is the default, a name that was made."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return None
    if value in ({"kind": "text"}, {"mode": "auto"}):
        return None
    return {key: one for key, one in value.items() if key not in {"strict", "name"} or "kind" not in value}


def said(messages: tuple[Message, ...]) -> list[Any]:
    """Roles and what was said; how it is cut into messages and texts has no meaning, nor has white space between."""
    rows: list[Any] = []
    for message in messages:
        if not rows or rows[-1][0] != message.role or message.name is not None:
            rows.append((message.role, [], message.name))
        for part in message.content:
            add(rows[-1][1], part_to_json(part))
    return [row for row in rows if row[1]]


def unlisted(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "content_list"}


def add(parts: list[Any], part: dict[str, Any]) -> None:
    if "content" in part:
        inner: list[Any] = []
        for one in part["content"]:
            add(inner, one)
        # Whether a result's texts stood in a list is how it was written.
        extra = {api: own for api, fields in part.get("extra", {}).items() if (own := unlisted(fields))}
        part = {**{key: value for key, value in part.items() if key != "extra"}, "content": inner}
        part |= {"extra": extra} if extra else {}
    if part.keys() != {"type", "text"} or part["type"] != "text":
        parts.append(part)
        return
    words = "".join(part["text"].split())
    if parts and isinstance(parts[-1], str):
        parts[-1] += words
    elif words:
        parts.append(words)
