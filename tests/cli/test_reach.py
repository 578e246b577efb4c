"""`llmroute reach`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

SPEC = """\
version: 1
providers:
  ollama: {model: "llama3.1:8b"}
  openai: {model: gpt-6-luna}
  box: {base_url: "http://10.0.0.5:8000/v1", models: [a, b], model: a}
defaults: {provider: openai, fallbacks: [ollama]}
purposes: {planning: {}}
agents:
  pinned: {provider: box, model: b}
  chooser: {provider: box}
  writer: {}
"""


@pytest.fixture(autouse=True)
def _spec(folder: Path) -> None:
    (folder / "routing.yaml").write_text(SPEC, encoding="utf-8")


def targets(invoke: Callable[..., Result], *arguments: str) -> list[dict[str, Any]]:
    result = invoke("reach", "--format", "json", *arguments)
    assert result.exit_code == 0, result.stderr
    rows: list[dict[str, Any]] = json.loads(result.stdout)["targets"]
    return rows


def test_what_is_pinned_is_always_the_same(invoke: Callable[..., Result]) -> None:
    (row,) = targets(invoke, "--agent", "pinned")
    assert (row["target"], row["locality"], row["conditions"]) == ("box/b", "lan", ["always"])
    assert row["purposes"] == [None, "planning"]


def test_a_closed_list_is_all_that_a_variable_can_choose_from(invoke: Callable[..., Result]) -> None:
    rows = {row["target"]: row["conditions"] for row in targets(invoke, "--agent", "chooser")}
    assert rows == {"box/a": ["no variable set"], "box/b": ["LLMROUTE_MODEL=box/b"]}


def test_an_agent_without_an_endpoint_goes_wherever_a_variable_says(invoke: Callable[..., Result]) -> None:
    found = targets(invoke, "--agent", "writer")
    roles = {(row["target"], row["role"], *row["conditions"]) for row in found}
    assert ("openai/gpt-6-luna", "primary", "no variable set") in roles
    assert ("ollama/llama3.1:8b", "fallback", "no variable set") in roles
    assert ("ollama/llama3.1:8b", "primary", "LLMROUTE_PROVIDER=ollama") in roles
    rows = {row["target"]: row for row in found}
    assert rows["anthropic/…any"]["conditions"] == ["LLMROUTE_MODEL=anthropic/…any"]
    assert rows["groq/…any"]["conditions"] == ["LLMROUTE_MODEL=groq/…any"]
    assert rows["<any remote URL> …any"]["locality"] == "remote"
    assert rows["ollama/…any-cloud"]["locality"] == "remote"


def test_no_env_leaves_what_the_spec_says(invoke: Callable[..., Result]) -> None:
    rows = targets(invoke, "--agent", "writer", "--no-env")
    assert [(row["target"], row["conditions"]) for row in rows] == [
        ("openai/gpt-6-luna", ["always"]),
        ("ollama/llama3.1:8b", ["always"]),
    ]


def test_who_could_ever_get_there(invoke: Callable[..., Result]) -> None:
    rows = targets(invoke, "--provider", "openai")
    assert {agent for row in rows for agent in row["agents"]} == {None, "writer"}
    assert {row["target"] for row in rows} >= {"openai/gpt-6-luna", "openai/…any"}
    assert {agent for row in targets(invoke, "--model", "b") for agent in row["agents"]} >= {"pinned", "chooser"}
    assert all(row["locality"] == "lan" for row in targets(invoke, "--locality", "lan", "--agent", "writer"))


def test_text_is_short_where_presets_are_alike(invoke: Callable[..., Result]) -> None:
    told = invoke("reach", "--agent", "writer").stdout
    assert told.startswith("agent writer: ")
    assert "openai/gpt-6-luna" in told
    assert "or in place of" in told
    assert "…any" in told
    assert len(told.splitlines()) < 120


def test_nobody_gets_there(invoke: Callable[..., Result]) -> None:
    told = invoke("reach", "--agent", "pinned", "--provider", "openai").stdout
    assert told == "agent pinned: nothing of that kind is ever reached\n"


def test_an_unknown_agent_is_said_so(invoke: Callable[..., Result]) -> None:
    result = invoke("reach", "--agent", "writr")
    assert result.exit_code == 1
    assert "unknown agent 'writr'" in result.stderr
    assert "did you mean 'writer'?" in result.stderr


def test_client_arguments_are_a_way_too(invoke: Callable[..., Result]) -> None:
    rows = targets(invoke, "--agent", "writer", "--any-client-arguments", "--provider", "anthropic")
    assert any(row["conditions"] == ["LLMROUTE_MODEL=anthropic/…any"] for row in rows)
