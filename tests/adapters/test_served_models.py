"""Lists of models in the form of each server, and what they say of each model."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.adapters.base import Call
from llmroute.adapters.model_facts import facts_of, name_of, rows_of
from llmroute.adapters.model_lists import Model, list_models
from llmroute.adapters.questions import Questions
from llmroute.catalog.model_lists import LISTS
from llmroute.catalog.presets import PRESETS
from llmroute.errors import AuthenticationError, CallError, MalformedReplyError, ModelNotFoundError
from llmroute.testing import Hang, Reset, answer
from llmroute.wire.chat import ChatRequest
from tests.adapters.samples import ANTHROPIC, KEY, target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.testing import FaultServer
    from llmroute.testing.server import Seen
    from llmroute.testing.steps import Script


def serve(server: FaultServer, answers: Mapping[str, Any]) -> None:
    """Answer by path; what is not named is a 404."""

    def chosen(seen: Seen) -> Script:
        found = answers.get(seen.path, answer(404, "404 page not found"))
        found = found(seen) if callable(found) else found
        return answer(200, found) if isinstance(found, dict) else found

    server.default = chosen


def listed(
    server: FaultServer, preset: str | None = None, *, timeout_s: float = 5.0, **changes: Any
) -> tuple[Model, ...]:
    at = target(server.url, **{"model": "*", **changes})
    with Questions(Call(at, ChatRequest(()), KEY, timeout_s, time.monotonic() + timeout_s)) as questions:
        return list_models(questions, preset)


def names(models: tuple[Model, ...]) -> list[str]:
    return [model.name for model in models]


# -- OpenAI's form, and those near it


def test_models_below_the_base_url(server: FaultServer) -> None:
    serve(server, {"/v1/models": {"object": "list", "data": [{"id": "b"}, {"id": "a"}, {"id": "b"}]}})
    assert listed(server, "openai") == (Model("b", {}), Model("a", {}))
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_bare_list_and_names_with_a_prefix(server: FaultServer) -> None:
    rows = [{"id": "models/gemini-x"}, {"id": "a\x1b[2J"}, {"id": 7}, "text", {"id": ""}, {"id": "a b"}]
    serve(server, {"/v1/models": answer(200, rows)})
    assert names(listed(server, "together")) == ["gemini-x"]


@pytest.mark.parametrize(
    ("script", "error", "shown"),
    [
        (answer(404, ""), ModelNotFoundError, "offers no list of models"),
        (answer(200, {"hello": 1}), MalformedReplyError, "no list of models"),
        (answer(200, {"data": "x"}), MalformedReplyError, "no list of models"),
        (answer(200, ""), MalformedReplyError, "no list of models"),
        (answer(401, ""), AuthenticationError, "401"),
    ],
)
def test_what_is_no_list(server: FaultServer, script: Any, error: type[CallError], shown: str) -> None:
    server.default = script
    with pytest.raises(error, match=shown):
        listed(server, "openai")


@pytest.mark.parametrize("preset", sorted(LISTS))
def test_vendors_that_keep_their_list_elsewhere(server: FaultServer, preset: str) -> None:
    place = LISTS[preset]
    assert PRESETS[preset].base_url.endswith(place.instead_of)
    base_url = server.url + place.instead_of
    serve(server, {place.path: {"models": [{"name": "one"}]}})
    assert names(listed(server, preset, base_url=base_url)) == ["one"]
    serve(server, {f"{place.instead_of}/models": {"data": [{"id": "two"}]}})
    assert names(listed(server, preset, base_url=base_url)) == ["two"]
    serve(server, {"/relay/models": {"data": [{"id": "three"}]}})
    assert names(listed(server, preset, base_url=f"{server.url}/relay")) == ["three"]


def test_a_refused_key_is_not_tried_elsewhere(server: FaultServer) -> None:
    server.default = answer(401, "")
    with pytest.raises(AuthenticationError):
        listed(server, "lmstudio")
    assert len(server.requests) == 1


# -- Anthropic's form


def test_pages_are_read_to_the_end(server: FaultServer) -> None:
    first = {"data": [{"id": "a", "type": "model"}], "has_more": True, "last_id": "a/1"}
    serve(
        server,
        {
            "/v1/models?limit=1000": first,
            "/v1/models?limit=1000&after_id=a%2F1": {"data": [{"id": "b"}], "has_more": False, "last_id": "b"},
        },
    )
    assert names(listed(server, "anthropic", api=ANTHROPIC, auth="bearer")) == ["a", "b"]
    assert server.requests[0].headers["anthropic-version"]


def test_pages_that_never_end(server: FaultServer) -> None:
    server.default = answer(200, {"data": [{"id": "a"}], "has_more": True, "last_id": "a"})
    assert names(listed(server, "anthropic", api=ANTHROPIC)) == ["a"]
    assert len(server.requests) == 50


# -- Ollama, and servers that nobody named


TAGS = {"models": [{"name": "llama3.1:8b", "model": "llama3.1:8b", "size": 1}, {"name": "nomic-embed-text:latest"}]}
SHOWN = {
    "llama3.1:8b": {
        "capabilities": ["completion", "tools"],
        "model_info": {"general.architecture": "llama", "llama.context_length": 131072, "llama.block_count": 32},
    },
    "nomic-embed-text:latest": {"capabilities": ["embedding"], "model_info": {"general.architecture": "nomic-bert"}},
}


def shows(seen: Seen) -> Any:
    return answer(200, SHOWN[seen.json["model"]])


OLLAMA = {"/api/tags": TAGS, "/api/show": shows}
LLAMA = {"context_window": 131072, "tools": True, "vision": False, "thinking": False}


@pytest.mark.parametrize(
    ("preset", "changes"),
    [
        ("ollama", {}),
        (None, {"api": "ollama-chat", "base_url": ""}),
        (None, {"provider": None}),
    ],
)
def test_an_ollama_is_asked_what_each_model_can_do(server: FaultServer, preset: str | None, changes: Any) -> None:
    serve(server, OLLAMA)
    changes = {**changes, **({"base_url": server.url} if "base_url" in changes else {})}
    first, second = listed(server, preset, **changes)
    assert first == Model("llama3.1:8b", LLAMA)
    assert second.name == "nomic-embed-text:latest"
    assert second.facts["chat"] is False
    assert [seen.method for seen in server.requests] == ["GET", "POST", "POST"]


def test_an_ollama_that_does_not_tell_is_listed_all_the_same(server: FaultServer) -> None:
    serve(server, {"/api/tags": TAGS, "/api/show": lambda _: answer(500, "")})
    assert listed(server, "ollama") == (Model("llama3.1:8b", {}), Model("nomic-embed-text:latest", {}))
    serve(server, {"/api/tags": TAGS, "/api/show": lambda _: answer(200, [])})
    assert names(listed(server, "ollama")) == ["llama3.1:8b", "nomic-embed-text:latest"]


@pytest.mark.parametrize("step", [Hang(), Reset()])
def test_the_time_for_asking_is_limited(server: FaultServer, step: Any) -> None:
    serve(server, {"/api/tags": TAGS, "/api/show": lambda _: [step]})
    began = time.monotonic()
    assert [model.facts for model in listed(server, "ollama", timeout_s=0.4)] == [{}, {}]
    assert time.monotonic() - began < 2


META = {"vocab_type": 2, "n_vocab": 32000, "n_ctx_train": 4096, "n_embd": 768}
LLAMA_CPP = {
    "models": [{"name": "m.gguf", "capabilities": ["completion"]}],
    "object": "list",
    "data": [{"id": "m.gguf", "object": "model", "owned_by": "llamacpp", "meta": META}],
}


@pytest.mark.parametrize("path", ["/api/tags", "/v1/models"])
def test_a_llama_cpp_tells_its_context_and_nothing_of_tools(server: FaultServer, path: str) -> None:
    serve(server, {path: LLAMA_CPP})
    assert listed(server, provider=None) == (Model("m.gguf", {"context_window": 4096}),)
    serve(server, {"/v1/models": LLAMA_CPP})
    assert listed(server, "llamacpp") == (Model("m.gguf", {"context_window": 4096}),)


def test_a_server_on_the_internet_is_not_taken_for_an_ollama(server: FaultServer) -> None:
    serve(server, {"/v1/models": {"data": [{"id": "a"}]}})
    listed(server, provider=None, locality="remote")
    listed(server)
    assert [seen.path for seen in server.requests] == ["/v1/models", "/v1/models"]


def test_the_mock_is_asked_nothing(server: FaultServer) -> None:
    assert listed(server, "mock", api="mock") == ()
    assert server.requests == []


# -- What is said of a model


@pytest.mark.parametrize(
    ("row", "facts"),
    [
        (
            {  # Anthropic
                "max_input_tokens": 200_000,
                "max_tokens": 64_000,
                "capabilities": {
                    "image_input": {"supported": True},
                    "structured_outputs": {"supported": False},
                    "thinking": {"supported": True, "types": {}},
                },
            },
            {
                "context_window": 200_000,
                "max_output": 64_000,
                "vision": True,
                "json_schema": False,
                "thinking": True,
            },
        ),
        (
            {  # OpenRouter
                "context_length": 128_000,
                "architecture": {"input_modalities": ["text", "image"]},
                "top_provider": {"max_completion_tokens": 16_384},
                "supported_parameters": ["tools", "structured_outputs", "temperature"],
            },
            {
                "context_window": 128_000,
                "max_output": 16_384,
                "tools": True,
                "vision": True,
                "json_schema": True,
                "thinking": False,
            },
        ),
        (
            {  # Mistral
                "max_context_length": 32_768,
                "capabilities": {"completion_chat": False, "function_calling": True, "vision": False},
            },
            {"context_window": 32_768, "tools": True, "vision": False, "chat": False},
        ),
        ({"context_window": 131_072, "max_completion_tokens": 8192}, {"context_window": 131_072, "max_output": 8192}),
        (
            {  # GitHub
                "capabilities": ["streaming", "tool-calling"],
                "limits": {"max_input_tokens": 1_048_576, "max_output_tokens": 32_768},
                "supported_input_modalities": ["text"],
            },
            {
                "context_window": 1_048_576,
                "max_output": 32_768,
                "tools": True,
                "vision": False,
                "thinking": False,
            },
        ),
        ({"max_model_len": 4096}, {"context_window": 4096}),  # vLLM
        (
            {  # LM Studio
                "type": "llm",
                "max_context_length": 131_072,
                "capabilities": {"vision": False, "trained_for_tool_use": True, "reasoning": {"default": "on"}},
            },
            {"context_window": 131_072, "tools": True, "vision": False, "thinking": True},
        ),
        ({"type": "embedding", "max_context_length": 8192}, {"context_window": 8192, "chat": False}),
        ({"max_tokens": 7, "context_window": -1, "context_length": True, "max_model_len": "9"}, {}),
        ({"capabilities": None, "meta": None, "limits": [1], "type": "model"}, {}),
    ],
)
def test_the_words_of_each_server(row: dict[str, Any], facts: dict[str, Any]) -> None:
    assert facts_of(row) == facts


FIELDS = st.sampled_from(
    ["id", "name", "data", "models", "capabilities", "meta", "type", "limits", "vision", "supported_parameters"]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_whatever_a_server_sends_it_is_a_list_or_none(value: Any) -> None:
    rows = rows_of(value)
    for row in rows or []:
        name, facts = name_of(row), facts_of(row)
        assert name is None or name.isprintable()
        assert set(facts) <= {"context_window", "max_output", "tools", "vision", "json_schema", "thinking", "chat"}
