"""Codebuff's agents, client, variables and backend, against servers: which one is asked, for what, with which key.

Each test names the rows of docs/systems/codebuff.md that it shows.
"""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, Any

import pytest

from llmroute import Router
from llmroute.errors import (
    CallError,
    ConnectError,
    ConstraintViolatedError,
    ModelNotFoundError,
    NoModelError,
    OrphanKeyError,
    UnknownAgentError,
)
from llmroute.load import read_str
from llmroute.routing.checks import check
from llmroute.testing import FaultServer, Reset, answer, good_answer, good_stream
from llmroute.wire.chat import ResponseFormat, TextDelta, ThinkingDelta, Tool
from tests.systems.rows import ROOT, Covered

if TYPE_CHECKING:
    from llmroute.testing import Seen

EXAMPLE = ROOT / "examples/codebuff/routing.yaml"
KEYS = {"CODEBUFF_API_KEY": "key-of-codebuff", "EDITOR_KEY": "key-of-the-editor"}
TOOL = Tool("read_files", "Read files.", {"type": "object", "properties": {}})
shows = Covered("codebuff", "Order", "Variables", "Agent definitions", "The client", "Local servers")


@pytest.fixture(autouse=True)
def _answers(server: FaultServer, other: FaultServer) -> None:
    server.default = other.default = good_answer("openai-chat")


@pytest.fixture
def text(server: FaultServer, other: FaultServer) -> str:
    """The example, with `server` for the backend and `other` for the file picker's own server."""
    text = EXAMPLE.read_text(encoding="utf-8").replace("https://www.codebuff.com/api/v1", f"{server.url}/api/v1")
    return text.replace("http://localhost:11434", other.url)


def made(text: str, environ: dict[str, str] | None = None, **arguments: Any) -> Router:
    return Router.from_str(text, environ={**KEYS, **(environ or {})}, **arguments)


def local(server: FaultServer, model: str = "qwen2.5-coder:7b") -> dict[str, str]:
    """The environment's own server."""
    return {"CODEBUFF_BASE_URL": f"{server.url}/v1", "CODEBUFF_PROVIDER_MODEL": model}


def sent(server: FaultServer) -> list[tuple[str, str, str]]:
    return [(seen.path, seen.json["model"], seen.headers["authorization"]) for seen in server.requests]


def test_every_row_is_shown() -> None:
    shows.check()


# -- The order


@shows("CODEBUFF_API_KEY", "model", "id")
def test_without_anything_it_is_the_backend(text: str, server: FaultServer, other: FaultServer) -> None:
    with made(text) as router:
        for agent in ("orchestrator", "reviewer", "thinker"):
            router.complete("Hi.", agent=agent)
    path, key = "/api/v1/chat/completions", "Bearer key-of-codebuff"
    names = ("anthropic/claude-opus-4.7", "anthropic/claude-sonnet-4.6", "google/gemini-3-flash-preview")
    assert sent(server) == [(path, name, key) for name in names]
    assert server.requests[0].json["reasoning_effort"] == "high"
    assert other.requests == []


@shows("agent > client > environment > backend", "CODEBUFF_BASE_URL", "CODEBUFF_PROVIDER_API_KEY")
@shows("the key goes with the URL that wins", "providerOptions.baseUrl")
def test_each_layer_beats_the_next_and_takes_its_own_key(text: str, server: FaultServer, other: FaultServer) -> None:
    key = {"CODEBUFF_PROVIDER_API_KEY": "key-of-the-environment"}
    with FaultServer(good_answer("openai-chat")) as env, FaultServer(good_answer("openai-chat")) as client:
        with made(text, {**local(env, "of-the-environment"), **key}) as router:
            router.complete("Hi.", agent="thinker")
            router.complete("Hi.", agent="file-picker")
        arguments = {"base_url": f"{client.url}/v1", "api_key": "key-of-the-client", "model": "of-the-client"}
        with made(text, {**local(env), **key}, **arguments) as router:
            router.complete("Hi.", agent="thinker")
            router.complete("Hi.", agent="file-picker")
        assert sent(env) == [("/v1/chat/completions", "of-the-environment", "Bearer key-of-the-environment")]
        assert sent(client) == [("/v1/chat/completions", "of-the-client", "Bearer key-of-the-client")]
    assert [(path, model) for path, model, _ in sent(other)] == [("/v1/chat/completions", "llama3.1:8b")] * 2
    assert not any("key-of" in seen.raw.decode() for seen in other.requests)
    assert server.requests == []


