"""`llmroute explain`: its exit status, the trace, names that a terminal would obey, and --why-not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Invoke

SPEC = """\
version: 1
defaults: {provider: ollama, model: m}
purposes: {p: {}}
agents:
  a: {}
  b: {provider: openai}
"""


@pytest.fixture(autouse=True)
def spec(folder: Path) -> Path:
    (folder / "routing.yaml").write_text(SPEC, encoding="utf-8")
    return folder / "routing.yaml"


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_table_fails_where_a_row_has_no_route(invoke: Invoke, spec: Path, form: str) -> None:
    result = invoke("explain", "--format", form)
    assert result.exit_code == 1
    assert "no-model" in result.stdout
    spec.write_text(SPEC.replace("provider: openai", "model: openai/x"), encoding="utf-8")
    assert invoke("explain", "--format", form).exit_code == 0


def test_the_trace_shows_silent_scopes(invoke: Invoke) -> None:
    result = invoke("explain", "--agent", "a", "--purpose", "p", "--trace")
    assert result.exit_code == 0
    assert "looked at, strongest first\n  1  agents.a.purposes.p  there is no such entry\n" in result.stdout
    assert "  7  defaults\n       model: m          routing.yaml:2\n" in result.stdout
    assert "looked at" not in invoke("explain", "--agent", "a").stdout


def test_the_trace_as_json(invoke: Invoke) -> None:
    shown = json.loads(invoke("explain", "--agent", "a", "--trace", "--format", "json").stdout)
    assert [scope["scope"] for scope in shown["scopes"]] == ["agents.a", "client arguments", "env", "defaults"]
    assert shown["scopes"][0]["silence"] == "it says nothing"
    assert "scopes" not in json.loads(invoke("explain", "--agent", "a", "--format", "json").stdout)


def test_the_trace_of_a_query_without_a_route(invoke: Invoke) -> None:
    result = invoke("explain", "--agent", "b", "--trace")
    assert result.exit_code == 1
    assert "looked at, strongest first\n  1  agents.b\n       provider: openai  routing.yaml:6\n" in result.stdout
    shown = json.loads(invoke("explain", "--agent", "b", "--trace", "--format", "json").stdout)
    assert shown["scopes"][0]["says"][0]["value"] == "openai"
    unknown = json.loads(invoke("explain", "--agent", "c", "--trace", "--format", "json").stdout)
    assert unknown["scopes"] == []


def test_the_trace_of_nobody_is_one_query(invoke: Invoke) -> None:
    result = invoke("explain", "--trace")
    assert result.exit_code == 0
    assert result.stdout.startswith("no agent, no purpose")
    assert invoke("explain", "--trace", "--format", "mermaid").exit_code == 2


@pytest.mark.parametrize("flag", ["--agent", "--purpose"])
def test_a_name_is_shown_on_one_line(invoke: Invoke, spec: Path, flag: str) -> None:
    unknown = invoke("explain", flag, "x\n\x1b[2Jy")
    assert unknown.exit_code == 1
    assert unknown.stdout.splitlines()[0] == f"x␊␛[2Jy  →  no route  [unknown-{flag[2:]}]"
    wild = SPEC.replace("{p: {}}", '{"*": {}}\nclients: {"*": {}}') + '  "*": {}\n'
    spec.write_text(wild, encoding="utf-8")
    known = invoke("explain", flag, "x\ny")
    assert known.exit_code == 0
    assert "x␊y  →  ollama / m" in known.stdout.splitlines()[0]
    assert "client x␊y  →" in invoke("explain", flag, "a", "--client", "x\ny").stdout
    chart = invoke("explain", flag, "x\ny", "--format", "mermaid")
    assert "x y" in chart.stdout


def test_why_not_says_the_smallest_change(invoke: Invoke) -> None:
    result = invoke("explain", "--agent", "b", "--why-not", "ollama/m")
    assert result.exit_code == 0
    assert result.stdout.startswith("ollama/m does not win:\n  nothing wins: no model for openai")
    assert (
        "the smallest changes that would make it win, each tried:\n  take provider out of agents.b\n" in result.stdout
    )


def test_why_not_a_url(invoke: Invoke) -> None:
    shown = json.loads(invoke("explain", "--why-not", "http://localhost:1/v1 q", "--format", "json").stdout)
    assert (shown["target"], shown["wins"]) == ("http://localhost:1/v1 q", False)
    assert shown["remedies"] == [
        "set LLMROUTE_BASE_URL=http://localhost:1/v1, LLMROUTE_MODEL=q",
        "pass --base-url http://localhost:1/v1 --model q",
    ]


def test_why_not_what_nothing_would_make_win(invoke: Invoke) -> None:
    assert "no change of the environment" in invoke("explain", "--why-not", "openai").stdout
    assert "is no provider" in invoke("explain", "--why-not", "o\npenai/x").stdout
    assert invoke("explain", "--why-not", "ollama/m").stdout.startswith("ollama/m wins:\n")
    assert invoke("explain", "--why-not", "ollama/m", "--format", "mermaid").exit_code == 2
