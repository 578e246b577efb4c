"""What the shells complete."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import click
import pytest
from click.shell_completion import ShellComplete

from llmroute.cli import COMMANDS, main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Invoke, Start

SPEC = """\
version: 1
providers: {gpu-box: {base_url: "http://localhost:1/v1", model: m}}
purposes: {planning: {}, generation: {}}
agents: {file-picker: {}, reviewer: {}, "*": {}}
clients: {ci: {}}
"""


def completed(*words: str) -> set[str]:
    """What a shell offers for the last word."""
    complete = ShellComplete(main, {}, "llmroute", "_LLMROUTE_COMPLETE")
    return {item.value for item in complete.get_completions(list(words[:-1]), words[-1])}


@pytest.fixture
def spec(folder: Path) -> Path:
    path = folder / "routing.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


@pytest.mark.usefixtures("spec")
@pytest.mark.parametrize("command", ["explain", "run"])
def test_names_come_out_of_the_spec(command: str) -> None:
    assert completed(command, "--agent", "") == {"file-picker", "reviewer"}
    assert completed(command, "--agent", "f") == {"file-picker"}
    assert completed(command, "--purpose", "p") == {"planning"}
    assert completed(command, "--client", "") == {"ci"}
    assert completed(command, "--provider", "g") == {"gpu-box", "gemini", "groq", "github-models"}


def test_the_spec_of_the_line_is_asked(folder: Path) -> None:
    (folder / "other.yaml").write_text(SPEC.replace("file-picker", "other"), encoding="utf-8")
    assert completed("run", "--spec", "other.yaml", "--agent", "") == {"other", "reviewer"}


@pytest.mark.parametrize("text", [None, "version: [", "version: 2\n"])
def test_no_spec_or_a_broken_one_completes_nothing(folder: Path, text: str | None) -> None:
    if text is not None:
        (folder / "routing.yaml").write_text(text, encoding="utf-8")
    assert completed("run", "--agent", "") == set()
    assert completed("run", "--purpose", "") == set()
    assert completed("run", "--client", "") == set()
    assert "ollama" in completed("run", "--provider", "o")
    assert completed("run", "--spec", "-", "--agent", "") == set()


def test_commands_options_and_rules_are_completed() -> None:
    assert completed("") == set(COMMANDS)
    assert "--format" in completed("validate", "--")
    assert completed("validate", "--format", "") == {"text", "json", "github", "sarif"}
    assert completed("rule", "LR10") >= {"LR100", "LR103"}
    assert completed("rule", "unknown-p") == {"unknown-provider", "unknown-purpose"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_printed(invoke: Invoke, shell: str) -> None:
    result = invoke("completion", shell)
    assert result.exit_code == 0
    assert f"_LLMROUTE_COMPLETE={shell}_complete" in result.stdout
    assert shell in invoke("completion", "--help").stdout


def test_another_shell_is_wrong_usage(invoke: Invoke) -> None:
    assert invoke("completion", "tcsh").exit_code == 2


@pytest.mark.usefixtures("spec")
def test_bash_gets_its_answer(start: Start) -> None:
    environ = {"_LLMROUTE_COMPLETE": "bash_complete", "COMP_WORDS": "llmroute run --agent f", "COMP_CWORD": "3"}
    assert start(environ=environ).stdout == "plain,file-picker\n"


def test_bash_reads_the_script(invoke: Invoke) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    script = invoke("completion", "bash").stdout
    done = subprocess.run([bash, "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_keeps_one_line_a_shell() -> None:
    command = main.get_command(click.Context(main), "completion")
    assert command is not None
    lines = command.get_help(click.Context(command)).splitlines()
    assert [line.split()[0] for line in lines if "llmroute completion " in line] == ["bash", "zsh", "fish"]
