"""Conversations, replies and chunkings to draw from.

`openai_requests` and `anthropic_requests` hold what that API can say without loss; `requests` what both can be
given at all, with whatever loss.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from llmroute.wire.chat import (
    ChatRequest,
    Document,
    Image,
    Message,
    Opaque,
    Params,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

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
PNG, PDF = "iVBORw0KGgo=", "JVBERi0="
links = st.builds(lambda name: f"https://example.org/{name}.png", ids)
kinds = st.sampled_from(["image/png", "image/webp"])
images = st.builds(Image, links) | st.builds(lambda kind: Image(data=PNG, media_type=kind), kinds)
UNKNOWN: dict[str, Any] = {"x": {"deep": 1}}
CACHED = {"cache_control": {"type": "ephemeral"}}
schemas = st.dictionaries(names, st.sampled_from([{"type": "string"}, {"type": "integer"}, True]), max_size=3).map(
    lambda properties: {"type": "object", "properties": properties}
)


NOTHING: st.SearchStrategy[dict[str, Any]] = st.just({})


NEVER = st.just(False)  # noqa: FBT003 - the value
SELDOM = st.integers(0, 7).map(lambda number: number == 7)


def extras(api: str, *fields: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Nothing, or one of these fields of the API."""
    return st.sampled_from([{}, *({api: one} for one in fields)])


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


closed = schemas.map(lambda schema: {**schema, "required": list(schema["properties"]), "additionalProperties": False})
"""Schemas that both APIs can enforce."""


@st.composite
def tool_sets(
    draw: st.DrawFn,
    *,
    name: st.SearchStrategy[str] = names,
    custom: st.SearchStrategy[bool] = NEVER,
    extra: st.SearchStrategy[Any] = NOTHING,
) -> tuple[Tool, ...]:
    found = draw(st.lists(name, max_size=3, unique=True))
    if draw(custom):
        grammar = {OPENAI: {"custom": {"format": {"type": "text"}}}}
        return tuple(Tool(one, draw(st.just("") | solid), custom=True, extra=grammar) for one in found)
    pairs = [(one, draw(optional(st.booleans()))) for one in found]
    return tuple(
        Tool(
            one,
            draw(st.just("") | solid),
            draw(closed if strict else schemas),
            strict,
            extra=draw(extra),
        )
        for one, strict in pairs
    )


@st.composite
def choices(
    draw: st.DrawFn, tools: tuple[Tool, ...], *, forced: bool = True, allowed: bool = False
) -> ToolChoice | None:
    if not tools:
        return None
    mode = draw(st.sampled_from([None, "auto", "none", *(["required", "named"] if forced else [])]))
    if mode is None:
        return None
    name = st.sampled_from([tool.name for tool in tools])
    some = draw(st.lists(name, unique=True)) if allowed and mode in {"auto", "required"} else []
    return ToolChoice(mode, draw(name) if mode == "named" else None, tuple(some))


@st.composite
def tool_calls(
    draw: st.DrawFn,
    given: st.SearchStrategy[str],
    name: st.SearchStrategy[str],
    *,
    custom: st.SearchStrategy[bool] = NEVER,
    extra: st.SearchStrategy[Any] = NOTHING,
) -> ToolCall:
    plain = draw(custom)
    said = draw(words if plain else arguments)
    return ToolCall(draw(given), draw(name), said, custom=plain, extra=draw(extra))


@st.composite
def exchanges(
    draw: st.DrawFn,
    *,
    assistant: Callable[[tuple[ToolCall, ...]], st.SearchStrategy[Message]],
    results: Callable[[list[str]], st.SearchStrategy[list[Message]]],
    user: st.SearchStrategy[Message],
    call: tuple[st.SearchStrategy[str], st.SearchStrategy[str]] = (ids, names),
    custom: st.SearchStrategy[bool] = NEVER,
    extra: st.SearchStrategy[Any] = NOTHING,
) -> list[Message]:
    """Turns as they are in life: a question, calls and their results, an answer, and a last question."""
    messages: list[Message] = []
    used: set[str] = set()
    for _ in range(draw(st.integers(0, 2))):
        messages.append(draw(user))
        for _ in range(draw(st.integers(0, 2))):
            found = draw(st.lists(call[0].filter(lambda one: one not in used), min_size=1, max_size=2, unique=True))
            used.update(found)
            calls = tuple(draw(tool_calls(st.just(one), call[1], custom=custom, extra=extra)) for one in found)
            messages.append(draw(assistant(calls)))
            messages += draw(results(draw(st.permutations(found))))
        messages.append(draw(assistant(())))
    return [*messages, draw(user)]


# -- Messages of OpenAI


