"""`llmroute diff`: files, git revisions, formats and exit statuses."""

from __future__ import annotations

import doctest
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.cli import diff_markdown, diff_words, output

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Invoke

OLD = """\
version: 1
defaults: {model: anthropic/claude-sonnet-5-5, fallbacks: [openai/gpt-6-luna]}
purposes: {planning: {}, doing: {}}
agents:
  picker: {provider: ollama, model: llama3.1:8b}
  writer: {}
policies:
  - {name: stay, agents: [picker], require: {locality: local}}
"""
NEW = OLD.replace("planning: {}", "planning: {model: openai/gpt-6-sol}")
WEAK = OLD.replace("locality: local", "locality: lan")


@pytest.fixture
def files(folder: Path) -> Path:
    for name, text in (("old.yaml", OLD), ("new.yaml", NEW), ("weak.yaml", WEAK), ("bad.yaml", "version: 2\n")):
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def repository(files: Path) -> Path:
    """The same in a repository: `routing.yaml` in a first commit, and changed after it."""

    if shutil.which("git") is None:
        pytest.skip("needs git")

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=files, check=True, capture_output=True)

    (files / "sub").mkdir()
    for name in ("routing.yaml", "sub/routing.yaml"):
        (files / name).write_text(OLD)
    git("init", "-q", "-b", "main")
    git("add", "routing.yaml", "sub")
    git("commit", "-q", "-m", "first")
    (files / "routing.yaml").write_text(NEW)
    return files


