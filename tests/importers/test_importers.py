"""Configurations as their systems document them become specs that say the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmroute.importers import SYSTEMS, ImportProblem, imported
from llmroute.importers.document import read_env, read_json, read_toml, read_yaml
from llmroute.load import read_str
from llmroute.routing.checks import check
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query

if TYPE_CHECKING:
    from llmroute.routing.route import Target
    from llmroute.routing.spec import RoutingSpec

DATA = Path(__file__).parent / "data"
FILES = {file.name: file.read_text(encoding="utf-8") for file in sorted(DATA.iterdir())}
SECRETS = ("your_api_key_here", "0123456789abcdef", "lm-studio", "ollama-key-that-is-a-secret")


def spec_of(text: str) -> RoutingSpec:
    """A spec that holds no error."""
    loaded = read_str(text)
    assert loaded.spec is not None, loaded.diagnostics
    found = [*loaded.diagnostics, *check(loaded.spec)]
    assert [row.message for row in found if row.severity == "error"] == []
    return loaded.spec


def of_file(name: str) -> RoutingSpec:
    return spec_of(imported(name.partition(".")[0], FILES[name], name).text)


def target(spec: RoutingSpec, environ: dict[str, str] | None = None, **query: str) -> Target:
    return resolve(spec, Query(**query), environ or {}).target  # type: ignore[arg-type]


def left(system: str, text: str) -> list[str]:
    """What was left out, without the file's name."""
    return [row.partition(":")[2] for row in imported(system, text, "f").left_out]


def refused(system: str, text: str) -> tuple[str, int]:
    with pytest.raises(ImportProblem) as caught:
        imported(system, text, "f")
    return caught.value.message, caught.value.line


def test_every_system_has_a_file_as_it_is_documented() -> None:
    assert {name.partition(".")[0] for name in FILES} == set(SYSTEMS)


@pytest.mark.parametrize("name", FILES)
def test_no_key_is_copied(name: str) -> None:
    found = imported(name.partition(".")[0], FILES[name], name)
    assert not any(secret in f"{found}" for secret in SECRETS)


@pytest.mark.parametrize("name", FILES)
def test_what_comes_out_is_read_and_says_where_it_came_from(name: str) -> None:
    system = name.partition(".")[0]
    text = imported(system, FILES[name], name).text
    assert text.startswith(f"# Written by `llmroute import {system}` from {name}.\n")
    assert text.endswith("\n")
    spec_of(text)


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_empty_file_is_what_the_system_does_without_one(system: str) -> None:
    spec_of(imported(system, "{}" if system in {"hive", "codebuff"} else "", "f").text)


# -- CodeFrame


@pytest.mark.parametrize(
    ("purpose", "model"),
    [
        ("planning", "gpt-4o"),
        ("execution", "qwen2.5-coder:7b"),
        ("generation", "qwen2.5-coder:1.5b"),
        ("correction", "qwen2.5-coder:7b"),
    ],
)
def test_codeframe(purpose: str, model: str) -> None:
    spec = of_file("codeframe.yaml")
    found = target(spec, purpose=purpose)
    assert (found.base_url, found.model, found.credential.status) == ("http://localhost:11434/v1", model, "none")
    moved = target(spec, {"CODEFRAME_LLM_MODEL": "m"}, purpose="correction")
    assert moved.model == "m"


def test_codeframe_without_a_block_is_what_the_example_says() -> None:
    from tests.systems.rows import ROOT

    example = read_str((ROOT / "examples/codeframe/routing.yaml").read_text(encoding="utf-8")).spec
    assert example is not None
    made = spec_of(imported("codeframe", "package_manager: uv\n", "config.yaml").text)
    for purpose in (*example.purposes, None):
        for environ in ({}, {"CODEFRAME_LLM_PROVIDER": "openai"}, {"CODEFRAME_LLM_PROVIDER": "mock"}):
            mine, theirs = (resolve(spec, Query(None, purpose), environ).target for spec in (made, example))
            assert (mine.name, mine.base_url, mine.params) == (theirs.name, theirs.base_url, theirs.params)
    assert made.env.names == example.env.names


