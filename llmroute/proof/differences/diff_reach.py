"""Where agents can get in some environment, and could not before: the variables are taken to hold anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.proof.exploration.groups import Premises, explore
from llmroute.proof.verification.reach import reach
from llmroute.routing.route import LOCALITIES

if TYPE_CHECKING:
    from llmroute.routing.spec import RoutingSpec

_NO_PROVIDER = "a URL without a provider"


class Possible(NamedTuple):
    """Providers that some agents can get to in one spec, and in the other never, whatever variables are set."""

    providers: tuple[str, ...]
    locality: str
    conditions: tuple[str, ...]
    """The least that has to be set for the first of them; `always` where it takes nothing."""
    agents: tuple[str | None, ...]
    gained: bool

    def to_json(self) -> dict[str, Any]:
        """What `diff --any-env --format json` writes for it."""
        where = {"providers": list(self.providers), "locality": self.locality}
        return {**where, "conditions": list(self.conditions), "agents": list(self.agents)}


def possible(old: RoutingSpec, new: RoutingSpec) -> list[Possible]:
    """What agents gain, then what they lose; the most remote first."""
    before, after = _reached(old), _reached(new)
    found: list[Possible] = []
    for gained, one, other in ((True, after, before), (False, before, after)):
        rows: dict[tuple[str, tuple[str, ...], tuple[str | None, ...]], list[str]] = {}
        for (provider, locality), agents in one.items():
            known = other.get((provider, locality), {})
            ways: dict[tuple[str, ...], list[str | None]] = {}
            for agent, conditions in agents.items():
                if agent not in known:
                    ways.setdefault(conditions, []).append(agent)
            for conditions, who in ways.items():
                rows.setdefault((locality, conditions, tuple(who)), []).append(provider)
        found += [Possible(tuple(names), *key, gained) for key, names in rows.items()]
    return sorted(found, key=lambda row: (not row.gained, -LOCALITIES.index(row.locality)))


def _reached(spec: RoutingSpec) -> dict[tuple[str, str], dict[str | None, tuple[str, ...]]]:
    """By provider and locality, for each agent that can get there, the least that has to be set."""
    found: dict[tuple[str, str], dict[str | None, tuple[str, ...]]] = {}
    for row in reach(explore(spec, Premises())):
        for provider in (row.target.provider, *row.alike):
            agents = found.setdefault((provider or _NO_PROVIDER, row.target.locality), {})
            for agent in row.names["agents"]:
                agents.setdefault(agent, row.conditions)
    return found
