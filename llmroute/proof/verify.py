"""Whether what is demanded of targets holds for every query in every environment; and where it strikes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import ConstraintViolatedError, RoutingError
from llmroute.proof.hops import hop_of
from llmroute.proof.moved import Moved, moved
from llmroute.proof.shown import shown, target_name
from llmroute.proof.unbound import unbound
from llmroute.proof.witness import Witness, smallest
from llmroute.proof.worlds import ask
from llmroute.routing.constraints import demands
from llmroute.routing.context import context
from llmroute.routing.violations import violation

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from llmroute.proof.assertions import Assertion
    from llmroute.proof.groups import Explored, Group
    from llmroute.proof.worlds import Seen
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
            "policy": self.policy,
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


def verify(explored: Explored) -> Verdict:
    """What can be said of everything that was explored; the smallest witness of each policy first."""
    violations: list[Finding] = []
    enforced: list[Finding] = []
    free = unbound(explored.spec)
    for group in explored.groups:
        look = _Look(explored.spec, free, group)
        stuck = list(look.stuck())
        violations += [*stuck, *look.warned(), *look.asserted()]
        enforced += look.struck({finding.policy for finding in stuck})
    return Verdict(_ordered(violations), _ordered(enforced), tuple(moved(explored)))


def _ordered(found: list[Finding]) -> tuple[Finding, ...]:
    """One finding for each policy, place, outcome and agent: the one with the smallest witness, for all queries."""
    best: dict[Hashable, Finding] = {}
    for finding in sorted(found, key=lambda finding: finding.witness.size):
        key = finding.policy, finding.shown.origin, finding.outcome, finding.witness.query.agent
        known = best.get(key)
        best[key] = finding if known is None else known._replace(queries=known.queries + finding.queries)
    order = list(dict.fromkeys(finding.policy for finding in best.values()))
    return tuple(sorted(best.values(), key=lambda finding: order.index(finding.policy)))


class _Look:
    """What one group of queries shows."""

    def __init__(self, spec: RoutingSpec, unbound: RoutingSpec, group: Group) -> None:
        self.spec = spec
        self.unbound = unbound
        self.group = group
        self.query = group.query

    def _finding(self, policy: str, outcome: str, seen: list[Seen], shows: Callable[..., Any]) -> Iterator[Finding]:
        witness = smallest(self.spec, self.query, seen, shows)
        if witness is not None:
            yield Finding(policy, outcome, witness, self.group.size)

    def stuck(self) -> Iterator[Finding]:
        """What leaves a query that the spec names without a route, while no variable is set."""
        first = self.group.seen[0]
        if self.group.declared and isinstance(first.answer, ConstraintViolatedError):
            for rule in dict.fromkeys(out.rule for out in first.answer.excluded):
                for finding in self._finding(
                    rule, "no-route", [first], lambda answer, _, rule=rule: _excluded(answer, rule)
                ):
                    reasons = dict.fromkeys(f"{out.target}: {out.reason}" for out in first.answer.excluded)
                    yield self._placed(finding, "; ".join(reasons))

    def struck(self, known: set[str]) -> Iterator[Finding]:
        """What leaves a target out, in some world."""
        found: dict[str, list[Seen]] = {}
        for seen in self.group.seen:
            for rule in {out.rule for out in seen.answer.excluded}:
                found.setdefault(rule, []).append(seen)
        for rule, places in found.items():
            if rule not in known:
                shows = lambda answer, _, rule=rule: _excluded(answer, rule)  # noqa: E731
                for finding in self._finding(rule, "left-out", places, shows):
                    alone = isinstance(self._again(finding.witness), RoutingError)
                    yield self._placed(finding._replace(outcome="refused") if alone else finding)

    def _again(self, witness: Witness) -> Resolution | RoutingError:
        return ask(self.spec, witness.query, witness.environ)

    def _placed(self, finding: Finding, because: str = "") -> Finding:
        """The finding with the target's place in the chain that there would be without any demand."""
        witness, found = finding.witness, finding.shown
        whole = ask(self.unbound, witness.query, witness.environ)
        targets = () if isinstance(whole, RoutingError) else whole.route.targets
        for place, target in enumerate(targets):
            if target.name == found.target:
                name = target_name(self.spec, target)
                found = found._replace(target=name, locality=target.locality, place=place)
                break
        return finding._replace(witness=witness._replace(shown=found._replace(because=because or found.because)))

    def warned(self) -> Iterator[Finding]:
        """Policies that only warn, and a target that does not meet them."""
        found: dict[str, list[Seen]] = {}
        for seen in self.group.seen:
            if not isinstance(seen.answer, RoutingError) and seen.answer.diagnostics:
                environ = seen.world.variables(self.spec, self.query)
                for rule, _ in _warnings(self.spec, seen.answer, environ):
                    found.setdefault(rule, []).append(seen)
        for rule, places in found.items():
            shows = lambda answer, environ, rule=rule: dict(_warnings(self.spec, answer, environ)).get(rule)  # noqa: E731
            yield from self._finding(rule, "reached", places, shows)

    def asserted(self) -> Iterator[Finding]:
        """Assertions, and a target that breaks them."""
        for assertion in self.group.asserted:

            def shows(
                answer: Resolution | RoutingError, environ: Mapping[str, str], said: Assertion = assertion
            ) -> Shown | None:
                return _broken(self.spec, answer, environ, said)

            worlds = ((seen, seen.world.variables(self.spec, self.query)) for seen in self.group.seen)
            places = [seen for seen, environ in worlds if shows(seen.answer, environ)]
            yield from self._finding(str(assertion), "reached", places, shows)


def _excluded(answer: Resolution | RoutingError, rule: str) -> Shown | None:
    """The first target that a rule has left out; where it stood in the chain, the answer does not say."""
    out: Excluded | None = next((out for out in answer.excluded if out.rule == rule), None)
    return None if out is None else Shown(out.target, "", out.reason, out.origin)


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
    spec: RoutingSpec, answer: Resolution | RoutingError, environ: Mapping[str, str], assertion: Assertion
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
