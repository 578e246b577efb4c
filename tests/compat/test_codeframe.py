"""Programs written against CodeFrame's provider interface run on `CodeFrameProvider`."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.adapters.mock import MockReply
from llmroute.compat import codeframe
from llmroute.compat.codeframe import CodeFrameProvider, LLMError, LLMResponse, Message, Purpose, Tool, ToolResult
from llmroute.dispatch.router import Router
from llmroute.errors import (
    AuthenticationError,
    ConnectError,
    ContextLengthError,
    ModelNotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    TruncatedStreamError,
)
from llmroute.testing import Hang, good_stream
from llmroute.wire.chat import ToolCall, Usage
from tests.compat.interfaces import NEEDED, defaults_of, parameters_of

if TYPE_CHECKING:
    from llmroute.testing import FaultServer

READ = Tool("read_file", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
CALL = ToolCall("toolu_1", "read_file", '{"path": "a.py"}')
COUNTED = Usage(input_tokens=11, output_tokens=22)
HELLO = [{"role": "user", "content": "Hello there"}]


def mock(router: Router) -> Any:
    return router.adapter("mock")


def script(router: Router, *answers: Any) -> None:
    mock(router).script(*answers)


# -- The interface, field by field


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "StreamChunk",
            {"type": NEEDED, "text": None, "tool_id": None, "tool_name": None, "tool_input": None}
            | {"input_tokens": None, "output_tokens": None, "stop_reason": None, "tool_inputs_by_id": None},
        ),
        ("ToolCall", {"id": NEEDED, "name": NEEDED, "input": NEEDED}),
        ("ToolResult", {"tool_call_id": NEEDED, "content": NEEDED, "is_error": False}),
        (
            "LLMResponse",
            {"content": NEEDED, "tool_calls": [], "stop_reason": "end_turn", "model": ""}
            | {"input_tokens": 0, "output_tokens": 0},
        ),
        ("Message", {"role": NEEDED, "content": NEEDED, "tool_calls": [], "tool_results": []}),
        ("Tool", {"name": NEEDED, "description": NEEDED, "input_schema": NEEDED}),
    ],
)
def test_the_data_is_theirs_field_by_field(name: str, expected: dict[str, Any]) -> None:
    found = defaults_of(getattr(codeframe, name))
    assert list(found.items()) == list(expected.items())


SHORT = {"max_tokens": 4096, "temperature": 0.0, "system": None}
LONG = {"messages": NEEDED, "purpose": Purpose.EXECUTION, "tools": None, **SHORT}
RAW = {"messages": NEEDED, "system": NEEDED, "tools": NEEDED, "model": NEEDED, "max_tokens": NEEDED}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("complete", LONG),
        ("async_complete", LONG),
        ("acomplete", LONG),
        ("stream", {"messages": NEEDED, "purpose": Purpose.EXECUTION, **SHORT}),
        ("async_stream", {**RAW, "interrupt_event": None, "extended_thinking": False}),
        ("supports", {"capability": NEEDED}),
        ("get_model", {"purpose": NEEDED}),
    ],
)
def test_the_signatures_are_theirs(name: str, expected: dict[str, Any]) -> None:
    assert list(parameters_of(getattr(CodeFrameProvider, name)).items()) == list(expected.items())


def test_purposes_and_errors_are_theirs() -> None:
    purposes = ["planning", "execution", "generation", "correction", "supervision"]
    assert [purpose.value for purpose in Purpose] == purposes
    assert issubclass(Purpose, str)
    for name in ("LLMAuthError", "LLMRateLimitError", "LLMConnectionError", "LLMModelNotFoundError"):
        assert issubclass(getattr(codeframe, name), LLMError)


def test_a_message_becomes_a_dictionary_as_theirs_does() -> None:
    call = codeframe.ToolCall("1", "t", {"a": 1})
    assert Message("user", "x").to_dict() == {"role": "user", "content": "x"}
    assert Message("assistant", "", [call]).to_dict() == {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "1", "name": "t", "input": {"a": 1}}],
    }
    assert Message("user", "", [], [ToolResult("1", "no", is_error=True)]).to_dict()["tool_results"] == [
        {"tool_call_id": "1", "content": "no", "is_error": True}
    ]


# -- Programs


def worker(provider: CodeFrameProvider, task: str) -> LLMResponse:
    """A worker agent as CodeFrame writes it: it never sees an SDK."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": task}]
    while True:
        response = provider.complete(messages, purpose=Purpose.EXECUTION, tools=[READ], system="You are a worker.")
        if not response.has_tool_calls:
            return response
        messages.append(Message("assistant", response.content, response.tool_calls).to_dict())
        results = [ToolResult(call.id, f"read {call.input['path']}", call.input == {}) for call in response.tool_calls]
        messages.append(Message("user", "", tool_results=results).to_dict())


