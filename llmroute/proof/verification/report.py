"""All that `llmroute verify` says of a spec, in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import RoutingError
from llmroute.proof.exploration.groups import Premises, explore
from llmroute.proof.findings.assumptions import assumptions
from llmroute.proof.findings.dead import dead_configuration
from llmroute.proof.findings.egress import egress, keys
from llmroute.proof.verification.limits import Limits, bounds
from llmroute.proof.verification.verify import Finding, Shown, verify
from llmroute.routing.route import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmroute.proof.exploration.assertions import Assertion
    from llmroute.proof.exploration.groups import Explored
    from llmroute.proof.findings.assumptions import Assumption
    from llmroute.proof.findings.bounds import Price, Tokens
    from llmroute.proof.findings.dead import Dead
    from llmroute.proof.findings.egress import Egress, Keys
    from llmroute.proof.verification.limits import Bounded
    from llmroute.proof.verification.moved import Moved
    from llmroute.routing.route import Resolution, Target
    from llmroute.routing.spec import RoutingSpec


class Asked(NamedTuple):
    """What a spec is to be verified against, beside itself."""

    assertions: tuple[Assertion, ...] = ()
    limits: Limits = Limits()
    premises: Premises = Premises()
    strict: bool = False
    """What is enforced counts as a violation wherever it strikes."""
    tokens: Tokens | None = None
    """Those of an attempt, for dollars."""
    price: Price | None = None


class Report(NamedTuple):
    """The answer."""

    asked: Asked
    explored: Explored
    violations: tuple[Finding, ...]
    enforced: tuple[Finding, ...]
    movable: tuple[Moved, ...]
    bounds: tuple[Bounded, ...]
    dead: tuple[Dead, ...]
    egress: tuple[Egress, ...]
    keys: Keys
    assumptions: tuple[Assumption, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was violated."""
        return not self.violations

    def to_json(self, spec_path: str) -> dict[str, Any]:
        """As `verify --format json` writes it."""
        explored = self.explored
        return {
            "violations": [finding.to_json(spec_path) for finding in self.violations],
            "enforced": [finding.to_json(spec_path) for finding in self.enforced],
            "assumptions": [item.to_json() for item in self.assumptions],
            "bounds": [row.to_json() for row in self.bounds],
            "dead": [item.to_json() for item in self.dead],
            "egress": [item.to_json() for item in self.egress],
            "keys": [row.to_json() for row in self.keys.rows],
            "movable": [row.to_json(spec_path) for row in self.movable],
            "checked": {
                "queries": explored.queries,
                "kinds": len(explored.groups),
                "answers": explored.explorer.asked,
                "environment": "any" if self.asked.premises.environment else "none",
                "arguments": "any" if self.asked.premises.arguments else "none",
            },
        }


def report(spec: RoutingSpec, asked: Asked) -> Report:
    """Verify a spec."""
    explored = explore(spec, asked.premises, asked.assertions)
    verdict = verify(explored)
    rows = bounds(spec, asked.tokens, asked.price)
    targets = list(_by_default(explored))
    struck = verdict.enforced if asked.strict else ()
    return Report(
        asked,
        explored,
        (*verdict.violations, *_exceeded(rows, asked.limits), *struck),
        verdict.enforced,
        verdict.movable,
        tuple(rows),
        tuple(dead_configuration(spec)),
        tuple(egress(targets)),
        keys(spec, EMPTY),
        tuple(assumptions(spec, targets)),
    )


def _by_default(explored: Explored) -> Iterator[Target]:
    """The targets of all queries while no variable is set."""
    for group in explored.groups:
        answer = group.seen[0].answer
        if not isinstance(answer, RoutingError):
            yield from answer.route.targets


def _exceeded(rows: Sequence[Bounded], limits: Limits) -> Iterator[Finding]:
    for row in rows:
        for limit, because in row.over(limits):
            resolution: Resolution = row.witness.shown
            primary = resolution.target
            shown = Shown(row.route, primary.locality, because, primary.origin)
            yield Finding(limit, "exceeded", row.witness._replace(shown=shown), row.queries)
