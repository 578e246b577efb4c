"""What Oracle's cloud says of a failure, by its code, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_HINTS = {
    "notauthorizedornotfound": "look at the model's name and region, at the compartment (`extra_body: {compartmentId: "
    "…}`), and at the policy: Allow group … to use generative-ai-family in compartment …",
    "notauthenticated": "is the profile's key among the user's API keys, and the clock of this machine right?",
}


def hint_of(codes: Iterable[str]) -> str:
    """What to do, for the codes of an error in lower case; empty for any other's.

    >>> hint_of(["notauthenticated"])
    "is the profile's key among the user's API keys, and the clock of this machine right?"
    """
    return next((_HINTS[code] for code in codes if code in _HINTS), "")