def test_a_worker_agent_runs(router: Router) -> None:
    script(
        router,
        MockReply(chunks=("I look.",), tool_calls=(CALL,), usage=COUNTED),
        MockReply(chunks=("Done.",), usage=COUNTED),
    )
    response = worker(CodeFrameProvider(router, agent="worker"), "Mend it.")
    assert response == LLMResponse("Done.", [], "end_turn", "mock:small", 11, 22)
    request = mock(router).last_call.request
    assert [message.role for message in request.messages] == ["system", "user", "assistant", "tool"]
    assert request.messages[2].text == "I look."
    assert request.messages[2].tool_calls[0].parsed() == {"path": "a.py"}
    assert request.messages[3].content[0].text == "read a.py"
    assert (request.tools[0].name, request.tools[0].parameters) == (READ.name, READ.input_schema)


def test_each_purpose_has_the_model_of_the_spec(router: Router) -> None:
    provider = CodeFrameProvider(router)
    assert {purpose.value: provider.get_model(purpose) for purpose in Purpose} == {
        "planning": "big",
        "execution": "big",
        "generation": "small",
        "correction": "big",
        "supervision": "big",
    }
    assert provider.complete(HELLO, purpose="generation").model == "mock:small", "a plain word is a purpose too"
    assert provider.supports("extended_thinking")
    assert not provider.supports("tools")
    assert not CodeFrameProvider(router, agent="worker").supports("extended_thinking")


def test_defaults_of_the_signature_give_way_to_the_spec(router: Router) -> None:
    provider = CodeFrameProvider(router)

    def params(**given: Any) -> tuple[float | None, int | None]:
        provider.complete(HELLO, **given)
        sent = mock(router).last_call.request.params
        return sent.temperature, sent.max_tokens

    assert params(purpose=Purpose.PLANNING) == (0.0, 4096), "the spec says nothing"
    assert params(purpose=Purpose.GENERATION) == (0.9, 4096)
    assert params(purpose=Purpose.GENERATION, temperature=0.2) == (0.2, 4096)
    assert params(purpose=Purpose.EXECUTION) == (0.0, 77)
    assert params(purpose=Purpose.EXECUTION, max_tokens=5) == (0.0, 5)


def test_results_and_text_stand_in_one_message_and_content_may_be_blocks(router: Router) -> None:
    rows = [
        {"role": "user", "content": ["plain", {"type": "text", "text": "block"}]},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "name": "t", "input": {}}]},
        {"role": "user", "content": "And?", "tool_results": [{"tool_call_id": "1", "content": "no", "is_error": True}]},
    ]
    CodeFrameProvider(router).complete(rows)
    messages = mock(router).last_call.request.messages
    assert [message.role for message in messages] == ["user", "assistant", "tool", "user"]
    assert [part.text for part in messages[0].content] == ["plain", "block"]
    assert messages[2].content[0].is_error
    assert messages[3].text == "And?"


def test_text_comes_piece_by_piece(router: Router) -> None:
    assert "".join(CodeFrameProvider(router).stream(HELLO, Purpose.PLANNING, system="x")) == "Hello there"


async def chat(provider: CodeFrameProvider, **more: Any) -> list[Any]:
    """The streaming chat of CodeFrame: the tools are dictionaries there."""
    tools = [{"name": "read_file", "description": "Read.", "input_schema": {"type": "object"}}]
    model = more.pop("model", provider.get_model(Purpose.PLANNING))
    stream = provider.async_stream(HELLO, "You chat.", tools, model, more.pop("max_tokens", 4096), **more)
    return [chunk async for chunk in stream]


def test_a_whole_turn_of_thinking_text_and_tools(router: Router) -> None:
    script(router, MockReply(thinking="hm", chunks=("Let me", " see."), tool_calls=(CALL,), usage=COUNTED))
    chunks = asyncio.run(chat(CodeFrameProvider(router), extended_thinking=True))
    assert [chunk.type for chunk in chunks] == [
        "thinking_delta",
        "text_delta",
        "text_delta",
        "tool_use_start",
        "tool_use_stop",
        "message_stop",
    ]
    assert (chunks[3].tool_id, chunks[3].tool_name, chunks[3].tool_input) == ("toolu_1", "read_file", {})
    stop = chunks[-1]
    assert (stop.stop_reason, stop.input_tokens, stop.output_tokens) == ("tool_use", 11, 22)
    assert stop.tool_inputs_by_id == {"toolu_1": {"path": "a.py"}}
    request = mock(router).last_call.request
    assert request.params.thinking_budget == 2048
    assert request.params.temperature is None
    assert request.tools[0].name == "read_file"


def test_thinking_is_asked_for_where_it_is_known_and_fits(router: Router) -> None:
    asyncio.run(chat(CodeFrameProvider(router), extended_thinking=True, max_tokens=1024))
    assert mock(router).last_call.request.params.thinking_budget is None
    asyncio.run(chat(CodeFrameProvider(router, agent="worker"), model="small", extended_thinking=True))
    assert mock(router).last_call.request.params.thinking_budget is None


