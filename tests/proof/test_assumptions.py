"""What a proof takes for granted, said of each target that can be reached."""

from __future__ import annotations

from typing import Any

import pytest

from llmroute.load import from_str
from llmroute.proof.findings.assumptions import Assumption, assumptions
from llmroute.proof.findings.processors import processors
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query, Target


def taken(text: str) -> list[Assumption]:
    spec = from_str(f"version: 1\n{text}", "routing.yaml")
    return assumptions(spec, resolve(spec, Query(), {}).route.targets)


def texts(text: str) -> list[tuple[str, str]]:
    return [(item.text, item.checked) for item in taken(text)]


OLLAMA = "no model of the Ollama at http://localhost:11434 is forwarded to its cloud under a name without -cloud"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("defaults: {provider: mock, model: m}", []),
        ("defaults: {provider: openai, model: gpt-4o}", []),
        (
            "defaults: {provider: bed, model: bedrock/m}\nproviders: {bed: {api: litellm}}",
            [("bedrock/m is where litellm takes it to be: no URL of the spec says where its prompts go", "never")],
        ),
        (
            "defaults: {provider: ollama, model: m}",
            [("the server at http://localhost:11434 does not forward what it is sent", "never"), (OLLAMA, "never")],
        ),
        ("defaults: {provider: ollama, model: gpt-oss:20b-cloud}", []),
        (
            "defaults: {base_url: 'http://127.0.0.1:8080/v1', model: m}",
            [("the server at http://127.0.0.1:8080 does not forward what it is sent", "never")],
        ),
        (
            "defaults: {base_url: 'http://gpu-box:8000/v1', model: m}",
            [
                ("the server at http://gpu-box:8000 does not forward what it is sent", "never"),
                ("the name gpu-box leads to this machine or into a private network", "when connecting"),
            ],
        ),
        (
            "defaults: {base_url: 'http://10.0.0.7:8000/v1', model: m}",
            [("the server at http://10.0.0.7:8000 does not forward what it is sent", "never")],
        ),
        (
            "providers: {t: {base_url: 'http://localhost:9', locality: remote, regions: [eu]}}\ndefaults: {model: t/m}",
            [("the provider t works in eu and nowhere else", "never")],
        ),
        (
            "defaults: {provider: openrouter, model: x/y}",
            [("any processor behind OpenRouter may have the prompts for x/y", "never")],
        ),
        (
            "defaults: {provider: openrouter, model: x/y, extra_body: {provider: {only: [deepinfra]}}}",
            [("OpenRouter passes the prompts for x/y on to deepinfra alone", "never")],
        ),
        (
            "providers: {box: {preset: ollama, base_url: 'http://127.0.0.1:9/v1'}}\ndefaults: {model: box/m}",
            [
                ("the server at http://127.0.0.1:9 does not forward what it is sent", "never"),
                (OLLAMA.replace("localhost:11434", "127.0.0.1:9"), "never"),
            ],
        ),
    ],
)
def test_each_target_has_its_own(text: str, expected: list[tuple[str, str]]) -> None:
    assert texts(text) == expected


def test_one_thing_is_said_once_with_every_target_that_needs_it() -> None:
    found = taken("defaults: {provider: ollama, model: a,\n  fallbacks: [ollama/b, ollama/b]}")
    assert [item.targets for item in found] == [("ollama/a", "ollama/b")] * 2
    assert found[0].to_json() == {
        "text": "the server at http://localhost:11434 does not forward what it is sent",
        "checked": "never",
        "targets": ["ollama/a", "ollama/b"],
        "origin": {"kind": "file", "path": "routing.yaml", "line": 2, "column": 22},
        "remedy": "write locality: remote where it does",
    }


def at(base_url: str, model: str = "m", **body: Any) -> Target:
    return Target(provider="a", api="openai-chat", base_url=base_url, model=model, locality="remote", extra_body=body)


ROUTER = "https://openrouter.ai/api/v1"
HUB = "https://router.huggingface.co/v1"


@pytest.mark.parametrize(
    ("target", "names"),
    [
        (at(ROUTER), ()),
        (at(ROUTER, provider={"order": ["a", "b"]}), ()),
        (at(ROUTER, provider={"order": ["a", "b"], "allow_fallbacks": True}), ()),
        (at(ROUTER, provider={"order": ["a", "b"], "allow_fallbacks": False}), ("a", "b")),
        (at(ROUTER, provider={"only": ["c"], "order": ["a"], "allow_fallbacks": False}), ("c",)),
        (at(ROUTER, provider={"only": "c"}), ()),
        (at(ROUTER, provider={"only": [1]}), ()),
        (at(ROUTER, provider={"ignore": ["a"], "allow_fallbacks": False}), ()),
        (at(ROUTER, provider=["a"]), ()),
        (at(ROUTER, "m:online", provider={"only": ["c"]}), ()),
        (at(ROUTER, provider={"only": ["c"]}, plugins=[{"id": "web"}]), ()),
        (at("https://openrouter.ai/other", provider={"only": ["c"]}), ("c",)),
        (at(HUB), ()),
        (at(HUB, "openai/gpt-oss-120b:cerebras"), ("cerebras",)),
        (at(HUB, "openai/gpt-oss-120b:fastest"), ()),
        (at(HUB, "openai/gpt-oss-120b:"), ()),
    ],
)
def test_whom_an_aggregator_passes_prompts_on_to(target: Target, names: tuple[str, ...]) -> None:
    found = processors(target)
    assert found is not None
    assert found.names == names


def test_a_vendor_is_no_aggregator() -> None:
    assert processors(at("https://api.openai.com/v1", provider={"only": ["a"]})) is None


def test_an_aggregator_says_how_its_processor_is_named() -> None:
    found = taken("defaults: {provider: huggingface, model: a/b}")
    assert found[0].remedy == "write the model as MODEL:PROCESSOR"
