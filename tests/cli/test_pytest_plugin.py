"""`pytest --llmroute routing.yaml`, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = """\
version: 1
defaults: {provider: ollama, model: "llama3.1:8b"}
tests:
  - {name: holds, expect: {provider: ollama}}
  - name: rows
    expect: {model: x}
    cases: [{environ: {LLMROUTE_MODEL: x}}, {}]
"""
BESIDE = "version: 1\ntests: [{name: beside, expect: {}}]\n"


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Pytest with the plugin by its module, whether this checkout is installed or not."""
    plugin = ("-p", "llmroute.pytest_plugin", "-p", "no:cacheprovider")
    variables = {"COLUMNS": "100", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "LLMROUTE_PROVIDER": "nonsense"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugin, "-W", "error", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "routing.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "more.routing-test.yaml").write_text(BESIDE, encoding="utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/below.routing-test.yaml").write_text(BESIDE.replace("beside", "below"), encoding="utf-8")
    (tmp_path / "tests/test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    return tmp_path


def collected(done: subprocess.CompletedProcess[str]) -> list[str]:
    return sorted(line for line in done.stdout.splitlines() if "::" in line)


HOLDS = ["routing.yaml::holds", "routing.yaml::rows [2]", "routing.yaml::rows [LLMROUTE_MODEL=x]"]
BOTH = ["more.routing-test.yaml::beside", *HOLDS]
BELOW = ["tests/below.routing-test.yaml::below", "tests/test_own.py::test_own"]


def test_each_routing_test_is_an_item(project: Path) -> None:
    done = run("--llmroute", "routing.yaml", "--co", "-q", folder=project)
    assert collected(done) == [*BOTH, *BELOW]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["tests"], [*BOTH, *BELOW]),
        (["tests/test_own.py"], [*BOTH, BELOW[1]]),
        ([".", "routing.yaml"], [*BOTH, *BELOW]),
        (["-k", "holds"], HOLDS[:1]),
        (["-k", "own", "tests/test_own.py::test_own"], BELOW[1:]),
    ],
)
def test_beside_what_else_is_asked_for(project: Path, arguments: list[str], expected: list[str]) -> None:
    assert collected(run(*arguments, "--llmroute", "routing.yaml", "--co", "-q", folder=project)) == expected


def test_without_the_option_there_are_none(project: Path) -> None:
    done = run("--co", "-q", folder=project)
    assert collected(done) == BELOW[1:]
    assert done.returncode == 0


def test_a_failure_shows_what_came_and_the_lines(project: Path) -> None:
    done = run("--llmroute", "routing.yaml", folder=project)
    assert done.returncode == 1
    assert "1 failed, 5 passed" in done.stdout
    assert (
        "✗ rows [2]  routing.yaml:7\n"
        "    model  expected  x  routing.yaml:6\n"
        "           came      llama3.1:8b  defaults  routing.yaml:2\n"
    ) in done.stdout
    assert "pytest_plugin.py" not in done.stdout


def test_a_spec_of_another_folder_and_a_part_of_a_file(project: Path) -> None:
    done = run("--llmroute", "../routing.yaml", "--co", "-q", folder=project / "tests")
    assert len(collected(done)) == 6
    text = "llm:\n  " + SPEC.replace("\n", "\n  ")
    (project / "routing.yaml").write_text(text, encoding="utf-8")
    done = run("--llmroute", "routing.yaml#/llm", "-k", "holds or beside", folder=project)
    assert "2 passed" in done.stdout, done.stdout


def test_files_of_another_spec_are_left_alone(project: Path) -> None:
    (project / "more.yaml").write_text("version: 1\n", encoding="utf-8")
    done = run("--llmroute", "routing.yaml", "--co", "-q", folder=project)
    assert collected(done) == [*HOLDS, *BELOW]


def test_a_spec_or_a_file_of_tests_with_errors_is_an_error(project: Path) -> None:
    (project / "tests/below.routing-test.yaml").write_text("version: 1\ntests: [{name: x}]\n", encoding="utf-8")
    done = run("--llmroute", "routing.yaml", folder=project)
    assert done.returncode == 2
    assert "tests/below.routing-test.yaml:2: 'expect' is missing here [LR102 missing-field]" in done.stdout
    (project / "routing.yaml").write_text("version: 2\n", encoding="utf-8")
    assert "LR106" in run("--llmroute", "routing.yaml", folder=project).stdout


def test_a_spec_that_is_not_there(project: Path) -> None:
    done = run("--llmroute", "nowhere.yaml", folder=project)
    assert (done.returncode, "--llmroute: there is no file nowhere.yaml" in done.stderr) == (4, True)


def test_an_error_of_our_own_is_shown_as_one(project: Path) -> None:
    broken = "import llmroute.dispatch.routing_tests as r\nr.run = lambda *_: {}['broken']\n"
    (project / "conftest.py").write_text(broken, encoding="utf-8")
    assert "KeyError: 'broken'" in run("--llmroute", "routing.yaml", folder=project).stdout


def test_the_plugin_is_declared_and_loads_nothing() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    assert declared == {"pytest11": {"llmroute": "llmroute.pytest_plugin"}}
    program = "import sys, pytest, llmroute.pytest_plugin; print(*sorted(m for m in sys.modules if 'llmroute' in m))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["llmroute", "llmroute.pytest_plugin"]
