"""`llmroute fmt`: files, standard input, --check, and files that are left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Invoke

UGLY = "# ours\ndefaults:   # what holds\n    model: 'ollama/m'\nversion: 1\n"
FINE = "version: 1\n# ours\ndefaults:   # what holds\n  model: ollama/m\n"


@pytest.fixture(autouse=True)
def spec(folder: Path) -> Path:
    path = folder / "routing.yaml"
    path.write_text(UGLY, encoding="utf-8")
    return path


def test_the_spec_that_is_found(invoke: Invoke, spec: Path) -> None:
    spec.chmod(0o600)
    result = invoke("fmt")
    assert (result.exit_code, result.stdout) == (0, "routing.yaml: formatted\n")
    assert spec.read_text(encoding="utf-8") == FINE
    assert spec.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in spec.parent.iterdir() if path.name.startswith(".routing")] == []
    again = invoke("fmt")
    assert (again.exit_code, again.stdout) == (0, "routing.yaml: fine\n")


def test_check_writes_nothing(invoke: Invoke, spec: Path) -> None:
    result = invoke("fmt", "--check")
    assert (result.exit_code, result.stdout) == (1, "routing.yaml: would change\n")
    assert spec.read_text(encoding="utf-8") == UGLY
    assert invoke("fmt", "--check", "-", stdin=FINE).exit_code == 0
    assert invoke("fmt", "--check", "-", stdin=UGLY).exit_code == 1


def test_standard_input_goes_to_standard_output(invoke: Invoke) -> None:
    result = invoke("fmt", "-", stdin=UGLY)
    assert (result.exit_code, result.stdout) == (0, FINE)


def test_a_link_stays_a_link(invoke: Invoke, spec: Path) -> None:
    link = spec.parent / "link.yaml"
    link.symlink_to(spec.name)
    assert invoke("fmt", "link.yaml").exit_code == 0
    assert link.is_symlink()
    assert spec.read_text(encoding="utf-8") == FINE


def test_one_bad_file_keeps_no_other_from_being_formatted(invoke: Invoke, spec: Path) -> None:
    (spec.parent / "bad.yaml").write_text("version: 2\n", encoding="utf-8")
    result = invoke("fmt", "bad.yaml", "missing.yaml", "routing.yaml")
    assert result.exit_code == 1
    assert "bad.yaml:1:10: error[" in result.stderr
    assert "can't read missing.yaml" in result.stderr
    assert spec.read_text(encoding="utf-8") == FINE


def test_what_can_not_be_laid_out_is_left_alone(invoke: Invoke, spec: Path) -> None:
    text = "? version\n: 1\n"
    spec.write_text(text, encoding="utf-8")
    result = invoke("fmt")
    assert result.exit_code == 1
    assert "routing.yaml is left as it is: it can't be laid out without changing what it says" in result.stderr
    assert spec.read_text(encoding="utf-8") == text


def test_a_part_of_a_file_is_wrong_usage(invoke: Invoke) -> None:
    assert invoke("fmt", "routing.yaml#/llm").exit_code == 2


def test_a_folder_that_can_not_be_written(invoke: Invoke, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("llmroute.cli.fmt.write_file", refuse)
    result = invoke("fmt")
    assert result.exit_code == 1
    assert "can't write routing.yaml: Permission denied" in result.stderr
    assert spec.read_text(encoding="utf-8") == UGLY
