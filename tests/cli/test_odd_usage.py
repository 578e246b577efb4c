"""What people do to a command line, by mistake or on purpose: odd paths, numbers, streams, folders and locales."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from llmroute.cli.options import Number
from llmroute.cli.output import write_file

if TYPE_CHECKING:
    from tests.cli.conftest import Invoke, Start

SPEC = "version: 1\nproviders: {fake: {preset: mock, model: parrot}}\ndefaults: {provider: fake}\n"
RELAY = """\
version: 1
providers:
  relay: {base_url: "https://relay.example/v1", api_key: "${RELAY_KEY}", model: m}
defaults: {provider: relay}
"""


@pytest.fixture
def spec(folder: Path) -> Path:
    path = folder / "routing.yaml"
    path.write_text(SPEC)
    return path


# -- Names of commands


@pytest.mark.parametrize(("typed", "meant"), [("validat", "validate"), ("explian", "explain"), ("doctr", "doctor")])
def test_a_mistyped_command_is_recognised(invoke: Invoke, typed: str, meant: str) -> None:
    result = invoke(typed)
    assert result.exit_code == 2
    assert f"No such command '{typed}'. Did you mean '{meant}'?" in result.stderr


def test_a_command_that_is_like_no_other(invoke: Invoke) -> None:
    result = invoke("frobnicate")
    assert (result.exit_code, "No such command 'frobnicate'." in result.stderr) == (2, True)
    assert "Did you mean" not in result.stderr


# -- Paths


@pytest.mark.parametrize(
    "command",
    [
        ("explain", "--spec", ""),
        ("run", "--spec", " ", "Hello"),
        ("validate", ""),
        ("validate", "--spec", ""),
        ("trust", ""),
        ("convert", "--from", "openai-chat", "--to", "ollama-chat", ""),
        ("import", "flux", ""),
        ("import", "flux", "routing.yaml", "-o", ""),
        ("init", "-o", ""),
        ("schema", "-o", ""),
        ("inspect", "-o", ""),
        ("test", ""),
        ("test", "--junit", ""),
        ("fmt", ""),
    ],
    ids=" ".join,
)
def test_an_empty_path_is_none(invoke: Invoke, spec: Path, command: tuple[str, ...]) -> None:
    # `--spec "$SPEC"` with an empty variable must not mean the spec that is found.
    assert spec.exists()
    result = invoke(*command)
    assert result.exit_code == 2
    assert "the path is empty" in result.stderr


def test_each_spec_is_validated(invoke: Invoke, spec: Path) -> None:
    result = invoke("validate", "--spec", "nowhere.yaml", "--spec", spec.name)
    assert result.exit_code == 1
    assert "nowhere.yaml: error[LR001]" in result.stdout
    assert "routing.yaml: fine" in result.stdout


def test_the_schema_is_printed_for_a_dash(invoke: Invoke, folder: Path) -> None:
    result = invoke("schema", "-o", "-")
    assert result.stdout == invoke("schema").stdout
    assert result.stdout.startswith("{")
    assert not (folder / "-").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of Unix")
def test_a_pipe_is_not_waited_for(invoke: Invoke, folder: Path) -> None:
    os.mkfifo(folder / "pipe.json")
    result = invoke("convert", "--from", "openai-chat", "--to", "ollama-chat", "pipe.json")
    assert (result.exit_code, result.stderr) == (1, "error: pipe.json: can't be read: it is no regular file\n")


def test_a_file_of_variables_that_is_none_is_named(invoke: Invoke, spec: Path) -> None:
    (spec.parent / "binary.env").write_bytes(b"\xff\xfeA\0")
    result = invoke("explain", "--env-file", "binary.env")
    assert result.exit_code == 2
    assert "Error: binary.env: the file is UTF-16" in result.stderr


# -- Writing


def test_what_is_written_over_a_link_goes_where_it_leads(folder: Path) -> None:
    target = folder / "kept" / "routing.yaml"
    target.parent.mkdir()
    target.write_text("old")
    link = folder / "link.yaml"
    link.symlink_to(target)
    write_file(link, "new", replace=True)
    assert link.is_symlink()
    assert target.read_text() == "new"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_device_stays_one(folder: Path) -> None:
    # As root, a file put in its place would take it from the whole machine; so this looks at a link to it.
    link = folder / "out"
    link.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_file(link, "text", replace=True)
    assert link.is_symlink()


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="a device of Unix")
def test_the_schema_can_be_written_to_standard_output_by_its_name(start: Start) -> None:
    done = start("schema", "-o", "/dev/stdout")
    assert done.returncode == 0
    assert done.stdout.startswith("{")
    assert Path("/dev/stdout").is_symlink()


# -- Numbers


@pytest.mark.parametrize("value", ["nan", "NaN", "-nan", "inf", "-1", "0", "1e9"])
@pytest.mark.parametrize("command", [("run", "Hello"), ("doctor",), ("models", "fake")], ids=lambda words: words[0])
def test_a_time_limit_is_a_number_of_seconds(invoke: Invoke, spec: Path, command: tuple[str, ...], value: str) -> None:
    assert spec.exists()
    result = invoke(*command, "--timeout", value)
    assert result.exit_code == 2
    assert "Invalid value for '--timeout'" in result.stderr


@pytest.mark.parametrize("option", [("--temperature", "nan"), ("--temperature", "3"), ("--max-tokens", "9" * 20)])
def test_parameters_are_held_to_what_the_spec_can_have(invoke: Invoke, spec: Path, option: tuple[str, str]) -> None:
    assert spec.exists()
    result = invoke("run", *option, "Hello")
    assert result.exit_code == 2
    assert f"Invalid value for '{option[0]}'" in result.stderr


@pytest.mark.parametrize(
    "command",
    [("test", "--fail-under"), ("verify", "--max-seconds"), ("verify", "--max-dollars")],
    ids=" ".join,
)
def test_a_bar_is_a_number(invoke: Invoke, spec: Path, command: tuple[str, str]) -> None:
    assert spec.exists()
    result = invoke(*command, "nan")
    assert result.exit_code == 2
    assert f"Invalid value for '{command[1]}'" in result.stderr


def test_a_number_is_given_as_it_is() -> None:
    assert Number(0, 2).convert("0.5", None, None) == 0.5
    with pytest.raises(click.BadParameter, match="is no number"):
        Number(0, 2).convert("nan", None, None)


# -- Providers and models


def test_a_provider_without_a_name(invoke: Invoke, spec: Path) -> None:
    assert spec.exists()
    result = invoke("models", "")
    assert (result.exit_code, "provider='' is no text" in result.stderr) == (1, True)


def test_a_mock_has_no_models_to_show(invoke: Invoke, spec: Path) -> None:
    assert spec.exists()
    result = invoke("ollama", "show", "m", "--provider", "fake")
    assert result.exit_code == 2
    assert "the provider fake is a mock: name an Ollama with --provider" in result.stderr


@pytest.mark.parametrize("command", [("ollama", "pull", ""), ("ollama", "rm", " "), ("ollama", "show", "")])
def test_a_model_has_a_name(invoke: Invoke, command: tuple[str, ...]) -> None:
    result = invoke(*command)
    assert (result.exit_code, "give the name of a model" in result.stderr) == (2, True)


def test_the_model_of_the_local_server_has_a_name(invoke: Invoke) -> None:
    invoke("local", "on", "localhost:1", "m")
    result = invoke("local", "model", "")
    assert (result.exit_code, "give the NAME of a model, or clear" in result.stderr) == (2, True)


# -- Standard input


@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        ("run", 2, "give a prompt"),
        ("run -", 2, "give a prompt"),
        ("convert --from openai-chat --to ollama-chat -", 1, "standard input: can't be read: it is closed"),
        ("import flux -", 1, "can't read standard input: it is closed"),
        ("validate -", 1, "can't read standard input: it is closed"),
        ("init -o new.yaml", 0, "wrote new.yaml"),
    ],
)
def test_a_closed_standard_input(spec: Path, line: str, status: int, says: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m llmroute {line} <&-"],
        cwd=spec.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, says in done.stdout + done.stderr) == (status, True), done.stdout + done.stderr


# -- Locales


NARROW = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("environ", [{}, NARROW], ids=["utf-8", "C"])
def test_a_prompt_is_utf8_in_any_locale(start: Start, spec: Path, environ: dict[str, str]) -> None:
    assert spec.exists()
    done = start("run", "Grüße, 世界", environ=environ)
    assert (done.returncode, done.stdout) == (0, "Grüße, 世界\n")
    assert '"text": "Gr\\u00fc\\u00dfe"' in start("run", "--json", "Grüße", environ=environ).stdout


def test_a_prompt_that_is_not_utf8(spec: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "llmroute", "run", b"caf\xe9"],
        cwd=spec.parent,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, b"the prompt is not UTF-8 (byte 3)" in done.stderr) == (2, True)


# -- Folders that can't be written


@pytest.mark.parametrize("line", [("trust", "--yes"), ("local", "on", "localhost:1", "m")], ids=lambda line: line[0])
def test_a_state_folder_that_is_none(
    invoke: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch, line: tuple[str, ...]
) -> None:
    (folder / "routing.yaml").write_text(RELAY)
    (folder / "file").write_text("")
    monkeypatch.setenv("LLMROUTE_STATE_DIR", str(folder / "file"))
    monkeypatch.setenv("RELAY_KEY", "x")
    result = invoke(*line)
    assert result.exit_code == 1
    assert "error: can't write " in result.stderr
    assert str(folder / "file") in result.stderr
    assert "internal error" not in result.stderr


def test_a_folder_in_the_place_of_the_local_override(invoke: Invoke, folder: Path) -> None:
    (folder / "state/llmroute/local.json").mkdir(parents=True)
    result = invoke("local", "off")
    assert result.exit_code == 1
    assert "error: can't write the local override" in result.stderr


# -- Questions


TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
"""A program that runs another one in a terminal: what forks must have no threads, and pytest may."""


def asked(folder: Path, line: tuple[str, ...], keys: bytes) -> tuple[int, str]:
    """Exit status, and what a terminal shows, of a command that is answered with some keys when it asks."""
    command = [sys.executable, "-c", TERMINAL, sys.executable, "-m", "llmroute", *line]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        shown, ends_at = b"", time.monotonic() + 30
        while time.monotonic() < ends_at:
            if not select.select([process.stdout], [], [], 0.1)[0]:
                if keys and b"]:" in shown:  # it waits
                    process.stdin.write(keys)
                    keys = b""
            elif part := process.stdout.read(4096):
                shown += part
            else:
                break
        else:
            process.kill()
        return process.wait(), shown.decode()


@pytest.mark.parametrize("line", [("init",), ("trust",)], ids=lambda line: line[0])
def test_ctrl_c_at_a_question_is_an_interrupt(folder: Path, monkeypatch: pytest.MonkeyPatch, line: tuple[str]) -> None:
    if line == ("trust",):
        (folder / "routing.yaml").write_text(RELAY)
    monkeypatch.setenv("RELAY_KEY", "x")
    status, shown = asked(folder, line, b"\x03")
    assert (status, shown.strip().endswith("interrupted")) == (130, True), shown
    assert not (folder / "state").exists()


def test_the_end_of_the_input_is_no(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "routing.yaml").write_text(RELAY)
    monkeypatch.setenv("RELAY_KEY", "x")
    status, shown = asked(folder, ("trust",), b"\x04")
    assert (status, shown.strip().endswith("nothing was trusted")) == (1, True), shown


# -- URLs without a scheme


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("localhost", "http://localhost/v1"),
        ("localhost:8080", "http://localhost:8080/v1"),
        ("localhost/api", "http://localhost/api"),
        ("192.168.1.20:8000", "http://192.168.1.20:8000/v1"),
        ("10.0.0.5/v1", "http://10.0.0.5/v1"),
        ("[fd00::1]:8000", "http://[fd00::1]:8000/v1"),
    ],
)
def test_a_url_of_a_local_server_needs_no_scheme(invoke: Invoke, typed: str, url: str) -> None:
    assert invoke("local", "on", typed, "m").stdout == f"local: on → {url} / m\n"


@pytest.mark.parametrize("typed", ["box:8000", "library/qwen:7b", "8.8.8.8:80"])
def test_a_name_is_a_model_unless_it_has_a_scheme(invoke: Invoke, typed: str) -> None:
    result = invoke("local", "on", typed, "m")
    assert result.exit_code == 2
    assert ("http://" in result.stderr) or ("not on this machine" in result.stderr)
