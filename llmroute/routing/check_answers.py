"""Checks that ask `resolve` itself: what `validate` accepts is what will run."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmroute.errors import BadEnvironmentError, NoEndpointError, RoutingError
from llmroute.routing.models import HOMELESS
from llmroute.routing.report import report_at
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.routing.diagnostics import Diagnostic, Origin
    from llmroute.routing.route import Candidate, Resolution
    from llmroute.routing.spec import RoutingSpec

NOBODY = Query()
"""Any program: no client, no arguments."""
MAX_QUERIES = 2_000
"""How many queries `check` asks at the most; `validate` stays fast on specs of any size."""


def answers(spec: RoutingSpec, environ: Mapping[str, str], asker: Query) -> Iterator[Diagnostic]:
    """What the answers to the queries of a spec show; each place once. `asker`: see `named_queries`."""
    models = _Models()
    seen: set[Any] = set()
    for query in named_queries(spec, asker):
        try:
            resolution = resolve(spec, query, environ)
        except NoEndpointError:
            # The environment, or the program's own arguments, may supply one at the time of the call.
            continue
        except BadEnvironmentError:
            models.complete = False
            continue
        except RoutingError as error:
            origin = error.origin or _speaker(error)
            if (error.rule, origin) not in seen:
                seen.add((error.rule, origin))
                found = _of_query(spec, query, error)
                # A policy that leaves a query without a route does what it is there for.
                meant = bool(error.excluded) and all(out.rule.startswith("policies.") for out in error.excluded)
                yield found._replace(severity="warning") if meant else found
            continue
        yield from resolution.diagnostics
        models.note(resolution)
        fallbacks = next((field.origin for field in resolution.fields if field.field == "fallbacks"), None)
        if fallbacks is not None and fallbacks not in seen:
            seen.add(fallbacks)
            yield from _repeated(spec, resolution, fallbacks)
    for candidate in models.never_sent():
        yield _foreign(spec, candidate)


class _Models:
    """What became of each written model over all queries."""

    def __init__(self) -> None:
        self.verdicts: dict[Origin, set[str]] = {}
        self.last: dict[Origin, Candidate] = {}
        self.complete = True

    def note(self, resolution: Resolution) -> None:
        for field in resolution.fields:
            for candidate in field.candidates if field.field == "model" else ():
                self.verdicts.setdefault(candidate.origin, set()).add(candidate.verdict)
                self.last[candidate.origin] = candidate

    def never_sent(self) -> list[Candidate]:
        """The models that were foreign wherever they were looked at; none where some query gave no answer."""
        if not self.complete:
            return []
        return [
            self.last[origin]
            for origin, verdicts in self.verdicts.items()
            if verdicts == {"foreign-model"}
            and origin.kind in ("file", "mapping")
            and self.last[origin].reason != HOMELESS
        ]


def _repeated(spec: RoutingSpec, resolution: Resolution, origin: Origin) -> Iterator[Diagnostic]:
    chain = Counter((target.name, target.base_url) for target in resolution.route.targets)
    for (name, _), times in chain.items():
        if times > 1:
            hint = "take it out: a target that failed is not asked again under another place in the chain"
            yield report_at(spec.source, "repeated-target", f"{name} is in the chain {times} times", origin, hint)


def _foreign(spec: RoutingSpec, candidate: Candidate) -> Diagnostic:
    """A model that no query of the spec ever sends."""
    message = f"the model {candidate.value!r} in {candidate.scope} is never sent: it {candidate.reason}"
    hint = "write provider/model to choose its provider with it"
    return report_at(spec.source, "foreign-model", message, candidate.origin, hint)


def named_queries(spec: RoutingSpec, asker: Query = NOBODY) -> Iterator[Query]:
    """The queries that a spec names: agents and purposes, with one client or each; at most `MAX_QUERIES`.

    `asker` is the program that will ask: its client, where it has one, its arguments, and the override it obeys.
    """
    clients = (asker.client,) if asker.client is not None else (None, *spec.clients)
    asked = 0
    for purpose in (None, *spec.purposes):
        for agent in (None, *spec.agents):
            for program in clients:
                asked += 1
                if asked > MAX_QUERIES:
                    return
                yield replace(asker, agent=agent, purpose=purpose, client=program)


def _speaker(error: RoutingError) -> Any:
    """The place that chose what went wrong: the winner of the last field of the trace."""
    fields = [field for field in error.fields if field.origin is not None]
    return fields[-1].origin if fields else None


def _of_query(spec: RoutingSpec, query: Query, error: RoutingError) -> Diagnostic:
    """A routing error as a diagnostic, at the place that is at fault."""
    asked = ", ".join(
        f"{kind} {name}"
        for kind, name in (("agent", query.agent), ("purpose", query.purpose), ("client", query.client))
        if name is not None
    )
    message = f"{error.message} (asked for {asked})" if asked else error.message
    return report_at(spec.source, error.rule, message, error.origin or _speaker(error), error.hint)