def _openai_user(*, odd: bool) -> st.SearchStrategy[Message]:
    data = st.builds(lambda title: Document(data=PDF, title=title), words)
    detailed = st.builds(lambda url, detail: Image(url, detail=detail), links, st.sampled_from(["low", "high"]))
    parts = words.map(Text) | images | detailed | data
    if odd:
        parts |= words.map(lambda text: Text(text, extra={OPENAI: UNKNOWN}))
        parts |= links.map(lambda url: Image(url, extra={OPENAI: {"image_url": UNKNOWN}}))
        parts |= words.map(lambda title: Document(data=PDF, title=title, extra={OPENAI: {"file": UNKNOWN}}))
        parts |= st.just(Opaque(OPENAI, {"type": "input_audio", "input_audio": {}}))
    extra = extras(OPENAI, UNKNOWN) if odd else NOTHING
    content = st.lists(parts, min_size=1, max_size=3).map(tuple)
    return st.builds(
        lambda said, name, fields: Message("user", said, name, extra=fields), content, optional(ids), extra
    )


def _openai_system(*, odd: bool) -> st.SearchStrategy[Message]:
    one = words.map(lambda text: (Text(text),))
    two = st.tuples(words.map(Text), words.map(Text))
    told = st.sampled_from([{}, {OPENAI: {"role": "developer"}}])
    plain = st.builds(lambda said, name, extra: Message("system", said, name, extra=extra), one, optional(ids), told)
    listed = two.map(lambda said: Message("system", said, extra={OPENAI: {"content_list": True}}))
    return plain | listed if odd else plain


@st.composite
def _openai_said(draw: st.DrawFn, calls: tuple[ToolCall, ...], *, odd: bool) -> Message:
    texts = [Text(draw(words))] if not calls or draw(st.booleans()) else []
    if odd and draw(st.booleans()):
        where = draw(st.sampled_from(["part", "field"]))
        texts.append(Text(draw(words), extra={OPENAI: {"refusal": where}}))
    extra = draw(extras(OPENAI, {"reasoning_details": [1]}) if odd else NOTHING)
    return Message("assistant", (*texts, *calls), draw(optional(ids)), extra=extra)


@st.composite
def _openai_results(draw: st.DrawFn, found: list[str], *, odd: bool) -> list[Message]:
    messages = []
    for one in found:
        result = ToolResult(one, (Text(draw(words)),), extra=draw(extras(OPENAI, {"name": "f"}) if odd else NOTHING))
        if odd and draw(st.booleans()):
            result = ToolResult(one, (Text(draw(words)), Text(draw(words))), extra={OPENAI: {"content_list": True}})
        messages.append(Message("tool", (result,)))
    return messages


# -- Messages of Anthropic


def _documents(*, odd: bool) -> st.SearchStrategy[Document]:
    sources: st.SearchStrategy[dict[str, Any]] = (
        links.map(lambda url: {"url": url}) | st.just({"data": PDF}) | solid.map(lambda text: {"text": text})
    )
    cited = {"citations": {"enabled": True}}
    extra = extras(ANTHROPIC, cited, *([{"source": UNKNOWN}] if odd else []))
    return st.builds(
        lambda source, title, fields: Document(**source, title=title, extra=fields), sources, optional(solid), extra
    )


def _anthropic_parts(*, odd: bool) -> st.SearchStrategy[Any]:
    cached = extras(ANTHROPIC, CACHED)
    text = st.builds(lambda word, extra: Text(word, extra=extra), solid, cached)
    if not odd:
        return text | images
    picture = links.map(lambda url: Image(url, extra={ANTHROPIC: {"source": UNKNOWN}}))
    return text | images | picture | _documents(odd=odd)


def _anthropic_user(*, odd: bool) -> st.SearchStrategy[Message]:
    parts = _anthropic_parts(odd=odd) | _documents(odd=odd)
    if odd:
        parts |= st.just(Opaque(ANTHROPIC, {"type": "search_result", "source": "s"}))
    extra = extras(ANTHROPIC, UNKNOWN) if odd else NOTHING
    content = st.lists(parts, min_size=1, max_size=3).map(tuple)
    return st.builds(lambda said, fields: Message("user", said, extra=fields), content, extra)


@st.composite
def _anthropic_results(draw: st.DrawFn, found: list[str], *, odd: bool) -> list[Message]:
    content = st.lists(_anthropic_parts(odd=odd), max_size=2).map(tuple)
    cached = extras(ANTHROPIC, CACHED)
    results = tuple(ToolResult(one, draw(content), draw(st.booleans()), extra=draw(cached)) for one in found)
    return [Message("tool", results, extra=draw(extras(ANTHROPIC, UNKNOWN) if odd else NOTHING))]


@st.composite
def _thought(draw: st.DrawFn, calls: tuple[ToolCall, ...], *, odd: bool = False) -> Message:
    own = extras(ANTHROPIC, UNKNOWN) if odd else NOTHING
    thinking = st.builds(lambda text, proof, extra: Thinking(text, proof, extra=extra), words, words, own)
    thinking |= words.map(lambda data: Thinking("", redacted=data))
    text = st.builds(lambda word, extra: Text(word, extra=extra), solid, extras(ANTHROPIC, CACHED))
    parts = draw(st.lists(thinking, max_size=2)) + draw(st.lists(text, min_size=0 if calls else 1, max_size=2))
    return Message("assistant", (*parts, *calls), extra=draw(own))


