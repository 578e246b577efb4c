"""CodeFrame's classes, functions and mock, and what stands in their place, against servers that answer as vendors do.

Each test names the rows of docs/systems/codeframe.md that it shows.
"""

from __future__ import annotations

import asyncio
import json
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from llmroute import Conversation, Router
from llmroute.adapters.mock import MockReply
from llmroute.errors import (
    AmbiguousError,
    AuthenticationError,
    CallError,
    ConnectError,
    ConstraintViolatedError,
    ConversionError,
    MissingKeyError,
    ModelNotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    UnknownPurposeError,
    UntrustedKeyError,
)
from llmroute.routing.capabilities import capability_of
from llmroute.testing import Close, FaultServer, Hang, answer, good_answer, good_stream, sse, stream
from llmroute.wire.chat import TextDelta, ThinkingDelta, Tool, ToolCall, Usage, assistant, tool_result, user
from tests.systems.rows import ROOT, Covered

if TYPE_CHECKING:
    from llmroute.testing import Script, Seen

EXAMPLE = ROOT / "examples/codeframe/routing.yaml"
APIS = {"anthropic": "anthropic-messages", "openai": "openai-chat"}
READ = Tool("read_file", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
CALL = ToolCall("call_1", "read_file", '{"path": "a.py"}')
shows = Covered("codeframe", "Classes and functions", "The mock")


def environ(server: FaultServer, provider: str = "anthropic") -> dict[str, str]:
    """Both vendors are at the server, and one of them is chosen."""
    urls = {"ANTHROPIC_BASE_URL": server.url, "OPENAI_BASE_URL": f"{server.url}/v1"}
    return {"ANTHROPIC_API_KEY": "a", "OPENAI_API_KEY": "o", "CODEFRAME_LLM_PROVIDER": provider, **urls}


def router_of(server: FaultServer, provider: str = "anthropic", **arguments: Any) -> Router:
    return Router(EXAMPLE, environ=environ(server, provider), **arguments)


def mocked() -> Router:
    return Router(EXAMPLE, environ={"CODEFRAME_LLM_PROVIDER": "mock"})


provider = pytest.mark.parametrize("provider", ["anthropic", "openai"])


def test_every_row_is_shown() -> None:
    shows.check()


# -- Settings


@shows("get_provider(type, model=, base_url=, api_key=)")
def test_a_provider_with_all_of_its_arguments(server: FaultServer) -> None:
    server.default = good_answer("openai-chat")
    with Router(EXAMPLE, environ={}, provider="vllm", model="m", base_url=f"{server.url}/v1", api_key="k") as router:
        router.complete("Hi.", purpose="execution")
    (seen,) = server.requests
    assert (seen.path, seen.json["model"]) == ("/v1/chat/completions", "m")
    assert seen.headers["authorization"] == "Bearer k"


@shows("resolve_llm_settings, create_provider", "ModelSelector, get_model(purpose)")
def test_what_would_be_called_is_told_without_a_call(server: FaultServer) -> None:
    with router_of(server) as router:
        resolution = router.resolve(purpose="generation")
        assert (resolution.target.provider, resolution.target.model) == ("anthropic", "claude-haiku-4-5")
        assert resolution.target.credential.source == "env:ANTHROPIC_API_KEY"
        assert {field.field for field in resolution.fields} >= {"endpoint", "model", "max_tokens", "temperature"}
    assert server.requests == []


@shows("Purpose")
def test_a_purpose_that_nobody_knows_is_an_error(server: FaultServer) -> None:
    with router_of(server) as router, pytest.raises(UnknownPurposeError, match="correction"):
        router.complete("Hi.", purpose="corection")
    assert server.requests == []


@shows("max_tokens=4096, temperature=0.0")
def test_the_usual_limits(server: FaultServer) -> None:
    server.script(good_answer("openai-chat"), good_answer("anthropic-messages"), good_answer("openai-chat"))
    with router_of(server, "openai") as router:
        assert router.complete("Hi.", purpose="execution").warnings == ()
    with router_of(server) as router:
        (warning,) = router.complete("Hi.", purpose="execution").warnings
    with router_of(server, "openai") as router:
        router.complete("Hi.", purpose="execution", max_tokens=9, temperature=1)
    sent = [(seen.json.get("max_tokens"), seen.json.get("temperature")) for seen in server.requests]
    assert sent == [(4096, 0), (4096, None), (9, 1)]
    assert "temperature" in warning


# -- Calls


@provider
@shows("complete(messages, purpose, tools, max_tokens, temperature, system)", "Tool(name, description, input_schema)")
@shows("LLMResponse")
def test_a_call_with_everything(server: FaultServer, provider: str) -> None:
    server.default = good_answer(APIS[provider], "I look.", {"read_file": {"path": "a.py"}})
    with router_of(server, provider) as router:
        reply = router.complete(
            "What is in a.py?", purpose="execution", tools=[READ], max_tokens=99, system="Be brief."
        )
    body = server.requests[0].json
    assert "Be brief." in json.dumps(body)
    assert body["max_tokens"] == 99
    (tool,) = body["tools"]
    assert tool.get("input_schema", tool.get("function", {}).get("parameters")) == READ.parameters
    assert (reply.text, reply.stop_reason, reply.model) == ("I look.", "tool_calls", "test-model")
    assert [(call.name, call.parsed()) for call in reply.tool_calls] == [("read_file", {"path": "a.py"})]
    assert reply.usage == Usage(input_tokens=7, output_tokens=2)


@provider
@shows("async_complete", "async_stream")
def test_asynchronous_calls(server: FaultServer, provider: str) -> None:
    server.script(good_answer(APIS[provider], "Four."), good_stream(APIS[provider], "Fo", "ur."))

    async def main() -> tuple[str, list[str]]:
        async with router_of(server, provider) as router:
            reply = await router.acomplete("2 + 2?", purpose="planning")
            async with router.astream("2 + 2?", purpose="planning") as events:
                return reply.text, [event.text async for event in events if isinstance(event, TextDelta)]

    assert asyncio.run(main()) == ("Four.", ["Fo", "ur."])


@provider
@shows("stream", "StreamChunk")
def test_a_stream_and_its_events(server: FaultServer, provider: str) -> None:
    server.default = good_stream(APIS[provider], "Fo", "ur.")
    with router_of(server, provider) as router, router.stream("2 + 2?", purpose="execution") as events:
        kinds = [event.type for event in events]
    assert [kind for kind in kinds if kind != "usage"] == ["text_delta", "text_delta", "finish"]
    assert "usage" in kinds
    assert events.reply is not None
    assert (events.reply.text, events.reply.stop_reason) == ("Four.", "stop")


def test_tool_calls_and_thoughts_of_a_stream() -> None:
    with mocked() as router:
        router.adapter("mock").script(MockReply(chunks=("So",), thinking="Hm.", tool_calls=(CALL,)))
        with router.stream("What is in a.py?", purpose="execution") as events:
            found = [event.type for event in events]
    assert found == ["thinking_delta", "text_delta", "tool_call_start", "tool_call_delta", "tool_call_end", "finish"]


@provider
@shows("Message, tool_calls, tool_results", "ToolResult.is_error")
def test_a_turn_with_a_tool_in_words_that_fit_every_provider(server: FaultServer, provider: str) -> None:
    server.default = good_answer(APIS[provider], "It is missing.")
    history = [user("What is in a.py?"), assistant("I look.", tool_calls=[CALL])]
    with router_of(server, provider) as router:
        router.complete([*history, tool_result(CALL, "no such file", is_error=True)], purpose="execution", tools=[READ])
    *_, called, result = server.requests[0].json["messages"]
    if provider == "anthropic":
        assert called["content"][1]["type"] == "tool_use"
        assert (result["content"][0]["type"], result["content"][0]["is_error"]) == ("tool_result", True)
    else:
        assert called["tool_calls"][0]["function"]["name"] == "read_file"
        assert (result["role"], result["tool_call_id"]) == ("tool", "call_1")


@shows("ToolCall.input")
def test_broken_arguments_are_no_empty_ones() -> None:
    assert CALL.parsed() == {"path": "a.py"}
    with pytest.raises(ConversionError):
        ToolCall("call_1", "read_file", '{"path": ').parsed()


# -- Thinking, interrupts


def thoughts() -> Script:
    """A stream of Anthropic's with a thought in it."""
    start, stop = {"type": "content_block_start", "index": 0}, {"type": "content_block_stop", "index": 0}
    thinking = [
        {**start, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm."}},
        stop,
    ]
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
    begun = {"type": "message_start", "message": {**message, "usage": {"input_tokens": 7, "output_tokens": 1}}}
    text = [
        {**start, "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Four."}},
        {**stop, "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    return stream(sse(begun), sse(*thinking), sse(*text))


@shows("extended_thinking=True")
def test_extended_thinking_where_it_is_supported(server: FaultServer) -> None:
    server.script(thoughts(), good_answer("openai-chat"))
    asked: dict[str, Any] = {"purpose": "planning", "max_tokens": 8000, "thinking_budget": max(1024, 8000 // 2)}
    with router_of(server) as router, router.stream("2 + 2?", **asked) as events:
        assert [event.text for event in events if isinstance(event, ThinkingDelta)] == ["Hm."]
    assert server.requests[0].json["thinking"] == {"type": "enabled", "budget_tokens": 4000}
    with router_of(server, "openai") as router:
        assert any("thinking_budget" in said for said in router.complete("2 + 2?", **asked).warnings)
    assert "thinking" not in server.requests[1].json


@shows('supports("extended_thinking")')
def test_whether_a_model_thinks_is_known_beforehand(server: FaultServer) -> None:
    with router_of(server) as router:
        assert capability_of(router.spec, router.resolve(purpose="planning").target, "thinking") is True
    text = EXAMPLE.read_text() + "\nagents:\n  chat: {require: {thinking: true}}\n"
    with Router.from_str(text, environ=environ(server)) as router:
        assert router.resolve(agent="chat").target.model == "claude-sonnet-4-5"
    with Router.from_str(text, environ=environ(server, "openai")) as router, pytest.raises(ConstraintViolatedError):
        router.resolve(agent="chat")


@provider
@shows("interrupt_event")
@pytest.mark.parametrize("texts", [(), ("Once",)], ids=["a silent server", "in the middle"])
def test_an_interrupt_closes_the_connection_within_a_second(
    server: FaultServer, provider: str, texts: tuple[str, ...]
) -> None:
    server.default = [*good_stream(APIS[provider], *texts)[: 2 + len(texts)], Hang()]
    interrupt, seen = Event(), []
    with router_of(server, provider) as router, router.stream("A story.", purpose="generation") as events:
        Thread(target=lambda: (interrupt.wait(), events.close()), daemon=True).start()
        reading = Thread(target=lambda: seen.extend(event for event in events if isinstance(event, TextDelta)))
        reading.start()
        assert server.reached.wait(5)
        interrupt.set()
        reading.join(1)
        assert not reading.is_alive()
        assert server.requests[0].hung_up.wait(1)
    assert events.reply is None
    assert len(server.requests) == 1


@provider
def test_an_interrupt_in_an_event_loop(server: FaultServer, provider: str) -> None:
    server.default = [*good_stream(APIS[provider], "Once")[:3], Hang()]

    async def read(router: Router, interrupt: asyncio.Event) -> None:
        async with router.astream("A story.", purpose="generation") as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    interrupt.set()

    async def main() -> None:
        interrupt = asyncio.Event()
        async with router_of(server, provider) as router:
            reading = asyncio.ensure_future(read(router, interrupt))
            await asyncio.wait_for(interrupt.wait(), 5)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert server.requests[0].hung_up.wait(1)

    asyncio.run(main())


# -- Conversations, costs


@shows("StreamingChatAdapter")
def test_a_conversation_keeps_history_and_runs_tools(server: FaultServer) -> None:
    server.script(
        good_answer("anthropic-messages", "", {"read_file": {"path": "a.py"}}),
        good_answer("anthropic-messages", "It is empty."),
    )
    with router_of(server) as router:
        talk = Conversation(router, purpose="execution", system="Be brief.", tools=[READ])
        reply = talk.run_tools({"read_file": lambda path: f"{path} is empty"}, "What is in a.py?")
    assert reply.text == "It is empty."
    assert "a.py is empty" in json.dumps(server.requests[1].json)
    assert [message.role for message in talk.messages] == ["user", "assistant", "tool", "assistant"]


@shows("MetricsTracker, cost_usd")
def test_what_it_came_to_by_purpose(server: FaultServer) -> None:
    server.default = good_answer("openai-chat")
    with Router(EXAMPLE, environ={**environ(server, "ollama"), "CODEFRAME_LLM_MODEL": "qwen2.5-coder:7b"}) as router:
        for purpose in ("planning", "planning", "execution"):
            router.complete("Hi.", purpose=purpose)
        report = router.usage()
    assert {name: spent.calls for name, spent in report.by_purpose.items()} == {"planning": 2, "execution": 1}
    assert (report.total.input_tokens, report.total.output_tokens, report.total.cost_usd) == (21, 6, 0)


def test_a_price_that_is_not_known_is_none_and_not_zero(server: FaultServer) -> None:
    data = {"version": 1, "providers": {"far": {"base_url": f"{server.url}/v1", "model": "m", "locality": "remote"}}}
    server.default = good_answer("openai-chat")
    with Router.from_mapping({**data, "defaults": {"provider": "far"}}, environ={}) as router:
        router.complete("Hi.")
        total = router.usage().total
    assert (total.cost_usd, total.unpriced) == (None, 1)


# -- Errors


def failure(server: FaultServer, script: Script, provider: str = "openai") -> CallError:
    server.default = script
    with router_of(server, provider, max_retries=0) as router, pytest.raises(CallError) as caught:
        router.complete("Hi.", purpose="execution")
    return caught.value


@provider
@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (401, "bad key", AuthenticationError),
        (404, "model: gpt-4o does not exist", ModelNotFoundError),
        (429, "slow down", RateLimitError),
        (529, "overloaded", OverloadedError),
        (503, "overloaded", OverloadedError),
        (500, "oops", ServerError),
    ],
)
@shows("LLMAuthError", "LLMModelNotFoundError", "LLMRateLimitError", "LLMOverloadedError")
def test_what_a_status_is(server: FaultServer, provider: str, status: int, message: str, kind: type[CallError]) -> None:
    types = {404: "not_found_error"}
    body = {
        "error": {"type": types.get(status, "error"), "message": message, "code": "model_not_found" * (status == 404)}
    }
    error = failure(server, answer(status, body), provider)
    assert type(error) is kind
    assert (error.status, error.provider) == (status, provider)


def test_no_credit_is_no_rate_limit(server: FaultServer) -> None:
    body = {"error": {"type": "insufficient_quota", "code": "insufficient_quota", "message": "no credit"}}
    assert type(failure(server, answer(429, body))) is QuotaError


@shows("LLMConnectionError")
def test_whether_it_was_sent_is_told_apart(server: FaultServer, closed_port: int) -> None:
    assert type(failure(server, [Close()])) is AmbiguousError
    there = {**environ(server, "openai"), "OPENAI_BASE_URL": f"http://127.0.0.1:{closed_port}/v1"}
    with Router(EXAMPLE, environ=there, max_retries=0) as router, pytest.raises(ConnectError):
        router.complete("Hi.", purpose="execution")


def test_a_key_that_is_missing_is_told_before_anything_is_sent(server: FaultServer) -> None:
    without = {**environ(server), "ANTHROPIC_API_KEY": ""}
    with Router(EXAMPLE, environ=without) as router, pytest.raises(MissingKeyError, match="ANTHROPIC_API_KEY"):
        router.complete("Hi.", purpose="execution")
    assert server.requests == []


@shows("UntrustedBaseURLError")
def test_an_origin_that_nobody_has_trusted() -> None:
    spec = {"base_url": "https://evil.example/v1", "api_key": "${OPENAI_API_KEY}", "model": "m"}
    data = {"version": 1, "providers": {"theirs": spec}, "defaults": {"provider": "theirs"}}
    made = Router.from_mapping(data, environ={"OPENAI_API_KEY": "k"}, trust="ask")
    with made, pytest.raises(UntrustedKeyError, match="OPENAI_API_KEY"):
        made.complete("Hi.")


# -- The mock


@shows('MockProvider(default_response="…")', "add_response, add_text_response", "set_response_handler")
def test_a_handler_is_stronger_than_the_queue_and_the_queue_than_the_default() -> None:
    with mocked() as router:
        mock = router.adapter("mock")
        mock.script("first", "second")

        def said() -> str:
            return router.complete("Hi.", purpose="planning").text

        assert said() == "first"
        mock.handler = lambda call: f"handled {call.request.messages[-1].text}"
        assert said() == "handled Hi."
        mock.handler = lambda _: None
        assert [said(), said()] == ["second", "Mock response"]


@shows("add_tool_response")
def test_a_scripted_tool_call() -> None:
    with mocked() as router:
        router.adapter("mock").script(MockReply(tool_calls=(CALL,)))
        reply = router.complete("Hi.", purpose="execution", tools=[READ])
    assert (reply.stop_reason, reply.tool_calls) == ("tool_calls", (CALL,))


@shows("add_stream_chunks")
def test_a_scripted_stream() -> None:
    with mocked() as router:
        router.adapter("mock").script(MockReply(chunks=("Fo", "ur."), thinking="Hm."))
        with router.stream("Hi.", purpose="execution") as events:
            found = [event.text for event in events if isinstance(event, TextDelta | ThinkingDelta)]
    assert found == ["Hm.", "Fo", "ur."]


@shows("calls, call_count, get_call", "last_call", "reset")
def test_what_the_mock_remembers() -> None:
    with mocked() as router:
        mock = router.adapter("mock")
        assert mock.last_call is None
        mock.script("one", "two")
        router.complete("First.", purpose="planning", system="Be brief.", tools=[READ], max_tokens=9)
        router.complete("Second.", purpose="planning")
        first = mock.calls[0].call.request
        assert [message.text for message in first.messages] == ["Be brief.", "First."]
        assert (first.tools, first.params.max_tokens, first.params.temperature) == ((READ,), 9, 0)
        assert (len(mock.calls), mock.last_call.request.messages[-1].text) == (2, "Second.")
        mock.script("left over")
        mock.reset()
        assert (mock.calls, mock.last_call) == ([], None)
        assert router.complete("Third.", purpose="planning").text == "Mock response"


@shows("_MOCK_DECOMPOSITION")
def test_an_answer_for_one_prompt_alone() -> None:
    marker, tasks = "Return ONLY a JSON array of objects", '[{"title": "Implement it"}]'
    with mocked() as router:
        router.adapter("mock").handler = lambda call: tasks if marker in call.request.messages[-1].text else None
        assert json.loads(router.complete(f"Split it. {marker}.", purpose="planning").text)
        assert router.complete("Hello.", purpose="planning").text == "Mock response"


def test_a_seen_request_has_no_word_of_the_route(server: FaultServer) -> None:
    server.default = good_answer("anthropic-messages")
    with router_of(server) as router:
        router.complete("Hi.", purpose="supervision")
    seen: Seen = server.requests[0]
    assert "supervision" not in seen.raw.decode()
