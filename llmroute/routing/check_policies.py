"""Policies that can't do what they look like: they match nothing, say nothing, or share a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.catalog.presets import PRESETS
from llmroute.routing.names import near
from llmroute.routing.report import report
from llmroute.routing.scopes import WILDCARD
from llmroute.routing.violations import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.policies import Policy
    from llmroute.routing.spec import RoutingSpec


def policies(spec: RoutingSpec) -> Iterator[Diagnostic]:
    """What there is to say about each policy."""
    seen: set[str] = set()
    for index, policy in enumerate(spec.policies):
        if policy.name in seen:
            message = f"a second policy named {policy.name!r}: what it leaves out could not be told from the first's"
            yield report(spec.source, "repeated-policy", message, ("policies", index, "name"))
        seen.add(policy.name)
        if policy.require is None and policy.deny is None:
            message = f"the policy {policy.name!r} requires and denies nothing"
            yield report(spec.source, "empty-policy", message, ("policies", index))
        yield from _of_queries(spec, index, policy)
        yield from _of_providers(spec, index, policy)


def _of_queries(spec: RoutingSpec, index: int, policy: Policy) -> Iterator[Diagnostic]:
    """Lists of agents, purposes and clients that no query can match."""
    for field, declared in (("agents", spec.agents), ("purposes", spec.purposes), ("clients", spec.clients)):
        globs = getattr(policy, field)
        # Behind "*" stand names that nobody declared.
        if globs is None or WILDCARD in declared or WILDCARD in globs:
            continue
        yield from _unmatched(spec, (index, field), globs, declared, f"no {field[:-1]} is called")


def _of_providers(spec: RoutingSpec, index: int, policy: Policy) -> Iterator[Diagnostic]:
    known = (*spec.providers, *PRESETS)
    for key, part in (("require", policy.require), ("deny", policy.deny)):
        if part is not None and part.providers is not None:
            yield from _unmatched(spec, (index, key, "providers"), part.providers, known, "no provider is called")


def _unmatched(
    spec: RoutingSpec, path: tuple[str | int, ...], globs: Iterable[str], names: Iterable[str], what: str
) -> Iterator[Diagnostic]:
    known = list(names)
    for place, glob in enumerate(globs):
        if not any(matches([glob], name) for name in known):
            hint = near(glob, known, otherwise="")
            yield report(
                spec.source, "policy-matches-nothing", f"{what} {glob!r}", ("policies", *path, place), hint=hint
            )
