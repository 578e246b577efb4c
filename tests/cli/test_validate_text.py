"""What `validate` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmroute.cli.report.text import MOST_SHOWN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Invoke

    Write = Callable[..., str]

FINE = "version: 1\nproviders:\n  ollama: {model: llama3.1:8b}\ndefaults: {provider: ollama}\n"


@pytest.fixture
def write(folder: Path) -> Write:
    """Write a file into the folder; gives its name."""

    def run(text: str, name: str = "routing.yaml") -> str:
        (folder / name).write_text(text, encoding="utf-8")
        return name

    return run


def test_a_fine_spec_is_found_and_said_to_be_fine(invoke: Invoke, write: Write) -> None:
    write(FINE)
    result = invoke("validate")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "routing.yaml: fine\n", "")


def test_a_diagnostic_shows_the_line_the_carets_and_the_way_out(invoke: Invoke, write: Write) -> None:
    write(FINE + "agents:\n  picker:\n    provider: olama\n")
    result = invoke("validate")
    assert result.exit_code == 1
    assert result.stdout == (
        "routing.yaml:7:15: error[LR103]: unknown provider 'olama'\n"
        "  |\n"
        "7 |     provider: olama\n"
        "  |               ^^^^^ did you mean 'ollama'?\n"
        "1 error in 1 file\n"
    )


def test_a_second_place_is_shown_with_the_first(invoke: Invoke, write: Write) -> None:
    write("version: 1\nproviders:\n  ollama: {}\n  # a\n  # b\n  ollama: {}\n")
    assert invoke("validate").stdout == (
        "routing.yaml:6:3: error[LR008]: the key 'ollama' stands here a second time\n"
        "  |\n"
        "3 |   ollama: {}\n"
        "  |   ------ it stands here first\n"
        "...\n"
        "6 |   ollama: {}\n"
        "  |   ^^^^^^ keep one of them\n"
        "1 error in 1 file\n"
    )


def test_a_hint_that_does_not_fit_stands_below(invoke: Invoke, write: Write) -> None:
    write(FINE + "agents: {a: {colour: blue}}\n")
    lines = invoke("validate").stdout.splitlines()
    assert lines[3].rstrip().endswith("^^^^^^")
    assert lines[4].startswith("  = known here: ")


def test_several_files_are_judged_in_one_run(invoke: Invoke, write: Write) -> None:
    good, bad = write(FINE, "good.yaml"), write("version: 2\n", "bad.yaml")
    warned = write(FINE + "policies: [{name: idle}]\n", "warned.yaml")
    result = invoke("validate", good, bad, warned)
    assert result.exit_code == 1
    assert "good.yaml: fine\n" in result.stdout
    assert result.stdout.endswith("1 error, 1 warning in 2 files\n")


def test_warnings_alone_are_fine_unless_strict(invoke: Invoke, write: Write) -> None:
    write(FINE + "policies: [{name: idle}]\n")
    mild = invoke("validate")
    assert mild.exit_code == 0
    assert "warning[LR319]" in mild.stdout
    assert mild.stdout.endswith("1 warning in 1 file\n")
    strict = invoke("validate", "--strict")
    assert strict.exit_code == 1
    assert "error[LR319]" in strict.stdout


def test_a_file_that_is_not_there(invoke: Invoke) -> None:
    result = invoke("validate", "nope.yaml")
    assert result.exit_code == 1
    assert result.stdout.startswith("nope.yaml: error[LR001]: can't read nope.yaml: No such file or directory\n")


def test_standard_input_and_a_part_of_a_file(invoke: Invoke, write: Write) -> None:
    assert invoke("validate", "-", stdin=FINE).stdout == "<stdin>: fine\n"
    outer = write("llm:\n" + "".join(f"  {line}\n" for line in FINE.splitlines()), "tool.yaml")
    assert invoke("validate", f"{outer}#/llm").stdout == "tool.yaml#/llm: fine\n"
    assert invoke("validate", f"{outer}#/nothing").exit_code == 1


def test_the_environment_is_looked_at(invoke: Invoke, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write(FINE + 'agents: {a: {model: "${PICKER_MODEL}"}}\n')
    monkeypatch.setenv("LLMROUTE_MODL", "x")
    shown = invoke("validate").stdout
    assert "warning[LR307]: PICKER_MODEL is not set" in shown
    assert "env LLMROUTE_MODL: warning[LR315]: no setting reads LLMROUTE_MODL\n" in shown
    monkeypatch.setenv("PICKER_MODEL", "llama3.2")
    monkeypatch.delenv("LLMROUTE_MODL")
    assert invoke("validate").stdout == "routing.yaml: fine\n"


def test_at_most_fifty_diagnostics_of_a_file_are_printed(invoke: Invoke, write: Write) -> None:
    agents = "".join(f"  a{i}: {{provider: nowhere{i}}}\n" for i in range(60))
    write(f"{FINE}agents:\n{agents}")
    shown = invoke("validate").stdout
    assert shown.count("error[LR103]") == MOST_SHOWN
    assert shown.endswith("… and 10 more in routing.yaml\n60 errors in 1 file\n")


def test_inline_secrets_may_be_allowed(invoke: Invoke, write: Write) -> None:
    write(FINE.replace("llama3.1:8b", "llama3.1:8b, api_key: sk-ant-api03-0123456789abcdef"))
    refused = invoke("validate")
    assert refused.exit_code == 1
    assert "sk-ant-…[redacted]" in refused.stdout
    allowed = invoke("validate", "--allow-inline-secrets")
    assert (allowed.exit_code, allowed.stdout) == (0, "routing.yaml: fine\n")


def test_colour_is_for_terminals(invoke: Invoke, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from llmroute.cli import output

    class Terminal:
        def isatty(self) -> bool:
            return True

    write("version: 2\n")
    assert "\x1b[" not in invoke("validate").stdout
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.has_colour(Terminal())
    assert output.paint("fine", "green", stream=Terminal()) == "\x1b[32mfine\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.has_colour(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not output.has_colour(Terminal())


def test_what_a_server_was_started_with(invoke: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "version: 1\nproviders: {ollama: {model: m, capabilities: {context_window: 32768}}}\n"
    (folder / "routing.yaml").write_text(text, encoding="utf-8")
    monkeypatch.delenv("OLLAMA_CONTEXT_LENGTH", raising=False)
    assert "warning[LR321]" in invoke("validate").output
    monkeypatch.setenv("OLLAMA_CONTEXT_LENGTH", "32768")
    assert "fine" in invoke("validate").output
