"""The tree of a YAML text, for what moves pieces of the text; which keys it has in which order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from llmroute.load.spans import Path

if TYPE_CHECKING:
    from collections.abc import Iterator

Order: TypeAlias = Callable[[Path], tuple[str, ...]]
"""The order of the keys of the mapping at a path; keys that are not in it stand last, as they stood."""
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CantFormatError(Exception):
    """The text can't be laid out without changing what it says."""


def in_order(entries: list[Any], order: tuple[str, ...]) -> list[Any]:
    """Entries, their key first, in an order."""
    rank = {name: index for index, name in enumerate(order)}
    return sorted(entries, key=lambda entry: rank.get(entry[0], len(rank)))


def tree_of(text: str) -> Any:
    """The tree of a text, in which an alias is a value of its own, at its own place."""
    aliases = (event for event in yaml.parse(text, Loader=_Loader) if isinstance(event, yaml.AliasEvent))
    return _with_aliases(yaml.compose(text, Loader=_Loader), aliases, set())


def _with_aliases(node: Any, aliases: Iterator[Any], seen: set[int]) -> Any:
    if id(node) in seen:
        event = next(aliases)
        return yaml.ScalarNode("", f"*{event.anchor}", event.start_mark, event.end_mark, style="*")
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        node.value = [(key, _with_aliases(value, aliases, seen)) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        node.value = [_with_aliases(value, aliases, seen) for value in node.value]
    return node