@pytest.mark.parametrize("provider", ["anthropic", "openai", "ollama", "vllm", "compatible", "mock"])
def test_codeframe_s_provider_types(provider: str) -> None:
    text = (
        f"llm: {{provider: {provider}, model: qwen/m, base_url: 'http://localhost:1/v1', api_key: sk-a-canary-0123}}\n"
    )
    found = imported("codeframe", text, "f")
    assert "canary" not in found.text
    here = target(spec_of(found.text), {"CODEFRAME_LLM_API_KEY": "k"}, purpose="planning")
    assert here.model == "qwen/m"
    assert here.base_url == ("mock://mock" if provider == "mock" else "http://localhost:1/v1")


def test_what_codeframe_s_block_can_t_say() -> None:
    assert left("codeframe", "llm:\n  timeout: 5\n") == ["2 llm.timeout: no setting that is known of it"]
    assert left("codeframe", "llm:\n  provider: mock\n  base_url: http://a/v1\n  api_key: k") == [
        "3 llm.base_url: the mock has no server",
        "4 llm.api_key: mock takes no key",
    ]
    (clear,) = left("codeframe", "llm:\n  provider: vllm\n  base_url: http://gpu.lan/v1\n  api_key: k")
    assert clear.startswith("4 llm.api_key: a key would travel in the clear")


def test_a_variable_in_a_file_that_codeframe_does_not_fill_in_is_a_text() -> None:
    text = "llm:\n  provider: openai\n  model: a$b\n  base_url: https://a.example/$b/v1\n  api_key: ${OPENAI_API_KEY}\n"
    found = imported("codeframe", text, "f").text
    assert "${CODEFRAME_LLM_API_KEY}" in found
    here = target(spec_of(found), {"CODEFRAME_LLM_API_KEY": "k"})
    assert (here.model, here.base_url) == ("a$b", "https://a.example/$b/v1")
    assert refused("codeframe", "llm:\n  base_url: 'https://a.example/${ANTHROPIC_API_KEY}'\n")[1] == 2


# -- Flux


def test_flux() -> None:
    spec = of_file("flux.env")
    found = target(spec)
    assert found.name == "anthropic/claude-3-5-sonnet-20241022"
    assert (found.params["max_tokens"], found.params["temperature"]) == (4096, 0)
    assert found.credential.variable == "ANTHROPIC_API_KEY"
    environ = {"FLUX_PROVIDER": "openai", "FLUX_MAX_TOKENS": "9", "FLUX_TEMPERATURE": "1"}
    moved = target(spec, environ)
    assert (moved.name, moved.params["max_tokens"], moved.params["temperature"]) == ("openai/gpt-4o", 9, 1)


def test_flux_with_openai_and_no_model() -> None:
    text = imported("flux", "FLUX_PROVIDER=openai\nOPENAI_API_KEY=sk-canary-0123456789\n", ".env").text
    assert target(spec_of(text)).name == "openai/gpt-4o"
    assert "canary" not in text
    assert "sends OpenAI the name of a Claude model" in text


def test_what_flux_can_t_say() -> None:
    assert left("flux", "FLUX_TEMPERATURE=hot\nFLUX_MAX_TOKENS=0\nCHROMA_PERSIST_DIR=x\nA=b") == [
        "2 FLUX_MAX_TOKENS: max_tokens is a number from 1 to 1,000,000,000 here",
        "1 FLUX_TEMPERATURE: temperature is a number from 0 to 2 here",
        "3 CHROMA_PERSIST_DIR: it is not about models",
        "4 A: it is not about models",
    ]


# -- Codebuff


def test_codebuff_s_environment_file() -> None:
    spec = of_file("codebuff.env")
    found = target(spec, agent="any-agent")
    assert (found.base_url, found.model) == ("http://localhost:1234/v1", "openai/gpt-oss-20b")
    assert found.credential.status == "none"
    moved = target(spec, {"CODEBUFF_BASE_URL": "http://localhost:9/v1", "CODEBUFF_PROVIDER_MODEL": "m"}, agent="a")
    assert (moved.base_url, moved.model) == ("http://localhost:9/v1", "m")
    assert left("codebuff", FILES["codebuff.env"]) == ["6 CODEBUFF_RG_PATH: it is not about where models are"]


