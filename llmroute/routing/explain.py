"""Rendering a resolution; nothing here decides anything.

The text form is a list of lines, each a list of spans with a role: what a role looks like is the terminal's
business. A value is never broken in the middle: what does not fit beside it goes below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llmroute.errors import RoutingError
    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.route import Credential, Field, Query, Resolution, Target

_MAX_VALUE = 28
_MAX_SCOPE = 24
_MIN_LABEL = 11
_INDENT = 2
_GAP = 2


class Span(NamedTuple):
    """A piece of a line that is never broken."""

    text: str
    role: str = "plain"
    """`plain`, `label`, `winner`, `loser`, `place`, `reason`, `local`, `lan`, `remote`, `bad` or `title`."""


Line = tuple[Span, ...]


class _Row(NamedTuple):
    """One line of a field before it is laid out."""

    label: str
    value: Span
    scope: Span
    origin: Span
    reason: Span


def plain(lines: Iterable[Line]) -> str:
    """Lines as text, without roles.

    >>> plain([(Span("a"), Span("b", "winner"))])
    'ab'
    """
    return "\n".join("".join(span.text for span in line).rstrip() for line in lines)


def text(resolution: Resolution, width: int = 100) -> list[Line]:
    """The whole explanation: who wins, then each field with its winner and every loser with its reason."""
    lines = [*_header(resolution, width), ()]
    rows = [row for field in resolution.fields for row in _rows(field)]
    lines += _layout(rows, width)
    lines += _chain(resolution, width)
    return lines


def as_text(resolution: Resolution, width: int = 100) -> str:
    """The whole explanation as plain text."""
    return plain(text(resolution, width))


def error_text(query: Query, error: RoutingError, width: int = 100) -> list[Line]:
    """Why there is no route: the rule, what to do, and the trace up to there."""
    lines: list[Line] = [
        (Span(f"{asked(query)}  →  ", "title"), Span("no route", "bad"), Span(f"  [{error.rule}]", "reason")),
        (),
    ]
    lines += [(Span(f"  {line}"),) for line in error.message.splitlines()]
    if error.hint:
        lines += [(Span(f"  {line}", "reason"),) for line in error.hint.splitlines()]
    if error.fields:
        lines += [(), *_layout([row for field in error.fields for row in _rows(field)], width)]
    return lines


def asked(query: Query) -> str:
    """Who asks, for the header: `file-picker · generation`.

    >>> from llmroute.routing.route import Query
    >>> asked(Query(agent="a", purpose="p"))
    'a · p'
    """
    parts = [name for name in (query.agent, query.purpose) if name is not None]
    if query.client is not None:
        parts.append(f"client {query.client}")
    return " · ".join(parts) or "no agent, no purpose"


def destination(target: Target) -> str:
    """Provider and model, for people."""
    return f"{target.provider or target.base_url} / {target.model}"


def key_text(credential: Credential) -> str:
    """What there is to say about a key; never the key."""
    match credential.status:
        case "none":
            return "no key"
        case "dropped":
            return "the provider's key is dropped: its URL was moved"
        case "unread":
            return f"key {credential.source}"
        case status:
            return f"key {credential.source} ({status})"


def _place(target: Target) -> list[Span]:
    return [
        Span(target.locality, target.locality),
        Span(" · "),
        Span(target.base_url),
        Span(" · "),
        Span(key_text(target.credential), "bad" if target.credential.status in {"missing", "dropped"} else "plain"),
        *((Span(" · "), Span("proxy of the environment")) if target.proxy == "env" else ()),
    ]


def _header(resolution: Resolution, width: int) -> list[Line]:
    target = resolution.target
    first = (
        Span(asked(resolution.query), "title"),
        Span("  →  "),
        Span(destination(target), "winner"),
    )
    behind = _place(target)
    if _length(first) + 6 + _length(behind) <= width:
        return [(*first, Span(" " * 6), *behind)]
    return [first, *_wrapped(behind, 4, width)]


def _wrapped(spans: Sequence[Span], indent: int, width: int) -> list[Line]:
    """Spans one after the other, continued on a new line between two of them."""
    lines: list[list[Span]] = [[Span(" " * indent)]]
    for span in spans:
        if _length(lines[-1]) + len(span.text.rstrip()) > width and len(lines[-1]) > 1:
            lines.append([Span(" " * indent)])
            if span.text == " · ":
                continue
        lines[-1].append(span)
    return [tuple(line) for line in lines]


def _length(spans: Iterable[Span]) -> int:
    return sum(len(span.text) for span in spans)


def shown(value: Any) -> str:
    """A value of a field as it stands in a line.

    >>> shown({"locality": "local", "tools": True}), shown([]), shown(["a/b", "c/d"])
    ('locality: local, tools: true', 'none', 'a/b, c/d')
    """
    if isinstance(value, dict):
        rows = (
            (name, f"{{{shown(item)}}}" if isinstance(item, dict) and item else shown(item))
            for name, item in value.items()
        )
        return ", ".join(f"{name}: {text}" for name, text in rows) or "{}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "nothing usable" if value is None else str(value)


def _rows(field: Field) -> Iterator[_Row]:
    """A field's winner, then its losers in the order of their strength."""
    if field.layer == "policy":
        yield from _policies(field)
        return
    won = next((candidate for candidate in field.candidates if candidate.verdict == "won"), None)
    role = "winner" if field.scope else "loser"
    scope, origin = _where(field.scope, field.origin)
    yield _Row(field.field, Span(shown(field.value), role), scope, origin, Span(won.reason if won else "", "reason"))
    for candidate in field.candidates:
        if candidate is won or (candidate.verdict == "adds-up" and len(field.candidates) == 1):
            continue
        scope, origin = _where(candidate.scope, candidate.origin)
        reason = Span(candidate.reason or candidate.verdict, "reason")
        yield _Row("", Span(f"  {shown(candidate.value)}", "loser"), scope, origin, reason)


