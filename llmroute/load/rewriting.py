"""Writing other values into a YAML text, and leaving everything else in it as it is: comments, order, quotes, blanks.

What can't be changed so is refused, and the result is read again: it must hold the new values and no other change.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.load.spans import Node, Path, nodes
from llmroute.load.yaml_reader import read
from llmroute.load.yaml_writer import flow, quoted, scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class CantRewriteError(Exception):
    """A value can't be written over without harm to what stands around it; the message says why."""


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


def rewritten(text: str, changes: Mapping[Path, Any]) -> tuple[str, dict[Path, str]]:
    """The text with other values at some paths, and why those that are missing in it were refused."""
    places = nodes(text)
    document = read(text, "").value
    wanted = deepcopy(document)
    edits: list[_Edit] = []
    refused: dict[Path, str] = {}
    for path, value in changes.items():
        try:
            edits += _edits(text, places, path, _at(document, path), value)
            _at(wanted, path[:-1])[path[-1]] = value
        except CantRewriteError as error:
            refused[path] = str(error)
    new = _edited(text, edits)
    if edits and not _holds(new, wanted):
        return text, {**dict.fromkeys(changes, "something else in the file would change too"), **refused}
    return new, refused


def _edited(text: str, edits: Iterable[_Edit]) -> str:
    pieces: list[str] = []
    at = 0
    for edit in sorted(edits):
        pieces += (text[at : edit.start], edit.text)
        at = edit.end
    return "".join((*pieces, text[at:]))


def _holds(text: str, document: Any) -> bool:
    reading = read(text, "")
    return not reading.diagnostics and repr(reading.value) == repr(document)


def _at(document: Any, path: Path) -> Any:
    for step in path:
        try:
            document = document[step]
        except (LookupError, TypeError):
            raise CantRewriteError("nothing stands there") from None
    return document


def _edits(text: str, places: Mapping[Path, Node], path: Path, old: Any, new: Any) -> Iterator[_Edit]:
    """What changes an old value into a new one; inside of a container as little as possible."""
    if repr(old) == repr(new):
        return
    node = places.get(path)
    if node is None or node.kind == "alias":
        raise CantRewriteError("it stands behind an alias")
    if node.is_shared:
        raise CantRewriteError("it has an anchor or a tag")
    if isinstance(old, dict) and isinstance(new, dict) and list(old) == list(new):
        for key, value in new.items():
            yield from _edits(text, places, (*path, key), old[key], value)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, value in enumerate(new):
            yield from _edits(text, places, (*path, index), old[index], value)
    else:
        yield _scalar(node, new) if node.kind == "scalar" else _container(text, places, path, new)


def _scalar(node: Node, new: Any) -> _Edit:
    if node.style in ("|", ">"):
        raise CantRewriteError("it is a block of text")
    if isinstance(new, dict | list) or node.start == node.end:
        raise CantRewriteError("a value of another kind belongs there")
    if not isinstance(new, str):
        return _Edit(node.start, node.end, flow(new))
    if node.style == "'" and new.isprintable():
        shown = "'" + new.replace("'", "''") + "'"
    elif node.style:
        shown = quoted(new)
    else:
        shown = flow(new) if node.in_flow else scalar(new)
    return _Edit(node.start, node.end, shown)


def _has_comment(text: str, places: Mapping[Path, Node], path: Path, node: Node) -> bool:
    """Whether a `#` stands between the values of a container; one in a key counts too, to be safe."""
    at = node.start
    for inner in sorted(
        (row.start, row.end)
        for inner_path, row in places.items()
        if inner_path[: len(path)] == path and row.kind == "scalar"
    ):
        if "#" in text[at : inner[0]]:
            return True
        at = inner[1]
    return "#" in text[at : node.end]


def _container(text: str, places: Mapping[Path, Node], path: Path, new: Any) -> _Edit:
    node = places[path]
    if any(inner.is_shared for inner_path, inner in places.items() if inner_path[: len(path)] == path):
        raise CantRewriteError("there is an anchor or an alias in it")
    if _has_comment(text, places, path, node):
        raise CantRewriteError("there is a comment in it")
    if node.style == "flow" or not isinstance(new, dict | list):
        return _Edit(node.start, node.end, flow(new))
    if not new:
        # Beside the key, where a flow value may stand.
        start = len(text[: node.start].rstrip())
        return _Edit(start, node.end, f" {flow(new)}")
    indent = ("\r\n" if "\r\n" in text else "\n") + " " * node.column
    rows = (
        [f"{scalar(key)}: {flow(value)}" for key, value in new.items()]
        if isinstance(new, dict)
        else [f"- {flow(value)}" for value in new]
    )
    return _Edit(node.start, node.end, indent.join(rows))
