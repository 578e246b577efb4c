"""What the tests of the documentation look at: the code blocks, links and headings of a Markdown page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced code block: its language, the words after it, and its text."""

    language: str
    words: tuple[str, ...]
    body: str

    @classmethod
    def of(cls, match: re.Match[str]) -> Block:
        """The block that `BLOCK` has found."""
        language, *words = match["info"].split() or [""]
        return cls(language, tuple(words), match["body"])

    @property
    def file(self) -> str | None:
        """The file that the block shows, where a word after the language names one."""
        return next((word for word in self.words if "." in word), None)


class Command(NamedTuple):
    """A line `$ …` of a console block, and what is to come out of it."""

    line: str
    expected: str


def blocks(text: str) -> list[Block]:
    """The code blocks of a page, in order."""
    return [Block.of(match) for match in BLOCK.finditer(text)]


def commands(body: str) -> Iterator[Command]:
    """The commands of a console block; a line that ends in a backslash goes on in the next."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        line, _, expected = part.replace("\\\n", "").partition("\n")
        yield Command(line, expected)


def links(text: str) -> list[str]:
    """The relative links of a page."""
    return [match["target"] for match in _LINK.finditer(BLOCK.sub("", text))]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = (match["text"].lower() for match in _HEADING.finditer(BLOCK.sub("", text)))
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in headings}


def agrees(expected: str, output: str) -> bool:
    """Whether an output is the one a page shows; `…` stands for anything.

    >>> agrees("1 error …", "1 error in 2 files")
    True
    """
    pattern = ".*".join(re.escape(part) for part in _trimmed(expected).split("…"))
    return re.fullmatch(pattern, _trimmed(output), re.DOTALL) is not None


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