@shows("the environment's model replaces the cloud model only where its URL wins", "CODEBUFF_PROVIDER_MODEL")
def test_the_model_of_the_environment_counts_with_its_url_alone(
    text: str, server: FaultServer, other: FaultServer
) -> None:
    with FaultServer(good_answer("openai-chat")) as env:
        with made(text, {"CODEBUFF_PROVIDER_MODEL": "small"}) as router:
            router.complete("Hi.", agent="thinker")
        with made(text, local(env, "small")) as router:
            router.complete("Hi.", agent="thinker")
            router.complete("Hi.", agent="file-picker")
        with made(text, {"CODEBUFF_BASE_URL": f"{env.url}/v1"}) as router, pytest.raises(NoModelError, match="gemini"):
            router.complete("Hi.", agent="thinker")
        with made(text, local(env, "small"), base_url=f"{env.url}/client/v1") as router, pytest.raises(NoModelError):
            router.complete("Hi.", agent="thinker")
        assert [model for _, model, _ in sent(env)] == ["small"]
    assert [model for _, model, _ in sent(server)] == ["google/gemini-3-flash-preview"]
    assert [model for _, model, _ in sent(other)] == ["llama3.1:8b"]


@shows("read at every request")
def test_a_change_of_the_environment_holds_from_the_next_request(
    text: str, server: FaultServer, other: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with Router.from_str(text) as router:
        router.complete("Hi.", agent="thinker")
        for name, value in local(other, "small").items():
            monkeypatch.setenv(name, value)
        router.complete("Hi.", agent="thinker")
        del os.environ["CODEBUFF_BASE_URL"]
        router.complete("Hi.", agent="thinker")
    assert (len(server.requests), [model for _, model, _ in sent(other)]) == (2, ["small"])


@shows("no fallback")
def test_a_local_server_that_fails_leads_nowhere_else(text: str, server: FaultServer, other: FaultServer) -> None:
    other.default = answer(500)
    with made(text, local(other), max_retries=0) as router:
        for agent in ("file-picker", "thinker"):
            with pytest.raises(CallError) as caught:
                router.complete("Hi.", agent=agent)
            assert "none leaves this machine" in caught.value.hint
    assert server.requests == []


@shows("no key in the body, no metadata of Codebuff's")
def test_a_local_request_has_nothing_of_codebuff_in_it(text: str, other: FaultServer) -> None:
    with made(text) as router:
        router.complete("Hi.", agent="file-picker")
    (seen,) = other.requests
    assert seen.json == {"model": "llama3.1:8b", "messages": [{"role": "user", "content": "Hi."}]}
    assert not any(word in seen.raw.decode() for word in ("codebuff", "file-picker", "compact", "key-of"))


def test_a_key_without_a_url_goes_nowhere(text: str, server: FaultServer) -> None:
    with made(text, {"CODEBUFF_PROVIDER_API_KEY": "k"}) as router, pytest.raises(OrphanKeyError):
        router.complete("Hi.", agent="thinker")
    assert server.requests == []


@shows("CODEBUFF_BYOK_OPENROUTER")
def test_a_key_of_openrouter_s_goes_to_the_backend_alone(text: str, server: FaultServer, other: FaultServer) -> None:
    header = '{x-openrouter-api-key: "${CODEBUFF_BYOK_OPENROUTER}"}'
    with_header = text.replace("    aliases:\n", f"    headers: {header}\n    aliases:\n")
    with made(with_header, {"CODEBUFF_BYOK_OPENROUTER": "key-of-openrouter"}) as router:
        router.complete("Hi.", agent="thinker")
        router.complete("Hi.", agent="file-picker")
    with made(with_header, {"CODEBUFF_BYOK_OPENROUTER": "key-of-openrouter", **local(other)}) as router:
        router.complete("Hi.", agent="thinker")
    assert [seen.headers["x-openrouter-api-key"] for seen in server.requests] == ["key-of-openrouter"]
    assert not any("key-of-openrouter" in seen.raw.decode() for seen in other.requests)
    with Router.from_mapping({"version": 1, "defaults": {"model": "openrouter/x-ai/grok-4"}}) as router:
        target = router.resolve().target
    assert (target.model, target.credential.variable) == ("x-ai/grok-4", "OPENROUTER_API_KEY")


# -- Agent definitions


@shows("providerOptions.apiKey")
def test_the_key_of_an_agent_s_endpoint(text: str, server: FaultServer) -> None:
    with made(text.replace("https://gpu.example.org", server.url)) as router:
        router.complete("Hi.", agent="editor")
    assert sent(server) == [("/v1/chat/completions", "qwen3-coder", "Bearer key-of-the-editor")]


def test_a_key_in_the_file_is_an_error(text: str) -> None:
    spec = read_str(text.replace("${EDITOR_KEY}", "sk-0123456789abcdefghij")).spec
    assert spec is not None
    found = [row for row in check(spec) if row.severity == "error"]
    assert [row.rule for row in found] == ["inline-secret"]
    assert "0123456789" not in str(found)


@shows("providerOptions.order and the other routing of OpenRouter's")
def test_routing_of_openrouter_s_goes_to_the_backend_alone(text: str, server: FaultServer, other: FaultServer) -> None:
    order = "{provider: codebuff, extra_body: {provider: {order: [Google], allow_fallbacks: false}}}"
    with made(text.replace("thinker: {model: gemini-3-flash-preview}", f"thinker: {order}"), local(other)) as router:
        router.complete("Hi.", agent="thinker")
        router.complete("Hi.", agent="reviewer")
    assert server.requests[0].json["provider"] == {"order": ["Google"], "allow_fallbacks": False}
    assert "provider" not in other.requests[0].json


@shows("reasoningOptions.effort", "reasoningOptions.exclude")
def test_effort_and_thoughts(text: str, server: FaultServer) -> None:
    whole = good_stream("openai-chat", "Four.")
    chunk = {"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}}]}
    thought = f"data: {json.dumps(chunk)}\n\n"
    server.default = [*whole[:2], f"{len(thought.encode()):x}\r\n{thought}\r\n".encode(), *whole[2:]]
    with made(text) as router, router.stream("2 + 2?", agent="orchestrator") as events:
        found = list(events)
    assert server.requests[0].json["reasoning_effort"] == "high"
    assert [event.text for event in found if isinstance(event, ThinkingDelta)] == ["Hm."]
    assert [event.text for event in found if isinstance(event, TextDelta)] == ["Four."]


@shows("toolNames")
def test_tools_reach_the_local_server_too(text: str, other: FaultServer) -> None:
    other.default = good_answer("openai-chat", "", {"read_files": {}})
    with made(text) as router:
        reply = router.complete("Hi.", agent="file-picker", tools=[TOOL])
    assert [tool["function"]["name"] for tool in other.requests[0].json["tools"]] == ["read_files"]
    assert [call.name for call in reply.tool_calls] == ["read_files"]


def test_what_the_program_is_handed(text: str) -> None:
    with made(text) as router:
        assert dict(router.resolve(agent="file-picker").metadata) == {"compact_prompts": True}
        assert dict(router.resolve(agent="orchestrator").metadata) == {}


# -- The client


@shows("new CodebuffClient({ providerBaseUrl, providerApiKey })")
def test_the_client_s_own_server(text: str, server: FaultServer, other: FaultServer) -> None:
    with made(text, base_url=f"{other.url}/v1", api_key="k", model="m") as router:
        router.complete("Hi.", agent="thinker")
    assert (sent(other), server.requests) == ([("/v1/chat/completions", "m", "Bearer k")], [])


@shows("agentDefinitions")
def test_an_agent_that_nobody_knows(text: str, other: FaultServer) -> None:
    with made(text) as router, pytest.raises(UnknownAgentError, match="file-picker"):
        router.complete("Hi.", agent="file-pickr")
    wild = text.replace("  thinker:", '  "*":')
    with made(wild, local(other, "small")) as router:
        router.complete("Hi.", agent="anything-else")
    assert [model for _, model, _ in sent(other)] == ["small"]


@shows("signal")
def test_an_abort_closes_the_connection(text: str, other: FaultServer) -> None:
    from llmroute.testing import Hang

    other.default = [*good_stream("openai-chat", "On")[:3], Hang()]
    with made(text) as router, router.stream("Hi.", agent="file-picker") as events:
        assert next(events).type == "text_delta"
        events.close()
        assert other.requests[0].hung_up.wait(1)
        assert list(events) == []


@shows("stopSequences", "onCostCalculated", "promptAiSdkStream")
def test_a_stream_with_its_stop_and_its_cost(text: str, other: FaultServer) -> None:
    other.default = good_stream("openai-chat", "Fo", "ur.")
    with made(text) as router:
        with router.stream("2 + 2?", agent="file-picker", stop=["</end>"]) as events:
            assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Four."
        spent = router.usage().by_agent["file-picker"]
    assert other.requests[0].json["stop"] == ["</end>"]
    assert (spent.calls, spent.input_tokens, spent.output_tokens, spent.cost_usd) == (1, 7, 2, 0)


@shows("promptAiSdk", "promptAiSdkStructured")
def test_whole_answers_go_where_streams_go(text: str, server: FaultServer, other: FaultServer) -> None:
    other.default = good_answer("openai-chat", '{"files": ["a.py"]}')
    schema = {"type": "object", "properties": {"files": {"type": "array", "items": {"type": "string"}}}}
    with made(text, local(other, "small")) as router:
        for agent in ("file-picker", "thinker"):
            router.complete("Hi.", agent=agent)
            form = ResponseFormat("json_schema", schema=schema, name="files")
            reply = router.complete("Which files?", agent=agent, response_format=form)
            assert json.loads(reply.text) == {"files": ["a.py"]}
    assert [("response_format" in seen.json) for seen in other.requests] == [False, True] * 2
    assert server.requests == []


# -- Local servers


@shows("one retry for a local server")
@pytest.mark.parametrize("stream", [False, True])
def test_a_local_server_is_asked_again_once(text: str, other: FaultServer, *, stream: bool) -> None:
    other.default = answer(500, "", {"retry-after-ms": "1"})
    with made(text) as router, pytest.raises(CallError) as caught:
        list(router.stream("Hi.", agent="file-picker")) if stream else router.complete("Hi.", agent="file-picker")
    assert len(other.requests) == len(caught.value.attempts) == 2


def test_a_stall_while_a_model_loads_is_got_over(text: str, other: FaultServer) -> None:
    other.script(answer(503, "loading model", {"retry-after-ms": "1"}), good_answer("openai-chat", "Four."))
    with made(text) as router:
        assert router.complete("2 + 2?", agent="file-picker").text == "Four."


@shows("Cannot reach LLM provider at …")
def test_a_server_that_is_not_there(text: str, closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}/v1"
    environ = {"CODEBUFF_BASE_URL": url, "CODEBUFF_PROVIDER_MODEL": "llama3.1:8b"}
    with made(text, environ, max_retries=0) as router, pytest.raises(ConnectError) as caught:
        router.complete("My secret.", agent="thinker")
    said = str(caught.value)
    for words in (url, "ollama serve", "llmroute explain --agent thinker", "ollama pull llama3.1:8b"):
        assert words in said
    assert "My secret." not in said


@shows("Model … not found at …")
def test_a_model_that_is_not_there(text: str, other: FaultServer) -> None:
    other.default = answer(404, {"error": {"message": 'model "llama3.1:8b" not found, try pulling it first'}})
    with made(text) as router, pytest.raises(ModelNotFoundError) as caught:
        router.complete("Hi.", agent="file-picker")
    assert f"{other.url}/v1 has no model 'llama3.1:8b'" in str(caught.value)
    assert "ollama pull llama3.1:8b" in str(caught.value)
    assert len(other.requests) == 1


@shows("a URL that ends in slashes", "Authorization: Bearer unused")
def test_slashes_at_the_end_and_a_placeholder_for_the_key(text: str, other: FaultServer) -> None:
    with made(text, {**local(other), "CODEBUFF_BASE_URL": f"{other.url}/v1///"}) as router:
        router.complete("Hi.", agent="thinker")
    ((path, _, key),) = sent(other)
    assert path == "/v1/chat/completions"
    assert key.startswith("Bearer ")
    assert key not in {"Bearer ", "Bearer key-of-codebuff"}


@shows("a server that is not there")
def test_nothing_is_looked_for_at_the_start(text: str, server: FaultServer, other: FaultServer) -> None:
    with made(text, local(other)) as router:
        router.resolve(agent="thinker")
        router.explain(agent="file-picker")
    assert server.connections == other.connections == 0


def test_a_connection_that_breaks_is_not_tried_where_it_may_have_been_executed(text: str, other: FaultServer) -> None:
    other.default = [Reset()]
    with made(text) as router, pytest.raises(CallError) as caught:
        router.complete("Hi.", agent="file-picker")
    assert (caught.value.kind, len(other.requests)) == ("ambiguous", 1)


# -- What a model can do is tested in test_codebuff_local.py; that the example is refused before anything is sent, here


def test_a_heavy_agent_is_not_sent_to_an_unknown_model(
    text: str, other: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    with made(text, local(other, "tiny")) as router:
        with pytest.raises(ConstraintViolatedError, match="tools"):
            router.complete("Hi.", agent="orchestrator")
        assert other.requests == []
        with caplog.at_level(logging.WARNING, "llmroute"):
            router.complete("Hi.", agent="reviewer")
    assert "tools" in caplog.text
    seen: Seen = other.requests[0]
    assert seen.json["model"] == "tiny"