@pytest.mark.parametrize("module", [diff_words, diff_markdown, output])
def test_the_examples_in_docstrings_hold(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.usefixtures("files")
def test_the_same_is_fine(invoke: Invoke) -> None:
    result = invoke("diff", "old.yaml", "old.yaml")
    assert (result.exit_code, result.stdout) == (0, "old.yaml → old.yaml: no query changes; 9 compared\n")


@pytest.mark.usefixtures("files")
def test_a_change_is_told_by_who_asks(invoke: Invoke) -> None:
    result = invoke("diff", "old.yaml", "new.yaml")
    assert result.exit_code == 1
    assert result.stdout.startswith("old.yaml → new.yaml: 2 of 9 queries change\n")
    arrow = "anthropic/claude-sonnet-5-5 → openai/gpt-6-sol"
    assert f"writer or no agent for purpose planning: {arrow}\n" in result.stdout
    assert "    key  env:ANTHROPIC_API_KEY → env:OPENAI_API_KEY\n" in result.stdout
    assert "    fallbacks  openai/gpt-6-luna → none\n" in result.stdout
    assert "new reach\n  openai/gpt-6-sol  remote: no agent, writer\n" in result.stdout
    assert f"  {arrow}: $" in result.stdout


@pytest.mark.usefixtures("files")
def test_prices_may_be_left_out(invoke: Invoke) -> None:
    assert "list price" in invoke("diff", "old.yaml", "new.yaml").stdout
    assert "list price" not in invoke("diff", "old.yaml", "new.yaml", "--no-prices").stdout


@pytest.mark.usefixtures("files")
def test_json_has_each_query(invoke: Invoke) -> None:
    result = invoke("diff", "old.yaml", "new.yaml", "--format", "json")
    shown = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [change["query"] for change in shown["changes"]] == [
        {"agent": agent, "purpose": "planning", "client": None} for agent in (None, "writer")
    ]
    first = shown["changes"][0]
    assert set(first) == {"query", "before", "after", "differs"}
    assert [target["model"] for target in first["before"]["targets"]] == ["claude-sonnet-5-5", "gpt-6-luna"]
    assert first["after"]["targets"][0]["credential"] == {"source": "env:OPENAI_API_KEY"}
    assert shown["weaker"] == []
    assert [row["target"] for row in shown["reach"]["gained"]] == ["openai/gpt-6-sol"]
    assert shown["prices"][0]["after"]["input_usd_per_million"] > 0
    assert shown["names"]["agents"] == {"added": [], "removed": []}


@pytest.mark.usefixtures("files")
def test_markdown_is_a_comment(invoke: Invoke) -> None:
    result = invoke("diff", "old.yaml", "new.yaml", "--format", "markdown")
    assert result.exit_code == 1
    assert result.stdout.startswith("### Routing: 2 of 9 queries change\n")
    assert "| `writer` or no agent for purpose `planning` | `anthropic/claude-sonnet-5-5` | `openai/gpt-6-sol`<br>" in (
        result.stdout
    )
    assert result.stdout.count("<details>") == result.stdout.count("</details>") > 0


def test_a_name_breaks_neither_line_nor_table(invoke: Invoke, folder: Path) -> None:
    (folder / "a.yaml").write_text("version: 1\ndefaults: {model: ollama/m}\nagents: {x: {}}\n")
    (folder / "b.yaml").write_text(
        'version: 1\ndefaults: {model: ollama/m}\nagents: {"x": {model: "ollama/a|b`@all\\n\\e[2J<b>"}}\n'
    )
    text = invoke("diff", "a.yaml", "b.yaml").stdout
    assert "\x1b" not in text
    assert "ollama/a|b`@all␊␛[2J<b>" in text
    shown = invoke("diff", "a.yaml", "b.yaml", "--format", "markdown").stdout
    assert "| `x` | `ollama/m` | `ollama/a\\|b'@all␊␛[2J<b>` |\n" in shown


@pytest.mark.usefixtures("files")
def test_weaker_is_an_error_when_asked_for(invoke: Invoke) -> None:
    plain = invoke("diff", "old.yaml", "weak.yaml")
    assert plain.exit_code == 0
    assert "weaker\n  policies.stay asks for less: locality: local → lan, for picker\n" in plain.stdout
    strict = invoke("diff", "old.yaml", "weak.yaml", "--fail-on-weaker", "--exit-zero", "--format", "json")
    assert strict.exit_code == 1
    assert "1 policy or requirement holds less than before" in strict.stderr
    (item,) = json.loads(strict.stdout)["weaker"]
    assert (item["policy"], item["how"], item["before"], item["after"]) == ("stay", "looser", "local", "lan")
    assert item["query"]["agent"] == "picker"
    assert invoke("diff", "weak.yaml", "old.yaml", "--fail-on-weaker").exit_code == 0


@pytest.mark.usefixtures("files")
def test_exit_zero_only_prints(invoke: Invoke) -> None:
    result = invoke("diff", "old.yaml", "new.yaml", "--exit-zero")
    assert result.exit_code == 0
    assert "2 of 9" in result.stdout


def test_where_agents_get_in_any_environment(invoke: Invoke, folder: Path) -> None:
    pinned = "version: 1\ndefaults: {model: ollama/m}\nagents: {a: {model: ollama/m}}\n"
    (folder / "pinned.yaml").write_text(pinned)
    (folder / "moved.yaml").write_text(pinned.replace("{a: {model: ollama/m}}", "{a: {}}"))
    result = invoke("diff", "pinned.yaml", "moved.yaml", "--any-env")
    assert result.exit_code == 0
    assert "in some environment agents now get to\n  anthropic and " in result.stdout
    shown = json.loads(invoke("diff", "moved.yaml", "pinned.yaml", "--any-env", "--format", "json").stdout)
    first = shown["any_environment"]["lost"][0]
    assert "openai" in first["providers"]
    assert (first["locality"], first["agents"]) == ("remote", ["a"])
    assert first["conditions"][0].startswith("LLMROUTE_MODEL=anthropic/")
    assert shown["any_environment"]["gained"] == []
    marked = invoke("diff", "pinned.yaml", "moved.yaml", "--any-env", "--format", "markdown").stdout
    assert "<summary>Now possible in some environment</summary>" in marked
    assert "environment" not in invoke("diff", "pinned.yaml", "moved.yaml").stdout


def test_the_environment_counts_when_asked_for(invoke: Invoke, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (files / "named.yaml").write_text(OLD + "env: {names: {model: [MINE]}}\n")
    (files / ".env").write_text("MINE=ollama/x\n")
    assert invoke("diff", "old.yaml", "named.yaml").exit_code == 0
    assert invoke("diff", "old.yaml", "named.yaml", "--set-env", "MINE=ollama/x").exit_code == 1
    assert invoke("diff", "old.yaml", "named.yaml", "--env-file", ".env").exit_code == 1
    monkeypatch.setenv("MINE", "ollama/x")
    assert invoke("diff", "old.yaml", "named.yaml").exit_code == 0
    assert invoke("diff", "old.yaml", "named.yaml", "--with-env").exit_code == 1
    assert invoke("diff", "old.yaml", "named.yaml", "--with-env", "--no-env").exit_code == 2


@pytest.mark.usefixtures("files")
def test_a_spec_with_errors_is_named(invoke: Invoke) -> None:
    new = invoke("diff", "old.yaml", "bad.yaml")
    assert new.exit_code == 1
    assert "NEW, which is bad.yaml, has errors:" in new.stderr
    assert "bad.yaml:1:10: error[" in new.stderr
    both = invoke("diff", "bad.yaml", "bad.yaml")
    assert "OLD, which is" in both.stderr
    assert "NEW, which is" in both.stderr


@pytest.mark.usefixtures("files")
def test_standard_input_is_one_of_both(invoke: Invoke) -> None:
    assert invoke("diff", "-", "new.yaml", stdin=OLD).exit_code == 1
    assert invoke("diff", "-", "old.yaml", stdin=OLD).exit_code == 0
    assert invoke("diff", "-", "-", stdin=OLD).exit_code == 2


def test_a_part_of_a_larger_file(invoke: Invoke, files: Path) -> None:
    indented = "".join(f"  {line}\n" for line in OLD.splitlines())
    (files / "config.yaml").write_text(f"llm:\n{indented}")
    assert invoke("diff", "config.yaml#/llm", "old.yaml").exit_code == 0


@pytest.mark.usefixtures("repository")
def test_revisions_of_git(invoke: Invoke) -> None:
    result = invoke("diff", "main:routing.yaml", "routing.yaml")
    assert result.exit_code == 1
    assert result.stdout.startswith("main:routing.yaml → routing.yaml: 2 of 9 queries change\n")
    assert invoke("diff", "HEAD:routing.yaml", ":routing.yaml").exit_code == 0
    assert invoke("diff", "main:./sub/routing.yaml", "main:routing.yaml").exit_code == 0


def test_paths_count_from_the_root_or_the_folder(
    invoke: Invoke, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository / "sub")
    assert invoke("diff", "main:routing.yaml", "main:./routing.yaml").exit_code == 0
    assert invoke("diff", "main:./routing.yaml", "../routing.yaml").exit_code == 1


def test_a_file_of_that_very_name_wins(invoke: Invoke, repository: Path) -> None:
    (repository / "main:routing.yaml").write_text(NEW)
    assert invoke("diff", "main:routing.yaml", "routing.yaml").exit_code == 0


@pytest.mark.usefixtures("repository")
def test_a_part_of_a_file_in_git(invoke: Invoke) -> None:
    assert invoke("diff", "main:routing.yaml#/", "old.yaml").exit_code == 0
    missing = invoke("diff", "main:routing.yaml#/llm", "old.yaml")
    assert missing.exit_code == 1
    assert "OLD, which is main:routing.yaml#/llm, has errors" in missing.stderr


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.yaml", "there is no file 'missing.yaml'"),
        ("main:", "there is no file 'main:'"),
        ("nowhere:routing.yaml", "git knows no revision 'nowhere' here"),
        ("--all:routing.yaml", "git knows no revision '--all' here"),
        ("main:missing.yaml", "there is no file 'missing.yaml' in revision 'main'"),
        (":new.yaml", "there is no file 'new.yaml' in the index"),
        ("main:sub", "there is no file 'sub' in revision 'main'"),
        ("main:../x", "there is no file '../x' in revision 'main'"),
        ("ma\nin:x", "git knows no revision 'ma\\nin' here"),
    ],
)
def test_what_is_not_there_is_wrong_usage(invoke: Invoke, name: str, message: str) -> None:
    result = invoke("diff", "--", name, "routing.yaml")
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.usefixtures("files")
def test_no_repository(invoke: Invoke) -> None:
    result = invoke("diff", "main:routing.yaml", "old.yaml")
    assert result.exit_code == 2
    assert "git finds no repository here" in result.stderr


