"""Agents that are written alike are explained once: what differs is their name and their lines.

Two agents are alike if their settings are equal, stand in the same shape one line below the other, and the same
policies speak of them. The explanation of one then is that of the other, with name and lines moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.proof.queries import alike
from llmroute.routing.scopes import ENV_SETTINGS, entry_name, variables_of, written
from llmroute.routing.violations import matches

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from llmroute.routing.route import Query
    from llmroute.routing.source import Entry
    from llmroute.routing.spec import RoutingSpec


class Kind(NamedTuple):
    """Agents that are alike."""

    agent: str | None
    """The first of them, which is asked for all; None for queries without an agent."""
    lines: frozenset[int] = frozenset()
    """The lines of its settings, counted from 1, and those of nothing else; empty where lines are not its own."""
    line: int = 0
    """The line of its name; 0 where there is none."""


class Row(NamedTuple):
    """An agent of the spec."""

    name: str | None
    kind: int
    """Index of its kind."""
    line: int
    """The line of its name; 0 where there is none."""


def rows(spec: RoutingSpec) -> tuple[list[Row], list[Kind]]:
    """All agents, queries without one first, and the kinds that they fall into."""
    owners = _owners(spec)
    found, kinds = [Row(None, 0, 0)], [Kind(None)]
    known: dict[Hashable, int] = {}
    classes = {name: number for number, each in enumerate(alike("agent", [spec])) for name in each.names}
    for name in spec.agents:
        entry = spec.source.entry(("agents", name)) if spec.source.marks is not None else None
        line = entry.key.line + 1 if entry is not None else 0
        lines = frozenset(_lines(entry)) if entry is not None else frozenset()
        tidy = bool(lines) and all(owners[number] == {name} for number in lines)
        # What nobody declared, `"*"`, is in no class.
        key = (classes[name], _shape(entry, entry.key.line)) if entry and tidy and name in classes else name
        if key not in known:
            known[key] = len(kinds)
            kinds.append(Kind(name, lines if tidy else frozenset(), line))
        found.append(Row(name, known[key], line))
    return found, kinds


def _owners(spec: RoutingSpec) -> dict[int, set[str]]:
    """Per line: the agents that have something there; an empty name stands for everything else."""
    owners: dict[int, set[str]] = {}
    for section, entry in (spec.source.marks or {}).items():
        is_agents = section == "agents" and entry.children
        owners.setdefault(entry.key.line + 1, set()).add("")
        for name, child in entry.children.items() if is_agents and entry.children else [("", entry)]:
            for line in _lines(child):
                owners.setdefault(line, set()).add(str(name))
    return owners


def _lines(entry: Entry) -> Iterator[int]:
    yield entry.key.line + 1
    yield entry.value.line + 1
    for child in (entry.children or {}).values():
        yield from _lines(child)


def _shape(entry: Entry, first: int) -> tuple[Any, ...]:
    """Where the parts of an entry stand, counted from its first line."""
    children = tuple((step, _shape(child, first)) for step, child in (entry.children or {}).items())
    return (entry.key.line - first, entry.value.line - first, children)


class Silent:
    """Purposes of which nothing speaks in a query: what holds for one holds for all of them."""

    def __init__(self, spec: RoutingSpec) -> None:
        self._spec = spec
        self._spoken: set[str] = set()
        """Purposes with settings of their own, or with a model of a provider."""
        for purpose, scope in spec.purposes.items():
            if written(scope) or any(entry_name(own.purposes, purpose) for own in spec.providers.values()):
                self._spoken.add(purpose)
        self._policies = {
            purpose: tuple(
                each.purposes is None or matches(each.purposes, purpose) is not None for each in spec.policies
            )
            for purpose in spec.purposes
        }
        self._variables = {
            purpose: frozenset(name for setting in ENV_SETTINGS for name in variables_of(spec.env, setting, purpose))
            for purpose in spec.purposes
        }

    def kind(self, query: Query, environ: Mapping[str, str]) -> Hashable:
        """The policies that speak of a query's purpose, where nothing else does; else the purpose itself."""
        purpose = query.purpose
        if purpose is None or purpose in self._spoken or not self._variables[purpose].isdisjoint(environ):
            return purpose
        for entries, name in ((self._spec.agents, query.agent), (self._spec.clients, query.client)):
            entry = None if name is None else entry_name(entries, name)
            if entry is not None and entry_name(entries[entry].purposes, purpose):
                return purpose
        return self._policies[purpose]
