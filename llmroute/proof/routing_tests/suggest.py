"""Tests for what no test has shown yet: queries by which it decides, with the answers of today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.proof.routing_tests.cases import Case, Planned
from llmroute.proof.routing_tests.coverage import newly
from llmroute.proof.routing_tests.expect import plain
from llmroute.proof.routing_tests.probes import probes
from llmroute.routing.expectations import Fault
from llmroute.routing.route import EMPTY, Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from llmroute.proof.routing_tests.coverage import Part
    from llmroute.proof.routing_tests.expect import Outcome, Result
    from llmroute.routing.spec import RoutingSpec

    Run = Callable[[Case], Result]

_SHOWN_APART = frozenset({"endpoint", "model", "fallbacks", "require", "policies"})
"""Fields of the trace that a suggestion shows in another form, or not at all."""


def suggestions(spec: RoutingSpec, uncovered: Sequence[Part], run: Run) -> tuple[list[dict[str, Any]], list[Part]]:
    """Tests as a file holds them, and the parts for which none was found.

    Each test covers something that those before it do not. `run` runs a case of the spec.
    """
    left = list(uncovered)
    found: list[dict[str, Any]] = []
    for query in probes(spec):
        if not left:
            break
        for case in _cases(spec, query, left, run):
            result = run(case)
            covered = newly(spec, result, left)
            if covered:
                left = [part for part in left if part not in covered]
                found.append(_test(case, result.outcomes[0], covered))
    return _named_apart(found), left


def _cases(spec: RoutingSpec, query: Query, left: Sequence[Part], run: Run) -> Iterator[Case]:
    """The query by itself, and with faults that lead to each fallback of its route that is still to be walked."""
    plainly = _case(spec, query)
    yield plainly
    resolution = run(plainly).outcomes[0].resolution
    names = {part.name for part in left if part.kind == "fallbacks"}
    for index, hop in enumerate(resolution.route.targets if resolution is not None else ()):
        if hop.scope in names and resolution is not None:
            before = dict.fromkeys(target.name for target in resolution.route.targets[:index])
            if hop.name not in before:
                yield _case(spec, query, *(Fault(target=name, fault="connect") for name in before))


def _case(spec: RoutingSpec, query: Query, *faults: Fault) -> Case:
    return Case("", query, EMPTY, faults, (Planned(0.0, ()),), spec.source, (), bool(faults))


def _test(case: Case, outcome: Outcome, covered: Sequence[Part]) -> dict[str, Any]:
    """One test as a file holds it."""
    query = {kind: name for kind, name in case.query.to_json().items() if name is not None}
    if case.query.args:
        query["args"] = plain(case.query.args)
    test: dict[str, Any] = {"name": _name(case, outcome)}
    if query:
        test["query"] = query
    if case.given:
        test["given"] = [{"target": fault.target, "fault": fault.fault} for fault in case.given]
    test["expect"] = _expect(outcome, {part.name for part in covered})
    return test


def _name(case: Case, outcome: Outcome) -> str:
    query = case.query
    who = ", ".join(name for name in (query.agent, query.purpose, query.client) if name) or "anybody"
    if query.args:
        who += " with " + " ".join(str(value) for value in query.args.values())
    if case.given:
        who += " without " + ", ".join(fault.target or "" for fault in case.given)
    return f"{who}: {outcome.error or (outcome.answered.name if outcome.answered is not None else '')}"


def _expect(outcome: Outcome, covered: set[str]) -> dict[str, Any]:
    """What came, as an expectation: who answers, and what the covered scopes have decided."""
    excluded = list(dict.fromkeys(row.target for row in outcome.excluded))
    found: dict[str, Any] = {}
    target, resolution = outcome.answered, outcome.resolution
    if outcome.error is not None:
        found["error"] = outcome.error
    elif target is not None and resolution is not None:
        found |= {"provider": target.provider} if target.provider else {"base_url": target.base_url}
        found["model"] = target.model
        if not outcome.steps:
            found["fallbacks"] = [hop.name for hop in resolution.route.targets[1:]]
            own = {field.field for field in resolution.fields if field.scope in covered} - _SHOWN_APART
            params = {name: plain(target.params[name]) for name in target.params if name in own}
            found |= {"params": params} if params else {}
            found |= {"metadata": plain(resolution.metadata)} if "metadata" in own else {}
    if excluded:
        found["excluded"] = excluded
    if outcome.steps:
        found["attempts"] = len(outcome.steps)
    return found


def _named_apart(tests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tests, each with a name of its own."""
    seen: dict[str, int] = {}
    for test in tests:
        seen[test["name"]] = times = seen.get(test["name"], 0) + 1
        if times > 1:
            test["name"] += f" ({times})"
    return tests
