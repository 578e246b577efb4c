"""The spec without its demands: its chains as they would be if nothing were left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from llmroute.routing.spec import NamedScope, RoutingSpec, Scope

S = TypeVar("S", bound=Scope)


def unbound(spec: RoutingSpec) -> RoutingSpec:
    """The spec without policies and requirements. It only tells what these have taken away; it decides nothing."""
    return replace(
        spec,
        policies=(),
        defaults=_free(spec.defaults),
        purposes={name: _free(scope) for name, scope in spec.purposes.items()},
        agents={name: _free_named(scope) for name, scope in spec.agents.items()},
        clients={name: _free_named(scope) for name, scope in spec.clients.items()},
        memo={},
    )


def _free(scope: S) -> S:
    return scope if scope.require is None else replace(scope, require=None)


def _free_named(scope: NamedScope) -> NamedScope:
    purposes = {name: _free(own) for name, own in (scope.purposes or {}).items()}
    return replace(_free(scope), purposes=purposes or None)
