"""How a checkup looks: a table of marks, then each finding that is not well with its next step; or JSON."""

from __future__ import annotations

from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from llmroute.dispatch.findings import CHECKS
from llmroute.routing.explain import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmroute.dispatch.checkup import Checkup, NoRoute
    from llmroute.dispatch.findings import Finding, Status
    from llmroute.errors import RoutingError
    from llmroute.routing.explain import Line
    from llmroute.routing.route import Query

MARKS: Mapping[Status, tuple[str, str]] = {
    "ok": ("✓", "local"),
    "failed": ("✗", "bad"),
    "warning": ("!", "lan"),
    "not-checked": ("?", "loser"),
    "not-needed": ("·", "loser"),
}
"""The mark of each verdict, and its role."""
_WORST: tuple[Status, ...] = ("failed", "warning", "not-checked", "ok", "not-needed")
_SHOWN_QUERIES = 4
_GAP = 2


def lines(found: Sequence[Checkup], lost: Sequence[NoRoute], width: int) -> Iterator[Line]:
    """The whole report."""
    names = max((len(one.subject.target.name) for one in found), default=0)
    if found:
        yield (Span(f"{'':{names}}  {''.join(f'{check:{len(check) + _GAP}}' for check in CHECKS)}".rstrip(), "label"),)
    for one in found:
        yield (Span(f"{one.subject.target.name:{names}}  ", "title"), *_marks(one))
    if found:
        yield ()
        yield (Span("  ".join(f"{mark} {status}" for status, (mark, _) in MARKS.items()), "loser"),)
    for one in found:
        # What could not be checked for a failure says nothing beside it.
        shown = ("failed", "warning") if one.failed else ("failed", "warning", "not-checked")
        told = [finding for finding in one.findings if finding.status in shown]
        if told:
            yield ()
            yield (Span(one.subject.target.name, "title"), Span(f"  {_asked_by(one)}"))
            for finding in told:
                yield from _told(finding, width)
    for error, queries in _alike(lost):
        yield ()
        yield (Span(_listed(queries), "title"), Span("  no route", "bad"), Span(f" [{error.rule}]"))
        yield from _text(error.message, "  ", "", width)
        yield from _text(error.hint, "  ", "reason", width)
    yield ()
    yield _summary(found, lost)


def _alike(lost: Sequence[NoRoute]) -> list[tuple[RoutingError, list[Query]]]:
    """The errors, each once, with the queries that get it."""
    found: dict[tuple[str, str], tuple[RoutingError, list[Query]]] = {}
    for row in lost:
        found.setdefault((row.error.rule, row.error.message), (row.error, []))[1].append(row.query)
    return list(found.values())


def _marks(one: Checkup) -> Iterator[Span]:
    for check in CHECKS:
        mark, role = MARKS[_verdict(one, check)]
        yield Span(f"{mark:{len(check) + _GAP}}", role)


def _verdict(one: Checkup, check: str) -> Status:
    """The worst of what was found in a check."""
    return min((finding.status for finding in one.findings if finding.check == check), key=_WORST.index)


def _told(finding: Finding, width: int) -> Iterator[Line]:
    mark, role = MARKS[finding.status]
    head = f"  {mark} {finding.check}: "
    first, *others = wrap(" ".join(finding.message.split()), max(20, width - len(head)), break_long_words=False) or [""]
    yield (Span(head, role), Span(first))
    for text in others:
        yield (Span(" " * len(head)), Span(text))
    yield from _text(finding.next_step, "      ", "reason", width)


def _text(text: str, indent: str, role: str, width: int) -> Iterator[Line]:
    for line in text.splitlines():
        for part in wrap(line.strip(), max(20, width - len(indent)), break_long_words=False):
            yield (Span(indent), Span(part, role))


def _asked_by(one: Checkup) -> str:
    subject = one.subject
    if subject.first_for:
        return f"the first target of {_listed(subject.first_for)}"
    return f"a fallback of {_listed(subject.next_for)}"


def _listed(queries: Sequence[Query]) -> str:
    """The queries, those of one agent together; the first of many."""
    groups = [
        (agent, list(rows)) for agent, rows in groupby(sorted(queries, key=_order), key=lambda query: query.agent)
    ]
    names = [
        _who(rows[0]) if len(rows) == 1 else f"{agent or 'calls without an agent'} ({len(rows)} purposes)"
        for agent, rows in groups
    ]
    more = f" and {len(names) - _SHOWN_QUERIES} more" if len(names) > _SHOWN_QUERIES else ""
    return ", ".join(names[:_SHOWN_QUERIES]) + more


def _order(query: Query) -> tuple[str, str, str]:
    return query.agent or "", query.purpose or "", query.client or ""


def _who(query: Query) -> str:
    return " · ".join(name for name in (query.agent, query.purpose, query.client) if name) or "calls without a name"


def _summary(found: Sequence[Checkup], lost: Sequence[NoRoute]) -> Line:
    firsts = [one for one in found if one.subject.first_for]
    failed = [one for one in firsts if one.failed]
    others = [one for one in found if one.failed and not one.subject.first_for]
    parts = [f"{len(firsts) - len(failed)} of {len(firsts)} first targets are well"]
    if others:
        parts.append(f"{len(others)} fallback{'s fail' if len(others) > 1 else ' fails'}")
    if lost:
        parts.append(f"{len(lost)} quer{'ies have' if len(lost) > 1 else 'y has'} no route")
    return (Span("; ".join(parts), "bad" if failed or lost else "winner"),)


def as_json(found: Sequence[Checkup], lost: Sequence[NoRoute], *, well: bool) -> dict[str, Any]:
    """The report for programs."""
    return {
        "ok": well,
        "targets": [_target_json(one) for one in found],
        "no_route": [
            {"query": row.query.to_json(), "rule": row.error.rule, "message": row.error.message, "hint": row.error.hint}
            for row in lost
        ],
    }


def _target_json(one: Checkup) -> dict[str, Any]:
    subject = one.subject
    return {
        "name": subject.target.name,
        **subject.target.to_json(),
        "ok": not one.failed,
        "first_for": [query.to_json() for query in subject.first_for],
        "fallback_for": [query.to_json() for query in subject.next_for],
        "checks": [finding._asdict() for finding in one.findings],
    }
