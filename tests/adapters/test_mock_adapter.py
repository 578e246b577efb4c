"""The adapter that asks no model."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from llmroute.adapters.base import Call
from llmroute.adapters.mock import FAULTS, MockAdapter, MockReply
from llmroute.errors import CallError, RateLimitError, RequestError, TruncatedStreamError
from llmroute.wire.chat import ChatRequest, Finish, Reply, Text, ToolCall, assistant, system, user
from tests.adapters.samples import acollect, target, texts


def mock_call(*messages: Any, **options: Any) -> Call:
    made = messages or (system("Be brief."), user("Hi there."))
    return Call(target("http://localhost", "mock", extra_body=options), ChatRequest(made))


def test_it_echoes_and_says_what_it_is() -> None:
    reply = MockAdapter().complete(mock_call())
    assert (reply.text, reply.mock, reply.model) == ("Hi there.", True, "mock:m-1")
    assert MockAdapter().complete(mock_call(system("x"))).text == ""


def test_a_stream_gives_the_same_in_pieces() -> None:
    adapter = MockAdapter()
    events = list(adapter.stream(mock_call()))
    assert texts(events) == ["Hi", " there."]
    assert isinstance(events[-1], Finish)
    assert events[-1].reply == adapter.complete(mock_call())


def test_asynchronously_too() -> None:
    adapter = MockAdapter()
    assert asyncio.run(adapter.acomplete(mock_call())).text == "Hi there."
    assert texts(asyncio.run(acollect(adapter, mock_call()))) == ["Hi", " there."]
    asyncio.run(adapter.aclose())


def test_scripts_come_in_order_then_the_echo() -> None:
    adapter = MockAdapter()
    tool = ToolCall("t-1", "add", "{}")
    adapter.script(
        "one", MockReply(chunks=("t", "wo")), Reply(assistant("three", tool_calls=[tool])), RateLimitError("x")
    )
    assert [adapter.complete(mock_call()).text for _ in range(2)] == ["one", "two"]
    third = adapter.complete(mock_call())
    assert (third.text, third.tool_calls, third.stop_reason) == ("three", (tool,), "tool_calls")
    with pytest.raises(RateLimitError):
        adapter.complete(mock_call())
    assert adapter.complete(mock_call()).text == "Hi there."


def test_a_handler_comes_first_and_may_pass() -> None:
    adapter = MockAdapter()
    adapter.script("queued")
    adapter.handler = lambda made: "handled" if made.endpoint.model == "m-1" else None
    assert adapter.complete(mock_call()).text == "handled"
    adapter.handler = lambda _: None
    assert adapter.complete(mock_call()).text == "queued"


def test_the_log_of_calls_and_reset() -> None:
    adapter = MockAdapter()
    assert adapter.last_call is None
    first, second = mock_call(), mock_call(user("second"))
    adapter.complete(first)
    list(adapter.stream(second))
    assert [(row.call, row.streamed) for row in adapter.calls] == [(first, False), (second, True)]
    assert adapter.last_call is second
    adapter.script("left over")
    adapter.reset()
    assert adapter.calls == []
    assert adapter.complete(mock_call()).text == "Hi there."


def test_declared_replies() -> None:
    adapter = MockAdapter()
    assert adapter.complete(mock_call(reply="Four.")).text == "Four."
    assert texts(list(adapter.stream(mock_call(chunks=["Fo", "ur."])))) == ["Fo", "ur."]


def test_declared_tool_calls_stream_as_a_model_would() -> None:
    rows = [{"name": "add", "arguments": {"a": 2}}, {"name": "sub", "arguments": "{", "id": "x"}]
    events = list(MockAdapter().stream(mock_call(tool_calls=rows)))
    assert [event.type for event in events] == [*["tool_call_start", "tool_call_delta", "tool_call_end"] * 2, "finish"]
    assert isinstance(events[-1], Finish)
    calls = events[-1].reply.tool_calls
    assert [(made.id, made.name, made.arguments) for made in calls] == [
        ("mock_0", "add", json.dumps({"a": 2})),
        ("x", "sub", "{"),
    ]
    assert events[-1].reply.stop_reason == "tool_calls"


@pytest.mark.parametrize("kind", FAULTS)
def test_declared_faults(kind: str) -> None:
    adapter = MockAdapter()
    with pytest.raises(CallError) as caught:
        adapter.complete(mock_call(fault=kind))
    assert (caught.value.kind, caught.value.provider) == (kind, "srv")
    with pytest.raises(FAULTS[kind]):
        list(adapter.stream(mock_call(fault=kind)))


def test_truncated_breaks_a_stream_after_its_first_piece() -> None:
    events = MockAdapter().stream(mock_call(chunks=["Fo", "ur."], fault="truncated"))
    assert next(events).type == "text_delta"
    with pytest.raises(TruncatedStreamError):
        next(events)


def test_latency() -> None:
    began = time.monotonic()
    MockAdapter().complete(mock_call(latency_s=0.05))
    asyncio.run(MockAdapter().acomplete(mock_call(latency_s=0.05)))
    assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize(("options", "named"), [({"replies": "x"}, "replies"), ({"fault": "fire"}, "fire")])
def test_a_typo_in_the_options_is_an_error(options: dict[str, Any], named: str) -> None:
    with pytest.raises(RequestError, match=named):
        MockAdapter().complete(mock_call(**options))


def test_text_parts_join() -> None:
    asked = user([Text("a"), Text("b")])
    assert MockAdapter().complete(mock_call(asked)).text == "ab"


def test_one_error_may_be_scripted_twice() -> None:
    adapter = MockAdapter()
    error = RateLimitError("x", retry_after_s=2.0)
    adapter.script(error, error)
    with pytest.raises(RateLimitError) as first:
        adapter.complete(mock_call())
    first.value.hint = "changed on its way"
    with pytest.raises(RateLimitError) as second:
        adapter.complete(mock_call())
    assert (second.value.hint, second.value.retry_after_s) == ("", 2.0)
