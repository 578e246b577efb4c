"""Conversations, replies and chunkings to draw from.

`openai_requests` and `anthropic_requests` hold what that API can say without loss; `requests` what both can be
given at all, with whatever loss.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from llmroute.wire.chat import (
    ChatRequest,
    Event,
    Finish,
    Image,
    Message,
    Opaque,
    Params,
    PartEvent,
    Reply,
    ResponseFormat,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    ToolChoice,
    ToolResult,
    Usage,
    UsageEvent,
)
from llmroute.wire.replies import CUT

if TYPE_CHECKING:
    from collections.abc import Callable

ANTHROPIC, OPENAI = "anthropic-messages", "openai-chat"
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
solid = words.filter(lambda text: text == text.strip() and text != "")
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
ids = st.text(_LETTERS, min_size=1, max_size=8)
names = st.text(_LETTERS, min_size=1, max_size=64)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=3,
)
json_objects = st.dictionaries(words, json_values, max_size=2)
arguments = json_objects.map(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")))
images = st.builds(lambda name: Image(f"https://example.org/{name}.png"), ids) | st.builds(
    lambda kind: Image(data="iVBORw0KGgo=", media_type=kind), st.sampled_from(["image/png", "image/webp"])
)
schemas = st.dictionaries(names, st.sampled_from([{"type": "string"}, {"type": "integer"}, True]), max_size=3).map(
    lambda properties: {"type": "object", "properties": properties}
)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


closed = schemas.map(lambda schema: {**schema, "required": list(schema["properties"]), "additionalProperties": False})
"""Schemas that both APIs can enforce."""


@st.composite
def tool_sets(draw: st.DrawFn, *, name: st.SearchStrategy[str] = names) -> tuple[Tool, ...]:
    found = draw(st.lists(name, max_size=3, unique=True))
    pairs = [(one, draw(optional(st.booleans()))) for one in found]
    return tuple(
        Tool(one, draw(st.just("") | solid), draw(closed if strict else schemas), strict) for one, strict in pairs
    )


@st.composite
def choices(draw: st.DrawFn, tools: tuple[Tool, ...], *, forced: bool = True) -> ToolChoice | None:
    if not tools:
        return None
    mode = draw(st.sampled_from([None, "auto", "none", *(["required", "named"] if forced else [])]))
    if mode is None:
        return None
    return ToolChoice(mode, draw(st.sampled_from([tool.name for tool in tools])) if mode == "named" else None)


@st.composite
def exchanges(
    draw: st.DrawFn,
    *,
    assistant: Callable[[tuple[ToolCall, ...]], st.SearchStrategy[Message]],
    results: Callable[[list[str]], st.SearchStrategy[list[Message]]],
    user: st.SearchStrategy[Message],
    call: tuple[st.SearchStrategy[str], st.SearchStrategy[str]] = (ids, names),
) -> list[Message]:
    """Turns as they are in life: a question, calls and their results, an answer, and a last question."""
    messages: list[Message] = []
    used: set[str] = set()
    for _ in range(draw(st.integers(0, 2))):
        messages.append(draw(user))
        for _ in range(draw(st.integers(0, 2))):
            found = draw(st.lists(call[0].filter(lambda one: one not in used), min_size=1, max_size=2, unique=True))
            used.update(found)
            calls = tuple(ToolCall(one, draw(call[1]), draw(arguments)) for one in found)
            messages.append(draw(assistant(calls)))
            messages += draw(results(draw(st.permutations(found))))
        messages.append(draw(assistant(())))
    return [*messages, draw(user)]


def _results_apart(found: list[str]) -> st.SearchStrategy[list[Message]]:
    return st.tuples(
        *(words.map(lambda text, one=one: Message("tool", (ToolResult(one, (Text(text),)),))) for one in found)
    ).map(list)


@st.composite
def _results_together(draw: st.DrawFn, found: list[str]) -> list[Message]:
    content = st.lists(solid.map(Text) | images, max_size=2).map(tuple)
    return [Message("tool", tuple(ToolResult(one, draw(content), draw(st.booleans())) for one in found))]


def _user(texts: st.SearchStrategy[str] = words) -> st.SearchStrategy[Message]:
    return st.lists(texts.map(Text) | images, min_size=1, max_size=3).map(lambda parts: Message("user", tuple(parts)))


def _said(calls: tuple[ToolCall, ...]) -> st.SearchStrategy[Message]:
    text = words.map(lambda word: (Text(word),))
    before = (st.just(()) | text) if calls else text
    return before.map(lambda parts: Message("assistant", (*parts, *calls)))


@st.composite
def _thought(draw: st.DrawFn, calls: tuple[ToolCall, ...]) -> Message:
    thinking = st.builds(Thinking, words, words) | words.map(lambda data: Thinking("", redacted=data))
    cached = {ANTHROPIC: {"cache_control": {"type": "ephemeral"}}}
    text = st.builds(lambda word, extra: Text(word, extra=extra), solid, st.sampled_from([{}, cached]))
    parts = draw(st.lists(thinking, max_size=2)) + draw(st.lists(text, min_size=0 if calls else 1, max_size=2))
    return Message("assistant", (*parts, *calls))


@st.composite
def openai_params(draw: st.DrawFn) -> Params:
    return Params(
        temperature=draw(optional(st.floats(0, 2))),
        top_p=draw(optional(st.floats(0, 1))),
        max_tokens=draw(optional(st.integers(1, 10**6))),
        stop=tuple(draw(st.lists(words, max_size=4))),
        seed=draw(optional(st.integers(-(2**53), 2**53))),
        frequency_penalty=draw(optional(st.floats(-2, 2))),
        presence_penalty=draw(optional(st.floats(-2, 2))),
        reasoning_effort=draw(optional(st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh"]))),
    )


@st.composite
def anthropic_params(draw: st.DrawFn) -> Params:
    limit = draw(st.integers(2048, 10**6))
    thinks = draw(st.booleans())
    efforts = ["low", "medium", "high", "xhigh", "max"]
    return Params(
        temperature=draw(optional(st.floats(0, 1))),
        top_p=draw(optional(st.floats(0, 1))),
        top_k=draw(optional(st.integers(0, 100))),
        max_tokens=limit,
        stop=tuple(draw(st.lists(solid, max_size=5))),
        reasoning_effort=draw(optional(st.sampled_from(efforts if thinks else ["none", *efforts]))),
        thinking_budget=draw(st.integers(1024, limit - 1)) if thinks else None,
    )


def formats(*, named: bool) -> st.SearchStrategy[ResponseFormat | None]:
    if not named:
        return optional(st.builds(lambda schema: ResponseFormat("json_schema", schema=schema, strict=True), closed))
    whole = st.builds(ResponseFormat, st.just("json_schema"), ids, closed, optional(st.booleans()), optional(words))
    return optional(st.sampled_from([ResponseFormat("text"), ResponseFormat("json_object")]) | whole)


@st.composite
def openai_requests(draw: st.DrawFn) -> ChatRequest:
    """Requests that OpenAI's format says without loss."""
    system = draw(st.lists(words.map(lambda text: Message("system", (Text(text),))), max_size=2))
    user = st.builds(lambda message, name: Message("user", message.content, name), _user(), optional(ids))
    turns = draw(exchanges(assistant=_said, results=_results_apart, user=user))
    tools = draw(tool_sets())
    return ChatRequest(
        (*system, *turns),
        tools=tools,
        tool_choice=draw(choices(tools)),
        parallel_tool_calls=draw(optional(st.booleans())) if tools else None,
        response_format=draw(formats(named=True)),
        params=draw(openai_params()),
        user=draw(optional(ids)),
        metadata=draw(st.dictionaries(ids, ids, max_size=2)),
        extra=draw(st.sampled_from([{}, {OPENAI: {"store": True}}, {OPENAI: {"n": 2, "logprobs": True}}])),
    )


