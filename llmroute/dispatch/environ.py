"""The environment as a request sees it: one snapshot, cheap when nothing changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Environ:
    """Takes snapshots of a mapping, or of `os.environ` when there is none.

    While nothing changes the *same* dict comes back, so that what is derived from it can be kept. Reading
    `os.environ` decodes every entry at every access; its undecoded dict is compared instead, which costs a
    fraction.
    """

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self._given = given
        self._state: tuple[Mapping[Any, Any], Mapping[str, str]] | None = None

    def snapshot(self) -> Mapping[str, str]:
        """The variables as they are now; never changed afterwards."""
        source: Mapping[str, str] = os.environ if self._given is None else self._given
        raw: Mapping[Any, Any] = getattr(source, "_data", source)
        state = self._state  # one read: another thread may replace it
        if state is not None and state[0] == raw:
            return state[1]
        state = (dict(raw), dict(source))
        self._state = state
        return state[1]
