"""What `llmroute verify` prints."""

from __future__ import annotations

import json
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from llmroute.cli.output import paint, visible
from llmroute.cli.report.redact import redacted
from llmroute.proof.exploration.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llmroute.proof.verification.moved import Moved
    from llmroute.proof.verification.report import Report
    from llmroute.proof.verification.verify import Finding
    from llmroute.routing.route import Query

_MOST_NAMES = 4
_MOST_ROWS = 5
_OUTCOMES = {"reached": "reaches", "no-route": "leaves no route", "refused": "refused", "left-out": "left out"}


def as_json(found: Report, path: str) -> str:
    """The report for programs."""
    return json.dumps(without_keys(found.to_json(path)), indent=2)


def without_keys(value: Any) -> Any:
    """What is written as JSON, without what looks like a key."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {key: without_keys(item) for key, item in value.items()}
    return [without_keys(item) for item in value] if isinstance(value, list) else value


def text(found: Report, path: str, width: int) -> str:
    """The report for people: the verdict, the violations, then the rest."""
    lines = list(_verdict(found, path, width))
    for title, rows in _sections(found, path, width):
        told = list(rows)
        if told:
            lines += ["", paint(title, bold=True), *told]
    return visible(redacted("\n".join(lines)))


def _verdict(found: Report, path: str, width: int) -> Iterator[str]:
    count = len(found.violations)
    if found.holds:
        yield paint(f"{path}: all holds", "green", bold=True)
    else:
        yield paint(f"{path}: {counted(count, 'violation')}", "red", bold=True)
    explored, premises = found.explored, found.asked.premises
    worlds = "whatever the environment holds" if premises.environment else "while no variable is set"
    arguments = ", and whatever arguments the program passes" if premises.arguments else ""
    what = (
        f"Proven by {counted(explored.explorer.asked, 'answer')} in place of all: "
        f"{counted(explored.queries, 'query')} of {counted(len(explored.groups), 'kind')}, {worlds}{arguments}."
    )
    yield from wrap(what, width, initial_indent="  ", subsequent_indent="  ")


def _sections(found: Report, path: str, width: int) -> Iterator[tuple[str, Iterable[str]]]:
    yield "violations", _violations(found.violations, path, width)
    if not found.asked.strict:
        yield "enforced: left out or refused where it would come to it", _enforced(found.enforced, width)
    yield "variables that can move an agent further away", _movable(found.movable, width)
    yield "the longest calls, with no variable set", _bounds(found, width)
    yield "limits that contradict each other", _incoherent(found, width)
    yield "without effect", _dead(found, width)
    yield "what leaves besides completions", _egress(found, width)
    yield "keys, and where they can go", _keys(found, width)
    yield "taken for granted", _assumptions(found, width)


def _violations(found: Sequence[Finding], path: str, width: int) -> Iterator[str]:
    for finding in found:
        yield f"  {paint('✗', 'red', bold=True)} {paint(finding.policy, bold=True)}"
        says = [f"{_OUTCOMES.get(finding.outcome, finding.outcome)}: {shown(finding.shown.target)}"]
        if finding.shown.locality:
            says.append(finding.shown.locality)
        if finding.shown.place:
            says.append(f"fallback {finding.shown.place}")
        yield from _indented(", ".join(says), width)
        yield from _indented(f"{who(finding.witness.query)}{_more(finding)}", width)
        yield from _indented(f"because {shown(finding.shown.because)}", width)
        if finding.shown.origin is not None:
            yield from _indented(str(finding.shown.origin), width)
        # A command stays in one piece, so that it can be copied.
        yield f"      {finding.witness.command(path)}"


def _enforced(found: Sequence[Finding], width: int) -> Iterator[str]:
    for policy in dict.fromkeys(finding.policy for finding in found):
        rows = [finding for finding in found if finding.policy == policy]
        first = rows[0]
        queries = sum(finding.queries for finding in rows)
        yield f"  {policy}  {first.shown.origin}  {counted(queries, 'query')}"
        given = _set(first.witness.conditions()) or "with no variable set"
        says = f"{who(first.witness.query)}, {given}: {shown(first.shown.target)} is {_OUTCOMES[first.outcome]}"
        yield from _indented(f"{says}: {shown(first.shown.because)}", width)


def _movable(found: Sequence[Moved], width: int) -> Iterator[str]:
    for row in found:
        yield f"  {', '.join(row.variables)}: {row.before} → {row.witness.shown.locality}"
        agents = names([name or "no agent" for name in row.agents])
        yield from _indented(f"{_set(row.witness.conditions())} → {row.target}  ({agents})", width)


def _bounds(found: Report, width: int) -> Iterator[str]:
    for row in found.bounds[:_MOST_ROWS]:
        worst = row.worst
        money = f", ${worst.dollars:.4g}" if worst.dollars else ""
        yield f"  {worst.seconds:g} s, {counted(worst.attempts, 'attempt')}{money}: {counted(row.queries, 'query')}"
        yield from _indented(f"{who(row.witness.query)}: {row.route}", width)
    if len(found.bounds) > _MOST_ROWS:
        yield f"  and {len(found.bounds) - _MOST_ROWS} more kinds of calls"


def _incoherent(found: Report, width: int) -> Iterator[str]:
    seen = dict.fromkeys(item for row in found.bounds for item in row.worst.incoherent)
    for item in seen:
        yield from _item(f"{item.message} ({item.origin})" if item.origin else item.message, width)


def _dead(found: Report, width: int) -> Iterator[str]:
    for item in found.dead:
        by = f"; see {item.shadowed_by}" if item.shadowed_by is not None else ""
        only = ", but for a variable or an argument" if item.only_from_outside else ""
        yield from _item(f"{item.origin}: {item.name}{only}: {item.reason}{by}", width)


def _egress(found: Report, width: int) -> Iterator[str]:
    for item in found.egress:
        yield from _item(f"{item.what}" + (f": {names(item.origins)}" if item.origins else ""), width)


def _keys(found: Report, width: int) -> Iterator[str]:
    for row in found.keys.rows:
        through = f", or where {', '.join(row.through)} says" if row.through else ""
        yield from _item(f"{row.source} → {names(row.origins) or 'nowhere'}{through}", width)
    for why in found.keys.untold:
        yield from _item(f"can't be told: {why}", width)


def _assumptions(found: Report, width: int) -> Iterator[str]:
    for item in found.assumptions:
        checked = "" if item.checked == "never" else f" (checked {item.checked})"
        yield from _item(f"{item.text}{checked}", width)


# -- words


def who(query: Query) -> str:
    """Who asks, in words."""
    rows = (("agent", query.agent), ("purpose", query.purpose), ("client", query.client))
    return ", ".join(f"{kind} {name}" for kind, name in rows if name is not None) or "no agent, purpose or client"


def _more(finding: Finding) -> str:
    return f", and {counted(finding.queries - 1, 'query')} more" if finding.queries > 1 else ""


def _set(conditions: Iterable[str]) -> str:
    return ", ".join(map(shown, conditions))


def names(several: Sequence[str]) -> str:
    """Some names, cut where there are many."""
    more = len(several) - _MOST_NAMES
    return ", ".join(several[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def counted(number: int, what: str) -> str:
    """A number of things, in words."""
    several = {"query": "queries"}.get(what, f"{what}s")
    return f"{number:,} {what if number == 1 else several}"


def _indented(words: str, width: int) -> list[str]:
    return wrap(words, width, initial_indent="      ", subsequent_indent="      ", break_long_words=False)


def _item(words: str, width: int) -> list[str]:
    return wrap(words, width, initial_indent="  ", subsequent_indent="      ", break_long_words=False)
