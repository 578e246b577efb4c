"""Requests and replies of any kind: what no API could say too, for what holds of all of them."""

from __future__ import annotations

from hypothesis import strategies as st

from llmroute.wire.chat import (
    Attempt,
    ChatRequest,
    Document,
    Image,
    Message,
    Opaque,
    Params,
    Reply,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from llmroute.wire.reply import STOP_REASONS
from llmroute.wire.request import EFFORTS
from tests.wire.strategies import json_objects, names, optional, words

extra = st.dictionaries(names, json_objects, max_size=1)
bools = st.booleans()
maybe = optional(words)
texts = st.builds(Text, words, bools, extra=extra)
images = st.builds(Image, words, detail=maybe, extra=extra)
images |= st.builds(Image, data=words, media_type=words, detail=maybe, extra=extra)
documents = st.builds(Document, words, title=maybe, extra=extra)
documents |= st.builds(Document, data=words, title=maybe, extra=extra)
documents |= st.builds(Document, text=words, title=maybe, extra=extra)
thoughts = st.builds(Thinking, words, maybe, maybe, source=maybe, extra=extra)
calls = st.builds(ToolCall, words, words, words, bools, custom=bools, extra=extra)
opaque = st.builds(Opaque, words, json_objects)


def some(parts: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(parts, max_size=2).map(tuple)


results = st.builds(ToolResult, words, some(texts | images | documents | opaque), bools, bools, extra=extra)
answers = st.builds(Message, st.just("assistant"), some(texts | thoughts | calls | opaque), maybe, extra=extra)
messages = (
    st.builds(Message, st.just("system"), some(texts), maybe, extra=extra)
    | st.builds(Message, st.just("user"), some(texts | images | documents | opaque), maybe, extra=extra)
    | st.builds(Message, st.just("tool"), some(results), maybe, extra=extra)
    | answers
)
tools = st.builds(Tool, words, st.just("") | words, json_objects, optional(bools), extra=extra)
tools |= st.builds(Tool, words, custom=st.just(True), extra=extra)  # noqa: FBT003 - the value
choices = (
    st.builds(ToolChoice, st.sampled_from(["auto", "required"]), allowed=some(words))
    | st.just(ToolChoice("none"))
    | st.builds(ToolChoice, st.just("named"), words)
)
forms = st.builds(ResponseFormat, st.sampled_from(["text", "json_object"]), maybe, strict=optional(bools))
forms |= st.builds(ResponseFormat, st.just("json_schema"), maybe, json_objects, optional(bools), maybe)
floats = optional(st.floats(-2, 2))
counts = optional(st.integers(0, 2**40))
params = st.builds(
    Params,
    temperature=floats,
    top_p=floats,
    top_k=counts,
    max_tokens=counts,
    stop=some(words),
    seed=counts,
    frequency_penalty=floats,
    presence_penalty=floats,
    reasoning_effort=optional(st.sampled_from(EFFORTS)),
    thinking_budget=counts,
)
any_requests = st.builds(
    ChatRequest,
    some(messages),
    tools=some(tools),
    tool_choice=optional(choices),
    parallel_tool_calls=optional(bools),
    response_format=optional(forms),
    params=params,
    user=maybe,
    metadata=st.dictionaries(words, words, max_size=1),
    extra=extra,
)
usages = st.builds(
    Usage,
    input_tokens=counts,
    output_tokens=counts,
    cached_tokens=counts,
    cache_write_tokens=counts,
    reasoning_tokens=counts,
)
attempts = st.builds(
    Attempt,
    target=words,
    provider=maybe,
    model=words,
    kind=maybe,
    status=counts,
    wait_s=st.floats(0, 9),
    elapsed_s=st.floats(0, 9),
    message=words,
)
any_replies = st.builds(
    Reply,
    answers,
    stop_reason=st.sampled_from(STOP_REASONS),
    stop_sequence=maybe,
    usage=optional(usages),
    model=words,
    id=words,
    attempts=some(attempts),
    warnings=some(words),
    mock=bools,
    extra=extra,
)
