"""Colours can be told apart, in both themes: WCAG 2.2, 1.4.3 (texts) and 1.4.11 (marks)."""

from __future__ import annotations

import re

import pytest

from llmroute.inspection.page import asset

TEXT, MARK = 4.5, 3.0
PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
THEMES = ("light", "dark")
TINTS = tuple(f"p{number}" for number in range(8))
TEXTS = [
    *(("ink", under) for under in ("paper", "raised", "sunk", "mark", "mark-soft", *TINTS)),
    *(("muted", under) for under in ("paper", "raised", "sunk", "mark", "mark-soft", *TINTS)),
    *(("accent", under) for under in ("paper", "raised", "sunk", "accent-soft")),
    *(("won", under) for under in ("raised",)),
    *(("bad", under) for under in ("paper", "raised", "bad-soft")),
    ("ink", "bad-soft"),
]
MARKS = [
    *((f"b{number}", f"p{number}") for number in range(8)),
    *((f"b{number}", "paper") for number in range(8)),
    *(("edge", under) for under in ("paper", "raised")),
    *(("accent", under) for under in ("paper", "raised", "sunk", *TINTS)),
    ("won", "mark"),
    ("edge", "mark-soft"),
]


def colours(theme: str) -> dict[str, str]:
    """The variables of the style sheet, as one theme has them."""
    index = THEMES.index(theme)
    return {name: pair[index] for name, *pair in PAIR.findall(asset("page.css"))}


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2).

    >>> luminance("#ffffff")
    1.0
    """
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The ratio of two colours, at least 1."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def test_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("over", "under", "least"), [*((*p, TEXT) for p in TEXTS), *((*p, MARK) for p in MARKS)])
def test_what_stands_on_what_can_be_read(theme: str, over: str, under: str, least: float) -> None:
    found = colours(theme)
    assert contrast(found[over], found[under]) >= least


def test_every_colour_of_the_style_sheet_is_one_of_these() -> None:
    style = asset("page.css")
    used = set(re.findall(r"var\(--([\w-]+)\)", style)) - {"mono", "bar", "paint"}
    assert used <= set(colours("light"))
    assert used - {"line"} <= {name for pair in (*TEXTS, *MARKS) for name in pair}
    assert not re.findall(r"#[0-9a-f]{3,8}\b", PAIR.sub("", style))
