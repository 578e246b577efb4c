"""A folder to run commands in, an environment without surprises, and two ways to run them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Protocol

import pytest
from click.testing import CliRunner, Result

from llmroute.catalog.presets import PRESETS
from llmroute.cli import main
from llmroute.testing.fixtures import closed_port
from llmroute.testing.fixtures import fault_server as server

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["closed_port", "server"]


class Invoke(Protocol):
    def __call__(self, *arguments: str, stdin: str | bytes | None = None) -> Result: ...


class Start(Protocol):
    def __call__(
        self, *arguments: str, stdin: str = "", environ: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a repository's root, so that no spec above it is found."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    for base in ("config", "state", "cache"):
        monkeypatch.setenv(f"XDG_{base.upper()}_HOME", str(tmp_path / base))
    monkeypatch.setenv("HOME", str(tmp_path))
    named = {preset.key_variable for preset in PRESETS.values()}
    for name in list(os.environ):
        if name in named or name.startswith("LLMROUTE_"):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def invoke() -> Invoke:
    """Run a command in this process."""

    def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(main, list(arguments), input=stdin, prog_name="llmroute")

    return run


@pytest.fixture
def start(folder: Path) -> Start:
    """Run a command in a process of its own, as a user does."""

    def run(
        *arguments: str, stdin: str = "", environ: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "llmroute", *arguments],
            cwd=folder,
            env={**os.environ, **(environ or {})},
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run
