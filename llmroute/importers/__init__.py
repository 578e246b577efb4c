"""Configurations of agent programs as specs: pure text in, text out.

Each system has a file with one function, `convert`, that fills a `Draft` out of a `Document`. What can't be said in a
spec becomes a comment that says where it stood and why; a key never becomes part of the text.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

from llmroute.importers.document import ImportProblem
from llmroute.importers.draft import Draft
from llmroute.importers.text import spec_text

__all__ = ["SYSTEMS", "ImportProblem", "Imported", "imported"]

SYSTEMS = ("codeframe", "flux", "codebuff", "hive", "coda")
"""The systems whose configuration can be read."""


class Imported(NamedTuple):
    """What came of a configuration."""

    text: str
    """The spec, with comments."""
    left_out: tuple[str, ...]
    """What was not carried over, each with its place and the reason."""


def imported(system: str, text: str, name: str) -> Imported:
    """The spec that says what a system's configuration says; `name` stands for the file in comments.

    Raises:
        ImportProblem: the text is no such configuration; the message never holds a value that may be a key.

    """
    draft = Draft(name)
    import_module(f"{__name__}.{system}").convert(text, draft)
    return Imported(spec_text(system, draft), tuple(draft.left_out))
