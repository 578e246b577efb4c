"""Running routing tests: the decision is asked, and where a test speaks of failures, calls are played."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.errors import RoutingError
from llmroute.proof.routing_tests.expect import Outcome, Result, judged
from llmroute.routing.resolve import resolve

if TYPE_CHECKING:
    from llmroute.proof.routing_tests.cases import Case
    from llmroute.routing.spec import RoutingSpec


def run(spec: RoutingSpec, case: Case) -> Result:
    """Run one test. Its environment is all there is; nothing is sent, and nobody waits."""
    try:
        resolution = resolve(spec, case.query, case.environ)
    except RoutingError as error:
        return judged(case, [Outcome(failure=error)] * len(case.calls))
    if not case.is_played:
        return judged(case, [Outcome(resolution, answered=resolution.target)])
    from llmroute.dispatch.simulation import Simulation

    simulation = Simulation(spec, case.given)
    return judged(case, [simulation.call(resolution, call.at_s) for call in case.calls])
