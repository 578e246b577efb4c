"""The rows of a page on a system, and which test shows each: no row stands there on its word alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/systems"
_SECTION = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
_ROW = re.compile(r"^\| (?P<cell>.+?) \| .*\|$", re.MULTILINE)
_HEAD = re.compile(r"^\|.*\|\n\|(?:-+\|)+$", re.MULTILINE)
Test = TypeVar("Test", bound="Callable[..., object]")


def tables(page: str) -> dict[str, list[str]]:
    r"""The first cells of all tables of a page by section, without backquotes; sections without a table are left out.

    >>> tables("# A\n\n## `B` c\n\n| a | b |\n|---|---|\n| `x`, y | z |\n\n## D\n\nno table\n")
    {'B c': ['x, y']}
    """
    _, *parts = _SECTION.split(page)
    sections = zip(parts[::2], parts[1::2], strict=True)
    found = {
        _plain(title): [_plain(row["cell"]) for row in _ROW.finditer(_HEAD.sub("", text))] for title, text in sections
    }
    return {title: cells for title, cells in found.items() if cells}


def _plain(text: str) -> str:
    return text.replace("`", "")


class Covered:
    """The rows of some sections of a page; tests say which they show."""

    def __init__(self, system: str, *sections: str) -> None:
        found = tables((PAGES / f"{system}.md").read_text(encoding="utf-8"))
        self.rows = [row for section in sections for row in found[section]]
        self.shown: set[str] = set()

    def __call__(self, *names: str) -> Callable[[Test], Test]:
        """Name the rows that a test shows, as their first cells have it, without backquotes."""
        self.shown.update(names)
        return lambda test: test

    def check(self) -> None:
        """Fail where a row has no test, or a test speaks of a row that is not there."""
        assert [row for row in self.rows if row not in self.shown] == []
        assert self.shown - set(self.rows) == set()
