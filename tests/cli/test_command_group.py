"""The overview, and how every failure ends."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from llmroute.cli import COMMANDS, main, specs
from llmroute.errors import ConnectError, ConversionError, NoModelError, SpecError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Invoke, Start


def test_the_overview_names_every_command_and_fits_80_columns(invoke: Invoke) -> None:
    shown = invoke("--help").stdout
    for name, entry in COMMANDS.items():
        assert f"  {name} " in shown
        assert entry.help in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_fits_80_columns(invoke: Invoke, name: str) -> None:
    result = invoke(name, "--help")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    command = main.get_command(click.Context(main), name)
    assert command is not None
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{name} {option.opts}"


def test_the_version_is_the_package_s(invoke: Invoke) -> None:
    from llmroute import __version__

    assert invoke("--version").stdout == f"llmroute, version {__version__}\n"


def test_an_unknown_command_is_wrong_usage(invoke: Invoke) -> None:
    result = invoke("valdate")
    assert result.exit_code == 2
    assert "valdate" in result.stderr


@pytest.mark.parametrize(
    ("failure", "shown"),
    [
        (SpecError("the spec has 1 error"), "error: the spec has 1 error\n"),
        (NoModelError("no model", hint="write one"), "error: no model\n  write one\n"),
        (ConversionError("no room", pointer="/messages/0"), "error: no room\n"),
        (ConnectError("cannot reach it", hint="a\n  b"), "error: cannot reach it\n  a\n  b\n"),
        (NoModelError("\x1b[2Jgone"), "error: ␛[2Jgone\n"),
    ],
)
def test_errors_of_the_package_are_messages(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, failure: Exception, shown: str
) -> None:
    raises(monkeypatch, failure)
    result = invoke("validate", "a.yaml")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", shown)


def raises(monkeypatch: pytest.MonkeyPatch, failure: BaseException) -> None:
    """Let `validate` meet a failure."""
    from llmroute.cli import validate

    def judge(path: str) -> specs.Judged:
        assert path
        raise failure

    monkeypatch.setattr(validate, "judge", judge)


def test_what_nobody_foresaw_is_one_line_without_its_text(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    raises(monkeypatch, ValueError("sk-canary-0123456789"))
    result = invoke("validate", "a.yaml")
    assert result.exit_code == 1
    assert result.stderr == "error: internal error (ValueError); run again with --debug to see where\n"


@pytest.mark.parametrize("arguments", [("--debug", "validate", "a.yaml"), ("validate", "a.yaml", "--debug")])
def test_debug_shows_the_traceback(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    raises(monkeypatch, ZeroDivisionError("by hand"))
    result = invoke(*arguments)
    assert result.exit_code == 1
    assert "ZeroDivisionError: by hand" in result.stderr
    assert result.stderr.endswith("error: internal error (ZeroDivisionError)\n")


def test_an_interrupt_is_one_line(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    raises(monkeypatch, KeyboardInterrupt())
    result = invoke("validate", "a.yaml")
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "interrupted\n")


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nowhere:
        done = subprocess.run(
            [sys.executable, "-m", "llmroute", "rule"], cwd=folder, stdout=nowhere, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 141
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (">/dev/full", "error: can't write the output: No space left on device\n"),
        (">&-", "error: standard output is closed\n  >/dev/null throws the output away\n"),
    ],
)
@pytest.mark.parametrize("words", ["rule", "--help", "rule LR103"])
def test_an_output_that_takes_nothing_is_told(output: str, shown: str, words: str, folder: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m llmroute {words} {output}', sys.executable],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, shown)


def test_another_failure_of_the_system_is_not_taken_for_one_of_the_output(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    raises(monkeypatch, PermissionError(13, "Permission denied", "secret-place"))
    result = invoke("validate", "a.yaml")
    assert result.stderr == "error: internal error (PermissionError); run again with --debug to see where\n"


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--set-env", "LLMROUTE_PROVIDER=olama"), "no route [unknown-provider]: unknown provider 'olama'\n  did you"),
        (("--set-env", "LLMROUTE_MODEL=a\nb"), "no route [bad-environment]: LLMROUTE_MODEL holds a control"),
        (("--client", "nobody"), "no route [unknown-client]: unknown client 'nobody'\n"),
    ],
)
def test_the_table_says_why_queries_have_no_route(
    invoke: Invoke, folder: Path, flags: tuple[str, ...], reason: str
) -> None:
    spec = "version: 1\ndefaults: {provider: ollama, model: m}\npurposes: {a: {}, b: {}}\n"
    (folder / "routing.yaml").write_text(spec, encoding="utf-8")
    result = invoke("explain", *flags)
    assert result.stderr.count(reason) == 1
    assert "routing.yaml:1:" not in result.stderr


def test_no_spec_is_wrong_usage_that_says_what_to_do(invoke: Invoke) -> None:
    for name in ("validate", "explain"):
        result = invoke(name)
        assert result.exit_code == 2
        assert "llmroute init" in result.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_output_survives_a_narrow_encoding(start: Start, folder: Path, encoding: str) -> None:
    (folder / "routing.yaml").write_text('version: 1\nagents: {"日本": {}}\n', encoding="utf-8")
    done = start("validate", environ={"PYTHONIOENCODING": encoding})
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "internal" not in done.stderr
    assert "LR105" in done.stdout
