"""Names that some globs tell apart: for each set of globs that a name can fit, the shortest name that fits them.

The globs are those of policies (`fnmatchcase`, upper and lower case are one). They are walked together, as automata:
what is found is complete for names of ASCII characters, so that a proof about the names that are found is one about
all names.
"""

from __future__ import annotations

from collections import deque
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from llmroute.routing.violations import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_PLAIN = "xabcdefghijklmnopqrstuvwyz0123456789-_"
_ALPHABET = _PLAIN + "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in _PLAIN + _PLAIN.upper())
_MOST_STATES = 20_000
"""Globs whose automata multiply beyond this are walked no further; a dozen globs with a star each stay far below."""
_TRIES = 3
"""How long a name may grow in one place of the automata, to be none of those that are taken."""


class Pattern(NamedTuple):
    """A glob, and what stands before the part of the name that is looked for."""

    glob: str
    prefix: str = ""


def told_apart(
    patterns: Iterable[Pattern], *, usual: Sequence[str] = (), free: Callable[[str], object] = bool
) -> list[str]:
    """A name for each set of the patterns that a name can fit, the one that fits none first, where there is one.

    `usual`: names that are taken before others. `free`: whether a name may be taken.

    >>> told_apart([Pattern("secret-*"), Pattern("*-x")], usual=["other"])
    ['other', '-x', 'secret-', 'secret-x']
    """
    rows = list(dict.fromkeys(patterns))
    found: dict[tuple[bool, ...], str] = {}
    for name in usual:
        if free(name):
            found.setdefault(tuple(matches([glob], prefix + name) is not None for glob, prefix in rows), name)
    for fitted, text in _walk(tuple(rows)):
        ways = () if fitted in found else filter(free, (text, text.upper(), text.title()))
        for name in ways:
            found.setdefault(fitted, name)
    return [found[fitted] for fitted in sorted(found, key=sum)]


def _walk(rows: tuple[Pattern, ...]) -> Iterator[tuple[tuple[bool, ...], str]]:
    """Every set of patterns that a text can fit, with short texts that fit it, breadth first."""
    automata = [_tokens(row.glob.lower()) for row in rows]
    letters = _letters({part for parts in automata for part in parts} - {"*"})
    start = tuple(_begin(tokens, row.prefix.lower()) for tokens, row in zip(automata, rows, strict=True))
    waiting, seen = deque([(start, "")]), {(start, 0)}
    while waiting:
        state, text = waiting.popleft()
        yield tuple(len(tokens) in places for tokens, places in zip(automata, state, strict=True)), text
        for letter in letters:
            after = tuple(_step(tokens, places, letter) for tokens, places in zip(automata, state, strict=True))
            key = after, min(len(text) + 1, _TRIES)
            if key not in seen and len(seen) < _MOST_STATES:
                seen.add(key)
                waiting.append((after, text + letter))


@cache
def _tokens(glob: str) -> tuple[str, ...]:
    """The parts of a glob: stars, and globs that fit one character each."""
    found: list[str] = []
    place = 0
    while place < len(glob):
        end = place + 1
        if glob[place] == "[":
            # As fnmatch reads it: a bracket that is never closed is a character, and a first `]` stands for itself.
            close = glob.find("]", place + (3 if glob[place + 1 : place + 2] == "!" else 2))
            end = close + 1 if close >= 0 else end
        part = glob[place:end]
        found.append({"[": "[[]"}.get(part, part))
        place = end
    return tuple(found)


def _letters(tokens: set[str]) -> list[str]:
    """One character for each set of the tokens that a character can fit."""
    found: dict[frozenset[str], str] = {}
    for letter in _ALPHABET:
        found.setdefault(frozenset(token for token in tokens if _fits(letter, token)), letter)
    return list(found.values())


@cache
def _fits(letter: str, token: str) -> bool:
    return fnmatchcase(letter, token)


@cache
def _begin(tokens: tuple[str, ...], prefix: str) -> frozenset[int]:
    places = _closed(tokens, {0})
    for letter in prefix:
        places = _step(tokens, places, letter)
    return places


@cache
def _step(tokens: tuple[str, ...], places: frozenset[int], letter: str) -> frozenset[int]:
    after: set[int] = set()
    for place in places:
        if place < len(tokens):
            if tokens[place] == "*":
                after.add(place)
            elif _fits(letter, tokens[place]):
                after.add(place + 1)
    return _closed(tokens, after)


def _closed(tokens: tuple[str, ...], places: set[int]) -> frozenset[int]:
    """The places, and those behind the stars that they stand at: a star may fit nothing."""
    found = set(places)
    for place in range(min(places, default=0), len(tokens)):
        if place in found and tokens[place] == "*":
            found.add(place + 1)
    return frozenset(found)
