"""The shared options: which spec, who asks, what if."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner, Result

from llmroute.cli.options import WhatIf, query_options, what_if_options
from llmroute.routing.spec import KeyVariable

if TYPE_CHECKING:
    from pathlib import Path


def ask(*arguments: str) -> tuple[Result, dict[str, Any]]:
    """What a command with these options is called with."""
    seen: dict[str, Any] = {}

    @click.command()
    @click.argument("word", required=False)
    @what_if_options
    @query_options
    def command(word: str | None, agent: str | None, purpose: str | None, what_if: WhatIf) -> None:
        seen.update(word=word, agent=agent, purpose=purpose, what_if=what_if)

    return CliRunner().invoke(command, arguments), seen


def what_if(*arguments: str) -> WhatIf:
    result, seen = ask(*arguments)
    assert result.exit_code == 0, result.output
    asked: WhatIf = seen["what_if"]
    return asked


def test_without_flags_the_world_is_as_it_is() -> None:
    _, seen = ask("hello")
    assert seen == {"word": "hello", "agent": None, "purpose": None, "what_if": WhatIf(environ=dict(os.environ))}


def test_flags_become_client_arguments() -> None:
    asked = what_if("--provider", "a", "--model", "m", "--base-url", "http://localhost:1", "--api-key-env", "A_KEY")
    assert asked.args == {
        "provider": "a",
        "model": "m",
        "base_url": "http://localhost:1",
        "api_key": KeyVariable(name="A_KEY"),
    }
    assert what_if("--client", "ci").client == "ci"
    assert what_if("--spec", "a.yaml#/llm").spec == "a.yaml#/llm"
    _, seen = ask("--agent", "picker", "--purpose", "planning")
    assert (seen["agent"], seen["purpose"]) == ("picker", "planning")


def test_the_environment_is_changed_in_the_order_of_strength(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "process")
    monkeypatch.setenv("B", "process")
    monkeypatch.setenv("C", "process")
    (folder / "vars").write_text("B=file\nC=file\n", encoding="utf-8")
    asked = what_if("--env-file", "vars", "--set-env", "C=flag", "--set-env", "D=a=b", "--set-env", "E=")
    assert [asked.environ[name] for name in "ABCDE"] == ["process", "file", "flag", "a=b", ""]
    assert asked.changes_environment
    assert what_if("--no-env", "--env-file", "vars", "--set-env", "X=1").environ == {"B": "file", "C": "file", "X": "1"}
    assert what_if("--no-env").environ == {}


def test_env_files_have_one_simple_grammar(folder: Path) -> None:
    (folder / "vars").write_text(
        "\ufeff# comment\n\nexport A = 1 \nB='x # y' # note\nC=\"$HOME ${A}\"\nD=a#b # note\nE=\nF=it's\n",
        encoding="utf-8",
    )
    assert what_if("--no-env", "--env-file", "vars").environ == {
        "A": "1",
        "B": "x # y",
        "C": "$HOME ${A}",
        "D": "a#b",
        "E": "",
        "F": "it's",
    }


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("--set-env", "sk-canary-0123456789"), "NAME=VALUE"),
        (("--set-env", "=sk-canary-0123456789"), "NAME=VALUE"),
        (("--api-key-env", "sk-canary-0123456789"), "never the key itself"),
        (("--env-file", "broken"), "broken:2: a line of an environment file is NAME=VALUE"),
        (("--env-file", "latin"), "UTF-8"),
        (("--env-file", "nowhere"), "nowhere"),
    ],
)
def test_wrong_usage_shows_no_value(folder: Path, arguments: tuple[str, ...], shown: str) -> None:
    (folder / "broken").write_text("A=1\nsk-canary-0123456789\n", encoding="utf-8")
    (folder / "latin").write_bytes(b"A=sk-canary-0123456789\xe9\n")
    result, _ = ask(*arguments)
    assert result.exit_code == 2
    assert shown in result.output
    assert "canary" not in result.output
