"""The worst case of every query, and where it is more than what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import RoutingError
from llmroute.proof.exploration.signatures import QUIET, settles
from llmroute.proof.exploration.witness import Witness
from llmroute.proof.exploration.worlds import ask
from llmroute.proof.findings.bounds import Price, Tokens, WorstCase, worst_case
from llmroute.proof.findings.incoherence import WAITS
from llmroute.proof.queries import frozen, query_classes
from llmroute.routing.constraints import speaks
from llmroute.routing.route import EMPTY
from llmroute.routing.scopes import scopes

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from llmroute.proof.queries import QueryClass
    from llmroute.routing.route import Resolution
    from llmroute.routing.spec import RoutingSpec

COSTLY = (*WAITS, "deadline", "max_retries", "max_attempts", "retry_on", "fallback_on", "on_stream_break")
"""The parameters that have a part in what a call may come to."""
_SILENT = QUIET - set(COSTLY) | {"headers", "extra_body", "api_key"}


class Limits(NamedTuple):
    """The most that a call may come to; None: as much as it likes."""

    seconds: float | None = None
    attempts: int | None = None
    dollars: float | None = None


class Bounded(NamedTuple):
    """Queries with the same worst case on the same route."""

    witness: Witness
    """One of them; what is shown is its resolution."""
    queries: int
    worst: WorstCase

    @property
    def route(self) -> str:
        """The targets in order."""
        resolution: Resolution = self.witness.shown
        return " → ".join(target.name for target in resolution.route.targets)

    def to_json(self) -> dict[str, Any]:
        """One row of `bounds`."""
        return {
            "query": self.witness.query.to_json(),
            "queries": self.queries,
            "route": self.route.split(" → "),
            **self.worst.to_json(),
        }

    def over(self, limits: Limits) -> Iterator[tuple[str, str]]:
        """The limits that are exceeded, and by what."""
        worst = self.worst
        if limits.seconds is not None and worst.seconds > limits.seconds:
            yield f"max-seconds {limits.seconds:g}", f"it may take {worst.seconds:g} s"
        if limits.attempts is not None and worst.attempts > limits.attempts:
            yield f"max-attempts {limits.attempts}", f"it may make {worst.attempts} attempts"
        if limits.dollars is not None and worst.unpriced:
            yield f"max-dollars {limits.dollars:g}", f"nobody knows the price of {', '.join(worst.unpriced)}"
        elif limits.dollars is not None and worst.dollars is not None and worst.dollars > limits.dollars:
            yield f"max-dollars {limits.dollars:g}", f"it may cost ${worst.dollars:.4g}"


def bounds(spec: RoutingSpec, tokens: Tokens | None = None, price: Price | None = None) -> list[Bounded]:
    """The worst case of every query that has a route while no variable is set, the longest first."""
    found: dict[Hashable, Bounded] = {}
    known: dict[Hashable, tuple[Resolution | RoutingError, WorstCase | None]] = {}
    said: dict[Hashable, Hashable] = {}
    for each in query_classes(spec, blind=_SILENT):
        signature = _signature(spec, each, said)
        if signature not in known:
            answer = ask(spec, each.query, EMPTY)
            known[signature] = answer, None if isinstance(answer, RoutingError) else worst_case(answer, tokens, price)
        answer, worst = known[signature]
        if isinstance(answer, RoutingError) or worst is None:
            continue
        row = Bounded(Witness(each.query, EMPTY, answer), each.size, worst)
        key = row.route, worst._replace(hops=())
        if key in found:
            row = found[key]._replace(queries=found[key].queries + each.size)
        found[key] = row
    return sorted(found.values(), key=lambda row: -row.worst.seconds)


def _signature(spec: RoutingSpec, each: QueryClass, said: dict[Hashable, Hashable]) -> Hashable:
    """All that can make a difference to what a query costs: below an endpoint with its model that is little."""
    query = each.query
    rows: list[Hashable] = []
    costs: dict[str, Any] = {}
    settled = False
    for scope in scopes(spec, query, EMPTY):
        costs = {**{name: scope.values[name] for name in COSTLY if name in scope.values}, **costs}
        key = scope.path, settled
        if key not in said:
            names = ("require",) if settled else sorted(scope.values.keys() - _SILENT - set(COSTLY))
            said[key] = tuple((name, frozen(scope.values.get(name))) for name in names if name in scope.values)
        rows.append(said[key])
        settled = settled or settles(spec, scope.values)
    purpose = query.purpose if not settled and any(provider.purposes for provider in spec.providers.values()) else None
    return tuple(rows), frozen(costs), purpose, tuple(speaks(policy, query) for policy in spec.policies)
