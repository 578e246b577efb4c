"""A conversation that changes its provider in the middle of tool calls, against servers of both APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llmroute.conversation import Conversation
from llmroute.dispatch.router import Router
from llmroute.testing import answer, good_answer, good_stream
from llmroute.wire.chat import Thinking, Tool
from tests.wire.test_openapi_conformance import _validators

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.testing import FaultServer

SPEC = """
version: 1
providers:
  claude: {{base_url: "{claude}", api: anthropic-messages, model: c-1, max_retries: 0, api_key: "${{KEY}}"}}
  local: {{base_url: "{local}/v1", model: o-1, max_retries: 0}}
defaults: {{provider: claude, fallbacks: [local]}}
"""
READ = Tool("read", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
THOUGHT = {"type": "thinking", "thinking": "I need the file.", "signature": "c2lnbmVk"}
THOUGHTFUL = {
    "id": "m-1",
    "type": "message",
    "role": "assistant",
    "model": "c-1",
    "content": [
        THOUGHT,
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "a.py"}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 9, "output_tokens": 5},
}
DOWN = {"type": "error", "error": {"type": "api_error", "message": "down"}}


@pytest.fixture(scope="module")
def valid() -> dict[str, Any]:
    return {
        "claude": _validators("anthropic", "CreateMessageParams")["CreateMessageParams"],
        "local": _validators("openai", "CreateChatCompletionRequest")["CreateChatCompletionRequest"],
    }


@pytest.fixture
def talk(server: FaultServer, other_server: FaultServer) -> Iterator[Conversation]:
    text = SPEC.format(claude=server.url, local=other_server.url)
    with Router.from_str(text, environ={"KEY": "sk-canary"}) as router:
        yield Conversation(router, system="Be brief.", tools=[READ], max_tokens=4000, thinking_budget=2000)


def bodies(server: FaultServer, validator: Any) -> list[dict[str, Any]]:
    """What the server was sent, all of it valid under the vendor's own document."""
    found = [seen.json for seen in server.requests]
    for body in found:
        assert validator.is_valid(body), [error.message for error in validator.iter_errors(body)]
    return found


def test_a_fallback_in_the_middle_of_tool_calls_and_back(
    talk: Conversation, server: FaultServer, other_server: FaultServer, valid: dict[str, Any]
) -> None:
    server.script(answer(200, THOUGHTFUL))
    other_server.script(good_answer("openai-chat", "", {"read": {"path": "b.py"}}), good_answer("openai-chat", "Two."))
    first = talk.complete("What is in the files?")
    assert first.message.content[0] == Thinking("I need the file.", "c2lnbmVk", source="claude")

    server.script(answer(500, DOWN))
    talk.add_tool_result("toolu_1", "x = 1")
    second = talk.complete()
    assert [(row.target, row.kind) for row in second.attempts] == [("claude/c-1", "server"), ("local/o-1", None)]

    server.default = answer(500, DOWN)
    (call,) = second.tool_calls
    talk.add_tool_result(call, "no such file", is_error=True)
    assert talk.complete().text == "Two."

    server.default = good_answer("anthropic-messages", "Three.")
    with Router(talk._router.spec, environ={"KEY": "sk-canary"}) as router:
        back = Conversation.from_json(talk.to_json(), router)
        assert [back.complete("And now?").text for _ in range(2)] == ["Three.", "Three."]
    check_claude(bodies(server, valid["claude"]))
    check_local(bodies(other_server, valid["local"]))


def check_claude(sent: list[dict[str, Any]]) -> None:
    """The thoughts go back as they came; calls that another model made without thinking go on without."""
    first, second, third, *_, last = sent
    assert first["thinking"] == second["thinking"] == last["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert "thinking" not in third, "the last calls were made by a model that shows no thoughts"
    for body in (second, third, last):
        assert body["messages"][1]["content"] == THOUGHTFUL["content"]
        assert body["system"] == "Be brief."
    assert second["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x = 1"},
    ]
    assert third["messages"][3]["content"] == [
        {"type": "tool_use", "id": "call_1", "name": "read", "input": {"path": "b.py"}},
    ]
    assert third["messages"][4]["content"][0]["is_error"] is True
    assert [turn["role"] for turn in last["messages"]] == ["user", "assistant"] * 4 + ["user"]


def check_local(sent: list[dict[str, Any]]) -> None:
    first, second = sent
    assert [row["role"] for row in first["messages"]] == ["system", "user", "assistant", "tool"]
    calling = first["messages"][2]
    assert calling["content"] == "I look."
    assert calling["tool_calls"][0]["function"] == {"name": "read", "arguments": '{"path":"a.py"}'}
    assert [row["role"] for row in second["messages"]][-2:] == ["assistant", "tool"]
    assert "I need the file." not in str(sent), "thoughts stay with their owner"


def test_a_stream_that_falls_back_is_kept_as_well(
    talk: Conversation, server: FaultServer, other_server: FaultServer, valid: dict[str, Any]
) -> None:
    server.script(answer(200, THOUGHTFUL), answer(500, DOWN), good_answer("anthropic-messages", "Three."))
    other_server.script(good_stream("openai-chat", "It is ", "one."))
    talk.complete("What is in the file?")
    talk.add_tool_result("toolu_1", "x = 1")
    with talk.send() as events:
        list(events)
    assert talk.messages[-1].text == "It is one."
    assert talk.complete("And now?").text == "Three."
    assert [turn["role"] for turn in bodies(server, valid["claude"])[-1]["messages"]] == ["user", "assistant"] * 2 + [
        "user"
    ]
    bodies(other_server, valid["local"])
    spent = talk.usage()
    assert spent.by_provider.keys() == {"claude", "local"}
    assert spent.total.calls == 3
