"""One diagnostic as people read it: the place, the line, the carets, the way out."""

from __future__ import annotations

from shutil import get_terminal_size
from typing import TYPE_CHECKING, NamedTuple

from llmroute.cli.output import paint, visible
from llmroute.cli.report.redact import redacted
from llmroute.cli.report.snippet import WIDEST, shown, word_length

if TYPE_CHECKING:
    from typing import IO

    from llmroute.cli.specs import Judged
    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.source import Source

_COLOURS = {"error": "red", "warning": "yellow"}


class _Mark(NamedTuple):
    """One marked place of a snippet."""

    line: int
    column: int
    length: int
    sign: str
    text: str


def drawn(diagnostic: Diagnostic, judged: Judged, stream: IO[str]) -> list[str]:
    """The lines of a diagnostic, without keys, coloured where the stream shows colours."""
    colour = _COLOURS[diagnostic.severity]
    label = paint(f"{diagnostic.severity}[{diagnostic.code}]", colour, bold=True, stream=stream)
    message = paint(_clean(diagnostic.message), bold=True, stream=stream)
    lines = [f"{_place(diagnostic, judged)}: {label}: {message}"]
    marks = _marks(diagnostic, judged.source)
    gutter = len(str(max((mark.line for mark in marks), default=0)))
    hint = _clean(diagnostic.hint)
    if marks:
        snippet, hint = _snippet(marks, diagnostic, judged.source, stream)
        lines += snippet
    if hint:
        lines.append(f"{' ' * gutter} {paint('=', 'blue', stream=stream)} {hint}")
    return lines


def _clean(text: str) -> str:
    """A message in one line, without keys and without what a terminal obeys."""
    return visible(redacted(text)).replace("\n", " ")


def _place(diagnostic: Diagnostic, judged: Judged) -> str:
    origin = diagnostic.origin
    if origin.kind == "env":
        return f"env {visible(origin.name)}"
    path = visible(origin.path or judged.path).replace("\n", " ")
    return f"{path}:{origin.line}:{origin.column}" if judged.source.lines and origin.line else path


def _marks(diagnostic: Diagnostic, source: Source) -> list[_Mark]:
    """The places to show, in the order of their lines; none where there is no text to show."""
    origin = diagnostic.origin
    if origin.kind != "file" or not 1 <= origin.line <= len(source.lines):
        return []
    main = _Mark(origin.line, origin.column, diagnostic.length, "^", _clean(diagnostic.hint))
    others = [
        _Mark(related.line, related.column, word_length(source, related), "-", _clean(related.message))
        for related in diagnostic.related
        if 1 <= related.line <= len(source.lines)
    ]
    return sorted((main, *others), key=lambda mark: (mark.line, mark.column))


def _snippet(marks: list[_Mark], diagnostic: Diagnostic, source: Source, stream: IO[str]) -> tuple[list[str], str]:
    """The lines with their carets, and the hint where it did not fit beside them."""
    gutter = len(str(marks[-1].line))
    edge = paint(f"{' ' * gutter} |", "blue", stream=stream)
    lines, left = [edge], ""
    before = marks[0].line
    for index, mark in enumerate(marks):
        if mark.line > before + 1:
            lines.append(paint("...", "blue", stream=stream))
        main = mark.sign == "^"
        view = shown(source.lines[mark.line - 1], mark.column, mark.length, diagnostic if main else None)
        if not index or mark.line != before:
            lines.append(f"{paint(f'{mark.line:>{gutter}} |', 'blue', stream=stream)} {view.text}".rstrip())
        text = mark.text
        if main and gutter + 4 + view.indent + view.width + len(text) > _room(stream):
            text, left = "", mark.text
        colour = _COLOURS[diagnostic.severity] if main else "blue"
        sign = paint(f"{mark.sign * view.width} {text}".rstrip(), colour, stream=stream)
        lines.append(f"{edge} {' ' * view.indent}{sign}")
        before = mark.line
    return lines, left


def _room(stream: IO[str]) -> int:
    """Columns for a line of carets and its hint."""
    return min(WIDEST, get_terminal_size().columns) if stream.isatty() else WIDEST
