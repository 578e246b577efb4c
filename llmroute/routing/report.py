"""Making a diagnostic of a rule and a place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from llmroute.routing.diagnostics import Diagnostic, Origin, Related
from llmroute.routing.rules import RULES
from llmroute.routing.source import Source, pointer

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\']|\'\')*\'|[^\s,\]}]+')


def report(  # noqa: PLR0913 - a diagnostic has that many sides
    source: Source,
    rule: str,
    message: str,
    path: Sequence[str | int] = (),
    *,
    hint: str = "",
    key: bool = False,
    mark: Any = None,
    related: Sequence[tuple[Any, str]] = (),
) -> Diagnostic:
    """A diagnostic at a path of the spec (at its `key` or its value), or at a `mark` of the text.

    `related` holds marks and what is to be seen there.
    """
    origin = (
        Origin("file", source.path, mark.line + 1, mark.column + 1)
        if mark is not None
        else source.origin(path, key=key)
    )
    entry = RULES[rule]
    return Diagnostic(
        code=entry.code,
        rule=rule,
        severity=entry.severity,
        message=message,
        origin=origin,
        hint=hint,
        pointer=pointer((*source.prefix, *path)),
        length=_length(source, origin),
        related=tuple(Related(place.line + 1, place.column + 1, text) for place, text in related),
    )


def report_at(source: Source, rule: str, message: str, origin: Origin | None, hint: str = "") -> Diagnostic:
    """A diagnostic at a place that a trace names; at the document as a whole where the place is not in it."""
    found = report(source, rule, message, hint=hint)
    if origin is None or origin.kind not in ("file", "mapping"):
        return found
    return found._replace(origin=origin, pointer=source.pointer_at(origin), length=_length(source, origin))


def _length(source: Source, origin: Origin) -> int:
    """How long the token at a place is, for the caret line."""
    lines = source.lines
    if not 1 <= origin.line <= len(lines):
        return 1
    match = _TOKEN.match(lines[origin.line - 1], origin.column - 1)
    return max(1, len(match[0].rstrip(":"))) if match else 1
