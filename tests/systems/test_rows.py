"""Every table of every page on a system has a test that goes through its rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.systems.rows import PAGES, tables

HERE = Path(__file__).parent
SYSTEMS = sorted(page.stem for page in PAGES.glob("*.md") if page.stem != "index")


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_section_with_a_table_is_gone_through(system: str) -> None:
    tests = "".join(file.read_text(encoding="utf-8") for file in HERE.glob(f"test_{system}*.py"))
    found = tables((PAGES / f"{system}.md").read_text(encoding="utf-8"))
    assert found
    assert [section for section in found if f'"{section}"' not in tests] == []


def test_a_system_has_a_page_an_example_and_a_row_in_the_index() -> None:
    index = (PAGES / "index.md").read_text(encoding="utf-8")
    for system in SYSTEMS:
        assert (PAGES.parents[1] / f"examples/{system}/routing.yaml").exists()
        assert f"({system}.md)" in index
