"""What is left of a document once everything is taken out that the JSON Schema refuses.

So that a wrong setting hides no other: the checks of a spec need a spec.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from llmroute.load.validation import is_valid, refusals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ROUNDS = 4
"""How often is looked again: what is taken out may leave a place without what it needs."""
_NAMED = frozenset({"providers", "purposes", "agents", "clients"})
"""Groups whose entries are referred to by name: an entry stays, emptied, that its name is still known."""


def remains(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """The part of a document that the JSON Schema accepts; None where none is left that makes sense by itself."""
    left = deepcopy(dict(document))
    for _ in range(_ROUNDS):
        left["version"] = 1
        if is_valid(left):
            return left
        for error in list(refusals(left)):
            for path in _at_fault(error):
                _take_out(left, path, with_name=_is_name(error))
    return None


def _at_fault(error: Any) -> Iterable[tuple[str | int, ...]]:
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        return [(*path, name) for name in error.instance if name not in known]
    return [(*path, error.instance)] if _is_name(error) else [path]


def _is_name(error: Any) -> bool:
    return "propertyNames" in error.absolute_schema_path


def _take_out(document: dict[str, Any], path: tuple[str | int, ...], *, with_name: bool) -> None:
    """Take out the value at a path, a list as a whole: its other elements would move to places not their own."""
    inside: Any = document
    for index, step in enumerate(path):
        if not isinstance(inside, dict) or step not in inside:
            return
        if index == len(path) - 1 or isinstance(inside[step], list):
            if len(path) == len(("group", "name")) and path[0] in _NAMED and not with_name:
                inside[step] = {}
            else:
                del inside[step]
            return
        inside = inside[step]