@st.composite
def anthropic_requests(draw: st.DrawFn) -> ChatRequest:
    """Requests that Anthropic's format says without loss."""
    system = draw(st.lists(solid.map(Text), max_size=2))
    turns = draw(exchanges(assistant=_thought, results=_results_together, user=_user(solid)))
    tools = draw(tool_sets())
    params = draw(anthropic_params())
    choice = draw(choices(tools, forced=params.thinking_budget is None))
    return ChatRequest(
        (*([Message("system", tuple(system))] if system else []), *turns),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=draw(optional(st.booleans())) if choice and choice.mode != "none" else None,
        response_format=draw(formats(named=False)),
        params=params,
        user=draw(optional(ids)),
        extra=draw(st.sampled_from([{}, {ANTHROPIC: {"service_tier": "auto"}}])),
    )


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    """Requests that both formats can be given; names and ids are anything, much of the rest is lossy in one."""
    anything = (words, words)
    system = st.lists(words.map(Text), min_size=1, max_size=2).map(lambda parts: Message("system", tuple(parts)))
    turns = draw(exchanges(assistant=_thought, results=_results_together, user=_user(solid), call=anything))
    tools = draw(tool_sets(name=words))
    openai, anthropic = draw(openai_params()), draw(anthropic_params())
    schema = draw(optional(st.builds(lambda one: ResponseFormat("json_schema", "answer", one), schemas)))
    return ChatRequest(
        (*draw(st.lists(system, max_size=2)), *turns),
        tools=tools,
        tool_choice=draw(choices(tools, forced=False)),
        parallel_tool_calls=draw(optional(st.booleans())),
        response_format=schema,
        params=Params(
            temperature=openai.temperature,
            top_p=openai.top_p,
            top_k=anthropic.top_k,
            max_tokens=anthropic.max_tokens,
            stop=anthropic.stop[:4],
            seed=openai.seed,
            reasoning_effort=openai.reasoning_effort,
            thinking_budget=anthropic.thinking_budget,
        ),
        user=draw(optional(ids)),
        metadata=draw(st.dictionaries(ids, ids, max_size=2)),
        extra=draw(st.sampled_from([{}, {OPENAI: {"store": True}}, {ANTHROPIC: {"service_tier": "auto"}}])),
    )


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
    call = st.builds(lambda *said, extra: ToolCall(*said, extra=extra), ids, names, arguments, extra=own)
    calls = draw(st.lists(call, max_size=3, unique_by=lambda one: one.id))
    reasons = ["refusal"] if refused else ["tool_calls" if calls else "stop", "length", "content_filter"]
    reason = draw(st.sampled_from(reasons))
    if calls and not refused and draw(st.booleans()):  # cut, or broken by the model itself
        calls[-1] = replace(calls[-1], arguments='{"x', complete=reason not in CUT)
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
    thinking = st.builds(Thinking, words, words) | words.map(lambda data: Thinking("", redacted=data))
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


def cuts(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """The same bytes in other chunks."""
    return st.lists(st.integers(0, len(data)), max_size=8).map(
        lambda places: [
            data[start:end] for start, end in zip([0, *sorted(places)], [*sorted(places), len(data)], strict=True)
        ]
    )


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
            events.append(ToolCallStart(index, part.id, part.name))
            events += [ToolCallDelta(index, part.id, letter) for letter in part.arguments]
            events.append(ToolCallEnd(index, part))
            index += 1
    if reply.usage is not None:
        events.append(UsageEvent(reply.usage))
    return [*events, Finish(reply)]
