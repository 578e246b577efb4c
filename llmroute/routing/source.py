"""The text that a spec came from: its name, and the place of every key and value in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from llmroute.routing.diagnostics import Origin


class Mark(NamedTuple):
    """A place in a text; both count from 0, columns in characters."""

    line: int
    column: int


class Entry(NamedTuple):
    """Where one entry of a mapping or sequence stands; `key` equals `value` in a sequence."""

    key: Any
    """Mark of the key: anything with `line` and `column`."""
    value: Any
    """Mark of the value."""
    children: Mapping[Any, Entry] | None
    """The entries of the value, by key or index, where it has some."""


_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")

Marks = Mapping[Any, Entry]


def pointer(path: Sequence[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a path.

    >>> pointer(["agents", "a/b", "fallbacks", 0])
    '/agents/a~1b/fallbacks/0'
    """
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def mark_at(text: str, index: int) -> Mark:
    """The place of the character at an index of a text, lines broken as YAML breaks them.

    >>> mark_at(chr(10).join(("ab", "cd")), 4)
    Mark(line=1, column=1)
    """
    lines = _LINE_BREAK.split(text[:index])
    return Mark(len(lines) - 1, len(lines[-1]))


class Source:
    """The file (or mapping) of a spec.

    `prefix` is the path of the spec inside a larger document (`PATH#/llm`).
    """

    __slots__ = ("_begin", "_lines", "_origins", "_pointers", "marks", "path", "prefix", "text")

    def __init__(
        self,
        path: str = "",
        marks: Marks | None = None,
        prefix: tuple[str | int, ...] = (),
        text: str | None = None,
    ) -> None:
        self.path = path
        self.marks = marks
        self.prefix = prefix
        self.text = text
        self._begin: Any = Mark(0, 0)
        """Where the spec begins."""
        self._lines: list[str] | None = None
        self._pointers: dict[tuple[int, int], str] | None = None
        self._origins: dict[tuple[Any, ...], Origin] = {}
        """The places that were asked for: a decision asks for the same ones as the last."""

    @property
    def lines(self) -> list[str]:
        """The lines of the text, broken as YAML breaks them; empty where there is no text."""
        if self._lines is None:
            self._lines = _LINE_BREAK.split(self.text) if self.text else []
        return self._lines

    def narrow(self, path: Sequence[str | int]) -> None:
        """Go on with the value at a path alone: that is the spec, the rest of the document is not."""
        entry = self.entry(path)
        if entry is not None:
            self.marks, self._begin = entry.children or {}, entry.value
        self.prefix = tuple(path)
        self._origins.clear()

    def entry(self, path: Sequence[str | int]) -> Entry | None:
        """The entry at a path, or the nearest one above it that is there; None for the document itself."""
        marks, found = self.marks, None
        for part in path:
            entry = marks.get(part) if marks else None
            if entry is None:
                return found
            found, marks = entry, entry.children
        return found

    def origin(self, path: Sequence[str | int], *, key: bool = False) -> Origin:
        """Where the value (or the `key`) at a path stands."""
        asked = (key, *path)
        found = self._origins.get(asked)
        if found is None:
            found = self._origins[asked] = self._origin(path, key=key)
        return found

    def _origin(self, path: Sequence[str | int], *, key: bool) -> Origin:
        if self.marks is None:
            return Origin("mapping", name=pointer((*self.prefix, *path)))
        entry = self.entry(path)
        mark = self._begin if entry is None else entry.key if key else entry.value
        return Origin("file", self.path, mark.line + 1, mark.column + 1)

    def pointer_at(self, origin: Origin) -> str:
        """The JSON pointer of the value that stands at a place of this text; empty where none does."""
        if origin.kind == "mapping":
            return origin.name
        if self._pointers is None:
            # What an alias stands for has its place where it was first written.
            places = reversed([*_places(self.marks or {}, self.prefix)])
            self._pointers = {(mark.line + 1, mark.column + 1): pointer(path) for mark, path in places}
        return self._pointers.get((origin.line, origin.column), "") if origin.kind == "file" else ""


def _places(marks: Marks, path: tuple[str | int, ...]) -> Iterator[tuple[Any, tuple[str | int, ...]]]:
    """Mark and path of every value, an outer one before those in it."""
    for step, entry in marks.items():
        yield entry.value, (*path, step)
        yield from _places(entry.children or {}, (*path, step))
