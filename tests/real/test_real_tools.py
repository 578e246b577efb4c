"""Tools with a real model that really calls them: question, call, result, answer, in both formats."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from llmroute import Router
from llmroute.wire.chat import (
    ErrorEvent,
    Finish,
    Message,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    assistant,
    tool_result,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from llmroute.wire.chat import Event, Reply

pytestmark = pytest.mark.real

APIS = ("openai-chat", "anthropic-messages")
BOTH = pytest.mark.parametrize("api", APIS)
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = (Tool("get_weather", "Weather of a city", CITY),)
ASKED: dict[str, Any] = {"tools": TOOLS, "max_tokens": 32, "stop": ["<|eot_id|>"]}
"""The stop string: with the foreign template the model writes the end of its turn as text, and goes on."""


def example(city: str, weather: str) -> tuple[Message, ...]:
    """A whole round; the model is so small that it needs two of them to do the third."""
    call = ToolCall(f"call_{city}", "get_weather", json.dumps({"city": city}))
    question, answer = f"What is the weather in {city}?", f"It is {weather} in {city}."
    return user(question), assistant(tool_calls=[call]), tool_result(call, weather), assistant(answer)


QUESTION = (*example("Oslo", "sunny"), *example("Rome", "rain"), user("What is the weather in Paris?"))


@pytest.fixture
def router(tool_model: str, spec_for: Callable[[str], Path]) -> Iterator[Router]:
    with Router.from_file(spec_for(tool_model), environ={}) as router:
        yield router


def the_call(reply: Reply) -> ToolCall:
    """The one call of a reply, as it must be."""
    assert reply.stop_reason == "tool_calls"
    (call,) = reply.tool_calls
    assert (call.name, call.complete) == ("get_weather", True)
    assert json.loads(call.arguments) == call.parsed() == {"city": "Paris"}
    assert call.id
    return call


def after(reply: Reply) -> tuple[Message, ...]:
    """The conversation with the call and its result."""
    return *QUESTION, reply.message, tool_result(the_call(reply), "sunny")


def check_answer(reply: Reply) -> None:
    assert (reply.text, reply.stop_reason, reply.tool_calls) == ("It is sunny in Paris.", "stop", ())
    assert reply.usage is not None
    assert (reply.usage.input_tokens or 0) > 200, "the whole conversation was read"


def finished(events: Sequence[Event]) -> Reply:
    """The reply of a stream; its call began, grew and ended before."""
    *before, last = events
    assert isinstance(last, Finish)
    assert not any(isinstance(event, ErrorEvent) for event in before)
    starts = [event for event in before if isinstance(event, ToolCallStart)]
    pieces = [event.arguments for event in before if isinstance(event, ToolCallDelta)]
    ends = tuple(event.call for event in before if isinstance(event, ToolCallEnd))
    assert [(start.id, start.name) for start in starts] == [(call.id, call.name) for call in ends]
    assert ends == last.reply.tool_calls
    assert "".join(pieces) == "".join(call.arguments for call in ends)
    return last.reply


@BOTH
def test_round_trip(router: Router, api: str) -> None:
    called = router.complete(QUESTION, agent=api, tool_choice="required", **ASKED)
    check_answer(router.complete(after(called), agent=api, **ASKED))


@BOTH
def test_round_trip_in_streams(tool_model: str, spec_for: Callable[[str], Path], api: str) -> None:
    """Two routers: this server often closes a connection after a stream, though it has promised to keep it."""
    spec = spec_for(tool_model)
    with Router.from_file(spec, environ={}) as router:
        called = finished(list(router.stream(QUESTION, agent=api, tool_choice="required", **ASKED)))
    with Router.from_file(spec, environ={}) as router:
        check_answer(finished(list(router.stream(after(called), agent=api, **ASKED))))


@BOTH
def test_asynchronous_round_trip(tool_model: str, spec_for: Callable[[str], Path], api: str) -> None:
    async def talk() -> tuple[Reply, Reply]:
        async with Router.from_file(spec_for(tool_model), environ={}) as router:
            called = await router.acomplete(QUESTION, agent=api, tool_choice="required", **ASKED)
            events = [event async for event in router.astream(after(called), agent=api, **ASKED)]
            return called, finished(events)

    called, answer = asyncio.run(talk())
    the_call(called)
    check_answer(answer)


@pytest.mark.parametrize(("first", "second"), [APIS, APIS[::-1]])
def test_the_conversation_moves_to_the_other_format(router: Router, first: str, second: str) -> None:
    """Ids, arguments and the result of the call are understood there."""
    called = router.complete(QUESTION, agent=first, tool_choice="required", **ASKED)
    check_answer(router.complete(after(called), agent=second, **ASKED))


@BOTH
def test_a_tool_name_that_no_api_takes_comes_back_as_it_was(router: Router, api: str) -> None:
    tool = Tool("weather.get", "Weather of a city", CITY)
    asked = ASKED | {"tools": (tool,)}
    reply = router.complete("What is the weather in Paris?", agent=api, tool_choice="required", **asked)
    assert reply.tool_calls
    assert {call.name for call in reply.tool_calls} == {"weather.get"}


@BOTH
def test_arguments_that_are_cut_are_marked_in_a_stream(router: Router, api: str) -> None:
    asked = ASKED | {"max_tokens": 9}
    question = "What is the weather in Paris?"
    reply = finished(list(router.stream(question, agent=api, tool_choice="required", **asked)))
    assert reply.stop_reason == "length"
    (call,) = reply.tool_calls
    assert not call.complete
    assert call.arguments.startswith("{")
