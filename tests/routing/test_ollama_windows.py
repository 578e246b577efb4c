"""Context windows that Ollama is not told of."""

from __future__ import annotations

import pytest

from llmroute.routing.check_ollama import of_servers
from llmroute.routing.checks import check
from llmroute.routing.route import EMPTY
from tests.routing.asking import spec_of

BOX = "defaults: {provider: box, model: x}\nproviders: {box: {%s}}"
RULE = "context-not-set"
OLLAMA = "defaults: {provider: ollama, model: x}\nproviders: {ollama: {%s}}"
WINDOW = "/providers/ollama/capabilities/context_window"
BIG = "capabilities: {context_window: 32768}"
NUM_CTX = "extra_body: {options: {num_ctx: %d}}"
NATIVE = "api: ollama-chat"


def found(text: str, environ: dict[str, str] | None = None) -> list[tuple[str, str]]:
    said = check(spec_of(text), environ=environ or EMPTY)
    assert {(item.rule, item.code, item.severity) for item in said} <= {(RULE, "LR321", "warning")}
    return [(item.pointer, item.message) for item in said]


@pytest.mark.parametrize(
    ("text", "pointer", "message"),
    [
        (
            OLLAMA % BIG,
            WINDOW,
            "Ollama's /v1 can't be told of this window: a prompt of more than 4096 tokens is cut there",
        ),
        (OLLAMA % f"{BIG}, api: openai-chat", WINDOW, "Ollama's /v1 can't be told"),
        (OLLAMA % f"{BIG}, {NATIVE}", WINDOW, "no num_ctx is given: a prompt of more than 4096 tokens is cut"),
        (OLLAMA % f"{BIG}, {NATIVE}, {NUM_CTX % 8192}", WINDOW, "num_ctx is 8192: a longer prompt is cut"),
        (OLLAMA % (NUM_CTX % 8192), "/providers/ollama/extra_body/options/num_ctx", "Ollama's /v1 takes no num_ctx"),
        (OLLAMA % f"{BIG}, {NUM_CTX % 8192}", "/providers/ollama/extra_body/options/num_ctx", "Ollama's /v1 takes"),
        (
            BOX % f"preset: ollama, {BIG}",
            "/providers/box/capabilities/context_window",
            "Ollama's /v1 can't be told",
        ),
        (
            BOX % f"base_url: 'http://gpu:11434/v1', {BIG}",
            "/providers/box/capabilities/context_window",
            "Ollama's /v1 can't be told",
        ),
        (
            "defaults: {model: ollama/x, %s}" % (NUM_CTX % 8192),
            "/defaults/extra_body/options/num_ctx",
            "Ollama's /v1 takes no num_ctx",
        ),
        (
            "defaults: {provider: ollama, model: x, %s}" % (NUM_CTX % 8192),
            "/defaults/extra_body/options/num_ctx",
            "Ollama's /v1 takes no num_ctx",
        ),
        (
            "defaults: {model: ollama/x, fallbacks: [{base_url: 'http://localhost:11434/v1', model: y, %s}]}"
            % (NUM_CTX % 8192),
            "/defaults/fallbacks/0/extra_body/options/num_ctx",
            "Ollama's /v1 takes no num_ctx",
        ),
    ],
)
def test_a_window_that_is_not_set(text: str, pointer: str, message: str) -> None:
    ((place, said),) = found(text)
    assert place == pointer
    assert said.startswith(message)


@pytest.mark.parametrize(
    "text",
    [
        OLLAMA % "",
        OLLAMA % "capabilities: {tools: true}",
        OLLAMA % "capabilities: {context_window: 4096}",
        OLLAMA % "extra_body: {options: {seed: 1}}",
        OLLAMA % "extra_body: {options: [1]}",
        OLLAMA % f"{BIG}, {NATIVE}, {NUM_CTX % 32768}",
        OLLAMA % f"{NATIVE}, {NUM_CTX % 32768}",
        OLLAMA % f"{BIG}, {NATIVE}" + "\nagents: {a: {provider: ollama, model: y, %s}}" % (NUM_CTX % 32768),
        OLLAMA % BIG.replace("32768", "2048"),
        BOX % f"base_url: 'http://gpu:8000/v1', {BIG}, {NUM_CTX % 8192}",
        BOX % f"base_url: 'http://${{HOST}}:11434/v1', {BIG}",
        "defaults: {provider: openai, model: x, %s}" % (NUM_CTX % 8192),
        BOX % f"preset: lmstudio, {BIG}",
    ],
)
def test_nothing_to_say(text: str) -> None:
    assert found(text) == []


def test_a_url_that_is_none_is_another_rule() -> None:
    text = BOX % f"base_url: 'gpu:11434', {BIG}"
    assert {item.rule for item in check(spec_of(text))} == {"bad-url"}


@pytest.mark.parametrize(
    ("given", "count"), [("32768", 0), (" 65536 ", 0), ("8192", 1), ("", 1), ("many", 1), ("٣٢٧٦٨", 1)]
)
@pytest.mark.parametrize("api", ["api: openai-chat", NATIVE])
def test_what_the_server_was_started_with(given: str, count: int, api: str) -> None:
    said = found(OLLAMA % f"{BIG}, {api}", {"OLLAMA_CONTEXT_LENGTH": given})
    assert len(said) == count
    assert given != "8192" or "more than 8192 tokens" in said[0][1]


def test_the_way_out() -> None:
    (only,) = check(spec_of(OLLAMA % BIG))
    assert only.hint == (
        "write `api: ollama-chat` and `extra_body: {options: {num_ctx: 32768}}`, "
        "or set OLLAMA_CONTEXT_LENGTH for both sides"
    )
    (only,) = check(spec_of(OLLAMA % (NUM_CTX % 8192)))
    assert only.hint == "write `api: ollama-chat` beside it"


def test_a_spec_by_itself_is_judged_by_what_servers_were_started_with() -> None:
    assert of_servers({"LLMROUTE_PROVIDER": "x"}) == {}
    assert found(OLLAMA % BIG, of_servers({"OLLAMA_CONTEXT_LENGTH": "32768", "LLMROUTE_SEED": "no number"})) == []
