"""`llmroute import`: what it prints, where it writes, and what it says of files that it can't use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmroute.cli import import_
from llmroute.importers import SYSTEMS
from tests.cli.test_startup import HEAVY, command, loaded

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Invoke

CONFIG = "package_manager: uv\nllm:\n  provider: ollama\n  model: m\n  api_key: sk-canary-0123456789\n  timeout: 5\n"


@pytest.fixture(autouse=True)
def file(folder: Path) -> Path:
    found = folder / "config.yaml"
    found.write_text(CONFIG, encoding="utf-8")
    return found


def test_it_knows_the_systems() -> None:
    assert import_.SYSTEMS == SYSTEMS


def test_it_prints_the_spec_and_says_that_something_is_missing(invoke: Invoke, folder: Path) -> None:
    done = invoke("import", "codeframe", "config.yaml")
    assert done.exit_code == 0
    assert done.stdout.startswith("# Written by `llmroute import codeframe` from config.yaml.\n")
    assert done.stderr == "2 settings not carried over: the comments say which, and why\n"
    assert "canary" not in done.output
    (folder / "routing.yaml").write_text(done.stdout)
    assert invoke("validate").exit_code == 0
    assert "ollama / m" in invoke("explain", "--purpose", "planning").stdout


def test_standard_input(invoke: Invoke) -> None:
    done = invoke("import", "flux", "-", stdin="FLUX_MODEL=m\n")
    assert done.exit_code == 0
    assert "from <stdin>." in done.stdout
    assert done.stderr == ""


def test_a_file_that_is_there_is_kept(invoke: Invoke, folder: Path) -> None:
    done = invoke("import", "codeframe", "config.yaml", "-o", "out.yaml")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "wrote out.yaml; next: llmroute explain --spec out.yaml" in done.stderr
    first = (folder / "out.yaml").read_text()
    (folder / "config.yaml").write_text("llm: {}\n")
    again = invoke("import", "codeframe", "config.yaml", "-o", "out.yaml")
    assert again.exit_code == 1
    assert again.stderr == "error: out.yaml is there already\n  --force replaces it, -o FILE writes another\n"
    assert (folder / "out.yaml").read_text() == first
    assert invoke("import", "codeframe", "config.yaml", "-o", "out.yaml", "--force").exit_code == 0
    assert (folder / "out.yaml").read_text() != first


def test_a_file_that_comes_to_be_there_meanwhile(invoke: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.lexists", lambda _: False)
    (folder / "out.yaml").write_text("mine\n")
    done = invoke("import", "codeframe", "config.yaml", "-o", "out.yaml")
    assert done.exit_code == 1
    assert "is there already" in done.stderr
    assert (folder / "out.yaml").read_text() == "mine\n"


def test_a_place_that_can_t_be_written_to(invoke: Invoke) -> None:
    done = invoke("import", "codeframe", "config.yaml", "-o", "no/such/folder.yaml")
    assert done.exit_code == 1
    assert done.stderr == "error: can't write no/such/folder.yaml: No such file or directory\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"llm:\n  provider: foo\n", "error: config.yaml:2: llm.provider names a provider type"),
        (b"llm:\n  base_url: https://me:canary@x/v1\n", "error: config.yaml:2: llm.base_url is no base URL"),
        (b"a: 1\nb: \xff\n", "error: config.yaml:2: byte 8 (0xff) is not UTF-8\n  save the file as UTF-8"),
    ],
)
def test_what_is_no_such_configuration(invoke: Invoke, file: Path, content: bytes, said: str) -> None:
    file.write_bytes(content)
    done = invoke("import", "codeframe", "config.yaml", "-o", "out.yaml")
    assert done.exit_code == 1
    assert done.stderr.startswith(said)
    assert "canary" not in done.output
    assert not (file.parent / "out.yaml").exists()


def test_a_file_that_is_not_there(invoke: Invoke) -> None:
    done = invoke("import", "coda", "nowhere.toml")
    assert (done.exit_code, done.stderr) == (1, "error: can't read nowhere.toml: No such file or directory\n")


def test_a_system_that_nobody_knows(invoke: Invoke) -> None:
    done = invoke("import", "cody", "config.yaml")
    assert done.exit_code == 2
    assert "'codeframe', 'flux', 'codebuff', 'hive', 'coda'" in done.stderr


def test_it_loads_nothing_heavy(folder: Path) -> None:
    assert not loaded(folder, command("import", "codeframe", "config.yaml", "-o", "out.yaml")) & set(HEAVY)
