"""What a reply loses on its way to a client is what the losses say, each once; whole or in a stream."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.errors import ConversionError
from llmroute.wire.chat import Opaque, Reply, Thinking
from llmroute.wire.codec import ANTHROPIC, OPENAI
from llmroute.wire.conversion import CODECS
from llmroute.wire.quirks import Quirks
from tests.properties.test_wire_conversion import MANY
from tests.properties.test_wire_round_trips import check_grammar
from tests.wire.random_requests import Maker
from tests.wire.reply_strategies import REPLIES, events_of

if TYPE_CHECKING:
    from llmroute.wire.codec import Loss

WAYS = pytest.mark.parametrize("target", [OPENAI, ANTHROPIC])
REPLY = st.sampled_from([OPENAI, ANTHROPIC]).flatmap(lambda api: REPLIES[api]())
RAW = {OPENAI: {}, ANTHROPIC: {"raw_arguments": True}}
LOST_AS = {
    "thinking": {"thinking"},
    "signature": {"thinking"},
    "text": {"content"},
    "order": {"content", "thinking"},
    "opaque": {"content"},
    "complete": {"tool_calls", "tool_use", "tool_use.input"},
    "arguments": {"tool_use.input"},
    "stop_reason": {"stop_reason"},
    "refusal": {"stop_reason"},
    "stop_sequence": {"stop_sequence"},
    "usage": {"usage"},
}
"""What may be different, and the losses that say so."""


def at(value: Any, pointer: str) -> Any:
    for key in pointer.split("/")[1:]:
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def check_losses(reply: Reply, again: Reply, losses: tuple[Loss, ...], target: str) -> None:
    lost = {loss.field for loss in losses}
    for name in changed(reply, again, target):
        assert lost & LOST_AS.get(name, {name}), (name, lost)
    assert len({(loss.field, loss.pointer) for loss in losses}) == len(losses)


def changed(reply: Reply, again: Reply, target: str) -> set[str]:
    one, other = told(reply, target), told(again, target)
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def told(reply: Reply, target: str) -> dict[str, Any]:
    """What a reply tells, apart; how it is cut into parts has no meaning."""
    thoughts = [part for part in reply.content if isinstance(part, Thinking)]
    kinds = [type(part).__name__ for part in reply.content]
    calls = reply.tool_calls
    reason = reply.stop_reason
    return {
        "thinking": reply.thinking,
        "signature": [(part.signature, part.redacted) for part in thoughts if part.signature or part.redacted],
        "text": reply.text,
        "order": [kind for i, kind in enumerate(kinds) if kinds[i - 1 : i] != [kind]],
        "opaque": [part for part in reply.content if isinstance(part, Opaque)],
        "calls": [(call.id, call.name) for call in calls],
        "complete": [call.complete for call in calls],
        "arguments": [call.arguments for call in calls],
        # Refusals and filters are one to Anthropic.
        "stop_reason": "refusal" if target == ANTHROPIC and reason == "content_filter" else reason,
        "stop_sequence": reply.stop_sequence,
        "usage": reply.usage,
        "model": reply.model,
        **extras(reply, target),
    }


def extras(reply: Reply, target: str) -> dict[str, Any]:
    """Fields that only one API knows, wherever they stand."""
    found: dict[str, Any] = {}
    holders = [
        reply.extra,
        reply.message.extra,
        *(part.extra for part in reply.content if not isinstance(part, Opaque)),
    ]
    for holder in holders:
        for fields in deepcopy(holder).values():
            inner = fields.pop("choice", {}) | fields.pop("message", {})
            found |= fields | inner
    if target == ANTHROPIC:
        found.pop("refusal", None)  # the reason to stop tells it
    elif reply.stop_reason == "refusal":
        found["refusal"] = "field"
    return found


@WAYS
@given(reply=REPLY, reasoning=st.booleans())
def test_a_reply_loses_what_is_said(target: str, reply: Reply, *, reasoning: bool) -> None:
    options: dict[str, Any] = {"reasoning": reasoning} if target == OPENAI else RAW[target]
    before = reply.to_json()
    encoded = CODECS[target].encode_reply(reply, **options)
    again = CODECS[target].decode_reply(json.loads(json.dumps(encoded.body)))
    check_losses(reply, again, encoded.losses, target)
    assert reply.to_json() == before
    refuse = Quirks(on_unsupported="error")
    for loss in encoded.losses:
        at(before, flat_pointer(loss.pointer))
    if encoded.losses:
        with pytest.raises(ConversionError):
            CODECS[target].encode_reply(reply, quirks=refuse, **options)
    else:
        assert CODECS[target].encode_reply(reply, quirks=refuse, **options) == encoded


def flat_pointer(pointer: str) -> str:
    """Fields that only one API knows are pointed at without the name of the API."""
    if "/extra" not in pointer:
        return pointer
    return pointer[: pointer.index("/extra") + len("/extra")]


def is_refused(reply: Reply, target: str) -> bool:
    """Anthropic has no custom tools."""
    return target == ANTHROPIC and any(call.custom for call in reply.tool_calls)


@WAYS
@given(reply=REPLY, reasoning=st.booleans())
def test_a_stream_loses_what_is_said(target: str, reply: Reply, *, reasoning: bool) -> None:
    options: dict[str, Any] = {"reasoning": reasoning, "include_usage": True} if target == OPENAI else {}
    encoder = CODECS[target].StreamEncoder(model=reply.model, id=reply.id, **options)
    if is_refused(reply, target):
        with pytest.raises(ConversionError):
            [encoder.encode(event) for event in events_of(reply)]
        return
    sent = [one for event in events_of(reply) for one in encoder.encode(event)]
    decoder = CODECS[target].StreamDecoder()
    events = [event for one in sent for event in decoder.feed(one)] + list(decoder.close())
    check_grammar(events)
    check_losses(reply, events[-1].reply, encoder.losses, target)


@WAYS
@MANY
@given(seed=st.integers(0, 2**64))
def test_very_many(target: str, seed: int) -> None:
    """Answers as either API gives them, to clients of either, whole and streamed."""
    maker = Maker([OPENAI, ANTHROPIC][seed % 2], seed)
    reply, codec = maker.reply(), CODECS[target]
    options: dict[str, Any] = {"reasoning": True} if target == OPENAI else {}
    if is_refused(reply, target):
        with pytest.raises(ConversionError):
            codec.encode_reply(reply)
        return
    encoded = codec.encode_reply(reply, **options)
    check_losses(reply, codec.decode_reply(encoded.body), encoded.losses, target)
    told = {**options, "include_usage": True} if options else {}
    encoder, decoder = codec.StreamEncoder(model="m", id="1", **told), codec.StreamDecoder()
    sent = [one for event in events_of(reply) for one in encoder.encode(event)]
    events = [event for one in sent for event in decoder.feed(one)] + list(decoder.close())
    check_losses(reply, events[-1].reply, encoder.losses, target)


def test_what_a_text_client_of_openai_does_not_see() -> None:
    reply = Reply.from_json(
        {
            "message": {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "a", "extra": {ANTHROPIC: {"citations": [1]}}},
                    {"type": "thinking", "text": "t", "signature": "s"},
                ],
            },
            "stop_sequence": "x",
            "usage": {"output_tokens": 1},
            "extra": {"groq": {"choice": {"logprobs": 1}}},
        }
    )
    encoded = CODECS[OPENAI].encode_reply(reply)
    assert [(loss.field, loss.pointer) for loss in encoded.losses] == [
        ("logprobs", "/extra/logprobs"),
        ("citations", "/message/content/0/extra/citations"),
        ("thinking", "/message/content/1"),
        ("content", "/message/content"),
        ("stop_sequence", "/stop_sequence"),
        ("usage", "/usage"),
    ]
    assert encoded.body["choices"][0]["message"] == {"role": "assistant", "content": "a", "refusal": None}
