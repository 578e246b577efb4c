"""The lines of a text whose blocks stand two spaces a level, their keys in order, each with its comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from llmroute.load.yaml_tree import CantFormatError, Order, in_order, tree_of

if TYPE_CHECKING:
    from llmroute.load.spans import Path

_LEVEL = 2


class _Piece(NamedTuple):
    """One entry: its key, the comments above it, and its lines."""

    key: Any
    comments: list[str]
    lines: list[str]


def laid_out(text: str, order: Order) -> str:
    """The text with its blocks laid out anew; as it is where it is no block mapping."""
    root = tree_of(text)
    if not isinstance(root, yaml.MappingNode) or root.flow_style or not root.value:
        return text
    lines = text.rstrip("\n").split("\n")
    first = root.value[0][0].start_mark.line
    head = _header(lines[:first])
    layout = _Layout(lines, order)
    body = layout.mapping(root, 0, (), head)
    tail = [_comment(line, 0) for line in lines[_last(root) + 1 :]]
    return "\n".join(_once([*lines[:head], *body, *tail])).rstrip("\n") + "\n"


def _header(lines: list[str]) -> int:
    """How many lines belong to the file and not to its first entry: directives, and comments up to a blank line."""
    said = [number for number, line in enumerate(lines, 1) if not line.strip() or line.startswith(("---", "%"))]
    modelines = [number for number, line in enumerate(lines, 1) if "yaml-language-server:" in line]
    return max([*said, *modelines], default=0)


def _once(lines: list[str]) -> list[str]:
    """The lines with one blank line where there were several, and none at the beginning."""
    return [line for number, line in enumerate(lines) if line.strip() or (number and lines[number - 1].strip())]


def _comment(line: str, indent: int) -> str:
    return " " * indent + line.strip() if line.strip() else ""


def _column(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _last(node: Any) -> int:
    """The last line of a value; of a block that of its last entry."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        mark = node.end_mark
        is_block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
        # A block text ends where the next line begins.
        return int(mark.line) - 1 if is_block and mark.column == 0 else int(mark.line)
    last = node.value[-1]
    return max(_last(last[1]), last[0].end_mark.line) if isinstance(node, yaml.MappingNode) else _last(last)


class _Layout:
    """The blocks of one text, each written anew from its lines."""

    def __init__(self, lines: list[str], order: Order) -> None:
        self._lines = lines
        self._order = order

    def mapping(self, node: Any, indent: int, path: Path, start: int) -> list[str]:
        """The lines of a block mapping whose first comment may stand at line `start`."""
        pieces: list[_Piece] = []
        blanks: list[bool] = []
        column = node.value[0][0].start_mark.column
        end = start
        for key, value in node.value:
            comments = self._gap(end, key.start_mark.line, column, indent, pieces)
            blanks.append(bool(pieces) and any(not line.strip() for line in self._lines[end : key.start_mark.line]))
            lines = self._entry(key, value, indent, (*path, key.value))
            pieces.append(_Piece(key.value, comments, lines))
            end = max(_last(value), key.end_mark.line) + 1
        if not path:
            # The groups of a file are set apart all or none.
            blanks[1:] = [any(blanks)] * (len(blanks) - 1)
        ordered = in_order(pieces, self._order(path))
        return [
            line
            for piece, blank in zip(ordered, blanks, strict=True)
            for line in (*([""] if blank else []), *piece.comments, *piece.lines)
        ]

    def _gap(self, start: int, end: int, column: int, indent: int, before: list[_Piece]) -> list[str]:
        """The comments between two entries; those that stand deeper belong to the entry before them."""
        gap = self._lines[start:end]
        deeper = 0
        if before:
            for number, line in enumerate(gap, 1):
                if line.strip() and _column(line) <= column:
                    break
                deeper = number if line.strip() else deeper
            before[-1].lines.extend(_comment(line, indent + _LEVEL) for line in gap[:deeper])
        kept = [_comment(line, indent) for line in gap[deeper:]]
        # The blank lines at both ends are told by their place between the entries.
        while kept and not kept[0]:
            del kept[0]
        while kept and not kept[-1]:
            del kept[-1]
        return kept

    def _entry(self, key: Any, value: Any, indent: int, path: Path) -> list[str]:
        line = self._lines[key.start_mark.line]
        first = " " * indent + line[key.start_mark.column :].rstrip()
        if self._is_block(value):
            inner = self._block(value, indent + _LEVEL, path, key.end_mark.line + 1)
            return [first, *inner]
        shift = indent - key.start_mark.column
        end = max(_last(value), key.end_mark.line)
        return [first, *self._moved(key.start_mark.line + 1, end + 1, shift, indent, value)]

    def _is_block(self, node: Any) -> bool:
        return isinstance(node, yaml.MappingNode | yaml.SequenceNode) and not node.flow_style and bool(node.value)

    def _block(self, node: Any, indent: int, path: Path, start: int) -> list[str]:
        if isinstance(node, yaml.MappingNode):
            lead = self._gap(start, node.value[0][0].start_mark.line, 0, indent, [])
            lines = self.mapping(node, indent, path, node.value[0][0].start_mark.line)
            return [*lead, *lines]
        return self._sequence(node, indent, path, start)

    def _sequence(self, node: Any, indent: int, path: Path, start: int) -> list[str]:
        lines: list[str] = []
        end = start
        for index, item in enumerate(node.value):
            # That of a block mapping with an anchor is the anchor's.
            is_mapping = isinstance(item, yaml.MappingNode) and self._is_block(item)
            begin = item.value[0][0].start_mark if is_mapping else item.start_mark
            if self._lines[begin.line][: begin.column].strip(" -"):
                # An anchor, or something else beside the dash, that is left to those who wrote it.
                raise CantFormatError("something stands between a dash and its entry")
            gap = [_comment(line, indent) for line in self._lines[end : begin.line] if line.strip() != "-"]
            own = self._item(item, begin, indent, (*path, index))
            lines += [*gap, *own]
            end = _last(item) + 1
        return lines

    def _item(self, item: Any, begin: Any, indent: int, path: Path) -> list[str]:
        """An item with its dash before its first line; the comments above that stand above the dash."""
        if self._is_block(item):
            own = self._block(item, indent + _LEVEL, path, begin.line)
        else:
            line = self._lines[begin.line]
            shift = indent + _LEVEL - begin.column
            moved = self._moved(begin.line + 1, _last(item) + 1, shift, indent + _LEVEL, item)
            own = [" " * (indent + _LEVEL) + line[begin.column :].rstrip(), *moved]
        place = next(number for number, line in enumerate(own) if line.strip() and not line.lstrip().startswith("#"))
        above = [_comment(line, indent) for line in own[:place]]
        return [*above, f"{' ' * indent}- {own[place].lstrip()}", *own[place + 1 :]]

    def _moved(self, start: int, end: int, shift: int, indent: int, value: Any) -> list[str]:
        """Lines of one value, moved as a whole, and never as far to the left as what they belong to."""
        lines = self._lines[start:end]
        least = min((_column(line) for line in lines if line.strip()), default=0)
        is_text = isinstance(value, yaml.ScalarNode) and value.style in ("|", ">")
        shift = indent + _LEVEL - least if is_text else max(shift, indent + 1 - least)
        return [" " * (_column(line) + shift) + line.lstrip(" ") if line.strip() else "" for line in lines]
