"""Replies to draw from, and the events of the streams that give them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from llmroute.wire.chat import (
    Event,
    Finish,
    Message,
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
)
from llmroute.wire.replies import CUT
from tests.wire.strategies import ANTHROPIC, OPENAI, SELDOM, arguments, ids, names, optional, solid, tool_calls, words


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    cached, written = draw(optional(st.integers(0, 99))), draw(optional(st.integers(0, 99)))
    return Usage(
        input_tokens=draw(st.integers(0, 99)) + (cached or 0) + (written or 0),
        output_tokens=draw(st.integers(0, 99)),
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=draw(optional(st.integers(0, 99))),
    )


details = st.lists(st.fixed_dictionaries({"type": st.just("reasoning.encrypted"), "data": words}), max_size=2)
"""Encrypted thoughts, as OpenRouter tells them; they come back as they were, in their order."""
OPENAI_EXTRA: list[dict[str, Any]] = [
    {},
    {OPENAI: {"system_fingerprint": "s"}},
    {OPENAI: {"choice": {"logprobs": {"content": [1]}, "native_finish_reason": "x"}, "timings": {"x": 1}}},
    {OPENAI: {"message": {"annotations": [{"type": "url_citation"}]}}},
]


@st.composite
def openai_replies(draw: st.DrawFn, *, whole: bool = True) -> Reply:
    """Answers that OpenAI's format says without loss; those of streams have no parts but text."""
    thinking: list[Any] = draw(st.lists(st.builds(Thinking, words), max_size=1))
    opaque = st.just(Opaque(OPENAI, {"type": "x", "y": 1}))
    refused = draw(st.booleans())
    mark = {OPENAI: {"refusal": "field"}} if refused else {}
    texts: list[Any] = [Text(draw(words), extra=mark)] if refused or draw(st.booleans()) else []
    if whole and not refused and draw(st.booleans()):
        texts = [draw(opaque), *texts, *draw(st.lists(words.map(Text) | opaque, max_size=2))]
    own = st.sampled_from([{}, {OPENAI: {"extra_content": {"google": {"thought_signature": "s"}}}}])
    call = tool_calls(ids, names, custom=SELDOM, extra=own)
    calls = draw(st.lists(call, max_size=3, unique_by=lambda one: one.id))
    reasons = ["refusal"] if refused else ["tool_calls" if calls else "stop", "length", "content_filter"]
    reason = draw(st.sampled_from(reasons))
    if calls and not refused and draw(st.booleans()):  # cut, or broken by the model itself
        calls[-1] = replace(calls[-1], arguments='{"x', complete=reason not in CUT)
    elif calls and calls[-1].custom:  # its text does not show whether it was cut
        calls[-1] = replace(calls[-1], complete=reason not in CUT)
    word = draw(optional(solid)) if reason == "stop" else None
    extra = {OPENAI: {"choice": {"stop_reason": word}}} if word else draw(st.sampled_from(OPENAI_EXTRA))
    kept = draw(details)
    return Reply(
        Message("assistant", (*thinking, *texts, *calls), extra={OPENAI: {"reasoning_details": kept}} if kept else {}),
        stop_reason=reason,
        stop_sequence=word,
        usage=draw(optional(usages())),
        model=draw(ids),
        id=draw(ids),
        extra=extra,
    )


@st.composite
def anthropic_replies(draw: st.DrawFn, *, whole: bool = True) -> Reply:
    """Answers that Anthropic's format says without loss; in those of streams no two texts stand together."""
    known = st.sampled_from([{}, {ANTHROPIC: {"x": 1}}] if whole else [{}])
    thinking = st.builds(lambda text, proof, extra: Thinking(text, proof, extra=extra), words, words, known)
    thinking |= words.map(lambda data: Thinking("", redacted=data))
    opaque = st.just(Opaque(ANTHROPIC, {"type": "server_tool_use", "id": "s", "name": "n", "input": {"x": 1}}))
    cited: list[dict[str, Any]] = [{}, {ANTHROPIC: {"citations": [{"n": 1}]}}] if whole else [{}]
    text = st.builds(lambda word, extra: Text(word, extra=extra), words, st.sampled_from(cited))
    call = st.builds(
        lambda *said, extra: ToolCall(*said, extra=extra),
        *(ids, names, arguments),
        extra=st.sampled_from([{}, {ANTHROPIC: {"caller": {"type": "direct"}}}] if whole else [{}]),
    )
    parts: list[Any] = draw(st.lists(thinking | opaque | text | call, max_size=5))
    parts = [one for i, one in enumerate(parts) if not (isinstance(one, ToolCall) and one.id in ids_of(parts[:i]))]
    if not whole:
        parts = [p for i, p in enumerate(parts) if not (i and isinstance(p, Text) and isinstance(parts[i - 1], Text))]
    ended = "tool_calls" if ids_of(parts) else "stop"
    reason = draw(st.sampled_from([ended, "length", "refusal"]))
    last = parts[-1] if parts else None
    if reason == "length" and isinstance(last, ToolCall) and last.arguments == "{}":
        parts[-1] = replace(last, complete=not whole)
    return Reply(
        Message("assistant", tuple(parts)),
        stop_reason=reason,
        stop_sequence=draw(optional(solid)) if reason == ended else None,
        usage=draw(optional(usages())),
        model=draw(ids),
        id=draw(ids),
        extra=draw(st.sampled_from([{}, {ANTHROPIC: {"stop_details": {"category": "x"}}}])),
    )


def ids_of(parts: list[Any]) -> set[str]:
    return {part.id for part in parts if isinstance(part, ToolCall)}


REPLIES = {OPENAI: openai_replies, ANTHROPIC: anthropic_replies}


def events_of(reply: Reply) -> list[Event]:
    """The events of a stream that gives this reply."""
    events: list[Event] = []
    text: list[str] = []
    thinking: list[str] = []
    index = 0
    for part in reply.content:
        if isinstance(part, Opaque) or (isinstance(part, Thinking) and part.redacted is not None):
            events.append(PartEvent(part))
        elif isinstance(part, Thinking):
            events.append(ThinkingDelta.append(thinking, part.text))
            if part.signature is not None:
                events.append(ThinkingDelta.append(thinking, "", part.signature))
        elif isinstance(part, Text):
            middle = len(part.text) // 2
            pieces = [piece for piece in (part.text[:middle], part.text[middle:]) if piece]
            events += [TextDelta.append(text, piece) for piece in pieces]
        elif isinstance(part, ToolCall):
            events.append(ToolCallStart(index, part.id, part.name, part.custom))
            events += [ToolCallDelta(index, part.id, letter) for letter in part.arguments]
            events.append(ToolCallEnd(index, part))
            index += 1
    if reply.usage is not None:
        events.append(UsageEvent(reply.usage))
    return [*events, Finish(reply)]
