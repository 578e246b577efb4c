"""Which queries are decided alike, as far as it is about where they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.proof.queries import frozen
from llmroute.routing.constraints import speaks
from llmroute.routing.endpoints import reference
from llmroute.routing.scopes import Scope, entry_name
from llmroute.routing.spec import PARAMS

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from llmroute.routing.route import Query
    from llmroute.routing.spec import RoutingSpec

QUIET = frozenset({*PARAMS, "metadata", "auth", "api_version", "transport", "allow_http"})
"""Settings of a scope that have no say in where a call goes."""


class Signatures:
    """What can make a difference to a query, of one spec."""

    def __init__(self, spec: RoutingSpec, blind: frozenset[str] = QUIET) -> None:
        self.spec = spec
        self.blind = blind
        self._known: dict[Any, Hashable] = {}

    def of(self, query: Query, found: list[Scope]) -> Hashable:
        """All of a query that can make a difference. Below a scope with an endpoint and a model only demands count."""
        rows: list[Hashable] = []
        settled = False
        for scope in found:
            if scope.layer == "env":
                rows.append("env")
                continue
            values = scope.values
            rows.append(frozen(values.get("require")) if settled else self.said(scope))
            settled = settled or settles(self.spec, values)
        # A settled query never looks at the purpose; another may ask a provider for its own model for it.
        purpose = None if settled else self._of_purpose(query.purpose)
        return tuple(row for row in rows if row is not None), purpose, self.policies(query)

    def said(self, scope: Scope) -> Hashable:
        """All that a scope says of where a call goes; None where it says nothing."""
        key = scope.path or scope.name
        if key not in self._known:
            values = {name: value for name, value in scope.values.items() if name not in self.blind}
            self._known[key] = (scope.layer, scope.specific, frozen(values)) if values else None
        return self._known[key]

    def _of_purpose(self, purpose: str | None) -> Hashable:
        """What providers say of a purpose."""
        key = "purpose", purpose
        if key not in self._known:
            said = ((each.purposes, entry_name(each.purposes, purpose or "")) for each in self.spec.providers.values())
            self._known[key] = tuple(own and rows and frozen(rows[own]) for rows, own in said)
        return purpose is None or self._known[key]

    def policies(self, query: Query) -> tuple[bool, ...]:
        """Which of the policies speak of a query."""
        return tuple(speaks(policy, query) for policy in self.spec.policies)


def settles(spec: RoutingSpec, values: Mapping[str, Any]) -> bool:
    """Whether a scope chooses an endpoint and its model, so that no weaker one adds to either."""
    model = values.get("model")
    if model is None:
        return False
    return "provider" in values or "base_url" in values or ("$" not in model and reference(spec, model) is not None)
