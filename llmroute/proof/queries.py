"""All queries of a spec, as classes of alike ones: what holds for one query of a class holds for all of it.

Names are alike where what the spec says under them is equal and the same policies speak of them. Of `"*"` stand
some names that nobody declared: one for each set of policies that such a name can meet. The lines of alike names
differ, so nothing is to be decided by an origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.proof.globs import Pattern, told_apart
from llmroute.routing.route import EMPTY, Query
from llmroute.routing.scopes import ENV_SETTINGS, WILDCARD, entry_name, field_names
from llmroute.routing.violations import matches

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Sequence

    from llmroute.routing.spec import RoutingSpec

KINDS = ("agent", "purpose", "client")


class Alike(NamedTuple):
    """Names of one kind that are alike."""

    name: str | None
    """One of them."""
    names: tuple[str | None, ...]
    """All of them, in the order of the spec; None is «no agent», «no purpose», «no client»."""
    declared: bool = True
    """False: they are an example of the names that `"*"` takes in."""


class QueryClass(NamedTuple):
    """Queries that are alike: each agent with each purpose and each client."""

    agents: Alike
    purposes: Alike
    clients: Alike

    @property
    def query(self) -> Query:
        """One of them."""
        return Query(self.agents.name, self.purposes.name, self.clients.name)

    @property
    def size(self) -> int:
        """How many queries it holds."""
        return len(self.agents.names) * len(self.purposes.names) * len(self.clients.names)


def query_classes(
    *specs: RoutingSpec, globs: Mapping[str, Iterable[str]] = EMPTY, blind: Collection[str] = ()
) -> list[QueryClass]:
    """The classes of all queries of a spec; of several specs those that are alike in every one of them.

    `globs`: of each kind (`agent`, `purpose`, `client`) globs that tell names apart besides those of the policies.
    `blind`: settings of scopes that make no difference to who asks, such as `metadata`.
    """
    agents, purposes, clients = (alike(kind, specs, tuple(globs.get(kind, ())), blind) for kind in KINDS)
    return [QueryClass(agent, purpose, client) for agent in agents for purpose in purposes for client in clients]


def alike(
    kind: str, specs: Sequence[RoutingSpec], globs: Sequence[str] = (), blind: Collection[str] = ()
) -> list[Alike]:
    """The names of one kind (`agent`, `purpose` or `client`) in classes, «none» first."""
    say = partial(_purpose_says if kind == "purpose" else _program_says, f"{kind}s", blind=frozenset(blind))
    found: list[Alike] = []
    for declared, names in ((True, [None, *_named(kind, specs)]), (False, _others(kind, specs, globs))):
        groups: dict[Hashable, list[str | None]] = {}
        for name in names:
            fitted = tuple(matches([glob], name) is not None for glob in globs)
            says = tuple((_policies(spec, kind, name), name and say(spec, name)) for spec in specs)
            groups.setdefault((name is None, fitted, says), []).append(name)
        found += [Alike(rows[0], tuple(rows), declared) for rows in groups.values()]
    return found


def _named(kind: str, specs: Sequence[RoutingSpec]) -> list[str]:
    """The names that some spec speaks of."""
    found: dict[str, None] = {}
    for spec in specs:
        entries: Mapping[str, Any] = getattr(spec, f"{kind}s")
        found |= dict.fromkeys(entries)
        if kind == "purpose" and WILDCARD in entries:
            found |= dict.fromkeys(_inner_purposes(spec))
    found.pop(WILDCARD, None)
    return list(found)


def _inner_purposes(spec: RoutingSpec) -> list[str]:
    """Purposes that `"*"` takes in, and that something else of the spec speaks of."""
    nested = [
        entry.purposes or EMPTY for group in (spec.agents, spec.clients, spec.providers) for entry in group.values()
    ]
    variables = [name.partition(".")[2] for name in spec.env.names or EMPTY]
    return [name for names in (*nested, variables) for name in names if name]


def _others(kind: str, specs: Sequence[RoutingSpec], globs: Sequence[str]) -> list[str]:
    """Names that nobody declared, one for each set of globs that such a name can fit."""
    entries = [getattr(spec, f"{kind}s") for spec in specs]
    if not any(WILDCARD in each for each in entries):
        return []
    taken = {WILDCARD, *_named(kind, specs)}
    every = [
        *globs,
        *(glob for spec in specs for policy in spec.policies for glob in getattr(policy, f"{kind}s") or ()),
    ]
    usual = [
        f"other-{kind}",
        *(glob.replace("*", "x").replace("?", "x") for glob in every if not set("[]") & set(glob)),
    ]
    return told_apart(map(Pattern, every), usual=usual, free=lambda name: bool(name.strip()) and name not in taken)


def _policies(spec: RoutingSpec, kind: str, name: str | None) -> tuple[bool, ...]:
    """Which of the policies that choose by this kind speak of a name."""
    lists = (getattr(policy, f"{kind}s") for policy in spec.policies)
    return tuple(matches(globs, name) is not None for globs in lists if globs is not None)


def _program_says(group: str, spec: RoutingSpec, name: str, blind: frozenset[str]) -> Hashable:
    entries: Mapping[str, Any] = getattr(spec, group)
    own = entry_name(entries, name)
    if own is None:
        return None
    nested = entries[own].purposes or EMPTY
    return frozen(entries[own], blind), frozenset((purpose, frozen(scope, blind)) for purpose, scope in nested.items())


def _purpose_says(group: str, spec: RoutingSpec, name: str, blind: frozenset[str]) -> Hashable:
    own = entry_name(getattr(spec, group), name)
    if own is None:
        return None
    nested = tuple(
        entry.purposes and (inner := entry_name(entry.purposes, name)) and frozen(entry.purposes[inner], blind)
        for entries in (spec.agents, spec.clients, spec.providers)
        for entry in entries.values()
        if entry.purposes
    )
    further = tuple((spec.env.names or EMPTY).get(f"{setting}.{name}") for setting in ENV_SETTINGS)
    return frozen(spec.purposes[own], blind), nested, further


def frozen(value: Any, blind: Collection[str] = ()) -> Hashable:
    """A value of a spec as one that can be compared and looked up; fields that say nothing are left out.

    >>> frozen({"a": [1, 2]}) == frozen({"a": [1, 2]}), frozen(True) == frozen(1)
    (True, False)
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return frozenset((key, frozen(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    if hasattr(value, "__dataclass_fields__"):
        said = ((name, getattr(value, name)) for name in field_names(value.__class__) if name not in blind)
        return value.__class__, tuple((name, frozen(item)) for name, item in said if item is not None)
    return type(value), value