def test_a_model_leads_to_the_purpose_that_has_it_or_is_the_program_s_wish(router: Router) -> None:
    provider = CodeFrameProvider(router)
    asyncio.run(chat(provider, model="small"))
    assert mock(router).last_call.endpoint.model == "small"
    with pytest.raises(codeframe.LLMModelNotFoundError, match="the spec gives 'small', not 'huge'"):
        asyncio.run(chat(CodeFrameProvider(router, agent="worker"), model="huge"))
    spec = {"version": 1, "providers": {"m": {"preset": "mock", "model": "a"}}, "defaults": {"provider": "m"}}
    free = Router.from_mapping({**spec, "purposes": {"execution": {}, "planning": {}}}, environ={})
    asyncio.run(chat(CodeFrameProvider(free), model="huge"))
    assert mock(free).last_call.endpoint.model == "huge"


def test_an_interrupt_ends_a_stream_at_once(server: FaultServer) -> None:
    """Also while the server is silent; no `message_stop` follows."""
    spec = {
        "version": 1,
        "providers": {"s": {"base_url": f"{server.url}/v1", "model": "m"}},
        "defaults": {"provider": "s"},
        "purposes": {"execution": {}},
    }
    server.script([*good_stream("openai-chat", "one")[:3], Hang()])

    async def run() -> list[str]:
        stop = asyncio.Event()
        async with Router.from_mapping(spec, environ={}) as router:
            stream = CodeFrameProvider(router).async_stream(HELLO, "", [], "m", 100, interrupt_event=stop)
            seen = []
            async for chunk in stream:
                seen.append(chunk.type)
                asyncio.get_running_loop().call_later(0.05, stop.set)
        return seen

    began = time.monotonic()
    assert asyncio.run(run()) == ["text_delta"]
    assert time.monotonic() - began < 5
    assert server.requests[0].hung_up.wait(5)


def test_a_task_that_is_cancelled_leaves_nothing_running(router: Router) -> None:
    script(router, MockReply(chunks=("x",), latency_s=30))

    async def run() -> None:
        task = asyncio.create_task(chat(CodeFrameProvider(router)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (AuthenticationError("x"), "LLMAuthError"),
        (RateLimitError("x"), "LLMRateLimitError"),
        (QuotaError("x"), "LLMRateLimitError"),
        (ConnectError("x"), "LLMConnectionError"),
        (ModelNotFoundError("x"), "LLMModelNotFoundError"),
        (OverloadedError("x"), "LLMOverloadedError"),
        (ContextLengthError("x"), "LLMRequestRejectedError"),
    ],
)
def test_failures_are_raised_as_theirs(router: Router, failure: Any, raised: str) -> None:
    provider = CodeFrameProvider(router)
    for ask in (lambda: provider.complete(HELLO), lambda: list(provider.stream(HELLO))):
        script(router, failure)
        with pytest.raises(getattr(codeframe, raised), match="chosen by") as caught:
            ask()
        assert type(caught.value.__cause__) is type(failure)
    for aask in (lambda: provider.async_complete(HELLO), lambda: chat(provider)):
        script(router, failure)
        with pytest.raises(getattr(codeframe, raised)):
            asyncio.run(aask())


def test_a_missing_key_is_a_matter_of_authentication(router: Router) -> None:
    with pytest.raises(codeframe.LLMAuthError, match="NO_SUCH_KEY"):
        CodeFrameProvider(router, agent="locked-out").complete(HELLO)
    with pytest.raises(LLMError, match="unknown agent") as caught:
        CodeFrameProvider(router, agent="nobody").get_model(Purpose.PLANNING)
    assert type(caught.value) is LLMError


def test_text_that_was_seen_can_t_be_taken_back(router: Router) -> None:
    """Their streams have no word for a new beginning, so it is the error that it came from."""
    script(router, MockReply(chunks=("Hel", "lo"), error=TruncatedStreamError("broke")), "Hello")
    with pytest.raises(codeframe.LLMConnectionError, match="broke"):
        list(CodeFrameProvider(router, agent="again").stream(HELLO))


def test_broken_arguments_never_look_like_none(router: Router) -> None:
    script(router, MockReply(tool_calls=(ToolCall("1", "rm", '{"path": "/'),)))
    assert CodeFrameProvider(router).complete(HELLO).tool_calls[0].input == {"INVALID_JSON": '{"path": "/'}


def test_a_program_gets_its_own_classes_back(router: Router) -> None:
    @dataclass
    class TheirResponse:
        content: str
        tool_calls: list[Any] = field(default_factory=list)

    class TheirError(Exception):
        pass

    theirs = SimpleNamespace(LLMResponse=TheirResponse, LLMRateLimitError=TheirError)
    provider = CodeFrameProvider(router, types=[theirs])
    assert provider.complete(HELLO) == TheirResponse("Hello there")
    script(router, RateLimitError("x"))
    with pytest.raises(TheirError):
        provider.complete(HELLO)
