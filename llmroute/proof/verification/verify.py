"""Whether what is demanded of targets holds for every query in every environment; and where it strikes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import ConstraintViolatedError, RoutingError
from llmroute.proof.exploration.hops import hop_of
from llmroute.proof.exploration.shown import shown, target_name
from llmroute.proof.exploration.unbound import unbound
from llmroute.proof.exploration.witness import Witness, smallest, weight
from llmroute.proof.exploration.worlds import ask
from llmroute.proof.verification.moved import Moved, moved
from llmroute.routing.constraints import demands
from llmroute.routing.context import context
from llmroute.routing.violations import violation

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from llmroute.proof.exploration.assertions import Assertion
    from llmroute.proof.exploration.groups import Explored, Group
    from llmroute.proof.exploration.witness import Shows
    from llmroute.proof.exploration.worlds import Seen
    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.route import Excluded, Resolution
    from llmroute.routing.spec import RoutingSpec


class Shown(NamedTuple):
    """What an answer shows of a policy."""

    target: str
    locality: str
    because: str
    origin: Origin | None = None
    place: int = 0
    """0 is the primary, 1 the first fallback …"""


class Finding(NamedTuple):
    """A policy, requirement or assertion, and a witness of where it is broken or strikes."""

    policy: str
    outcome: str
    """`reached`: a target that breaks it can be got; `left-out`: a target is taken out of the chain; `refused`: none is
    left; `no-route`: the same, with no variable set."""
    witness: Witness
    queries: int
    """How many queries it is so for."""

    @property
    def shown(self) -> Shown:
        """What its witness shows."""
        return self.witness.shown  # type: ignore[no-any-return]

    def to_json(self, spec_path: str) -> dict[str, Any]:
        """The finding as `verify --format json` writes it."""
        found = self.shown
        return {
            "policy": self.policy.removeprefix("policies."),
            "query": self.witness.query.to_json(),
            "environ": dict(self.witness.environ),
            "target": shown(found.target),
            "locality": found.locality,
            "command": self.witness.command(spec_path),
            "because": found.because,
            "outcome": self.outcome,
            "hop": found.place,
            "origin": found.origin.to_json() if found.origin is not None else None,
            "queries": self.queries,
        }


class Verdict(NamedTuple):
    """All that was found."""

    violations: tuple[Finding, ...]
    enforced: tuple[Finding, ...]
    movable: tuple[Moved, ...]


class Candidate(NamedTuple):
    """Worlds of one group that show something of a policy."""

    policy: str
    outcome: str
    group: Group
    places: tuple[Seen, ...]
    shows: Shows
    origin: Origin | None = None

    @property
    def key(self) -> Hashable:
        """What is told once, for all queries of an agent."""
        return self.policy, self.outcome, self.origin, self.group.query.agent

    @property
    def weight(self) -> tuple[int, ...]:
        """How much the smallest of the worlds sets, and how many names the query has."""
        names = self.group.query.to_json().values()
        return *min(weight(seen.world) for seen in self.places), sum(name is not None for name in names)


def verify(explored: Explored) -> Verdict:
    """What can be said of everything that was explored; the smallest witness of each policy first."""
    violations: list[Candidate] = []
    enforced: list[Candidate] = []
    for group in explored.groups:
        stuck = list(_stuck(group))
        violations += [*stuck, *_warned(explored.spec, group), *_asserted(explored.spec, group)]
        enforced += _struck(group, {candidate.policy for candidate in stuck})
    free = unbound(explored.spec)
    return Verdict(
        tuple(_found(explored.spec, free, violations)),
        tuple(_found(explored.spec, free, enforced)),
        tuple(moved(explored)),
    )


def _found(spec: RoutingSpec, free: RoutingSpec, candidates: list[Candidate]) -> list[Finding]:
    """One finding for all candidates of a key, with the smallest witness that `resolve` confirms."""
    groups: dict[Hashable, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.key, []).append(candidate)
    found: list[Finding] = []
    for rows in groups.values():
        for row in sorted(rows, key=lambda row: row.weight):
            witness = smallest(spec, row.group.query, row.places, row.shows)
            if witness is not None:
                queries = sum(each.group.size for each in rows)
                found.append(_placed(spec, free, Finding(row.policy, row.outcome, witness, queries)))
                break
    order: dict[str, tuple[int, ...]] = {}
    for finding in sorted(found, key=lambda finding: finding.witness.size):
        order.setdefault(finding.policy, finding.witness.size)
    return sorted(found, key=lambda finding: (order[finding.policy], finding.policy, finding.witness.size))


def _placed(spec: RoutingSpec, free: RoutingSpec, finding: Finding) -> Finding:
    """The finding with the target's place in the chain that there would be without any demand."""
    if finding.outcome == "reached":
        return finding
    witness, shown_ = finding.witness, finding.shown
    whole = ask(free, witness.query, witness.environ)
    targets = () if isinstance(whole, RoutingError) else whole.route.targets
    place, target = next(
        ((number, each) for number, each in enumerate(targets) if each.name == shown_.target), (0, None)
    )
    if target is not None:
        shown_ = shown_._replace(target=target_name(spec, target), locality=target.locality, place=place)
    answer = ask(spec, witness.query, witness.environ)
    outcome = "refused" if finding.outcome == "left-out" and isinstance(answer, RoutingError) else finding.outcome
    return finding._replace(outcome=outcome, witness=witness._replace(shown=shown_))


