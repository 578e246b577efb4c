"""The variables that can move an agent off its machine, or further than it is without any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from llmroute.errors import RoutingError
from llmroute.proof.shown import target_name
from llmroute.proof.witness import Witness, smallest
from llmroute.routing.route import LOCALITIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.proof.groups import Explored, Group
    from llmroute.proof.worlds import Seen
    from llmroute.routing.route import Locality, Resolution, Target
    from llmroute.routing.spec import RoutingSpec


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
    for group in explored.groups:
        first = group.seen[0].answer
        if isinstance(first, RoutingError):
            continue
        before = _farthest(first).locality
        for witness in _witnesses(explored.spec, group, before):
            key = tuple(witness.environ), before
            known, agents = found.setdefault(key, (witness, {}))
            agents |= {name: None for each in group.classes for name in each.agents.names}
            if _order(witness) < _order(known):
                found[key] = witness, agents
    for (names, before), (witness, agents) in found.items():
        yield Moved(names, tuple(agents), before, witness, target_name(explored.spec, witness.shown))


def _order(witness: Witness) -> tuple[int, tuple[int, int, int]]:
    """The most remote first, then the smallest."""
    return -LOCALITIES.index(witness.shown.locality), witness.size


def _witnesses(spec: RoutingSpec, group: Group, before: Locality) -> Iterator[Witness]:
    """One for each set of variables that is set in some world, made as small as it can be."""

    def shows(answer: Resolution | RoutingError, _: object) -> Target | None:
        return _farthest(answer) if _is_farther(answer, before) else None

    places: dict[tuple[Any, ...], list[Seen]] = {}
    for seen in group.seen[1:]:
        world = seen.world
        if not world.args and world.override is None and _is_farther(seen.answer, before):
            key = _farthest(seen.answer).locality, world.bare is None, *sorted(world.environ)
            places.setdefault(key, []).append(seen)
    for worlds in places.values():
        witness = smallest(spec, group.query, worlds, shows)
        if witness is not None:
            yield witness


def _farthest(answer: Resolution) -> Target:
    return max(answer.route.targets, key=lambda target: LOCALITIES.index(target.locality))


def _is_farther(answer: Resolution | RoutingError, before: Locality) -> TypeGuard[Resolution]:
    if isinstance(answer, RoutingError):
        return False
    return LOCALITIES.index(_farthest(answer).locality) > LOCALITIES.index(before)
