"""Where the values of a YAML text begin and end, so that one can be written over another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Node(NamedTuple):
    """One value of a text."""

    kind: Literal["scalar", "mapping", "sequence", "alias"]
    start: int
    """Index of its first character."""
    end: int
    """Index behind its last character; of a block that of its last value."""
    style: str
    """Of a scalar its quotes, `|`, `>` or nothing; of a container `flow` or `block`."""
    column: int
    """Of its first character, counted from 0."""
    is_shared: bool
    """Whether it, or what it stands in, has an anchor or a tag."""
    in_flow: bool
    """Whether it stands in a flow container."""


def nodes(text: str) -> dict[Path, Node]:
    """The values of a text that loads, by path; what stands behind an alias is not among them."""
    found: dict[Path, Node] = {}
    # Emptied as it is read: the parser is the only place where an event lives.
    events = yaml.parse(text, Loader=_Loader)
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            _value(next(events), events, (), found, is_shared=False, in_flow=False)
    return found


def _value(  # noqa: PLR0913 - what is known of the place
    event: Any,
    events: Iterator[Any],
    path: Path,
    found: dict[Path, Node],
    *,
    is_shared: bool,
    in_flow: bool,
) -> int:
    """Note a value and those in it; the index behind its last character."""
    start, end, column = event.start_mark.index, event.end_mark.index, event.start_mark.column
    if isinstance(event, yaml.AliasEvent):
        found[path] = Node("alias", start, end, "", column, is_shared=True, in_flow=in_flow)
        return int(end)
    shared = is_shared or event.anchor is not None or event.tag is not None
    if isinstance(event, yaml.ScalarEvent):
        found[path] = Node("scalar", start, end, event.style or "", column, shared, in_flow)
        return int(end)
    flow = bool(event.flow_style)
    is_mapping = isinstance(event, yaml.MappingStartEvent)
    found[path] = node = Node("mapping", start, end, "flow" if flow else "block", column, shared, in_flow)
    index = 0
    while not isinstance(entry := next(events), yaml.MappingEndEvent | yaml.SequenceEndEvent):
        step, value = (entry.value, next(events)) if is_mapping else (index, entry)
        end = _value(value, events, (*path, step), found, is_shared=shared, in_flow=in_flow or flow)
        index += 1
    closing: Any = entry.end_mark
    end = closing.index if flow else end
    found[path] = node._replace(kind="mapping" if is_mapping else "sequence", end=end)
    return int(end)
