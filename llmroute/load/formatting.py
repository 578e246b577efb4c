"""A spec's text in one layout: its own keys in order, two spaces a level, quotes where they are needed.

Comments, blank lines, line breaks within a value and the order of what a user named stay as they are. The text is moved
in whole pieces, and what comes out is read again: it must say the same, or it is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from llmroute.load.block_layout import laid_out
from llmroute.load.key_order import order_at
from llmroute.load.yaml_reader import read
from llmroute.load.yaml_tree import CantFormatError, Order, in_order, tree_of
from llmroute.load.yaml_writer import scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmroute.load.spans import Path

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./()-]*(?: [A-Za-z0-9_./()-]+)+")
"""Words that need no quotes, wherever they stand."""


_MARKS = re.compile(r"[^\s'\"]")
_ODD_BREAK = re.compile("[\r\x85\u2028\u2029]")


def formatted(text: str) -> str:
    """The text in canonical layout.

    Raises:
        CantFormatError: what came out does not say the same.
    """
    ending = "\r\n" if "\r\n" in text else "\n"
    text = text.replace("\r\n", "\n")
    if _ODD_BREAK.search(text):
        raise CantFormatError("it has line breaks that are neither LF nor CRLF")
    # An alias has to stand behind its anchor: where the order would break that, it stays.
    for order in (order_at, _as_written):
        new = laid_out(_flows_in_order(_unquoted(text), order), order)
        if _says_the_same(text, new):
            return new.replace("\n", ending)
    raise CantFormatError("it can't be laid out without changing what it says")


def _as_written(_: Path) -> tuple[str, ...]:
    return ()


def _says_the_same(old: str, new: str) -> bool:
    one, other = read(old, ""), read(new, "")
    return (
        not other.diagnostics
        and _told(one.value, ()) == _told(other.value, ())
        # Not a word of a comment may be lost; quotes and blanks may be.
        and sorted(_MARKS.findall(old)) == sorted(_MARKS.findall(new))
    )


def _told(value: Any, path: Path) -> str:
    """A value as text, in which the order of the keys counts wherever they are names."""
    if isinstance(value, dict):
        known = order_at(path)
        keys = sorted(value) if known else list(value)
        return "{" + ", ".join(f"{key!r}: {_told(value[key], (*path, key))}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_told(item, (*path, index)) for index, item in enumerate(value)) + "]"
    return repr(value)


# -- Within a line


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


def _edited(text: str, edits: Sequence[_Edit]) -> str:
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _unquoted(text: str) -> str:
    """The text without quotes that change nothing."""
    edits = []
    for event in yaml.parse(text, Loader=_Loader):
        if not isinstance(event, yaml.ScalarEvent) or event.style not in ("'", '"') or event.tag is not None:
            continue
        begin, behind = _ends(event)
        start, end = begin.index, behind.index
        # An anchor before it is a part of the event.
        if text[start] == event.style and text[start + 1 : end - 1] == event.value and _is_plain(event.value):
            edits.append(_Edit(start, end, event.value))
    return _edited(text, edits)


def _is_plain(text: str) -> bool:
    return scalar(text) == text or _PLAIN.fullmatch(text) is not None


def _flows_in_order(text: str, order: Order) -> str:
    """The text with the keys of flow mappings that stand in one line in their order."""
    return _edited(text, list(_flow_edits(text, tree_of(text), (), order)))


def _flow_edits(text: str, node: Any, path: Path, order: Order) -> Iterator[_Edit]:
    if not isinstance(node, yaml.MappingNode | yaml.SequenceNode):
        return
    begin, end = _ends(node)
    if isinstance(node, yaml.MappingNode) and node.flow_style and begin.line == end.line:
        new = _flow_text(text, node, path, order)
        if new != text[begin.index : end.index]:
            yield _Edit(begin.index, end.index, new)
        return
    for step, child in _children(node):
        yield from _flow_edits(text, child, (*path, step), order)


def _ends(node: Any) -> tuple[Any, Any]:
    return node.start_mark, node.end_mark


def _children(node: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, value) for key, value in node.value)
    else:
        yield from enumerate(node.value)


def _flow_text(text: str, node: Any, path: Path, order: Order) -> str:
    """A value that stands in one line, with the keys of mappings in order; what is between the entries stays there."""
    start, end = node.start_mark.index, node.end_mark.index
    if not isinstance(node, yaml.MappingNode | yaml.SequenceNode) or not node.flow_style or not node.value:
        return text[start:end]
    is_mapping = isinstance(node, yaml.MappingNode)
    spans: list[tuple[int, int]] = []
    texts: list[tuple[Any, str]] = []
    for step, child in _children(node):
        index = len(spans)
        first = node.value[index][0].start_mark.index if is_mapping else child.start_mark.index
        head = text[first : child.start_mark.index]
        spans.append((first, child.end_mark.index))
        texts.append((step, head + _flow_text(text, child, (*path, step), order)))
    ordered = in_order(texts, order(path)) if is_mapping else texts
    between = [text[spans[i][1] : spans[i + 1][0]] for i in range(len(spans) - 1)]
    body = "".join(part for (_, own), gap in zip(ordered, [*between, ""], strict=True) for part in (own, gap))
    return text[start : spans[0][0]] + body + text[spans[-1][1] : end]
