"""What a query could ever get: each target, and the least that has to be so for it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import RoutingError
from llmroute.proof.shown import shown, target_name
from llmroute.proof.witness import smallest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from llmroute.proof.groups import Explored, Group
    from llmroute.proof.worlds import Seen
    from llmroute.routing.route import Query, Resolution, Target

ALWAYS = "always"
UNSET = "no variable set"


class Row(NamedTuple):
    """A target that can be reached."""

    target: Target
    name: str
    role: str
    """`primary` or `fallback`."""
    conditions: tuple[str, ...]
    """What has to be set; `always`, or `no variable set` where that can change it."""
    query: Query
    queries: int
    """How many queries can get it so."""
    names: Mapping[str, tuple[str | None, ...]]
    """The agents, purposes and clients of those queries."""

    def to_json(self) -> dict[str, Any]:
        """The row as `reach --format json` writes it, without its query."""
        return {
            "target": self.name,
            "locality": self.target.locality,
            "conditions": list(self.conditions),
            "role": self.role,
            "provider": self.target.provider,
            "base_url": self.target.base_url,
            "model": shown(self.target.model),
        }


def reach(explored: Explored, wanted: Callable[[Target], object] = bool) -> list[Row]:
    """Every target that some query can get, the nearest condition first; `wanted`: only those."""
    rows = [row for group in explored.groups for row in _of_group(explored, group, wanted)]
    return [row for found in rows for row in _each(explored, found)]


def _of_group(explored: Explored, group: Group, wanted: Callable[[Target], object]) -> Iterator[Row]:
    found: dict[tuple[Any, ...], list[Seen]] = {}
    usable = [seen for seen in group.seen if not isinstance(seen.answer, RoutingError)]
    for seen in usable:
        for key, target in _targets(seen.answer):
            if wanted(target):
                found.setdefault(key, []).append(seen)
    for key, places in found.items():
        witness = smallest(explored.spec, group.query, places, partial(_find, key))
        if witness is None:
            continue
        always = len(places) == len(usable) and not witness.conditions()
        name = target_name(explored.spec, witness.shown)
        conditions = tuple(map(shown, witness.conditions())) or (ALWAYS if always else UNSET,)
        yield Row(witness.shown, name, key[0], conditions, group.query, group.size, _names(group))


def _names(group: Group) -> Mapping[str, tuple[str | None, ...]]:
    return {
        kind: tuple(dict.fromkeys(name for each in group.classes for name in getattr(each, kind).names))
        for kind in ("agents", "purposes", "clients")
    }


def _targets(answer: Resolution | RoutingError) -> Iterator[tuple[tuple[Any, ...], Target]]:
    if isinstance(answer, RoutingError):
        return
    for place, target in enumerate(answer.route.targets):
        # Where the primary was left out, the next one is the first that is tried.
        role = "fallback" if place or ".fallbacks[" in target.scope else "primary"
        yield (role, target.provider, target.base_url, target.model, target.api, target.locality), target


def _find(key: tuple[Any, ...], answer: Resolution | RoutingError, _: object) -> Target | None:
    return dict(_targets(answer)).get(key)


def _each(explored: Explored, row: Row) -> Iterator[Row]:
    """The row once for each provider that its own stands for."""
    provider = row.target.provider
    homes = explored.explorer.axes.homes if " at " not in row.name else explored.explorer.axes.elsewhere
    alike: Iterable[str] = next((home.names for home in homes if home.provider == provider), ())
    yield row
    if provider is None or not any(f"{provider}/" in text for text in row.conditions):
        return
    for name in alike:
        if name != provider:
            target = replace(row.target, provider=name)
            said = tuple(text.replace(f"={provider}/", f"={name}/") for text in row.conditions)
            yield row._replace(target=target, name=_renamed(row.name, provider, name), conditions=said)


def _renamed(text: str, old: str, new: str) -> str:
    return f"{new}/{text.removeprefix(f'{old}/')}"
