"""Hive's configuration, methods and events: which server is asked, and what comes back.

Each test names the rows of docs/systems/hive.md that it shows.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from llmroute import Conversation, Router
from llmroute.compat.hive import HiveProvider, Tool, ToolResult, ToolUse
from llmroute.errors import LLMRouteError, MissingKeyError, RateLimitError
from llmroute.testing import Close, FaultServer, answer, good_answer, good_stream
from llmroute.wire.chat import assistant, user
from tests.adapters.fake_ollama import FakeOllama, Says
from tests.systems.rows import ROOT, Covered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmroute.testing import Script, Seen

EXAMPLE = ROOT / "examples/hive/routing.yaml"
SONNET = "claude-sonnet-4-20250514"
ASK = [{"role": "user", "content": "2 + 2?"}]
ADD = Tool("add", "Add.", {"properties": {"a": {"type": "integer"}}})
CALLS = {"add": {"a": 2}}
LIMITED = answer(429, {"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}, {"retry-after": "0"})
shows = Covered("hive", "configuration.json", "Methods", "Events")


def api_of(seen: Seen) -> str:
    return "anthropic-messages" if seen.path.endswith("/messages") else "openai-chat"


def by_path(seen: Seen) -> Script:
    api = api_of(seen)
    return good_stream(api, "Fo", "ur.") if seen.json.get("stream") else good_answer(api)


def calling(seen: Seen) -> Script:
    return good_answer(api_of(seen), "", tools=CALLS)


@pytest.fixture(autouse=True)
def _answers(server: FaultServer) -> None:
    server.default = by_path


def environ(server: FaultServer, **more: str) -> dict[str, str]:
    urls = {"ANTHROPIC_BASE_URL": server.url, "OPENAI_BASE_URL": f"{server.url}/v1"}
    return {"ANTHROPIC_API_KEY": "key-of-anthropic", "OPENAI_API_KEY": "key-of-openai", **urls, **more}


@pytest.fixture
def hive(server: FaultServer) -> Iterator[HiveProvider]:
    with Router(EXAMPLE, environ=environ(server)) as router:
        yield HiveProvider(router, agent="queen")


def told(server: FaultServer, **asked: Any) -> list[Any]:
    """The events of a stream."""

    async def listen() -> list[Any]:
        async with Router(EXAMPLE, environ=environ(server)) as router:
            return [event async for event in HiveProvider(router, agent="queen").stream(ASK, **asked)]

    return asyncio.run(listen())


def test_every_row_is_shown() -> None:
    shows.check()


# -- configuration.json


@shows("llm.provider, llm.model", "llm.max_tokens", "complete", "LLMResponse")
def test_the_queen_asks_anthropic(server: FaultServer, hive: HiveProvider) -> None:
    response = hive.complete(ASK, system="You add.")
    (seen,) = server.requests
    assert (seen.path, seen.json["model"], seen.json["max_tokens"]) == ("/v1/messages", SONNET, 8192)
    assert seen.headers["authorization"] == "Bearer key-of-anthropic"
    assert (response.content, response.input_tokens, response.output_tokens) == ("Four.", 7, 2)
    assert response.raw_response["reply"].text == "Four."


@shows("worker_llm", "llm.num_ctx")
def test_a_worker_has_its_own_server_and_window(server: FaultServer) -> None:
    ollama = FakeOllama(says=Says("Four."))
    with ollama.serve() as local, Router(EXAMPLE, environ=environ(server, OLLAMA_API_BASE=local.url)) as router:
        assert HiveProvider(router, agent="worker").complete(ASK).content == "Four."
        long = router.complete("word " * 20_000, agent="worker")
    path, body = ollama.seen[0]
    assert (path, body["model"], body["options"]) == ("/api/chat", "qwen3:8b", {"num_ctx": 16384, "num_predict": 4096})
    assert any("cut" in warning for warning in map(str, long.warnings))
    assert server.requests == []


@shows("llm.max_context_tokens")
def test_a_long_conversation_is_held_to_the_window_of_whoever_answers(server: FaultServer) -> None:
    small = EXAMPLE.read_text().replace("context_window: 16384", "context_window: 5000")
    assert small != EXAMPLE.read_text()
    history = [message for _ in range(9) for message in (user("and so on " * 300), assistant("Yes."))]
    ollama = FakeOllama()
    with ollama.serve() as local, Router.from_str(small, environ=environ(server, OLLAMA_API_BASE=local.url)) as router:
        # The catalogue knows the window of the queen's model, and the provider says the worker's.
        for agent, left_out in (("queen", False), ("worker", True)):
            talk = Conversation(router, history, agent=agent)
            talk.complete("Now")
            assert (talk.pruned is not None) is left_out
    assert len(server.requests[0].json["messages"]) == 19
    assert len(ollama.seen[0][1]["messages"]) < 19
    ask_more = small.replace("queen: {}", "queen: {require: {context_window: 300000}}")
    with pytest.raises(LLMRouteError, match="its context window holds"):
        Router.from_str(ask_more, environ=environ(server)).complete("Hello", agent="queen")


@shows("vision_fallback")
def test_images_go_where_they_can_be_read(server: FaultServer) -> None:
    with Router(EXAMPLE, environ=environ(server)) as router:
        HiveProvider(router, agent="vision").complete(ASK)
        blind = router.with_arguments(model="openai/gpt-3.5-turbo")
        blind.complete("2 + 2?", agent="queen")
    assert [seen.json["model"] for seen in server.requests] == ["gpt-4o", "gpt-3.5-turbo"]
    text = EXAMPLE.read_text().replace("vision: {model: openai/gpt-4o", "vision: {model: openai/gpt-3.5-turbo")
    with pytest.raises(LLMRouteError, match="it has no vision"):
        Router.from_str(text, environ=environ(server))


@shows("llm.api_key_env_var", "llm.api_base")
def test_a_key_and_a_url_of_one_s_own(server: FaultServer, other: FaultServer) -> None:
    other.default = by_path
    own = f"openai: {{base_url: {other.url}/v1, api_key: '${{MY_KEY}}'}}"
    text = EXAMPLE.read_text().replace("openai: {}", own)
    with Router.from_str(text, environ=environ(server, MY_KEY="mine")) as router:
        HiveProvider(router, agent="vision").complete(ASK)
    assert other.requests[0].headers["authorization"] == "Bearer mine"
    with Router.from_str(text.replace(", api_key: '${MY_KEY}'", ""), environ=environ(server)) as router:
        HiveProvider(router, agent="vision").complete(ASK)
    assert "key-of-openai" not in other.requests[1].raw.decode()
    with Router(EXAMPLE, environ={}) as router, pytest.raises(MissingKeyError, match="ANTHROPIC_API_KEY"):
        router.complete("2 + 2?")


@shows("llm.api_keys")
def test_the_next_key_answers_where_the_first_is_limited(server: FaultServer) -> None:
    spec = (
        "version: 1\nproviders:\n"
        f"  one: {{preset: anthropic, base_url: {server.url}, api_key: '${{ONE}}', model: m}}\n"
        f"  two: {{preset: anthropic, base_url: {server.url}, api_key: '${{TWO}}', model: m}}\n"
        "defaults: {provider: one, fallbacks: [two], max_retries: 0}\n"
    )
    server.script(LIMITED)
    with Router.from_str(spec, environ={"ONE": "key-1", "TWO": "key-2"}) as router:
        assert HiveProvider(router).complete(ASK).content == "Four."
    assert [seen.headers["authorization"][-5:] for seen in server.requests] == ["key-1", "key-2"]


@shows("a file that can't be read")
def test_a_broken_file_is_an_error(folder: Path) -> None:
    broken = folder / "routing.yaml"
    broken.write_text("version: 1\ndefaults: [\n")
    with pytest.raises(LLMRouteError, match=r"routing\.yaml:3"):
        Router(broken, environ={})


# -- Methods


@shows("acomplete", "system_dynamic_suffix")
def test_the_suffix_is_a_part_of_its_own(server: FaultServer) -> None:
    async def ask() -> str:
        async with Router(EXAMPLE, environ=environ(server)) as router:
            response = await HiveProvider(router).acomplete(ASK, "You add.", system_dynamic_suffix="It is noon.")
            return response.content

    assert asyncio.run(ask()) == "Four."
    assert [part["text"] for part in server.requests[0].json["system"]] == ["You add.", "It is noon."]


@shows("response_format", "json_mode")
def test_json_is_asked_for_on_both_apis(server: FaultServer, hive: HiveProvider) -> None:
    hive.complete(ASK, json_mode=True)
    schema = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    with Router(EXAMPLE, environ=environ(server)) as router:
        HiveProvider(router, agent="vision").complete(ASK, response_format=form)
    words, declared = server.requests
    assert "JSON" in str(words.json["system"])
    assert declared.json["response_format"]["json_schema"]["schema"]["required"] == ["sum"]


@shows("max_retries")
def test_there_are_two_budgets(server: FaultServer, hive: HiveProvider) -> None:
    hive.empty_wait_s = 0
    empty = good_answer("anthropic-messages", "")
    server.script(LIMITED, empty, empty)
    assert hive.complete(ASK, max_retries=2).content == "Four."
    assert len(server.requests) == 4
    server.script(LIMITED)
    with pytest.raises(RateLimitError):
        hive.complete(ASK, max_retries=0)
    assert len(server.requests) == 5


@shows("Tool, ToolUse", "complete_with_tools", "ToolResult.is_error", "ToolResult.is_skill_content")
def test_a_tool_is_called_and_its_error_told(server: FaultServer, hive: HiveProvider) -> None:
    made: list[ToolUse] = []

    def execute(use: ToolUse) -> ToolResult:
        made.append(use)
        return ToolResult(use.id, "no such sum", is_error=True, is_skill_content=True)

    server.script(calling)
    assert hive.complete_with_tools(ASK, "You add.", [ADD], execute).content == "Four."
    assert [(use.name, use.input) for use in made] == [("add", {"a": 2})]
    (block,) = server.requests[-1].json["messages"][-1]["content"]
    assert (block["tool_use_id"], block["is_error"]) == (made[0].id, True)


def test_a_skill_is_pinned() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    said: list[Any] = [*ASK, {"role": "assistant", "tool_calls": [call]}]
    with Router(EXAMPLE, environ={}, provider="mock", model="echo") as router:
        mock: Any = router.adapter("mock")
        for is_skill in (True, False):
            said[2:] = [ToolResult("1", "the skill", is_skill_content=is_skill)]
            HiveProvider(router).complete(said)
            assert mock.last_call.request.messages[-1].content[0].pinned is is_skill


# -- Events


@shows("stream", "TextDeltaEvent", "TextEndEvent", "FinishEvent")
def test_the_events_of_a_text(server: FaultServer) -> None:
    first, second, end, finish = told(server)
    assert [(event.content, event.snapshot) for event in (first, second)] == [("Fo", "Fo"), ("ur.", "Four.")]
    assert (end.type, end.full_text) == ("text_end", "Four.")
    assert (finish.type, finish.stop_reason, finish.input_tokens) == ("finish", "stop", 7)


def of_the_worker(says: Says) -> list[Any]:
    ollama = FakeOllama(says=says)

    async def listen(url: str) -> list[Any]:
        async with Router(EXAMPLE, environ={"OLLAMA_API_BASE": url}) as router:
            return [event async for event in HiveProvider(router, agent="worker").stream(ASK, tools=[ADD])]

    with ollama.serve() as local:
        return asyncio.run(listen(local.url))


@shows("ToolCallEvent")
def test_the_events_of_a_call() -> None:
    events = of_the_worker(Says("", calls=({"name": "add", "arguments": {"a": 2}},)))
    (call,) = [event for event in events if event.type == "tool_call"]
    assert (call.tool_name, call.tool_input) == ("add", {"a": 2})
    assert events[-1].type == "finish"


@shows("ReasoningStartEvent, ReasoningDeltaEvent")
def test_the_events_of_thoughts() -> None:
    events = of_the_worker(Says("Four.", thinking="Two and two."))
    kinds = [event.type for event in events]
    assert kinds.count("reasoning_start") == 1
    thoughts = [event.content for event in events if event.type == "reasoning_delta"]
    assert "".join(thoughts) == "Two and two."
    assert kinds.index("reasoning_start") < kinds.index("text_delta")


@shows("StreamErrorEvent")
def test_a_failure_is_the_last_event(server: FaultServer) -> None:
    server.default = [*good_stream("anthropic-messages", "Fo", "ur.")[:2], Close()]
    broken = told(server, max_retries=0)[-1]
    assert (broken.type, broken.recoverable) == ("error", True)
    server.default = answer(401, {"type": "error", "error": {"type": "authentication_error", "message": "no"}})
    refused = told(server, max_retries=0)[-1]
    assert (refused.type, refused.recoverable) == ("error", False)
