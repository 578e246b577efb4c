"""What a query demands of the models it may be sent to, whoever knows whether they meet it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from llmroute.routing.constraints import Demand, demands
from llmroute.routing.context import context
from llmroute.routing.spec import NamedScope, RoutingSpec, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.routing.route import Query

ABILITIES = ("tools", "vision", "json_schema", "thinking", "prefill", "context_window")
"""The requirements that speak of a model, and of no place."""
S = TypeVar("S", bound=Scope)


def lenient(spec: RoutingSpec) -> RoutingSpec:
    """The spec with every ability only wished for: its routes hold the targets too that lack one.

    Where a prompt may go is as it was: localities and policies hold.
    """
    return replace(
        spec,
        defaults=_lenient(spec.defaults),
        purposes={name: _lenient(scope) for name, scope in spec.purposes.items()},
        agents={name: _lenient_named(scope) for name, scope in spec.agents.items()},
        clients={name: _lenient_named(scope) for name, scope in spec.clients.items()},
        memo={},
    )


def _lenient(scope: S) -> S:
    return scope if scope.require is None else replace(scope, require=replace(scope.require, warn=True))


def _lenient_named(scope: NamedScope) -> NamedScope:
    purposes = {name: _lenient(own) for name, own in (scope.purposes or {}).items()}
    return replace(_lenient(scope), purposes=purposes or None)


def wishes(spec: RoutingSpec, query: Query, environ: Mapping[str, str]) -> list[Demand]:
    """The abilities that a query demands, strict or not, strongest scope first.

    Raises:
        RoutingError: the query names what the spec does not.
    """
    return [demand for demand in demands(context(spec, query, environ)) if demand.what in ABILITIES]