def test_codebuff_s_agents() -> None:
    spec = of_file("codebuff.json")
    far, near, other = (target(spec, agent=name) for name in ("orchestrator", "my-local-file-picker", "reviewer"))
    assert (far.base_url, far.model) == ("https://www.codebuff.com/api/v1", "anthropic/claude-opus-4.7")
    assert far.params["reasoning_effort"] == "high"
    assert (near.base_url, near.model, near.params["max_retries"]) == ("http://localhost:11434/v1", "llama3.1:8b", 1)
    assert other.model == "anthropic/claude-sonnet-4.6"
    environ = {"CODEBUFF_BASE_URL": "http://localhost:9/v1", "CODEBUFF_PROVIDER_MODEL": "m"}
    assert [target(spec, environ, agent=name).model for name in ("orchestrator", "my-local-file-picker")] == [
        "m",
        "llama3.1:8b",
    ]
    assert target(spec, {"CODEBUFF_PROVIDER_MODEL": "m"}, agent="reviewer").model == "anthropic/claude-sonnet-4.6"


def test_one_agent_and_the_options_of_a_client() -> None:
    one = spec_of(imported("codebuff", '{"id": "a", "model": "openai/gpt-5", "displayName": "A"}', "f").text)
    assert target(one, agent="a").model == "openai/gpt-5"
    client = '{"apiKey": "k", "providerBaseUrl": "https://x.example/v1", "providerApiKey": "k", "agentDefinitions": []}'
    spec = spec_of(imported("codebuff", client, "f").text)
    assert target(spec, {"CODEBUFF_PROVIDER_MODEL": "m"}, agent="b").base_url == "https://x.example/v1"


def test_models_of_the_same_name_from_two_vendors() -> None:
    text = '[{"id": "a", "model": "x/m"}, {"id": "b", "model": "y/m"}, {"id": "c", "model": "x/m"}, {"id": "d"}]'
    spec = spec_of(imported("codebuff", text, "f").text)
    assert [target(spec, agent=name).model for name in "abc"] == ["x/m", "y/m", "x/m"]


def test_a_model_that_begins_with_a_vendor_s_name_at_a_server_of_its_own() -> None:
    options = '{"baseUrl": "http://localhost:1/v1", "apiKey": "k"}'
    agent = f'{{"id": "0.a", "model": "openai/gpt-oss-20b", "providerOptions": {options}}}'
    spec = spec_of(imported("codebuff", agent, "f").text)
    found = target(spec, agent="0.a")
    assert (found.base_url, found.model) == ("http://localhost:1/v1", "openai/gpt-oss-20b")


def test_what_codebuff_s_agents_can_t_say() -> None:
    text = """[
 {"id": "a",
  "model": "m",
  "reasoningOptions": {"effort": "mad", "max_tokens": 5, "exclude": true, "enabled": true, "more": 1},
  "providerOptions": {"order": [], "apiKey": "k"}}
]"""
    assert [row[:45] for row in left("codebuff", text)] == [
        "5 agents.0.providerOptions.apiKey: a key with",
        "5 agents.0.providerOptions.order: it is routi",
        "4 agents.0.reasoningOptions.effort: an effort",
        "4 agents.0.reasoningOptions.max_tokens: the p",
        "4 agents.0.reasoningOptions.exclude: the prog",
        "4 agents.0.reasoningOptions.more: no setting ",
    ]
    assert [row[:30] for row in left("codebuff", "CODEBUFF_PROVIDER_API_KEY=k\nCODEBUFF_BYOK_OPENROUTER=k")] == [
        "1 CODEBUFF_PROVIDER_API_KEY: a",
        "2 CODEBUFF_BYOK_OPENROUTER: wr",
    ]


# -- Hive


def test_hive() -> None:
    spec = of_file("hive.json")
    queen, worker, vision = (target(spec, agent=name) for name in ("queen", "worker", "vision"))
    assert (queen.name, queen.params["max_tokens"]) == ("anthropic/claude-sonnet-4-5-20250929", 8192)
    assert (worker.name, worker.params["max_tokens"]) == ("openrouter/x-ai/grok-4.20-beta", 4096)
    assert (vision.base_url, vision.api, vision.model) == ("https://api.adenhq.com", "anthropic-messages", "queen")
    assert [one.credential.variable for one in (queen, worker, vision)] == [
        "ANTHROPIC_API_KEY",
        "OPENROUTER_API_KEY",
        "HIVE_API_KEY",
    ]