def _policies(field: Field) -> Iterator[_Row]:
    """Each policy that speaks, with its reason: none of them beats another."""
    for index, policy in enumerate(field.candidates):
        label, name, reason = "" if index else field.field, str(policy.value), Span(policy.reason, "reason")
        yield _Row(label, Span(name, "winner"), Span("policies", "place"), Span(str(policy.origin), "place"), reason)


def _where(scope: str, origin: Origin | None) -> tuple[Span, Span]:
    """A scope and its place; a variable or an argument is both."""
    if origin is None:
        return Span(scope, "place"), Span("")
    if origin.kind in ("env", "argument"):
        return Span(str(origin), "place"), Span("")
    if origin.kind == "override":
        return Span(f"{scope} ({origin})", "place"), Span("")
    return Span(scope, "place"), Span(str(origin), "place")


def _layout(rows: Sequence[_Row], width: int) -> list[Line]:
    """Rows in columns: value, scope, place, reason."""
    label = max([_MIN_LABEL, *(len(row.label) + _GAP for row in rows)])
    value_at = _INDENT + label
    scope_at = value_at + max([12, *_short(rows, "value", _MAX_VALUE)]) + _GAP
    origin_at = scope_at + max([8, *_short(rows, "scope", _MAX_SCOPE)]) + _GAP
    reason_at = origin_at + max([0, *_short(rows, "origin", _MAX_SCOPE)]) + _GAP
    lines: list[Line] = []
    for row in rows:
        cells = ((value_at, row.value), (scope_at, row.scope), (origin_at, row.origin), (reason_at, row.reason))
        lines += _fitted(Span(f"{'':{_INDENT}}{row.label:{label}}", "label"), cells, scope_at + _GAP, width)
    return lines


def _short(rows: Sequence[_Row], cell: str, limit: int) -> list[int]:
    """The lengths of the cells of a column that make its width; longer ones reach over its edge."""
    return [length for row in rows if (length := len(getattr(row, cell).text)) <= limit]


def _fitted(label: Span, cells: Sequence[tuple[int, Span]], indent: int, width: int) -> list[Line]:
    """One row: each cell at its column or right behind the cell before it; what does not fit goes below."""
    lines: list[Line] = []
    line: list[Span] = [label]
    for column, cell in cells:
        if not cell.text:
            continue
        end = _length(line)
        start = column if end + (0 if len(line) == 1 else _GAP) <= column else end + _GAP
        if start + len(cell.text) > width and end + _GAP + len(cell.text) <= width:
            start = end + _GAP
        if start + len(cell.text) <= width or len(line) == 1:
            line.append(Span(" " * (start - end)))
        else:
            lines.append(tuple(line))
            line = [Span(" " * max(_INDENT, min(indent, width - len(cell.text))))]
        line.append(cell)
    return [*lines, tuple(line)]


def _chain(resolution: Resolution, width: int) -> list[Line]:
    """The targets behind the first, and those that a requirement left out."""
    lines: list[Line] = []
    for target in resolution.route.targets[1:]:
        head = (Span("  then         ", "label"), Span(destination(target), "winner"), Span("  "))
        place = _place(target)
        fits = _length(head) + _length(place) <= width
        lines += [(*head, *place)] if fits else [head, *_wrapped(place, 17, width)]
    for out in resolution.excluded:
        head = (Span("  left out     ", "label"), Span(out.target, "loser"), Span("  "))
        notes = [Span(out.reason, "reason"), Span("  "), Span(f"{out.rule} {out.origin}", "place")]
        fits = _length(head) + _length(notes) <= width
        lines += [(*head, *notes)] if fits else [head, *_wrapped(notes, 17, width)]
    for note in resolution.diagnostics:
        label = Span(f"  {note.severity:13}", "label")
        notes = [Span(note.message, "bad"), Span("  "), Span(str(note.origin))]
        fits = _length([label, *notes]) <= width
        lines += [(label, *notes)] if fits else [(label,), *_wrapped(notes, 17, width)]
    return [(), *lines] if lines else []