def test_no_git(invoke: Invoke, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository / "nothing"))
    result = invoke("diff", "main:routing.yaml", "routing.yaml")
    assert result.exit_code == 2
    assert "git is not installed" in result.stderr


def test_a_git_that_never_answers(invoke: Invoke, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("git", 60)

    monkeypatch.setattr("llmroute.cli.revisions.subprocess.run", run)
    result = invoke("diff", "main:routing.yaml", str(repository / "routing.yaml"))
    assert (result.exit_code, "git gave no answer" in result.stderr) == (2, True)


def test_a_file_in_git_that_is_no_text(invoke: Invoke, repository: Path) -> None:
    (repository / "latin.yaml").write_bytes(b"version: 1 # \xe9\n")
    subprocess.run(["git", "add", "latin.yaml"], cwd=repository, check=True)
    result = invoke("diff", ":latin.yaml", "old.yaml")
    assert result.exit_code == 2
    assert "UTF-8" in result.stderr


@pytest.mark.usefixtures("files")
def test_nothing_heavy_is_imported_where_no_price_is_told() -> None:
    probe = (
        "import sys; from click.testing import CliRunner; from llmroute.cli import main; "
        "assert 'weaker' in CliRunner().invoke(main, ['diff', 'old.yaml', 'weak.yaml']).stdout; "
        "heavy = {'genai_prices', 'httpx2', 'openai', 'anthropic', 'pydantic', 'rich'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