def test_hive_with_an_ollama_asks_for_its_window() -> None:
    spec = spec_of(imported("hive", '{"llm": {"provider": "ollama", "model": "llama3.1"}}', "f").text)
    found = target(spec, agent="worker")
    assert (found.api, found.name, dict(found.extra_body)) == (
        "ollama-chat",
        "ollama/llama3.1",
        {"options": {"num_ctx": 16384}},
    )


def test_hive_with_one_vendor_at_two_urls_and_with_two_keys() -> None:
    text = """{
 "llm": {"provider": "openai", "model": "a", "api_key_env_var": "ONE"},
 "worker_llm": {"provider": "openai", "model": "b", "api_base": "https://x.example/v1", "api_key_env_var": "TWO"},
 "vision_fallback": {"provider": "openai", "model": "c", "max_context_tokens": 9, "api_key_env_var": "ONE"}
}"""
    spec = spec_of(imported("hive", text, "f").text)
    found = [target(spec, agent=name) for name in ("queen", "worker", "vision")]
    assert [(one.name, one.base_url, one.credential.variable) for one in found] == [
        ("openai/a", "https://api.openai.com/v1", "ONE"),
        ("openai-2/b", "https://x.example/v1", "TWO"),
        ("openai/c", "https://api.openai.com/v1", "ONE"),
    ]
    assert left("hive", text) == [
        "4 vision_fallback.max_context_tokens: it holds for a provider; that of openai is written already"
    ]


def test_hive_with_one_provider_for_both() -> None:
    one = '{"provider": "groq", "model": "m"}'
    spec = spec_of(imported("hive", f'{{"llm": {one}, "worker_llm": {one}}}', "f").text)
    assert [target(spec, agent=name).name for name in ("queen", "worker")] == ["groq/m", "groq/m"]
    assert list(spec.providers) == ["groq"]


def test_what_hive_s_configuration_can_t_say() -> None:
    text = """{"llm": {
 "provider": "bedrock",
 "model": "m",
 "use_codex_subscription": true,
 "api_keys": ["sk-canary-0123456789"]},
"worker_llm": {"provider": "google", "model": "gemini-3-pro", "api_keys": ["canary"], "num_ctx": 5},
"gcu_enabled": true}"""
    found = imported("hive", text, "f")
    assert "canary" not in f"{found}"
    assert left("hive", text) == [
        "4 llm.use_codex_subscription: the tokens of subscriptions are not read: use a key of the API",
        "2 llm.provider: no preset has that name: write its base_url under providers",
        "6 worker_llm.api_keys: of a pool of keys one is used, and none is copied",
        "6 worker_llm.num_ctx: only an Ollama is told of it",
        "7 gcu_enabled: it is not about models",
    ]
    spec = spec_of(found.text)
    assert target(spec, agent="queen").name == "anthropic/claude-sonnet-4-20250514"
    assert target(spec, agent="worker").name == "gemini/gemini-3-pro"


# -- Coda


def test_coda() -> None:
    spec = of_file("coda.toml")
    found = target(spec)
    assert (found.name, found.api, found.base_url) == ("ollama/llama3.2:3b", "ollama-chat", "http://localhost:11434")
    assert (found.params["temperature"], found.params["max_tokens"], found.params["timeout"]) == (0.7, 2000, 120)
    moved = target(spec, {"CODA_DEFAULT_PROVIDER": "litellm"})
    assert (moved.params["temperature"], moved.params["max_tokens"]) == (0.2, 2000)
    assert (moved.model, moved.base_url, moved.credential.variable) == (
        "gpt-4",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
    )
    assert [row.partition(":")[0] for row in left("coda", FILES["coda.toml"])] == [
        "22 session",
        "26 ui",
    ]


