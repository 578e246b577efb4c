"""The one door from files: bytes, YAML with positions, JSON Schema, spec.

`read_*` never raise for what a file holds and return all there is to say about it; `from_*` raise SpecError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import SpecError
from llmroute.load.files import FileProblemError, read_text, split_pointer
from llmroute.routing.build import build
from llmroute.routing.names import listed
from llmroute.routing.report import report
from llmroute.routing.source import Source, pointer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.spec import RoutingSpec

__all__ = ["Loaded", "from_file", "from_mapping", "from_str", "read_file", "read_mapping", "read_str", "rest"]


class Loaded(NamedTuple):
    """What came of reading a spec."""

    spec: RoutingSpec | None
    """None where an error stands in the way."""
    source: Source
    diagnostics: tuple[Diagnostic, ...]
    document: Any = None
    """The plain values, where there are some and an error stands in the way."""


def from_file(path: str | PathLike[str]) -> RoutingSpec:
    """Load a spec from a file; `PATH#/pointer` reads a part of it, `-` standard input. Raises SpecError."""
    return _or_raise(read_file(path))


def from_str(text: str, name: str = "<string>") -> RoutingSpec:
    """Load a spec from a text; `name` stands for the file in origins. Raises SpecError."""
    return _or_raise(read_str(text, name))


def from_mapping(document: Mapping[str, Any]) -> RoutingSpec:
    """Load a spec from plain values, as a YAML or JSON file would hold them. Raises SpecError."""
    return _or_raise(read_mapping(document))


def read_file(path: str | PathLike[str]) -> Loaded:
    """Read a spec from a file; `PATH#/pointer` reads a part of it, `-` standard input."""
    name, part = split_pointer(str(path))
    try:
        text = read_text(name)
    except FileProblemError as problem:
        source = Source(name, {}, text=problem.text)
        return Loaded(None, source, (report(source, problem.rule, str(problem), mark=problem.mark, hint=problem.hint),))
    return _read(text, "<stdin>" if name == "-" else name, part)


def read_str(text: str, name: str = "<string>", part: str = "") -> Loaded:
    """Read a spec from a text; `name` stands for the file in origins, `part` is a JSON pointer to a part of it."""
    return _read(text.removeprefix("\ufeff"), name, part)


def read_mapping(document: Mapping[str, Any]) -> Loaded:
    """Read a spec from plain values."""
    from llmroute.load.mappings import plain

    source = Source("<mapping>")
    value, problems = plain(document, source)
    return _validated(value, source, problems)


def rest(loaded: Loaded) -> RoutingSpec | None:
    """The spec without what is wrong in it, where more can be said of it so; it is none to run."""
    from llmroute.load.remains import remains

    left = remains(loaded.document) if isinstance(loaded.document, dict) else None
    return None if left is None else build(left, loaded.source)


def _or_raise(loaded: Loaded) -> RoutingSpec:
    if loaded.spec is None:
        raise SpecError(summary(loaded.diagnostics), loaded.diagnostics)
    return loaded.spec


def summary(diagnostics: tuple[Diagnostic, ...]) -> str:
    """The errors of a spec as the message of an exception, one a line."""
    errors = [item for item in diagnostics if item.severity == "error"]
    lines = [
        f"{item.origin}: {item.message} [{item.code} {item.rule}]" + (f" ({item.hint})" if item.hint else "")
        for item in errors[:50]
    ]
    return "\n".join((f"the spec has {len(errors)} error{'s' if len(errors) != 1 else ''}", *lines))


def _read(text: str, name: str, part: str) -> Loaded:
    from llmroute.load.yaml_reader import read

    reading = read(text, name)
    source, value = reading.source, reading.value
    if any(item.severity == "error" for item in reading.diagnostics) and value is None:
        return Loaded(None, source, tuple(reading.diagnostics))
    if part and part != "/":
        value, problem = _part(value, source, part)
        if problem is not None:
            return Loaded(None, source, (*reading.diagnostics, problem))
    return _validated(value, source, reading.diagnostics)


def _part(value: Any, source: Source, part: str) -> tuple[Any, Diagnostic | None]:
    """The value at a JSON pointer; the source is narrowed to it."""
    steps: list[str | int] = []
    for text in part.lstrip("/").split("/"):
        step = text.replace("~1", "/").replace("~0", "~")
        known = _known(value)
        if step not in known:
            message = f"there is no {pointer((*steps, step))} in this file"
            hint = f"at that place stands {listed(known)}" if known else "at that place stands a single value"
            return None, report(source, "bad-pointer", message, steps, hint=hint)
        steps.append(int(step) if isinstance(value, list) else step)
        value = value[steps[-1]]
    source.narrow(steps)
    return value, None


def _known(value: Any) -> list[str]:
    """The steps that lead on from a value."""
    if isinstance(value, list):
        return [str(index) for index in range(len(value))]
    return list(value) if isinstance(value, dict) else []


def _validated(value: Any, source: Source, problems: list[Diagnostic]) -> Loaded:
    from llmroute.load.validation import failures

    if value is None:
        found = [report(source, "empty-spec", "there is nothing in this spec", hint="begin with version: 1")]
    elif not isinstance(value, dict):
        kind = "a list" if isinstance(value, list) else "a single value"
        found = [
            report(source, "not-a-mapping", f"a spec is a mapping, and this is {kind}", hint="begin with version: 1")
        ]
    else:
        found = failures(value, source)
    # A value that could not be read is no longer what the schema looked at.
    unread = {item.origin for item in problems}
    diagnostics = (*problems, *(item for item in found if item.origin not in unread))
    if any(item.severity == "error" for item in diagnostics):
        ordered = sorted(diagnostics, key=lambda item: (item.origin.line, item.origin.column))
        return Loaded(None, source, tuple(ordered), value)
    return Loaded(build(value, source), source, diagnostics)
