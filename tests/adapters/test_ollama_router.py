"""Ollama's own API behind a router: what the spec says reaches it, what it says reaches the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmroute import Router
from llmroute.errors import ConnectError, ContextLengthError, ModelNotFoundError, RequestError
from llmroute.testing import FaultServer, good_answer
from llmroute.wire.chat import ChatRequest, Finish, Reply, Tool, tool_result, user
from tests.adapters.fake_ollama import FakeOllama, Model, Says

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPEC = """
version: 1
providers:
  ollama:
    {api: ollama-chat, base_url: "${OLLAMA}", model: "qwen3:8b", extra_body: {options: {num_ctx: 64}, keep_alive: 5m}}
  box: {preset: ollama, api: ollama-chat, base_url: "${OLLAMA}", extra_body: {options: {num_ctx: 64}, truncate: false}}
  house: {base_url: "${HOUSE}", model: large, capabilities: {context_window: 8192}}
defaults: {provider: ollama, max_retries: 0, temperature: 0}
agents:
  careful: {provider: box, model: "qwen3:8b", fallbacks: [house], allow_remote_fallback: true, fallback_on: [context]}
  strict: {provider: box, model: "qwen3:8b"}
  renamed: {provider: box, model: nope}
  house: {provider: house, fallbacks: [ollama]}
"""
WEATHER = Tool("weather", "How warm it is", {"type": "object", "properties": {"city": {"type": "string"}}})


@pytest.fixture
def fake() -> FakeOllama:
    return FakeOllama()


@pytest.fixture
def house() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture
def router(fake: FakeOllama, house: FaultServer, tmp_path: Path) -> Iterator[Router]:
    spec = tmp_path / "routing.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    with fake.serve() as server:
        environ = {"OLLAMA": f"{server.url}/v1", "HOUSE": f"{house.url}/v1"}
        with Router.from_file(spec, environ=environ) as router:
            yield router


def test_a_call(fake: FakeOllama, router: Router) -> None:
    reply = router.complete("Hi", max_tokens=9)
    assert reply.text == "Four."
    ((path, body),) = fake.seen
    assert path == "/api/chat"
    assert body["options"] == {"temperature": 0, "num_predict": 9, "num_ctx": 64}
    assert (body["keep_alive"], body["stream"]) == ("5m", False)


def test_a_stream(fake: FakeOllama, router: Router) -> None:
    fake.says = Says("one two", thinking="hm")
    events = list(router.stream("Hi"))
    assert [event.type for event in events] == ["thinking_delta", "text_delta", "text_delta", "usage", "finish"]
    last = events[-1]
    assert isinstance(last, Finish)
    assert last.reply.attempts[-1].target == "ollama/qwen3:8b"


def test_a_prompt_that_was_cut_is_told_in_a_stream_too(router: Router) -> None:
    for reply in (router.complete("a " * 99), last_of(router, "a " * 99)):
        assert [warning.partition(":")[0] for warning in reply.warnings] == ["num_ctx"]


def last_of(router: Router, question: str) -> Reply:
    *_, last = router.stream(question)
    assert isinstance(last, Finish)
    return last.reply


def test_a_prompt_that_may_not_be_cut_goes_where_there_is_room(router: Router, house: FaultServer) -> None:
    house.script(good_answer("openai-chat", "Long."))
    reply = router.complete("a " * 99, agent="careful")
    assert reply.text == "Long."
    assert [one.kind for one in reply.attempts] == ["context", None]
    with pytest.raises(ContextLengthError, match="num_ctx"):
        router.complete("a " * 99, agent="strict")


def test_a_model_that_is_not_there(router: Router) -> None:
    with pytest.raises(ModelNotFoundError, match=r"has no model 'nope'") as caught:
        router.complete("Hi", agent="renamed")
    assert "ollama pull nope" in str(caught.value)


def test_a_model_that_calls_no_tools(fake: FakeOllama, router: Router) -> None:
    fake.models["qwen3:8b"] = Model(capabilities=("completion",))
    with pytest.raises(RequestError, match="does not support tools") as caught:
        router.complete(ChatRequest((user("Hi"),), tools=(WEATHER,)))
    assert "choose a model that calls tools" in str(caught.value)


def test_nobody_listens(closed_port: int, tmp_path: Path) -> None:
    spec = tmp_path / "routing.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    environ = {"OLLAMA": f"http://127.0.0.1:{closed_port}", "HOUSE": "http://127.0.0.1:1"}
    with (
        Router.from_file(spec, environ=environ) as router,
        pytest.raises(ConnectError, match="connection refused") as caught,
    ):
        router.complete("Hi", agent="renamed")
    assert "ollama serve" in str(caught.value)
    assert "ollama pull nope" in str(caught.value)


def test_tool_calls_move_from_one_api_to_the_other(fake: FakeOllama, router: Router, house: FaultServer) -> None:
    house.script(good_answer("openai-chat", "", {"weather": {"city": "Turin"}}))
    asked = router.complete(ChatRequest((user("How warm?"),), tools=(WEATHER,)), agent="house")
    (called,) = asked.tool_calls
    messages = (user("How warm?"), asked.message, tool_result(called, "19 °C"))
    assert router.complete(ChatRequest(messages, tools=(WEATHER,))).text == "Four."
    assert fake.seen[-1][1]["messages"][1:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": called.id, "function": {"name": "weather", "arguments": {"city": "Turin"}}}],
        },
        {"role": "tool", "content": "19 °C", "tool_name": "weather", "tool_call_id": called.id},
    ]
    fake.says, fake.with_ids = Says("", calls=({"name": "weather", "arguments": {"city": "Ürümqi"}},)), False
    again = router.complete(ChatRequest(messages, tools=(WEATHER,)))
    (other,) = again.tool_calls
    house.script(good_answer("openai-chat", "Warm."))
    after = (*messages, again.message, tool_result(other, "3 °C"))
    assert router.complete(ChatRequest(after, tools=(WEATHER,)), agent="house").text == "Warm."
    rows = house.requests[-1].json["messages"]
    assert [row["tool_call_id"] for row in rows if row["role"] == "tool"] == [called.id, other.id]
