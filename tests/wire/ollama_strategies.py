"""Requests and replies that Ollama's own format says without loss."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from llmroute.wire.chat import (
    ChatRequest,
    Image,
    Message,
    Params,
    Reply,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from tests.wire.strategies import arguments, exchanges, ids, names, optional, schemas, solid, words

OLLAMA = "ollama-chat"
PICTURES = {
    "image/png": "iVBORw0KGgo=",
    "image/jpeg": "/9j/4AAQ",
    "image/gif": "R0lGODlh",
    "image/webp": "UklGRg==",
    "application/octet-stream": "AAAA",
}
pictures = st.sampled_from([Image(data=data, media_type=kind) for kind, data in PICTURES.items()])
said = st.tuples(st.lists(pictures, max_size=2), st.lists(words.map(Text), max_size=1)).map(
    lambda found: (*found[0], *found[1])
)
"""Pictures, then a text."""


@st.composite
def _assistant(draw: st.DrawFn, calls: tuple[ToolCall, ...]) -> Message:
    thinking = draw(st.lists(words.map(Thinking), max_size=1))
    text = draw(st.lists(words.map(Text), min_size=0 if calls else 1, max_size=1))
    return Message("assistant", (*thinking, *text, *calls), extra=draw(st.sampled_from([{}, {OLLAMA: {"x": [1]}}])))


def _results(found: list[str]) -> st.SearchStrategy[list[Message]]:
    return st.tuples(
        *(said.map(lambda parts, one=one: Message("tool", (ToolResult(one, parts),))) for one in found)
    ).map(list)


@st.composite
def params(draw: st.DrawFn) -> Params:
    return Params(
        temperature=draw(optional(st.floats(0, 2))),
        top_p=draw(optional(st.floats(0, 1))),
        top_k=draw(optional(st.integers(1, 100))),
        max_tokens=draw(optional(st.integers(1, 10**6))),
        stop=tuple(draw(st.lists(words, max_size=4))),
        seed=draw(optional(st.integers(-(2**53), 2**53))),
        frequency_penalty=draw(optional(st.floats(-2, 2))),
        presence_penalty=draw(optional(st.floats(-2, 2))),
        reasoning_effort=draw(optional(st.sampled_from(["none", "low", "medium", "high", "max"]))),
    )


@st.composite
def ollama_requests(draw: st.DrawFn) -> ChatRequest:
    system = draw(st.lists(words.map(lambda text: Message("system", (Text(text),))), max_size=2))
    user = said.map(lambda parts: Message("user", parts))
    turns = draw(exchanges(assistant=_assistant, results=_results, user=user))
    tool = st.builds(Tool, names, st.just("") | solid, schemas)
    schema = st.builds(lambda one: ResponseFormat("json_schema", schema=one, strict=True), schemas)
    own: list[dict[str, Any]] = [
        {},
        {OLLAMA: {"keep_alive": "5m"}},
        {OLLAMA: {"options": {"num_ctx": 8192, "num_keep": 8}, "truncate": False}},
    ]
    return ChatRequest(
        (*system, *turns),
        tools=tuple(draw(st.lists(tool, max_size=3, unique_by=lambda one: one.name))),
        response_format=draw(optional(schema | st.just(ResponseFormat("json_object")))),
        params=draw(params()),
        extra=draw(st.sampled_from(own)),
    )


@st.composite
def ollama_replies(draw: st.DrawFn) -> Reply:
    thinking = draw(st.lists(words.map(Thinking), max_size=1))
    text = draw(st.lists(words.map(Text), max_size=1))
    own = st.sampled_from([{}, {OLLAMA: {"y": 1}}])
    call = st.builds(lambda *given, extra: ToolCall(*given, extra=extra), ids, names, arguments, extra=own)
    calls = draw(st.lists(call, max_size=3, unique_by=lambda one: one.id))
    counts = st.builds(
        Usage, input_tokens=optional(st.integers(1, 99)), output_tokens=optional(st.integers(1, 99))
    ).filter(lambda usage: usage != Usage())
    times = {"created_at": "2026-09-01T10:00:00.123456789Z", "total_duration": 9, "load_duration": 1}
    return Reply(
        Message("assistant", (*thinking, *text, *calls), extra=draw(st.sampled_from([{}, {OLLAMA: {"z": [{}]}}]))),
        stop_reason=draw(st.sampled_from(["tool_calls" if calls else "stop", "length"])),
        usage=draw(optional(counts)),
        model=draw(ids),
        extra=draw(st.sampled_from([{}, {OLLAMA: times}])),
    )
