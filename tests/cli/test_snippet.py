"""Carets stand under what they mean, whatever the line holds."""

from __future__ import annotations

from unicodedata import combining, east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.cli.report.snippet import WIDEST, shown


def columns(text: str) -> int:
    """How wide a terminal draws a text."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def under(line: str, column: int, length: int) -> str:
    """What stands above the carets."""
    view = shown(line, column, length)
    found, at = "", 0
    for character in view.text:
        width = columns(character)
        if view.indent <= at < view.indent + view.width:
            found += character
        at += width
    return found


@pytest.mark.parametrize(
    "before", ["", "a: ", "\ta:\t", "名前: ", "e\u0301: ", "\x1b[31m", "\u202e", "a\0b", "\U0001f600: "]
)
def test_the_carets_stand_under_the_word(before: str) -> None:
    assert under(f"{before}olama # x", len(before) + 1, 5) == "olama"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=30), st.integers(0, 90))
def test_the_carets_stand_under_the_word_in_any_line(before: str, more: int) -> None:
    line = f"{before}{'x' * more} <olama> y"
    assert under(line, len(before) + more + 2, 7) == "<olama>"


@given(st.text(max_size=400), st.integers(-3, 500), st.integers(0, 400))
def test_a_line_is_never_wider_than_it_may_be_nor_obeyed(line: str, column: int, length: int) -> None:
    view = shown(line, column, length)
    assert columns(view.text) <= WIDEST
    assert view.width >= 1
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E for c in view.text)


def test_a_long_line_is_shown_around_the_caret() -> None:
    line = f"{'a' * 5_000}olama{'b' * 5_000}"
    view = shown(line, 5_001, 5)
    assert view.text.startswith("…aaa")
    assert view.text.endswith("bbb…")
    assert under(line, 5_001, 5) == "olama"


def test_the_end_of_a_line_may_be_meant() -> None:
    view = shown("key:", 5, 1)
    assert (view.indent, view.width) == (4, 1)
