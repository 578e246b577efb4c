"""YAML to plain values with the place of each, in one pass over libyaml's events.

Nothing is composed before it was counted: depth, aliases, duplicates and tags are judged while the events go by,
so that no text can crash, hang or surprise. Plain scalars follow the YAML 1.2 core schema: `no` and `22:30` are
texts.
"""

from __future__ import annotations

import gc
import math
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from llmroute.routing.report import report
from llmroute.routing.source import Entry, Mark, Source, mark_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.routing.diagnostics import Diagnostic

MAX_DEPTH = 64
MAX_ALIASES = 1_000
MAX_ALIASED_NODES = 100_000
"""Nodes that the aliases of a document stand for, counted as often as they are named."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NUMBER_START = frozenset("-+.0123456789")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_OCTAL_LOOK = re.compile(r"[-+]?0[0-9]+", re.ASCII)
_MAX_DIGITS = 19
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that YAML texts can't have."""
_NO_TAG = "leave it out: a spec is made of plain values"
_SURROGATE = "half of a surrogate pair is no character"


class Reading(NamedTuple):
    """What a text holds."""

    value: Any
    """The document in plain values; None where `diagnostics` holds an error that stopped the reading."""
    source: Source
    diagnostics: list[Diagnostic]


class _StopReadingError(Exception):
    """The text can't be read on; its diagnostic is already written."""


class _Frame:
    """An open mapping or sequence."""

    __slots__ = ("anchor", "is_map", "key", "key_mark", "mark", "marks", "size", "value")

    def __init__(self, value: Any, mark: Any, anchor: str | None) -> None:
        self.value = value
        self.is_map = type(value) is dict
        self.marks: dict[Any, Entry] = {}
        self.mark = mark
        self.anchor = anchor
        self.key: Any = None
        self.key_mark: Any = None
        self.size = 1


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A document is many objects that all stay: looking for garbage among them would take most of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read(text: str, path: str) -> Reading:
    """Read one YAML document. Never raises for what the text holds: `diagnostics` says what is wrong."""
    reader = _Reader(text, path)
    with _no_garbage_collection():
        try:
            reader.run()
        except _StopReadingError:
            return Reading(None, reader.source, reader.diagnostics)
        except yaml.YAMLError as error:
            reader.syntax(error)
            return Reading(None, reader.source, reader.diagnostics)
        except UnicodeEncodeError as error:
            reader.complain("bad-encoding", _SURROGATE, mark_at(text, error.start))
            return Reading(None, reader.source, reader.diagnostics)
    return Reading(reader.root, reader.source, reader.diagnostics)