@pytest.mark.parametrize(
    ("model", "provider", "sent"),
    [
        ("gpt-4", "openai", "gpt-4"),
        ("claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
        ("groq/llama-3.3-70b", "groq", "llama-3.3-70b"),
        ("together_ai/meta/llama", "together", "meta/llama"),
    ],
)
def test_what_litellm_s_names_mean(model: str, provider: str, sent: str) -> None:
    text = f'default_provider = "litellm"\n[providers.litellm]\ndefault_model = "{model}"\n'
    found = target(spec_of(imported("coda", text, "f").text))
    assert found.model == sent
    preset = target(spec_of(f"version: 1\ndefaults: {{provider: {provider}, model: m}}\n"))
    assert found.base_url == preset.base_url


def test_coda_s_other_sections() -> None:
    text = """\
default_provider = "house"
[providers.house]
enabled = false
api_base = "https://llm.example/v1"
api_key = "sk-canary-0123456789"
[providers.mock]
base_url = "http://x"
[providers.litellm]
default_model = "strange/model"
[providers.openai]
default_model = "${MY_MODEL:-gpt-4o}"
"""
    found = imported("coda", text, "f")
    assert "canary" not in found.text
    assert "It was switched off" in found.text
    spec = spec_of(found.text)
    here = target(spec, {"HOUSE_API_KEY": "k", "CODA_MODEL": "m"})
    assert (here.base_url, here.model, here.credential.status) == ("https://llm.example/v1", "m", "set")
    assert target(spec, {"CODA_DEFAULT_PROVIDER": "mock"}).model == "mock-echo"
    assert target(spec, {"CODA_DEFAULT_PROVIDER": "openai", "MY_MODEL": "o"}).model == "o"
    any_vendor = target(spec, {"CODA_DEFAULT_PROVIDER": "litellm"})
    assert (any_vendor.api, any_vendor.model, any_vendor.auth) == ("litellm", "strange/model", "none")
    assert [row.partition(":")[0] for row in left("coda", text)] == ["7 providers.mock.base_url"]


def test_urls_of_coda_s() -> None:
    text = """\
default_provider = "house"
[providers.house]
base_url = "http://${GPU_HOST:-localhost}:8000/v1"
api_key = "${GPU_KEY}"
default_model = "m"
[providers.litellm]
api_base = "http://localhost:4000"
default_model = "gpt-4"
"""
    spec = spec_of(imported("coda", text, "f").text)
    here = target(spec, {"GPU_KEY": "k"})
    assert (here.base_url, here.credential.variable) == ("http://localhost:8000/v1", "GPU_KEY")
    proxy = target(spec, {"CODA_DEFAULT_PROVIDER": "litellm"})
    assert (proxy.base_url, proxy.model, proxy.api) == ("http://localhost:4000", "gpt-4", "openai-chat")


def test_oracle_s_section() -> None:
    spec = of_file("coda.toml")
    here = target(spec, {"CODA_DEFAULT_PROVIDER": "oci_genai"})
    assert (here.api, here.model) == ("oci-genai", "cohere.command-r-plus")
    assert here.base_url == "https://inference.generativeai.us-chicago-1.oci.oraclecloud.com"
    assert here.extra_body == {"profile": "DEFAULT", "compartmentId": "ocid1.compartment.oc1..example"}
    text = """\
[providers.oci_genai]
region = "no region"
config_file_location = "~/$work"
config_profile = "WORK"
api_key = "sk-canary-0123456789"
[providers.oci_2]
base_url = "http://localhost:9"
"""
    found = imported("coda", text, "f")
    assert "canary" not in found.text
    assert "set OCI_REGION" in found.text
    environ = {"CODA_MODEL": "m", "OCI_COMPARTMENT_ID": "ocid1.x", "CODA_DEFAULT_PROVIDER": "oci_genai"}
    bare = target(spec_of(found.text), {**environ, "OCI_REGION": "eu-frankfurt-1"})
    assert bare.base_url == "https://inference.generativeai.eu-frankfurt-1.oci.oraclecloud.com"
    assert bare.extra_body == {"profile": "WORK", "config_file": "~/$work", "compartmentId": "ocid1.x"}
    near = target(spec_of(found.text), {**environ, "CODA_DEFAULT_PROVIDER": "oci_2"})
    assert (near.api, near.base_url) == ("oci-genai", "http://localhost:9")
    assert [row.partition(":")[0] for row in left("coda", text)] == [
        "2 providers.oci_genai.region",
        "5 providers.oci_genai.api_key",
    ]


def test_what_litellm_reaches_at_a_url_of_its_own() -> None:
    text = """\
default_provider = "litellm"
[providers.litellm]
api_base = "http://localhost:4000"
api_key = "${PROXY_KEY}"
default_model = "ollama_chat/llama3.1"
"""
    here = target(spec_of(imported("coda", text, "f").text), {"PROXY_KEY": "k"})
    assert (here.api, here.model, here.base_url) == ("litellm", "ollama_chat/llama3.1", "http://localhost:4000")
    assert (here.auth, here.credential.variable) == ("bearer", "PROXY_KEY")


def test_a_default_of_coda_s_that_can_t_be_carried_over_has_no_stand_in() -> None:
    found = imported("coda", 'default_provider = "claude_code"\n[providers.claude_code]\ntimeout = 9\n', "f")
    assert "provider:" not in found.text.partition("defaults")[2].partition("env:")[0]
    assert len(found.left_out) == 2
    spec_of(found.text)


# -- What is no such configuration


@pytest.mark.parametrize(
    ("system", "text", "line", "words"),
    [
        ("codeframe", "llm: {provider: foo}", 1, "does not have: 'foo'"),
        ("codeframe", "a: 1\nllm:\n  provider: [x]", 3, "is no text"),
        ("codeframe", "a: 1\nllm: no", 2, "is no mapping"),
        ("codeframe", "llm:\n  base_url: ftp://x", 2, "no base URL"),
        ("codeframe", "llm:\n  base_url: https://me:secret@x.example/v1", 2, "no base URL"),
        ("codeframe", "llm:\n  model: sk-0123456789abcdef", 2, "looks like a key"),
        ("codeframe", 'llm:\n  model: "a\\u0007b"', 2, "control character"),
        ("codeframe", "llm:\n\tprovider: x", 2, "no usable YAML"),
        ("codeframe", "- a", 1, "this is a list"),
        ("codeframe", "a", 1, "this is a single value"),
        ("flux", "FLUX_PROVIDER=anthropic\nwhat is this", 2, "NAME=VALUE"),
        ("flux", "\nFLUX_PROVIDER=bard", 2, "does not have"),
        ("codebuff", "export default {", 1, "NAME=VALUE"),
        ("codebuff", '{"a": 1,\n}', 2, "no valid JSON"),
        ("codebuff", '[\n{"model": "m"}]', 2, "without an id"),
        ("codebuff", '[\n{"id": "a b"}]', 2, "is no name"),
        ("codebuff", '[{"id": "a"},\n{"id": "a"}]', 2, "second time"),
        ("codebuff", '{"agents": {}}', 1, "no list"),
        ("codebuff", "[\n7]", 2, "is no mapping"),
        ("codebuff", '[{"id": "a",\n"providerOptions": {"baseUrl": "http://localhost/v1"}}]', 1, "no model"),
        ("hive", '{"llm": {\n"provider": "x",\n"provider": "y"}}', 1, "stands twice"),
        ("hive", '{"llm":\n7}', 2, "is no mapping"),
        ("hive", '{"llm": {"provider": "openai", "model": "m",\n"api_key_env_var": "sk-0123456789abcdef"}}', 2, "key"),
        ("hive", '{"llm": {"provider": "openai", "model": "m",\n"api_key_env_var": "no name"}}', 2, "a variable"),
        ("hive", "[]", 1, "this is a list"),
        ("coda", "a = \n", 1, "no valid TOML"),
        ("coda", "\n\n[providers.ollama]\nbase_url = 7\n", 4, "is no text"),
        ("coda", "[providers]\nollama = 7\n", 2, "is no mapping"),
        ("coda", 'a = "', 1, "no valid TOML"),
    ],
)
def test_bad_input_is_told_with_its_line_and_without_its_text(system: str, text: str, line: int, words: str) -> None:
    message, where = refused(system, text)
    assert words in message
    assert where == line
    assert "secret" not in message
    assert "0123456789abcdef" not in message


# -- Reading


def test_lines_of_every_format() -> None:
    assert read_yaml("a:\n  b: 1\n", "f").line(("a", "b")) == 2
    assert read_json('{"a":\n {"b": 1}}', "f").line(("a", "b")) == 2
    assert read_json('{"a": "\\ud83d\\ude00",\n "b": 1}', "f").line(("b",)) == 1
    assert read_toml('x = 1\n[a."b"]\nc = 2\n[[d]]\ne = 3\n').line(("a", "b", "c")) == 3
    assert read_env("# x\n\nexport A='b'\n").line(("A",)) == 3


def test_values_of_environment_files() -> None:
    text = 'A=1 # one\nB="a # b" # c\nC=\'x\'\nD=\nE="open\nA=2\n'
    assert read_env(text).value == {"A": "2", "B": "a # b", "C": "x", "D": "", "E": '"open'}
