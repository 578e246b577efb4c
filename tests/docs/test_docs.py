"""The documentation does what it says: its specs are valid, its programs and commands run, its links lead somewhere.

A page is a story that is told from the top to the bottom, in a folder that holds the examples and nothing else:

- a block with a file's name (```yaml routing.yaml) writes that file;
- a ```yaml block that begins with `version:` is a spec without errors, or with some if it says `invalid`;
- a ```python block runs, with the names of the blocks before it, and prints what a ```text output block after it shows;
- each `$ …` line of a ```console block runs, and prints what stands below it, where `…` stands for anything.

A block that says `no-run` is left alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.load import read_str
from llmroute.routing.checks import check
from tests.docs.markdown import Block, agrees, anchors, blocks, commands, links
from tests.docs.shell import ROOT, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
STORIES = [page for page in PAGES if page.parent.name not in {"adr", "rules", "reference"}]
SPECS = [
    pytest.param(block, id=f"{page.stem}-{index}")
    for page in STORIES
    for index, block in enumerate(blocks(page.read_text(encoding="utf-8")))
    if block.language == "yaml" and re.search(r"^version:", block.body, re.MULTILINE)
]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("block", SPECS)
def test_a_spec_is_what_the_page_says_it_is(block: Block) -> None:
    loaded = read_str(block.body, block.file or "routing.yaml")
    found = [*loaded.diagnostics, *(check(loaded.spec) if loaded.spec else ())]
    errors = [f"{item.origin}: {item.message}" for item in found if item.severity == "error"]
    assert bool(errors) == ("invalid" in block.words), errors


@pytest.mark.parametrize("page", STORIES, ids=name)
def test_what_a_page_shows_happens(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = ""
    for block in blocks(page.read_text(encoding="utf-8")):
        if "no-run" in block.words:
            continue
        if block.file:
            (tmp_path / block.file).write_text(block.body, encoding="utf-8")
        if block.language == "python":
            exec(compile(block.body, name(page), "exec"), names)  # noqa: S102 - the page's own program
            printed = capsys.readouterr().out
        elif block.language == "text" and "output" in block.words:
            assert agrees(block.body, printed), printed
        elif block.language == "console":
            run_console(block, tmp_path)


def run_console(block: Block, folder: Path) -> None:
    for command in commands(block.body):
        _, output = run(command.line, folder)
        assert agrees(command.expected, output), f"$ {command.line}\n{output}\nmend it:  python -m tests.docs.refill"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    assert list(dead(page)) == []


def dead(page: Path) -> Iterator[str]:
    for link in links(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists():
            yield link
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            yield f"{link} (no such heading)"


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs/index.md"
    reached = {(index.parent / link.partition("#")[0]).resolve() for link in links(index.read_text(encoding="utf-8"))}
    own = {page for page in STORIES if page.parent == index.parent} - {index}
    assert own <= reached
