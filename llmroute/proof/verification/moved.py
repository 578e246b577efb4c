"""The variables that can move an agent off its machine, or further than it is without any."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from llmroute.errors import RoutingError
from llmroute.proof.exploration.shown import target_name
from llmroute.proof.exploration.witness import Witness, smallest, weight
from llmroute.routing.route import LOCALITIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.proof.exploration.groups import Explored, Group
    from llmroute.proof.exploration.worlds import Seen
    from llmroute.routing.route import Locality, Resolution, Target


class Moved(NamedTuple):
    """Variables that make a target more remote than it is without any."""

    variables: tuple[str, ...]
    agents: tuple[str | None, ...]
    before: str
    """The most remote locality while no variable is set."""
    witness: Witness
    target: str
    """The target that it leads to."""

    def to_json(self, spec_path: str) -> dict[str, Any]:
        """The row as `verify --format json` writes it."""
        found: Target = self.witness.shown
        return {
            "variables": list(self.variables),
            "agents": list(self.agents),
            "from": self.before,
            "to": found.locality,
            "target": self.target,
            "query": self.witness.query.to_json(),
            "environ": dict(self.witness.environ),
            "command": self.witness.command(spec_path),
        }


def moved(explored: Explored) -> Iterator[Moved]:
    """The least sets of variables that move something further away, each with the smallest witness."""
    found: dict[tuple[Any, ...], tuple[Witness, dict[str | None, None]]] = {}
    for (_, before, *_), rows in _further(explored).items():
        rows.sort(key=lambda row: weight(row[1][0].world))
        for group, places in rows:
            witness = smallest(explored.spec, group.query, places, partial(_shows, before))
            if witness is not None:
                break
        else:
            continue
        key = tuple(witness.environ), before
        known, agents = found.setdefault(key, (witness, {}))
        agents |= {name: None for group, _ in rows for each in group.classes for name in each.agents.names}
        if _order(witness) < _order(known):
            found[key] = witness, agents
    for (names, before), (witness, agents) in found.items():
        yield Moved(names, tuple(agents), before, witness, target_name(explored.spec, witness.shown))


def _further(explored: Explored) -> dict[tuple[Any, ...], list[tuple[Group, list[Seen]]]]:
    """The worlds that move something, by the variables that they set, where it was and where it is then."""
    found: dict[tuple[Any, ...], list[tuple[Group, list[Seen]]]] = {}
    for group in explored.groups:
        first = group.seen[0].answer
        if isinstance(first, RoutingError):
            continue
        before = _farthest(first).locality
        own: dict[tuple[Any, ...], list[Seen]] = {}
        for seen in group.seen[1:]:
            world = seen.world
            if not world.args and world.override is None and _is_farther(seen.answer, before):
                bare = group.query.purpose if world.bare is not None else ...
                key = tuple(sorted(world.environ)), before, _farthest(seen.answer).locality, bare
                own.setdefault(key, []).append(seen)
        for key, places in own.items():
            found.setdefault(key, []).append((group, sorted(places, key=lambda seen: weight(seen.world))))
    return found


def _shows(before: Locality, answer: Resolution | RoutingError, _: object) -> Target | None:
    return _farthest(answer) if _is_farther(answer, before) else None


def _order(witness: Witness) -> tuple[int, tuple[int, int, int]]:
    """The most remote first, then the smallest."""
    return -LOCALITIES.index(witness.shown.locality), witness.size


def _farthest(answer: Resolution) -> Target:
    return max(answer.route.targets, key=lambda target: LOCALITIES.index(target.locality))


def _is_farther(answer: Resolution | RoutingError, before: Locality) -> TypeGuard[Resolution]:
    if isinstance(answer, RoutingError):
        return False
    return LOCALITIES.index(_farthest(answer).locality) > LOCALITIES.index(before)
