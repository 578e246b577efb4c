"""Whatever a configuration holds: a spec without errors comes of it, or one problem with its line; and never a key."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.importers import SYSTEMS, Imported, ImportProblem, imported
from llmroute.importers.codeframe import PURPOSES, URLS
from llmroute.load import read_str
from llmroute.routing.checks import check

CANARY = "sk-canary-0123456789abcdefghij"
WORDS = st.sampled_from(
    ["llama3.1:8b", "claude-opus-4.7", "anthropic/x", "openai/gpt-oss-20b", "a b", "$x", "no", "1.0", ""]
)
TEXT = st.one_of(WORDS, st.text(max_size=12), st.just(CANARY))
URL = st.one_of(
    st.sampled_from(
        ["http://localhost:11434", "http://localhost:1/v1/", "https://x.example/v1", "http://10.0.0.9/v1", "ftp://x"]
    ),
    st.sampled_from([f"https://{CANARY}@x.example/v1", f"https://x.example/v1?key={CANARY}", "", "localhost:11434"]),
    TEXT,
)
NUMBER = st.one_of(st.integers(-5, 10**12), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), TEXT)
KEY = st.one_of(st.just(CANARY), st.just(f"${{OPENAI_API_KEY}}{CANARY}"), st.just("${OPENAI_API_KEY}"), st.none())
JUNK = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), TEXT, st.lists(TEXT, max_size=2))


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with some of the fields, each as it should be or anything at all, and one that nobody knows."""
    mixed = {name: st.one_of(strategy, strategy, strategy, JUNK) for name, strategy in fields.items()}
    return st.fixed_dictionaries({}, optional={**mixed, "unknown\u2028key": JUNK})


PROVIDERS = st.sampled_from(
    ["anthropic", "openai", "openrouter", "ollama", "hive", "google", "bedrock", "OpenAI", "my host"]
)
CODEFRAME = some(
    llm=some(
        provider=st.sampled_from([*URLS]),
        model=TEXT,
        base_url=URL,
        api_key=KEY,
        **{f"{purpose}_model": TEXT for purpose in PURPOSES},
    )
)
HIVE = some(
    **{
        section: some(
            provider=PROVIDERS,
            model=TEXT,
            max_tokens=NUMBER,
            max_context_tokens=NUMBER,
            num_ctx=NUMBER,
            api_base=URL,
            api_key_env_var=st.sampled_from(["OPENAI_API_KEY", "MY_KEY", "", CANARY]),
            api_keys=st.lists(KEY, max_size=2),
            use_codex_subscription=st.booleans(),
        )
        for section in ("llm", "worker_llm", "vision_fallback")
    }
)
AGENT = some(
    id=st.sampled_from(["file-picker", "a", "a/b", "0", "x y", "codebuff"]),
    model=TEXT,
    providerOptions=some(baseUrl=URL, apiKey=KEY, order=st.just(["Google"])),
    reasoningOptions=some(effort=st.sampled_from(["high", "low", "mad"]), exclude=st.booleans(), max_tokens=NUMBER),
    toolNames=st.lists(TEXT, max_size=1),
)
CODEBUFF = st.one_of(
    AGENT,
    st.lists(AGENT, max_size=3),
    some(providerBaseUrl=URL, providerApiKey=KEY, apiKey=KEY, agentDefinitions=st.lists(AGENT, max_size=3)),
)
SECTION = some(
    enabled=st.booleans(),
    base_url=URL,
    host=URL,
    api_key=KEY,
    default_model=st.one_of(TEXT, st.just("${MY_MODEL}")),
    temperature=NUMBER,
    max_tokens=NUMBER,
    timeout=NUMBER,
)
ORACLE = some(
    compartment_id=TEXT,
    region=st.one_of(st.just("eu-frankfurt-1"), TEXT),
    profile=TEXT,
    config_file=TEXT,
    default_model=TEXT,
    api_key=KEY,
    base_url=URL,
    timeout=NUMBER,
)
CODA = some(
    default_provider=st.sampled_from(["ollama", "litellm", "oci_genai", "mock", "openai", "house", "no one"]),
    providers=some(ollama=SECTION, litellm=SECTION, oci_genai=ORACLE, mock=SECTION, openai=SECTION, house=SECTION),
    temperature=NUMBER,
    max_tokens=NUMBER,
)
VARIABLES = (
    "FLUX_PROVIDER",
    "FLUX_MODEL",
    "FLUX_MAX_TOKENS",
    "FLUX_TEMPERATURE",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
)
OWN = ("CODEBUFF_BASE_URL", "CODEBUFF_PROVIDER_API_KEY", "CODEBUFF_PROVIDER_MODEL", "CODEBUFF_API_KEY", "OTHER")
VALUES = st.one_of(URL, TEXT, st.sampled_from(["openai", "anthropic", "4096", "0.5", CANARY]))


def outcome(system: str, text: str) -> Imported | ImportProblem:
    try:
        return imported(system, text, "file\nname")
    except ImportProblem as problem:
        return problem


def judge(system: str, text: str) -> None:
    """Convert, and hold what comes out to the promise."""
    found = outcome(system, text)
    if isinstance(found, ImportProblem):
        assert found.message
        assert 1 <= found.line <= len(re.findall(r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", text)) + 1
        assert "canary" not in f"{found.message} {found.hint}"
        return
    assert "canary" not in f"{found}"
    loaded = read_str(found.text)
    assert loaded.spec is not None, (loaded.diagnostics, found.text)
    errors = [row for row in [*loaded.diagnostics, *check(loaded.spec)] if row.severity == "error"]
    assert not errors, (errors, found.text)


def toml(value: dict[str, Any], path: str = "") -> str:
    """A mapping as TOML; nulls have no form there."""
    plain = {key: item for key, item in value.items() if not isinstance(item, dict) and item is not None}
    lines = [f"{json.dumps(key)} = {_toml(item)}" for key, item in plain.items()]
    for key, item in value.items():
        if isinstance(item, dict):
            inner = f"{path}.{json.dumps(key)}" if path else json.dumps(key)
            lines += [f"[{inner}]", toml(item, inner)]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value if item is not None)}]"
    return json.dumps(value).replace("\x7f", "\\u007f")


@given(CODEFRAME)
def test_codeframe(config: dict[str, Any]) -> None:
    judge("codeframe", json.dumps(config, ensure_ascii=False, indent=1))


@given(HIVE)
def test_hive(config: dict[str, Any]) -> None:
    judge("hive", json.dumps(config, indent=1))


@given(CODEBUFF)
def test_codebuff(config: Any) -> None:
    judge("codebuff", json.dumps(config, indent=1))


@given(CODA)
def test_coda(config: dict[str, Any]) -> None:
    judge("coda", toml(config))


@pytest.mark.parametrize(("system", "names"), [("flux", VARIABLES), ("codebuff", OWN)])
@given(data=st.data())
def test_environment_files(system: str, names: tuple[str, ...], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(st.sampled_from(names), VALUES), max_size=6))
    quote = data.draw(st.sampled_from(["", '"', "'"]))
    judge(system, "\n".join(f"{name}={quote}{value}{quote}" for name, value in rows))


@pytest.mark.parametrize("system", SYSTEMS)
@given(text=st.text(max_size=60))
def test_any_text(system: str, text: str) -> None:
    judge(system, text)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    "text", ["[" * 5000, '{"a":' * 5000, "a: &a [*a]", "a = " + "[" * 5000], ids=["[", "{", "&", "="]
)
def test_texts_that_are_nested_too_deep(system: str, text: str) -> None:
    judge(system, text)
