"""Generated files are in step with the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs import generate

if TYPE_CHECKING:
    from pathlib import Path


def test_generated_files_are_in_step() -> None:
    found = generate.problems(generate.generated())
    assert not found, f"mend it:  {generate.MEND}"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "generated", lambda: {"docs/rules/LR1.md": "one\n", "two.md": "two\n"})
    return tmp_path


def test_check_names_what_is_out_of_step_and_what_mends_it(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "docs/rules").mkdir(parents=True)
    (elsewhere / "docs/rules/LR1.md").write_text("old\n")
    (elsewhere / "docs/rules/LR9.md").write_text("gone\n")
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "docs/rules/LR1.md is stale",
        "two.md is missing",
        "docs/rules/LR9.md belongs to no rule",
        f"mend it:  {generate.MEND}",
    ]


def test_write_mends_all_of_it(elsewhere: Path) -> None:
    (elsewhere / "docs/rules").mkdir(parents=True)
    (elsewhere / "docs/rules/LR9.md").write_text("gone\n")
    assert generate.main(["--write"]) == 0
    assert generate.main(["--check"]) == 0
    assert sorted(path.name for path in elsewhere.rglob("*.md")) == ["LR1.md", "two.md"]