def _stuck(group: Group) -> Iterator[Candidate]:
    """What leaves a query that the spec names without a route, while no variable is set."""
    first = group.seen[0]
    if group.declared and isinstance(first.answer, ConstraintViolatedError):
        for rule, origin in dict.fromkeys((out.rule, out.origin) for out in first.answer.excluded):
            yield Candidate(rule, "no-route", group, (first,), partial(_excluded, rule), origin)


def _struck(group: Group, known: set[str]) -> Iterator[Candidate]:
    """What leaves a target out, in some world."""
    found: dict[tuple[str, Origin], list[Seen]] = {}
    for seen in group.seen:
        for key in {(out.rule, out.origin) for out in seen.answer.excluded}:
            found.setdefault(key, []).append(seen)
    for (rule, origin), places in found.items():
        if rule not in known:
            yield Candidate(rule, "left-out", group, tuple(places), partial(_excluded, rule), origin)


def _warned(spec: RoutingSpec, group: Group) -> Iterator[Candidate]:
    """Policies that only warn, and worlds in which a target does not meet them."""
    found: dict[str, list[Seen]] = {}
    for seen in group.seen:
        if not isinstance(seen.answer, RoutingError) and seen.answer.diagnostics:
            for rule, _ in _warnings(spec, seen.answer, seen.world.variables(spec, group.query)):
                found.setdefault(rule, []).append(seen)
    for rule, places in found.items():
        yield Candidate(rule, "reached", group, tuple(places), partial(_not_met, spec, rule))


def _asserted(spec: RoutingSpec, group: Group) -> Iterator[Candidate]:
    """Assertions, and worlds in which a target breaks them."""
    for assertion in group.asserted:
        shows = partial(_broken, spec, assertion)
        worlds = ((seen, seen.world.variables(spec, group.query)) for seen in group.seen)
        places = tuple(seen for seen, environ in worlds if shows(seen.answer, environ))
        if places:
            yield Candidate(str(assertion), "reached", group, places, shows)


def _excluded(rule: str, answer: Resolution | RoutingError, _: object) -> Shown | None:
    """The first target that a rule has left out; where it stood in the chain, the answer does not say."""
    out: Excluded | None = next((out for out in answer.excluded if out.rule == rule), None)
    return None if out is None else Shown(out.target, "", out.reason, out.origin)


def _not_met(
    spec: RoutingSpec, rule: str, answer: Resolution | RoutingError, environ: Mapping[str, str]
) -> Shown | None:
    return dict(_warnings(spec, answer, environ)).get(rule)


def _layers(answer: Resolution) -> Mapping[str, str]:
    return {field.field: field.layer for field in answer.fields}


def _warnings(
    spec: RoutingSpec, answer: Resolution | RoutingError, environ: Mapping[str, str]
) -> Iterator[tuple[str, Shown]]:
    """The policies that only warn and are not met, each with the first target that does not."""
    if isinstance(answer, RoutingError) or not answer.diagnostics:
        return
    warns = [row for row in demands(context(spec, answer.query, environ)) if row.warn and row.layer == "policy"]
    for demand in warns:
        for place, target in enumerate(answer.route.targets):
            if reason := violation(hop_of(spec, target, environ), demand):
                because = f"{reason}, because {demand.because}" if demand.because else reason
                yield demand.rule, Shown(target_name(spec, target), target.locality, because, demand.origin, place)
                break


def _broken(
    spec: RoutingSpec, assertion: Assertion, answer: Resolution | RoutingError, environ: Mapping[str, str]
) -> Shown | None:
    """The first target that breaks an assertion."""
    if isinstance(answer, RoutingError):
        return None
    layers = _layers(answer)
    for place, target in enumerate(answer.route.targets):
        layer = layers["fallbacks" if ".fallbacks[" in target.scope else "endpoint"]
        if reason := assertion.broken(hop_of(spec, target, environ), layer):
            return Shown(target_name(spec, target), target.locality, reason, target.origin, place)
    return None
