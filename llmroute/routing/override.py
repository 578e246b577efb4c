"""What a person switched on by hand, for every program that asks for it: a server of their own."""

from __future__ import annotations

from typing import NamedTuple


class LocalOverride(NamedTuple):
    """An endpoint that speaks in the env layer, before the variables; `llmroute local on` writes it into a file.

    Whoever decides hands it in with the query: the file is read elsewhere.
    """

    base_url: str
    model: str | None = None
    """None: what the spec's scopes say of this URL."""
    key_variable: str | None = None
    """The variable that holds its key; None for a server without one."""
    path: str = ""
    """The file that says so."""
    shown: str = ""
    """A shorter form of it for people, such as `~/…`; empty: the path."""
