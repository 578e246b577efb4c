"""How the result of a test is told: what was expected, what came, and the lines behind both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmroute.proof.routing_tests.expect import plain
from llmroute.routing.expectations import seconds
from llmroute.routing.explain import Line, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmroute.proof.routing_tests.cases import Case
    from llmroute.proof.routing_tests.coverage import Coverage
    from llmroute.proof.routing_tests.expect import Came, Mismatch, Outcome, Result
    from llmroute.routing.diagnostics import Origin

_WHAT = {"scopes": "scope", "policies": "policy", "rules": "rule", "fallbacks": "fallback"}


def told(result: Result) -> list[Line]:
    """A test by its name and place; where it fails, each difference, and the requests that were played."""
    case = result.case
    mark = Span("✓ ", "winner") if result.passed else Span("✗ ", "bad")
    lines: list[Line] = [(mark, Span(case.name, "plain" if result.passed else "title"), _place(case.origin))]
    if result.passed:
        return lines
    width = max(len(_label(mismatch, case)) for mismatch in result.mismatches) + 2
    for mismatch in result.mismatches:
        lines += _difference(mismatch, case, width)
    for number in sorted({mismatch.call for mismatch in result.mismatches}):
        lines += _played(result.outcomes[number])
    return lines


def _label(mismatch: Mismatch, case: Case) -> str:
    at = f" at {case.calls[mismatch.call].at_s:g} s" if len(case.calls) > 1 else ""
    return f"{mismatch.field}{at}"


def _difference(mismatch: Mismatch, case: Case, width: int) -> Iterator[Line]:
    claim, came = mismatch.claim, mismatch.came
    wanted, there = _value(mismatch.expected), _value(came.value)
    if mismatch.field == "error":
        wanted = "a route" if mismatch.expected is None else wanted
        there = f"a route to {came.note}" if came.value is None else f"{there}: {came.note.splitlines()[0]}"
    elif mismatch.field == "within":
        wanted = f"{seconds(mismatch.expected):g}s"
    place = case.origin_of(claim) if claim is not None else case.origin
    yield (
        Span(f"    {_label(mismatch, case):{width}}", "label"),
        Span("expected  "),
        Span(wanted, "winner"),
        _place(place),
    )
    scope = Span(f"  {came.scope}" if came.scope else "")
    yield Span(f"    {'':{width}}"), Span("came      "), Span(there, "bad"), scope, _place(came.origin)
    if (lost := came.lost) is not None:
        shown = Span(f"{_value(plain(lost.value))}  {lost.scope}, {lost.reason}", "loser")
        yield Span(f"    {'':{width}}"), Span("lost      "), shown, _place(lost.origin)


def _played(outcome: Outcome) -> Iterator[Line]:
    """The requests of a call, with the second of each."""
    if outcome.steps:
        yield (Span("    what was asked", "label"),)
    times = [f"{step.began_s:g} s" for step in outcome.steps]
    width = max(map(len, times), default=0)
    names = max((len(step.target.name) for step in outcome.steps), default=0)
    for step, time in zip(outcome.steps, times, strict=True):
        verdict = Span("answered", "winner") if step.kind is None else Span(step.kind, "reason")
        yield Span(f"      {time:>{width}}  {step.target.name:{names}}  "), verdict


def _place(origin: Origin | None) -> Span:
    return Span(f"  {origin}" if origin is not None else "", "place")


def _value(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return ", ".join(map(_value, value)) or "none"
    if isinstance(value, dict):
        return " by ".join(map(str, value.values())) if set(value) <= {"target", "rule"} else json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def counted(results: Iterable[Result]) -> tuple[int, int]:
    """How many tests passed, and how many failed."""
    verdicts = [result.passed for result in results]
    return verdicts.count(True), verdicts.count(False)


def uncovered(found: Coverage) -> list[Line]:
    """The parts that no test has shown, each with its place."""
    lines: list[Line] = []
    if found.uncovered:
        width = max(len(_WHAT[part.kind]) for part in found.uncovered)
        names = max(len(part.name) for part in found.uncovered)
        lines.append((Span("no test shows", "label"),))
        for part in found.uncovered:
            what = Span(f"  {_WHAT[part.kind]:{width}}  ", "reason")
            lines.append((what, Span(f"{part.name:{names}}"), _place(part.origin)))
    return lines


def result_json(result: Result) -> dict[str, Any]:
    """A result as `test --format json` writes it."""
    case = result.case
    played = {"steps": [_steps(outcome) for outcome in result.outcomes]} if case.is_played else {}
    return {
        "name": case.name,
        "passed": result.passed,
        "origin": case.origin.to_json(),
        "query": case.query.to_json(),
        "failures": [_mismatch_json(mismatch, case) for mismatch in result.mismatches],
        **played,
    }


def _mismatch_json(mismatch: Mismatch, case: Case) -> dict[str, Any]:
    came = mismatch.came
    at = {"at_s": case.calls[mismatch.call].at_s} if case.is_played else {}
    return {
        "field": mismatch.field,
        "expected": mismatch.expected,
        "actual": came.value,
        "message": came.note,
        "scope": came.scope or None,
        "origin": came.origin.to_json() if came.origin is not None else None,
        "lost": _lost(came),
        "expected_at": (case.origin_of(mismatch.claim) if mismatch.claim is not None else case.origin).to_json(),
        **at,
    }


def _lost(came: Came) -> dict[str, Any] | None:
    row = came.lost
    if row is None:
        return None
    return {"scope": row.scope, "value": plain(row.value), "reason": row.reason, "origin": row.origin.to_json()}


def _steps(outcome: Outcome) -> list[dict[str, Any]]:
    return [
        {"target": step.target.name, "began_s": round(step.began_s, 3), "kind": step.kind} for step in outcome.steps
    ]
