"""What an editor shows: the YAML language server itself (npm's `yaml-language-server`, MIT) with the schema.

It needs Node and npm, and the machine of CI has Python and a package index alone; so these tests run where they are
asked to:

    LLMROUTE_YAML_SERVER="npx --yes yaml-language-server@1.25.0 --stdio" pytest tests/docs/test_editor.py

`llmroute` itself needs none of it: `tests/properties/test_schema_for_editors.py` looks at what the schema says.
"""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.catalog.presets import PRESETS
from llmroute.load.validation import schema, schema_text
from tests.docs.language_server import LanguageServer, running
from tests.docs.markdown import blocks
from tests.docs.shell import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = shlex.split(os.environ.get("LLMROUTE_YAML_SERVER", ""))
ALONE = {"completion": True, "hover": True, "validate": True, "schemaStore": {"enable": False}}
"""Settings without which the server asks the internet for schemas."""
HEAD = "# yaml-language-server: $schema=routing.v1.schema.json\nversion: 1\n"
TEST = """\
- name: ${1:the picker stays local}
  query:
    agent: ${2:picker}
  expect:
    provider: ${3:ollama}
    locality: ${4|local,lan,remote|}"""
pytestmark = pytest.mark.skipif(
    not COMMAND, reason="needs Node and npm, which the machine of CI does not have: opt in with LLMROUTE_YAML_SERVER"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    folder = tmp_path_factory.mktemp("editor")
    (folder / "routing.v1.schema.json").write_text(schema_text(), encoding="utf-8")
    with running(COMMAND, folder, {"yaml": ALONE}) as started:
        yield started


def test_groups_are_completed_at_the_top(server: LanguageServer) -> None:
    found = server.completions(f"{HEAD}|")
    assert set(schema()["properties"]) - {"version"} <= set(found)
    assert "Places to send to" in found["providers"]["documentation"]


def test_providers_are_completed_where_one_is_named(server: LanguageServer) -> None:
    found = server.completions(f"{HEAD}agents:\n  picker:\n    provider: |")
    assert set(found) >= set(PRESETS)
    assert found["ollama"]["insertText"] == "ollama"
    assert "http://localhost:11434/v1" in found["ollama"]["documentation"]


def test_providers_are_completed_as_keys(server: LanguageServer) -> None:
    found = server.completions(f"{HEAD}providers:\n  |")
    assert set(found) >= set(PRESETS)
    assert "ANTHROPIC_API_KEY" in found["anthropic"]["documentation"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("providers: {}\ndefaults:\n  api: |", {"openai-chat", "anthropic-messages", "ollama-chat", "mock"}),
        ("providers:\n  mine:\n    auth: |", {"bearer", "x-api-key", "api-key", "none"}),
        ("agents:\n  picker:\n    require:\n      locality: |", {"local", "lan", "remote"}),
        ("policies:\n- name: p\n  deny:\n    localities: [|]", {"local", "lan", "remote"}),
        ("policies:\n- name: p\n  deny:\n    providers:\n      - |", set(PRESETS)),
        ("defaults:\n  fallback_on: [|]", {"quota", "rate", "refusal"}),
        ("defaults:\n  max_tokens: |", {"4096"}),
    ],
)
def test_values_are_completed(server: LanguageServer, text: str, values: set[str]) -> None:
    assert values <= set(server.completions(HEAD + text))


def test_settings_are_completed(server: LanguageServer) -> None:
    found = server.completions(f"{HEAD}defaults:\n  |")
    assert set(schema()["$defs"]["Scope"]["properties"]) <= set(found)
    assert found["temperature"]["insertText"] == "temperature: ${1:0.2}"


@pytest.mark.parametrize(
    ("text", "label", "inserted"),
    [
        ("providers:\n  |", "preset", "${1:anthropic}: {}"),
        ("providers: |", "preset", "\n  ${1:anthropic}: {}"),
        ("agents:\n  |", "agent on its own provider", "${1:picker}:\n  provider: ${2:ollama}\n  model: ${3:qwen3:8b}"),
        ("purposes:\n  |", "purpose", "${1:planning}:\n  model: ${2:claude-opus-5-5}"),
        (
            "policies:\n  |",
            "policy: never there",
            "- name: ${1:no-such-vendor}\n  deny:\n    providers:\n      - ${2:deepseek}",
        ),
        (
            "policies:\n  - |",
            "policy: never there",
            "name: ${1:no-such-vendor}\n  deny:\n    providers:\n      - ${2:deepseek}",
        ),
        (
            "tests:\n  |",
            "test",
            TEST,
        ),
        (
            "defaults:\n  |",
            "model and fallback",
            "model: ${1:anthropic/claude-sonnet-5-5}\nfallbacks:\n  - ${2:openai/gpt-6-luna}",
        ),
    ],
)
def test_snippets(server: LanguageServer, text: str, label: str, inserted: str) -> None:
    assert server.completions(HEAD + text)[label]["insertText"] == inserted


def test_hovering_shows_what_a_setting_means(server: LanguageServer) -> None:
    shown = server.hover(f"{HEAD}defaults:\n  time|out: 5\n")
    assert schema()["$defs"]["Scope"]["properties"]["timeout"]["description"].split(";")[0] in shown


def test_hovering_shows_what_a_value_means(server: LanguageServer) -> None:
    shown = server.hover(f"{HEAD}providers:\n  mine:\n    auth: |bearer\n")
    assert "How the key travels" in shown
    assert "`bearer`: Authorization: Bearer KEY" in shown


def test_hovering_shows_what_a_preset_is(server: LanguageServer) -> None:
    assert "https://api.anthropic.com" in server.hover(f"{HEAD}providers:\n  anth|ropic: {{}}\n")
    assert "declared under" in server.hover(f"{HEAD}defaults:\n  provi|der: mine\n")


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_it_finds_nothing_wrong_with_the_examples(server: LanguageServer, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("# yaml-language-server:")]
    assert server.problems("# yaml-language-server: $schema=routing.v1.schema.json\n" + "\n".join(lines)) == []


def settings_of_the_page() -> Iterator[dict[str, Any]]:
    """The `yaml` section of each editor's settings on the page."""
    for block in blocks((ROOT / "docs/editor.md").read_text(encoding="utf-8")):
        if block.language == "json":
            written = json.loads(block.body)
            zed = written.get("lsp", {}).get("yaml-language-server", {}).get("settings", {}).get("yaml")
            yield zed or {"schemas": written["yaml.schemas"]}


@pytest.mark.parametrize("section", list(settings_of_the_page()), ids=["vscode", "zed"])
def test_the_settings_on_the_page_do_without_the_comment(section: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "routing.v1.schema.json").write_text(schema_text(), encoding="utf-8")
    with running(COMMAND, tmp_path, {"yaml": {**section, **ALONE}}) as started:
        found = started.completions("version: 1\nagents:\n  picker:\n    provider: |", "routing.yaml")
    assert set(found) >= set(PRESETS)


def test_it_finds_what_is_wrong(server: LanguageServer) -> None:
    assert server.problems(f"{HEAD}defualts: {{}}\n") == ["Property defualts is not allowed."]