# -- Requests


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
def openai_requests(draw: st.DrawFn, *, odd: bool = True) -> ChatRequest:
    """Requests that OpenAI's format says without loss; `odd`: with fields that its document does not have."""
    turns = draw(
        exchanges(
            assistant=lambda calls: _openai_said(calls, odd=odd),
            results=lambda found: _openai_results(found, odd=odd),
            user=_openai_user(odd=odd),
            custom=SELDOM,
            extra=extras(OPENAI, {"extra_content": {"google": {"thought_signature": "s"}}}) if odd else NOTHING,
        )
    )
    own = extras(OPENAI, UNKNOWN, {"function": UNKNOWN}) if odd else NOTHING
    tools = draw(tool_sets(custom=SELDOM, extra=own))
    form = draw(formats(named=True))
    inner: list[Any] = [{OPENAI: {"response_format": UNKNOWN}}] if form and odd else []
    return ChatRequest(
        (*draw(st.lists(_openai_system(odd=odd), max_size=2)), *turns),
        tools=tools,
        tool_choice=draw(choices(tools, allowed=True)),
        parallel_tool_calls=draw(optional(st.booleans())) if tools else None,
        response_format=form,
        params=draw(openai_params()),
        user=draw(optional(ids)),
        metadata=draw(st.dictionaries(ids, ids, max_size=2)),
        extra=draw(st.sampled_from([{}, {OPENAI: {"store": True}}, {OPENAI: {"n": 2, "logprobs": True}}, *inner])),
    )


@st.composite
def anthropic_requests(draw: st.DrawFn, *, odd: bool = True) -> ChatRequest:
    """Requests that Anthropic's format says without loss; `odd`: with fields that its document does not have."""
    cached = st.builds(lambda word, extra: Text(word, extra=extra), solid, extras(ANTHROPIC, CACHED))
    system = draw(st.lists(cached, max_size=2))
    turns = draw(
        exchanges(
            assistant=lambda calls: _thought(calls, odd=odd),
            results=lambda found: _anthropic_results(found, odd=odd),
            user=_anthropic_user(odd=odd),
            extra=extras(ANTHROPIC, CACHED),
        )
    )
    tools = draw(tool_sets(extra=extras(ANTHROPIC, CACHED)))
    params = draw(anthropic_params())
    choice = draw(choices(tools, forced=params.thinking_budget is None))
    own: list[Any] = [{ANTHROPIC: {"service_tier": "auto"}}]
    own += [{ANTHROPIC: {name: UNKNOWN}} for name in ("metadata", "output_config", "x")] * odd
    own += [{ANTHROPIC: {"thinking": {"display": "omitted"}}}] * (params.thinking_budget is not None and odd)
    own += [{ANTHROPIC: {"tool_choice": UNKNOWN}}] * (choice is not None and odd)
    return ChatRequest(
        (*([Message("system", tuple(system))] if system else []), *turns),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=draw(optional(st.booleans())) if choice and choice.mode != "none" else None,
        response_format=draw(formats(named=False)),
        params=params,
        user=draw(optional(ids)),
        extra=draw(st.sampled_from([{}, *own])),
    )


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    """Requests that both formats can be given; names and ids are anything, much of the rest is lossy in one."""
    system = st.lists(words.map(Text), min_size=1, max_size=2).map(lambda parts: Message("system", tuple(parts)))
    shared = solid.map(Text) | images | links.map(lambda url: Image(url, detail="low"))
    shared |= st.builds(Document, text=solid, title=optional(solid))
    content = st.lists(shared, min_size=1, max_size=3).map(tuple)
    user = st.builds(lambda said, name: Message("user", said, name), content, optional(ids))
    results = _anthropic_results
    turns = draw(
        exchanges(assistant=_thought, results=lambda found: results(found, odd=False), user=user, call=(words, words))
    )
    tools = draw(tool_sets(name=words))
    openai, anthropic = draw(openai_params()), draw(anthropic_params())
    form = st.builds(ResponseFormat, st.just("json_schema"), st.just("answer"), schemas, st.none(), optional(solid))
    return ChatRequest(
        (*draw(st.lists(system, max_size=2)), *turns),
        tools=tools,
        tool_choice=draw(choices(tools, forced=False, allowed=True)),
        parallel_tool_calls=draw(optional(st.booleans())),
        response_format=draw(optional(form)),
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


def cuts(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """The same bytes in other chunks."""
    return st.lists(st.integers(0, len(data)), max_size=8).map(
        lambda places: [
            data[start:end] for start, end in zip([0, *sorted(places)], [*sorted(places), len(data)], strict=True)
        ]
    )
