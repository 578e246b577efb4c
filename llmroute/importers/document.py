"""Reading configurations of several formats, with the line of each value."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.load.yaml_reader import read
from llmroute.wire.json_text import no_constant, unique

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Path = tuple[str | int, ...]

_TOML_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_TOML_TABLE = re.compile(r"\s*\[\[?\s*(?P<name>[^\[\]]+?)\s*\]?\]\s*(?:#.*)?")
_TOML_KEY = re.compile(r"\s*(?P<name>[A-Za-z0-9_.\"' -]+?)\s*=")
_ENV_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")
_ENV_COMMENT = re.compile(r"(?:^|\s+)#.*")


class ImportProblem(Exception):  # noqa: N818 - a problem of the input, not of this program
    """A configuration that can't be read or used: the message, its line (from 1) and the way out."""

    def __init__(self, message: str, line: int = 1, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint


class Document(NamedTuple):
    """A configuration: its values, and the line (from 1) of each."""

    value: Mapping[str, Any]
    line: Callable[[Path], int]
    """The line of the value at a path, or of the nearest one above it."""
    expands: bool = False
    """Whether the system itself fills in `${VARIABLE}`; a text of another is a text."""


def read_yaml(text: str, name: str) -> Document:
    """A YAML mapping; an empty text is an empty one."""
    reading = read(text, name)
    if reading.diagnostics:
        problem = reading.diagnostics[0]
        raise ImportProblem(f"no usable YAML: {problem.message}", problem.origin.line, problem.hint)
    return Document(mapping_of(reading.value), lambda path: reading.source.origin(path).line)


def read_json(text: str, name: str) -> Document:
    """A JSON object."""
    try:
        value = json.loads(text, object_pairs_hook=unique, parse_constant=no_constant)
    except json.JSONDecodeError as problem:
        raise ImportProblem(f"no valid JSON: {problem.msg}", problem.lineno) from problem
    except (ValueError, RecursionError) as problem:
        raise ImportProblem("no usable JSON: a key stands twice, or it is nested too deep") from problem
    # JSON is YAML, nearly always: it has the lines, where it agrees.
    reading = read(text, name)
    if reading.value != value:
        return Document(mapping_of(value), lambda _: 1)
    return Document(mapping_of(value), lambda path: reading.source.origin(path).line)


def read_toml(text: str) -> Document:
    """A TOML document of a system that fills in variables."""
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        place = _TOML_PLACE.search(str(problem))
        end = text.count("\n") + 1
        line = int(place["line"]) if place and place["line"] else end
        what = _TOML_PLACE.sub("", str(problem)).split(":")[0]
        raise ImportProblem(f"no valid TOML: {what}", min(line, end)) from problem
    except (ValueError, RecursionError) as problem:
        raise ImportProblem("no usable TOML") from problem
    lines = _toml_lines(text)
    return Document(value, lambda path: _nearest(lines, path), expands=True)


def read_env(text: str, hint: str = "") -> Document:
    """Lines of `NAME=VALUE`; the last of a name counts."""
    found: dict[str, str] = {}
    lines: dict[Path, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _ENV_LINE.fullmatch(stripped)
        if match is None:
            raise ImportProblem("a line of an environment file is NAME=VALUE", number, hint)
        found[match["name"]] = _env_value(match["value"])
        lines[match["name"],] = number
    return Document(found, lambda path: _nearest(lines, path))


def mapping_of(value: Any) -> Mapping[str, Any]:
    """The value, which must be a mapping; nothing is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        kind = "a list" if isinstance(value, list) else "a single value"
        raise ImportProblem(f"a configuration is a mapping, and this is {kind}")
    return value


def _env_value(written: str) -> str:
    """The value without its quotes, or without the comment behind it.

    >>> _env_value('"a # b" # c'), _env_value("a # b")
    ('a # b', 'a')
    """
    for quote in ('"', "'"):
        end = written.find(quote, 1)
        if written.startswith(quote) and end > 0:
            return written[1:end]
    return _ENV_COMMENT.sub("", written)


def _toml_lines(text: str) -> dict[Path, int]:
    """The line of every plainly written key; whoever writes otherwise gets the line of the table."""
    lines: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if match := _TOML_TABLE.fullmatch(line):
            table = _toml_path(match["name"])
            lines.setdefault(table, number)
        elif match := _TOML_KEY.match(line):
            lines.setdefault((*table, *_toml_path(match["name"])), number)
    return lines


def _toml_path(name: str) -> Path:
    return tuple(part.strip().strip("\"'") for part in name.split("."))


def _nearest(lines: Mapping[Path, int], path: Path) -> int:
    """The line of a path, else of the nearest one above it.

    >>> _nearest({("a",): 3}, ("a", "b")), _nearest({}, ("a",))
    (3, 1)
    """
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)
