"""Near names, for the hint of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_LISTED = 12


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a mistyped one most likely meant; None if none is near.

    >>> nearest("olama", ["anthropic", "ollama"])
    'ollama'
    """
    from difflib import get_close_matches

    by_lower = {candidate.lower(): candidate for candidate in sorted(known, reverse=True)}
    found = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def listed(known: Iterable[str]) -> str:
    """Some names for a message, cut where there are many.

    >>> listed(["b", "a"])
    'a, b'
    """
    names = sorted(known)
    more = len(names) - _MOST_LISTED
    return ", ".join(names[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


def near(name: str, known: Iterable[str], *, otherwise: str) -> str:
    """«did you mean …» or the list of what is known; `otherwise` where nothing is."""
    known = [candidate for candidate in known if candidate != "*"]
    if not known:
        return otherwise
    guess = nearest(name, known)
    return f"did you mean {guess!r}?" if guess else f"known here: {listed(known)}"
