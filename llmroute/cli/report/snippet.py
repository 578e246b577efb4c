"""A source line with carets under a part of it, as wide as a terminal shows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import combining, east_asian_width

from llmroute.cli.output import visible_character
from llmroute.cli.report.redact import stumps

if TYPE_CHECKING:
    from llmroute.routing.diagnostics import Diagnostic, Related
    from llmroute.routing.source import Source

TAB = 4
WIDEST = 100
"""Columns of a source line that are shown; of a longer one the part around the caret."""
_BEFORE = 24


_WORD = re.compile(r"[^\s,:\]}]+")


class Shown(NamedTuple):
    """A line, and what stands under it."""

    text: str
    indent: int
    """Columns before the first caret."""
    width: int
    """How many carets."""


class _Piece(NamedTuple):
    text: str
    width: int
    at: int
    """Where in the line it begins, counted from 0."""


def shown(line: str, column: int, length: int, diagnostic: Diagnostic | None = None) -> Shown:
    r"""How `length` characters from `column` (counted from 1) of a line are shown, keys cut out.

    >>> shown("a: \tb", 5, 1)
    Shown(text='a:  b', indent=4, width=1)
    """
    start = max(0, column - 1)
    pieces = _window(_pieces(line, stumps(line, diagnostic)), start)
    end = start + max(1, length)
    under = [piece for piece in pieces if start <= piece.at < end]
    # What was cut out may have begun before.
    indent = sum(piece.width for piece in pieces if piece.at < start and piece not in under)
    if not under and start < len(line) and pieces:
        covering = [piece for piece in pieces if piece.at <= start][-1:]
        under = covering
        indent -= sum(piece.width for piece in covering)
    text = "".join(piece.text for piece in pieces).rstrip()
    return Shown(text, indent, max(1, sum(piece.width for piece in under)))


def word_length(source: Source, related: Related) -> int:
    """How many characters a second place of a diagnostic takes up."""
    match = _WORD.match(source.lines[related.line - 1], related.column - 1)
    return len(match[0]) if match else 1


def _pieces(line: str, cut: dict[int, tuple[int, str]]) -> list[_Piece]:
    pieces: list[_Piece] = []
    at = column = 0
    while at < len(line):
        if at in cut:
            end, text = cut[at]
            piece, at = _Piece(text, len(text), at), end
        else:
            piece, at = _character(line[at], column, at), at + 1
        pieces.append(piece)
        column += piece.width
    return pieces


def _character(character: str, column: int, at: int) -> _Piece:
    if character == "\t":
        width = TAB - column % TAB
        return _Piece(" " * width, width, at)
    if character.isascii() and character.isprintable():
        return _Piece(character, 1, at)
    text = visible_character(character)
    wide = 2 if east_asian_width(text) in "WF" else 1
    return _Piece(text, 0 if combining(text) else wide, at)


def _window(pieces: list[_Piece], start: int) -> list[_Piece]:
    """The pieces that fit, around the one at `start`; `…` stands for what does not."""
    if sum(piece.width for piece in pieces) <= WIDEST:
        return pieces
    first = 0
    lead = sum(piece.width for piece in pieces if piece.at < start)
    if lead > WIDEST - _BEFORE:
        while lead > _BEFORE and pieces[first].at < start:
            lead -= pieces[first].width
            first += 1
    kept: list[_Piece] = [_Piece("…", 1, -1)] if first else []
    room = WIDEST - len(kept)
    for piece in pieces[first:]:
        room -= piece.width
        if room < 1:
            kept.append(_Piece("…", 1, len(pieces) + piece.at))
            break
        kept.append(piece)
    return kept
