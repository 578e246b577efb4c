"""Writes what commands print today below the `$ …` lines of the documentation. Read the difference before you keep it.

python -m tests.docs.refill [PAGE…]

A command whose output is shown in part, with `…`, is left as it is.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.docs.markdown import BLOCK, Block, commands
from tests.docs.shell import ROOT, run


def refilled(text: str, folder: Path) -> str:
    """The page with the outputs of its console blocks, which run in the folder in their order."""
    (folder / "examples").symlink_to(ROOT / "examples")
    kept, end = "", 0
    for match in BLOCK.finditer(text):
        block = Block.of(match)
        body = block.body
        if block.file:
            (folder / block.file).write_text(body, encoding="utf-8")
        elif block.language == "console" and "no-run" not in block.words:
            body = "".join(f"$ {line}\n{_shown(line, expected, folder)}" for line, expected in commands(body))
        kept += text[end : match.start("body")] + body
        end = match.end("body")
    return kept + text[end:]


def _shown(line: str, expected: str, folder: Path) -> str:
    if "…" in expected:
        return expected
    _, output = run(line, folder)
    return output.strip("\n") + "\n" if output.strip() else ""


def main(names: list[str]) -> None:
    """Refill the pages; all of them where none is named."""
    pages = [Path(name) for name in names] or [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            new = refilled(text, Path(folder))
        if new != text:
            page.write_text(new, encoding="utf-8")
            print(f"wrote {page}")


if __name__ == "__main__":
    main(sys.argv[1:])
