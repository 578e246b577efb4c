"""The whole text of a spec as it is shown: without keys, wherever they stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from llmroute.cli.output import visible_character
from llmroute.cli.report.redact import REDACTED, redacted, stumps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.routing.source import Entry, Marks, Source

_SECRET = ("api_key", "headers")
"""What stands below these names is never shown, references aside."""
_REFERENCE = re.compile(r"""(["']?)\$\{[A-Za-z_][A-Za-z0-9_]*\}\1\s*(?=[,}\]]|$|#)""")
_CUT = "\ue002"
"""In place of what was cut out, until the line is whole."""
_ELSEWHERE = "⋯"
"""In place of what is not the spec's, in a file that holds more."""


def shown_lines(source: Source) -> list[str]:
    """The lines of a spec, keys cut out: what stands where a key is meant to stand, and what looks like one.

    Of a file that holds more than the spec, only the lines of the spec are shown.
    """
    lines = list(source.lines)
    marks = sorted({mark for _, entry in _walk(source.marks or {}, ()) for mark in (_at(entry.key), _at(entry.value))})
    for start in sorted(_secrets(source), reverse=True):
        _cut(lines, start, next((mark for mark in marks if mark > start), (len(lines), 0)))
    first, last = (marks[0][0], marks[-1][0]) if source.prefix and marks else (0, len(lines))
    return [_visible(_plain(line)) if first <= number <= last else _ELSEWHERE for number, line in enumerate(lines)]


def _visible(line: str) -> str:
    return "".join(char if char == "\t" else visible_character(char) for char in line)


def without_keys_in_text(text: str) -> str:
    """A value, however it is nested, without what looks like a key or stands behind the name of one."""
    return "\n".join(map(_plain, text.split("\n")))


def _plain(line: str) -> str:
    for start, (end, shown) in sorted(stumps(line).items(), reverse=True):
        line = line[:start] + shown + line[end:]
    return redacted(line).replace(_CUT, REDACTED)


def _secrets(source: Source) -> Iterator[tuple[int, int]]:
    """Where the values in secret places begin."""
    for path, entry in _walk(source.marks or {}, ()):
        if not entry.children and any(step in _SECRET for step in path) and path[-1] not in ("file", "keyring"):
            yield _at(entry.value)


def _walk(marks: Marks, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Entry]]:
    for step, entry in marks.items():
        yield (*path, str(step)), entry
        yield from _walk(entry.children or {}, (*path, str(step)))


def _at(mark: Any) -> tuple[int, int]:
    return mark.line, mark.column


def _cut(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> None:
    """Put a stump in the place of a value: of all there is up to what is written next."""
    (first, column), (last, until) = start, end
    stop = until if last == first else len(lines[first])
    text = lines[first][column:stop]
    value = text.rstrip(" ,}]\t")
    if _REFERENCE.match(text):
        return
    lines[first] = lines[first][:column] + _CUT + text[len(value) :] + lines[first][stop:]
    goes_on = value[:1] in {"|", ">"} or (value[:1] in {'"', "'"} and value[-1:] != value[:1])
    for number in range(first + 1, min(last, len(lines))):
        is_comment = lines[number].lstrip().startswith("#") and not goes_on
        if lines[number].strip() and not is_comment:
            lines[number] = _CUT
