"""What a query could ever get: each target, and the least that has to be so for it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import RoutingError
from llmroute.proof.exploration.axes import ANY_MODEL
from llmroute.proof.exploration.shown import shown, target_name
from llmroute.proof.exploration.witness import smallest
from llmroute.routing.constraints import Demand, Hop
from llmroute.routing.context import CLOUD_SUFFIXES
from llmroute.routing.diagnostics import Origin
from llmroute.routing.endpoints import facts_of
from llmroute.routing.route import LOCALITIES
from llmroute.routing.violations import matches, violation

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from llmroute.proof.exploration.groups import Explored, Group
    from llmroute.proof.exploration.worlds import Seen
    from llmroute.routing.route import Query, Resolution, Target
    from llmroute.routing.spec import RoutingSpec

ALWAYS = "always"
UNSET = "no variable set"
_NOWHERE = Origin("argument")


class Wanted(NamedTuple):
    """Which targets are looked for; None: all."""

    provider: str | None = None
    model: str | None = None
    locality: str | None = None

    def told(self) -> list[tuple[str, Any]]:
        """By what targets have to be told apart for it."""
        rows = (("providers", self.provider), ("models", self.model))
        return [(field, (glob,)) for field, glob in rows if glob is not None]

    def holds(self, spec: RoutingSpec, target: Target) -> bool:
        """Whether a target is one of them; a provider goes by its preset's name too, and a vendor by its host."""
        facts = facts_of(spec, target.provider, None) if target.provider is not None else None
        hop = Hop(target, facts, at_home=False)
        asked = (("deny.providers", self.provider), ("deny.models", self.model))
        demands = [Demand(what, (glob,), "", "", _NOWHERE) for what, glob in asked if glob is not None]
        return self.locality in (None, target.locality) and all(violation(hop, demand) for demand in demands)


_ALL = Wanted()


class Row(NamedTuple):
    """A target that can be reached."""

    target: Target
    name: str
    role: str
    """`primary` or `fallback`."""
    conditions: tuple[str, ...]
    """What has to be set; `always`, or `no variable set` where one can change it."""
    query: Query
    """The smallest query that can get it so."""
    queries: int
    """How many queries can."""
    names: Mapping[str, tuple[str | None, ...]]
    """The agents, purposes and clients of those queries."""
    alike: tuple[str, ...]
    """Providers that can be reached in the same way as the target's."""

    def to_json(self) -> Iterator[dict[str, Any]]:
        """The rows of `reach --format json`: one for each provider that it stands for."""
        own = self.target.provider or ""
        for provider in (self.target.provider, *self.alike):
            conditions = [text.replace(f"={own}", f"={provider}") if self.alike else text for text in self.conditions]
            yield {
                "target": self.name
                if provider == self.target.provider
                else f"{provider}/{self.name.removeprefix(f'{own}/')}",
                "locality": self.target.locality,
                "conditions": conditions,
                "role": self.role,
                "query": self.query.to_json(),
                "queries": self.queries,
                **{kind: list(names) for kind, names in self.names.items()},
            }


def reach(explored: Explored, wanted: Wanted = _ALL) -> list[Row]:
    """Every target that some query can get; those that need nothing first, then by how far they are."""
    found: dict[Hashable, Row] = {}
    for group in explored.groups:
        for row in _of_group(explored, group, wanted):
            key = row.name, row.role, row.conditions
            found[key] = _joined(found[key], row) if key in found else row
    rows = [row for row in found.values() if not _is_told(row, found, explored.explorer.axes.asked.models)]
    return sorted(rows, key=_order)


def _is_told(row: Row, found: Mapping[Hashable, Row], globs: Sequence[str]) -> bool:
    """Whether a model that ends as an Ollama's cloud models do is but one of any, for being as far away as they are."""
    cloud, plainly = f"{shown(ANY_MODEL)}{CLOUD_SUFFIXES[0]}", shown(ANY_MODEL)
    if cloud not in row.name or matches(globs, row.target.model, row.target.name) is not None:
        return False
    conditions = tuple(text.replace(cloud, plainly) for text in row.conditions)
    plain = found.get((row.name.replace(cloud, plainly), row.role, conditions))
    return plain is not None and plain.target.locality == row.target.locality and plain.queries == row.queries


def _order(row: Row) -> tuple[int, int, int]:
    least = {ALWAYS: 0, UNSET: 1}.get(row.conditions[0], 1 + len(row.conditions))
    return least, -LOCALITIES.index(row.target.locality), row.role == "fallback"


def _joined(one: Row, other: Row) -> Row:
    names = {kind: tuple(dict.fromkeys((*known, *other.names[kind]))) for kind, known in one.names.items()}
    return one._replace(queries=one.queries + other.queries, names=names)


def _of_group(explored: Explored, group: Group, wanted: Wanted) -> Iterator[Row]:
    found: dict[tuple[Any, ...], list[Seen]] = {}
    usable = [seen for seen in group.seen if not isinstance(seen.answer, RoutingError)]
    for seen in usable:
        for key, target in _targets(seen.answer):
            if key in found or wanted.holds(explored.spec, target):
                found.setdefault(key, []).append(seen)
    for key, places in found.items():
        witness = smallest(explored.spec, group.query, places, partial(_find, key))
        if witness is None:
            continue
        conditions = tuple(map(shown, witness.conditions()))
        alike = _alike(explored, witness.shown.provider, conditions)
        always = ALWAYS if len(places) == len(usable) else UNSET
        name = target_name(explored.spec, witness.shown)
        rest = conditions or (always,), group.query, group.size, _names(group), alike
        yield Row(witness.shown, name, key[0], *rest)


def _alike(explored: Explored, provider: str | None, conditions: tuple[str, ...]) -> tuple[str, ...]:
    """The other providers that a variable could name in place of one."""
    named = any(text.endswith(f"={provider}") or f"={provider}/" in text for text in conditions)
    if provider is None or not named:
        return ()
    axes = explored.explorer.axes
    homes = axes.elsewhere if any("<any" in text for text in conditions) else axes.homes
    names = next((home.names for home in homes if home.provider == provider), ())
    return tuple(name for name in names if name != provider)


def _names(group: Group) -> Mapping[str, tuple[str | None, ...]]:
    return {
        kind: tuple(dict.fromkeys(name for each in group.classes for name in getattr(each, kind).names))
        for kind in ("agents", "purposes", "clients")
    }


def _targets(answer: Resolution | RoutingError) -> Iterator[tuple[tuple[Any, ...], Target]]:
    if isinstance(answer, RoutingError):
        return
    for target in answer.route.targets:
        # Where the primary was left out, a fallback is the first that is tried.
        role = "fallback" if ".fallbacks[" in target.scope else "primary"
        yield (role, target.provider, target.base_url, target.model, target.api, target.locality), target


def _find(key: tuple[Any, ...], answer: Resolution | RoutingError, _: object) -> Target | None:
    return dict(_targets(answer)).get(key)
