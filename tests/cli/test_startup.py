"""What a command loads: as little as it can."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("openai", "anthropic", "httpx2", "httpcore2", "pydantic", "rich", "jsonschema", "genai_prices", "asyncio")
SPEC = """\
version: 1
providers:
  ollama: {model: llama3.1:8b}
defaults: {provider: ollama}
purposes: {planning: {temperature: 0}}
agents: {picker: {require: {locality: local}}}
"""
LOADED = "import sys; print(' '.join(sorted({name.partition('.')[0] for name in sys.modules})))"


def loaded(folder: Path, code: str) -> set[str]:
    """The top-level modules that a program has loaded at its end."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{LOADED}"],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


def command(*arguments: str) -> str:
    """A program that runs a command and goes on."""
    return (
        f"from llmroute.cli import main\ntry: main({list(arguments)!r})\nexcept SystemExit as end: assert not end.code"
    )


def test_importing_the_package_loads_no_library(folder: Path) -> None:
    found = loaded(folder, "import llmroute")
    assert not found & {*HEAVY, "click", "yaml", "jsonschema_rs", "platformdirs"}


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("--version",)])
def test_help_loads_click_and_nothing_else(folder: Path, arguments: tuple[str, ...]) -> None:
    found = loaded(folder, command(*arguments))
    assert "click" in found
    assert not found & {*HEAVY, "yaml", "jsonschema_rs", "platformdirs"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("validate",),
        ("validate", "--format", "json"),
        ("validate", "--format", "sarif"),
        ("explain", "--agent", "picker", "--purpose", "planning"),
        ("explain", "--agent", "picker", "--format", "json"),
        ("rule", "LR103"),
        ("schema",),
    ],
)
def test_commands_that_send_nothing_load_nothing_heavy(folder: Path, arguments: tuple[str, ...]) -> None:
    (folder / "routing.yaml").write_text(SPEC, encoding="utf-8")
    assert not loaded(folder, command(*arguments)) & set(HEAVY)


def test_a_spec_with_warnings_loads_nothing_heavy(folder: Path) -> None:
    (folder / "routing.yaml").write_text(f"{SPEC}tests: [{{name: a, expect: {{}}}}]\n", encoding="utf-8")
    assert not loaded(folder, command("validate")) & set(HEAVY)


@pytest.mark.parametrize("module", ["llmroute", "llmroute.cli"])
def test_the_package_runs_as_a_module(folder: Path, module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: llmroute [OPTIONS] COMMAND")
    assert not done.stderr
