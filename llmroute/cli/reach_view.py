"""What `llmroute reach` prints."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from llmroute.cli.output import paint, visible
from llmroute.cli.report.redact import redacted
from llmroute.cli.verify_view import counted, names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmroute.proof.exploration.groups import Explored
    from llmroute.proof.verification.reach import Row

_COLOURS = {"local": "green", "lan": "yellow", "remote": "magenta"}


def text(rows: Sequence[Row], explored: Explored, chosen: Mapping[str, str], width: int) -> str:
    """Each target with its locality, what has to be so for it, and for whom it is so."""
    asked = ", ".join(f"{kind} {name}" for kind, name in chosen.items()) or counted(explored.queries, "query")
    head = (
        f"{asked}: {counted(len(rows), 'kind')} of targets"
        if rows
        else f"{asked}: nothing of that kind is ever reached"
    )
    lines = [paint(head, bold=True)]
    for row in rows:
        lines += _row(row, explored, width)
    return visible(redacted("\n".join(lines)))


def _row(row: Row, explored: Explored, width: int) -> Iterator[str]:
    locality = row.target.locality
    role = "  (fallback)" if row.role == "fallback" else ""
    yield f"  {paint(f'{locality:<6}', _COLOURS[locality])}  {row.name}{role}"
    words = ", ".join(row.conditions)
    if row.alike:
        words += f", or in place of {row.target.provider}: {names(row.alike)}"
    if row.queries < explored.queries:
        words += f"; {_for(row, explored)}"
    yield from wrap(words, width, initial_indent=" " * 10, subsequent_indent=" " * 10, break_long_words=False)


def _for(row: Row, explored: Explored) -> str:
    """The queries that can get it, in words."""
    every = {
        kind: {name for group in explored.groups for each in group.classes for name in getattr(each, kind).names}
        for kind in row.names
    }
    parts = [
        f"{kind[:-1]} {names([name or '(none)' for name in found])}"
        for kind, found in row.names.items()
        if len(found) < len(every[kind])
    ]
    return f"{counted(row.queries, 'query')}: " + "; ".join(parts) if parts else counted(row.queries, "query")
