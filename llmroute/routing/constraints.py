"""What every target of a request must be: requirements add up, and no scope loosens another's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import ConstraintViolatedError
from llmroute.routing.diagnostics import Diagnostic
from llmroute.routing.policies import PolicyDeny, PolicyRequire, Requirements
from llmroute.routing.route import LOCALITIES, Candidate, Excluded, Field, Target
from llmroute.routing.rules import RULES
from llmroute.routing.scopes import field_names
from llmroute.routing.violations import matches, violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llmroute.routing.context import Context
    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.endpoints import Facts
    from llmroute.routing.policies import Policy
    from llmroute.routing.route import Query


class Hop(NamedTuple):
    """A target of a chain, with the facts of its provider."""

    target: Target
    facts: Facts | None
    at_home: bool
    """Whether the URL is the one that the spec or the preset gives the provider: neither a scope's nor a variable's."""


class Demand(NamedTuple):
    """One requirement of one scope or policy."""

    what: str
    """Such as `locality`, `tools`, `context_window`, or `deny.models`."""
    value: Any
    scope: str
    layer: str
    origin: Origin
    warn: bool = False
    """Whether a target that does not meet it is kept, and spoken of."""
    because: str = ""
    """Why the policy is there."""

    @property
    def rule(self) -> str:
        """What keeps a target out: `require.locality`, `policies.NAME`."""
        return self.scope if self.layer == "policy" else f"require.{self.what}"


def demands(context: Context) -> list[Demand]:
    """The requirements of all scopes of a request, strongest scope first, then those of the policies."""
    found: list[Demand] = []
    for scope in context.scopes:
        require = scope.values.get("require")
        if require is None:
            continue
        at, warns = (*scope.path, "require"), bool(getattr(require, "warn", None))
        for name in field_names(Requirements):
            value = getattr(require, name)
            if value is not None and value is not False:
                origin = context.spec.source.origin((*at, name)) if scope.path else scope.origin("require")
                # How far a prompt may go is no ability that a model may lack.
                warn = warns and name != "locality"
                found.append(Demand(name, value, scope.name, scope.layer, origin, warn))
    for index, policy in enumerate(context.spec.policies):
        if speaks(policy, context.query):
            found += _policy_demands(context, index, policy)
    return found


def speaks(policy: Policy, query: Query) -> bool:
    """Whether a policy is about a query: each list that it has holds a glob that fits."""
    rows = ((policy.agents, query.agent), (policy.purposes, query.purpose), (policy.clients, query.client))
    return all(globs is None or matches(globs, name) is not None for globs, name in rows)


def _policy_demands(context: Context, index: int, policy: Policy) -> Iterator[Demand]:
    rows = (
        ("require", policy.require, field_names(PolicyRequire), ""),
        ("deny", policy.deny, field_names(PolicyDeny), "deny."),
    )
    for key, part, names, prefix in rows:
        for name in names if part is not None else ():
            value = getattr(part, name)
            if value is not None and value is not False:
                origin = context.spec.source.origin(("policies", index, key, name))
                scope, warn, because = f"policies.{policy.name}", bool(policy.warn), policy.because or ""
                yield Demand(prefix + name, value, scope, "policy", origin, warn, because)


def policies_field(context: Context, found: Sequence[Demand]) -> Field | None:
    """The field `policies` of the trace: those that speak of the query."""
    spoken = dict.fromkeys(demand.scope for demand in found if demand.layer == "policy")
    if not spoken:
        return None
    rows = [
        Candidate(
            scope,
            "policy",
            policy.name,
            "adds-up",
            context.spec.source.origin(("policies", index)),
            policy.because or "",
        )
        for index, policy in enumerate(context.spec.policies)
        if (scope := f"policies.{policy.name}") in spoken
    ]
    first = rows[0]
    return Field("policies", [row.value for row in rows], "policy", first.scope, first.origin, tuple(rows))


def require_field(found: Sequence[Demand]) -> Field | None:
    """The field `require` of the trace: the strictest of each demand of the scopes; under `warn` what asks for more."""
    found = [demand for demand in found if demand.layer != "policy"]
    if not found:
        return None
    holds = _strictest(demand for demand in found if not demand.warn)
    wished = _strictest(demand for demand in found if demand.warn)
    more = {what: wish for what, wish in wished.items() if _stricter(what, holds.get(what), wish) != holds.get(what)}
    # The first demand that is as strict as what holds: the field's own place.
    first = next(demand for demand in found if (wished if demand.warn else holds)[demand.what] == demand.value)
    candidates = tuple(
        Candidate(row.scope, row.layer, {row.what: row.value}, "adds-up", row.origin, "only warns" if row.warn else "")
        for row in found
    )
    value = {**holds, "warn": more} if more else holds
    return Field("require", value, first.layer, first.scope, first.origin, candidates)


def _strictest(found: Iterable[Demand]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for demand in found:
        value[demand.what] = _stricter(demand.what, value.get(demand.what), demand.value)
    return value


def _stricter(what: str, one: Any, other: Any) -> Any:
    if one is None:
        return other
    if what == "locality":
        return min(one, other, key=LOCALITIES.index)
    return max(one, other)


class Admitted(NamedTuple):
    """What the demands leave of a chain."""

    targets: tuple[Target, ...]
    excluded: tuple[Excluded, ...]
    notes: tuple[Diagnostic, ...]
    """What was not met, and only warns."""


def admit(hops: Sequence[Hop], found: Sequence[Demand]) -> Admitted:
    """The targets that meet every demand, and those that were left out.

    Raises ConstraintViolatedError where none is left.
    """
    kept: list[Target] = []
    excluded: list[Excluded] = []
    notes: list[Diagnostic] = []
    for hop in hops:
        broken = [(demand, reason) for demand in found if (reason := violation(hop, demand))]
        strict = [(demand, reason) for demand, reason in broken if not demand.warn]
        excluded += [
            Excluded(hop.target.name, demand.rule, demand.origin, _because(demand, reason)) for demand, reason in strict
        ]
        if not strict:
            kept.append(hop.target)
            notes += [_note(hop.target, demand, reason) for demand, reason in broken]
    if not kept:
        lines = "".join(f"\n    {out.target}: {out.reason} ({out.rule}, {out.origin})" for out in excluded)
        raise ConstraintViolatedError(
            f"no target meets the requirements:{lines}",
            hint="choose an endpoint that does; no scope can loosen a requirement",
            excluded=excluded,
            origin=excluded[0].origin,
        )
    return Admitted(tuple(kept), tuple(excluded), tuple(notes))


def _because(demand: Demand, reason: str) -> str:
    return f"{reason}, because {demand.because}" if demand.because else reason


def _note(target: Target, demand: Demand, reason: str) -> Diagnostic:
    rule = RULES["not-met"]
    message = f"{target.name} does not meet {demand.rule}: {_because(demand, reason)}"
    return Diagnostic(rule.code, rule.slug, rule.severity, message, demand.origin)
