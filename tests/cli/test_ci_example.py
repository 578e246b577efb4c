"""The workflow of examples/ci and the hooks for pre-commit: read as YAML, and run in a small repository."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "examples/ci/routing.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
SPEC = """\
version: 1
defaults: {provider: ollama, model: m}
purposes: {planning: {}}
agents:
  picker: {provider: ollama, model: m, require: {locality: local}}
  writer: {}
policies:
  - {name: here, agents: [picker], require: {locality: local}}
tests:
  - {name: local, query: {agent: picker}, environ: {}, expect: {provider: ollama, locality: local}}
"""
MOVED = SPEC.replace("writer: {}", "writer: {model: openai/gpt-6-sol}")
WEAKER = SPEC.replace("agents: [picker], require", "agents: [picker], warn: true, require").replace(
    ", require: {locality: local}}\n  writer", "}\n  writer"
)
EXPRESSIONS = {"github.base_ref": "main", "github.token": "t", "github.repository": "o/r"}


def workflow() -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture
def repository(folder: Path) -> Path:
    """A repository with a spec on `origin/main`, and programs that stand for those of a runner."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    tools = folder / "tools"
    tools.mkdir()
    for name, text in (
        ("llmroute", f'PYTHONPATH={shlex.quote(str(ROOT))} exec {sys.executable} -m llmroute "$@"'),
        ("python", 'echo "$@" >> python.log'),
        ("gh", 'echo "$@" >> gh.log'),
    ):
        (tools / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    (folder / "routing.yaml").write_text(SPEC, encoding="utf-8")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for line in (("init", "-q", "-b", "main"), ("add", "routing.yaml"), ("commit", "-q", "-m", "spec")):
        subprocess.run(["git", *who, *line], cwd=folder, check=True, capture_output=True)
    subprocess.run(["git", "update-ref", "refs/remotes/origin/main", "HEAD"], cwd=folder, check=True)
    return folder


def run(repository: Path, line: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A step as a runner runs it."""
    told = {
        "PATH": f"{repository / 'tools'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(repository),
        "GITHUB_STEP_SUMMARY": str(repository / "summary.md"),
        "NUMBER": "7",
        "LC_ALL": "C.UTF-8",
    }
    return subprocess.run(
        ["bash", "-e", "-c", line], cwd=repository, env=told | environ, capture_output=True, text=True, check=False
    )


def filled(settings: dict[str, str]) -> dict[str, str]:
    """Variables with the expressions of GitHub filled in."""
    return {
        name: re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: EXPRESSIONS.get(found[1], "7"), str(text))
        for name, text in settings.items()
    }


def outcomes(repository: Path) -> dict[str, int]:
    """The exit status of each step; those of a job that has failed go on, as `!cancelled()` does."""
    loaded = workflow()
    found: dict[str, int] = {}
    for job, settings in loaded["jobs"].items():
        for step in settings["steps"]:
            if "run" in step:
                environ = filled(loaded["env"] | settings.get("env", {}) | step.get("env", {}))
                found[f"{job}: {step['name']}"] = run(repository, step["run"], environ).returncode
    return found


def test_all_steps_pass_for_a_spec_that_is_well(repository: Path) -> None:
    (repository / "routing.yaml").write_text(MOVED, encoding="utf-8")
    found = outcomes(repository)
    assert set(found.values()) == {0}, found
    assert len(found) == 9
    assert (repository / "python.log").read_text() == "-m pip install llmroute\n" * 2
    assert (repository / "gh.log").read_text() == "pr comment 7 --body-file comment.md --edit-last --create-if-none\n"
    assert (repository / "summary.md").read_text().startswith("### Routing: 2 of 6 queries change\n")
    assert '"version": "2.1.0"' in (repository / "routing.sarif").read_text()


def test_what_got_weaker_fails_and_is_in_the_comment(repository: Path) -> None:
    (repository / "routing.yaml").write_text(WEAKER, encoding="utf-8")
    found = outcomes(repository)
    assert found["diff: diff"] == 1
    assert found["diff: comment"] == 0
    assert "**Weaker than before**" in (repository / "comment.md").read_text()


def test_a_new_spec_has_nothing_to_be_compared_with(repository: Path) -> None:
    subprocess.run(["git", "rm", "-q", "--cached", "routing.yaml"], cwd=repository, check=True)
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, "commit", "-q", "-m", "none"], cwd=repository, check=True, capture_output=True)
    subprocess.run(["git", "update-ref", "refs/remotes/origin/main", "HEAD"], cwd=repository, check=True)
    assert outcomes(repository)["diff: diff"] == 0
    assert (repository / "comment.md").read_text() == "### Routing: routing.yaml is new\n"


@pytest.mark.parametrize(
    ("spec", "step"),
    [
        (SPEC.replace("provider: ollama, locality", "provider: openai, locality"), "check: test"),
        (SPEC.replace("version: 1", "version: 2"), "check: validate"),
        (SPEC.replace("provider: ollama, model: m, req", "model: openai/x, req"), "check: verify"),
    ],
)
def test_a_spec_that_is_not_well_fails_its_step(repository: Path, spec: str, step: str) -> None:
    (repository / "routing.yaml").write_text(spec, encoding="utf-8")
    assert outcomes(repository)[step] == 1


def test_nothing_that_a_stranger_writes_becomes_a_command() -> None:
    loaded = workflow()
    lines = [step["run"] for job in loaded["jobs"].values() for step in job["steps"] if "run" in step]
    assert len(lines) == 9
    assert not [line for line in lines if "${{" in line]
    assert loaded["permissions"] == {"contents": "read"}
    # `on` is a boolean in YAML 1.1, as PyYAML reads it.
    assert "pull_request_target" not in loaded[True]


def hooks() -> dict[str, dict[str, Any]]:
    return {hook["id"]: hook for hook in yaml.safe_load(HOOKS.read_text(encoding="utf-8"))}


def test_pre_commit_takes_the_hooks(folder: Path) -> None:
    if "CI" not in os.environ:
        pytest.importorskip("pre_commit", reason="is in the development environment only")
    environ = {**os.environ, "PRE_COMMIT_HOME": str(folder / "home")}
    program = [sys.executable, "-m", "pre_commit", "validate-manifest", str(HOOKS)]
    done = subprocess.run(program, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert list(hooks()) == [f"llmroute-{name}" for name in ("validate", "test", "verify", "diff")]


@pytest.mark.parametrize("name", list(hooks()))
def test_each_hook_passes_and_fails(repository: Path, name: str) -> None:
    hook = hooks()[name]
    line = " ".join([hook["entry"], *map(shlex.quote, hook.get("args", []))])
    line += "" if hook.get("pass_filenames", True) is False else " routing.yaml"
    (repository / "routing.yaml").write_text(MOVED, encoding="utf-8")
    passed = run(repository, line, {})
    assert passed.returncode == 0, passed.stdout + passed.stderr
    bad = {
        "llmroute-test": SPEC.replace("provider: ollama, locality", "provider: openai, locality"),
        "llmroute-verify": SPEC.replace("provider: ollama, model: m, req", "model: openai/x, req"),
        "llmroute-diff": WEAKER,
    }
    (repository / "routing.yaml").write_text(bad.get(name, "version: 2\n"), encoding="utf-8")
    assert run(repository, line, {}).returncode == 1


@pytest.mark.parametrize(
    ("name", "path", "is_looked_at"),
    [
        ("llmroute-validate", "routing.yaml", True),
        ("llmroute-validate", "config/routing.yml", True),
        ("llmroute-validate", "other-routing.yaml", False),
        ("llmroute-test", "tests/a.routing-test.yaml", True),
        ("llmroute-diff", "config/routing.yaml", False),
    ],
)
def test_which_files_a_hook_is_for(name: str, path: str, *, is_looked_at: bool) -> None:
    assert bool(re.search(hooks()[name]["files"], path)) is is_looked_at
