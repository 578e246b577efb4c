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


def plain(document: Any, source: Source) -> tuple[Any, list[Diagnostic]]:
    """A copy of a document in dicts, lists and scalars, and what in it is none of these."""
    problems: list[Diagnostic] = []

    def copy(value: Any, path: tuple[str | int, ...]) -> Any:
        if len(path) > MAX_DEPTH:
            problems.append(report(source, "too-deep", f"nested more than {MAX_DEPTH} levels deep", path[:8]))
        elif isinstance(value, Mapping):
            return {_key(key, path): copy(item, (*path, str(key))) for key, item in value.items()}
        elif isinstance(value, list | tuple):
            return [copy(item, (*path, index)) for index, item in enumerate(value)]
        elif fault := _fault(value):
            problems.append(report(source, fault[0], fault[1], path))
        else:
            return value
        return ""

    def _key(key: Any, path: tuple[str | int, ...]) -> str:
        if not isinstance(key, str):
            problems.append(report(source, "key-type", f"the key {key!r} is not a text", path))
        return str(key)

    return copy(document, ()), problems


def _fault(value: Any) -> tuple[str, str] | None:
    """Rule and message for a scalar that no YAML file could hold; None for one that is fine."""
    if isinstance(value, float) and not math.isfinite(value):
        return "number-not-finite", f"{value} is no number a setting can have"
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return "number-range", "a whole number of more than 64 bits"
    if value is not None and not isinstance(value, str | int | float | bool):
        return "invalid-value", f"{type(value).__name__} is no plain value"
    return None
