"""Plain values out of what a program hands over."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llmroute.load.yaml_reader import MAX_DEPTH
from llmroute.routing.report import report

if TYPE_CHECKING:
    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.source import Source


MAX_NODES = 1_000_000
"""Values of a document, counted as often as they are met: containers may hold each other."""


def plain(document: Any, source: Source) -> tuple[Any, list[Diagnostic]]:
    """A copy of a document in dicts, lists and scalars, and what in it is none of these."""
    copier = _Copier(source)
    return copier.copy(document, ()), copier.problems


class _Copier:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Diagnostic] = []
        self.nodes = 0

    def complain(self, rule: str, message: str, path: tuple[str | int, ...]) -> None:
        self.problems.append(report(self.source, rule, message, path))

    def copy(self, value: Any, path: tuple[str | int, ...]) -> Any:
        """The plain copy of a value; an empty text stands in for one that a diagnostic refuses."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            if self.nodes == MAX_NODES + 1:
                self.complain("too-many-aliases", f"more than {MAX_NODES:,} values", path[:8])
        elif len(path) > MAX_DEPTH:
            self.complain("too-deep", f"nested more than {MAX_DEPTH} levels deep", path[:8])
        elif isinstance(value, Mapping):
            return {self.key(key, path): self.copy(item, (*path, _text(key))) for key, item in value.items()}
        elif isinstance(value, list | tuple):
            return [self.copy(item, (*path, index)) for index, item in enumerate(value)]
        elif fault := _fault(value):
            self.complain(*fault, path)
        else:
            return _exact(value)
        return ""

    def key(self, key: Any, path: tuple[str | int, ...]) -> str:
        if not isinstance(key, str):
            self.complain("key-type", f"the key {key!r} is not a text", path)
        elif fault := _fault(key):
            self.complain(*fault, path)
        return _text(key)


def _text(key: Any) -> str:
    """A key as a text that can be written."""
    text = _exact(key) if isinstance(key, str) else str(key)
    return text.encode("utf-8", "replace").decode("utf-8")


def _exact(value: Any) -> Any:
    """A scalar without the class that a program made of it: enumerations and the like are what they hold."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float.__float__(value)
    return int.__int__(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _fault(value: Any) -> tuple[str, str] | None:
    """Rule and message for a scalar that no YAML file could hold; None for one that is fine."""
    if isinstance(value, str):
        surrogate = not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value)
        return ("bad-encoding", "half of a surrogate pair is no character") if surrogate else None
    if isinstance(value, float) and not math.isfinite(value):
        return "number-not-finite", f"{value} is no number a setting can have"
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return "number-range", "a whole number of more than 64 bits"
    if value is not None and not isinstance(value, int | float):
        return "invalid-value", f"{type(value).__name__} is no plain value"
    return None