class _Reader:
    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self.source = Source(path, {}, text=text)
        self.diagnostics: list[Diagnostic] = []
        self.root: Any = None
        self.anchors: dict[str, tuple[Any, dict[Any, Entry] | None, int] | None] = {}
        self.stack: list[_Frame] = []
        self.aliases = 0
        self.aliased_nodes = 0
        self.may_hold_surrogates = "\\u" in text or "\\U" in text

    def complain(self, rule: str, message: str, mark: Any, **more: Any) -> None:
        path = [frame.key if frame.is_map else len(frame.value) for frame in self.stack]
        if self.stack and self.stack[-1].is_map and self.stack[-1].key_mark is None:
            path.pop()
        self.diagnostics.append(report(self.source, rule, message, path, mark=mark, **more))

    def stop(self, rule: str, message: str, mark: Any, **more: Any) -> _StopReadingError:
        self.complain(rule, message, mark, **more)
        return _StopReadingError()

    def run(self) -> None:  # noqa: C901 - one flat loop over the events: this is the hot path
        get_event = _Loader(self.text).get_event
        stack = self.stack
        documents = 0
        while True:
            event = get_event()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                mark = event.start_mark
                frame = stack[-1] if stack else None
                if frame is not None and frame.is_map and frame.key_mark is None:
                    self.open_entry(frame, event)
                    continue
                value = self.scalar(event)
                if event.anchor is not None:
                    self.anchors[event.anchor] = (value, None, 1)
                self.place(frame, value, mark, None, 1)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                frame = stack.pop()
                if frame.anchor is not None:
                    self.anchors[frame.anchor] = (frame.value, frame.marks, frame.size)
                self.place(stack[-1] if stack else None, frame.value, frame.mark, frame.marks, frame.size)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self.check_container(event)
                stack.append(_Frame({} if kind is yaml.MappingStartEvent else [], event.start_mark, event.anchor))
                if event.anchor is not None:
                    self.anchors[event.anchor] = None
            elif kind is yaml.AliasEvent:
                self.alias(event, stack[-1] if stack else None)
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise self.stop(
                        "multiple-documents", "a second document begins here; a spec is one document", event.start_mark
                    )
            elif kind is yaml.StreamEndEvent:
                return

    def check_container(self, event: Any) -> None:
        stack = self.stack
        if len(stack) >= MAX_DEPTH:
            raise self.stop("too-deep", f"nested more than {MAX_DEPTH} levels deep", event.start_mark)
        if event.tag is not None and event.tag != "!":
            self.complain("yaml-tag", f"the tag {event.tag!r} is not supported", event.start_mark, hint=_NO_TAG)
        if stack and stack[-1].is_map and stack[-1].key_mark is None:
            raise self.stop("key-type", "a key must be a text, not a mapping or a list", event.start_mark)

    def open_entry(self, frame: _Frame, event: Any) -> None:
        """A key: a text, and each only once."""
        key = frame.key = event.value
        mark = frame.key_mark = event.start_mark
        if event.anchor is not None:
            self.anchors[event.anchor] = (key, None, 1)
        if key in frame.value:
            first = frame.marks[key].key
            self.complain(
                "duplicate-key",
                f"the key {key!r} stands here a second time",
                mark,
                related=((first, "it stands here first"),),
                hint="keep one of them",
            )
        value = self.scalar(event)
        if type(value) is not str:
            kind = "nothing" if value is None else "a number" if not isinstance(value, bool) else "true or false"
            self.complain("key-type", f"the key {key!r} is {kind} in YAML, not a text", mark, hint=f'quote it: "{key}"')

    def place(self, frame: _Frame | None, value: Any, mark: Any, marks: dict[Any, Entry] | None, size: int) -> None:
        """Put a finished value into the container around it."""
        if frame is None:
            self.root = value
            self.source.marks = marks if marks is not None else {}
            return
        frame.size += size
        if frame.is_map:
            key = frame.key
            if key not in frame.value:
                frame.value[key] = value
                frame.marks[key] = Entry(frame.key_mark, mark, marks)
            frame.key_mark = None
        else:
            frame.marks[len(frame.value)] = Entry(mark, mark, marks)
            frame.value.append(value)

    def alias(self, event: Any, frame: _Frame | None) -> None:
        self.aliases += 1
        name, mark = event.anchor, event.start_mark
        if self.aliases > MAX_ALIASES:
            raise self.stop("too-many-aliases", f"more than {MAX_ALIASES:,} aliases", mark)
        if frame is not None and frame.is_map and frame.key_mark is None:
            raise self.stop("key-type", "a key must be a text, not an alias", mark)
        if name not in self.anchors:
            raise self.stop("yaml-syntax", f"the alias *{name} has no anchor before it", mark, hint='quote a text: "*"')
        anchored = self.anchors[name]
        if anchored is None:
            raise self.stop("recursive-alias", f"the alias *{name} stands inside of its own anchor", mark)
        value, marks, size = anchored
        self.aliased_nodes += size
        if self.aliased_nodes > MAX_ALIASED_NODES:
            message = f"the aliases stand for more than {MAX_ALIASED_NODES:,} nodes"
            raise self.stop("too-many-aliases", message, mark)
        self.place(frame, value, mark, marks, size)

    def scalar(self, event: Any) -> Any:
        """The value of a scalar by the YAML 1.2 core schema."""
        text = event.value
        if event.tag is not None and event.tag not in ("!", "tag:yaml.org,2002:str"):
            self.complain("yaml-tag", f"the tag {event.tag!r} is not supported", event.start_mark, hint=_NO_TAG)
            return text
        if event.tag is not None or not event.implicit[0]:
            if self.may_hold_surrogates and any("\ud800" <= char <= "\udfff" for char in text):
                raise self.stop("bad-encoding", _SURROGATE, event.start_mark)
            return text
        if text in _WORDS:
            return _WORDS[text]
        return self.number(text, event.start_mark) if text[0] in _NUMBER_START else text

    def number(self, text: str, mark: Any) -> Any:
        """A plain scalar that begins like a number; 0 stands in for one that a diagnostic refuses."""
        if _INT.fullmatch(text):
            if _OCTAL_LOOK.fullmatch(text):
                message = f"{text} is eight-based in YAML 1.1 and ten-based in YAML 1.2"
                hint = f'quote it ("{text}") or write it without the leading zero'
                self.complain("ambiguous-scalar", message, mark, hint=hint)
            elif len(digits := text.lstrip("+-")) > _MAX_DIGITS:
                message = f"a whole number of {len(digits)} digits"
                self.complain("number-range", message, mark, hint="write a smaller one")
            else:
                return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
            return 0
        if not _FLOAT.fullmatch(text) and not _NOT_FINITE.fullmatch(text):
            return text
        number = float(text) if text[-1].isdigit() or text[-1] == "." else math.nan
        if math.isfinite(number):
            return number
        rule, fault = ("number-not-finite", "no number a setting can have")
        if math.isinf(number):
            rule, fault = ("number-range", "larger than any number can be")
        self.complain(rule, f"{text[:20]} is {fault}", mark)
        return 0

    def syntax(self, error: yaml.YAMLError) -> None:
        """Turn libyaml's complaint into ours, with the way out where the cause is a common one."""
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if mark is None and (found := _UNPRINTABLE.search(self.text)):
            mark = mark_at(self.text, found.start())
        problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it is no YAML")
        lines = self.source.lines or [""]
        if mark is None or mark.line >= len(lines):
            # libyaml's last line may be one that is not there.
            mark = Mark(len(lines) - 1, len(lines[-1])) if mark else Mark(0, 0)
        line = lines[mark.line]
        hint = ""
        if "\t" in line[: max(mark.column, 1)] or "\t" in problem:
            hint = "indent with spaces: YAML takes no tabs there"
        elif "mapping values are not allowed" in problem:
            hint = 'a colon inside of a value: quote the value ("…")'
        elif "alias" in problem or "*" in line:
            hint = 'a name that begins with * must be quoted: "*"'
        self.complain("yaml-syntax", problem, mark, hint=hint)
