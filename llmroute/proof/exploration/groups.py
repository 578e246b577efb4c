"""The queries of a spec, explored: those that are decided alike together, with all that they can get."""

from __future__ import annotations

from itertools import product, starmap
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.proof.exploration.explorer import Explorer
from llmroute.proof.exploration.interests import interests
from llmroute.proof.exploration.signatures import QUIET
from llmroute.proof.queries import KINDS, Alike, QueryClass, alike
from llmroute.routing.route import EMPTY

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from llmroute.proof.exploration.assertions import Assertion
    from llmroute.proof.exploration.worlds import Seen
    from llmroute.routing.route import Query
    from llmroute.routing.spec import RoutingSpec


class Group(NamedTuple):
    """Classes of queries that are decided alike, and that the same assertions are about."""

    classes: tuple[QueryClass, ...]
    seen: tuple[Seen, ...]
    """All that they can get; the first where no variable is set."""
    asserted: tuple[Assertion, ...]
    declared: bool
    """Whether the spec names every one of them."""

    @property
    def query(self) -> Query:
        """The smallest of them."""
        return self.classes[0].query

    @property
    def size(self) -> int:
        """How many queries it holds."""
        return sum(each.size for each in self.classes)


class Explored(NamedTuple):
    """All queries of a spec, and how much was looked at."""

    spec: RoutingSpec
    groups: tuple[Group, ...]
    explorer: Explorer
    queries: int
    classes: int


class Premises(NamedTuple):
    """What is taken to be possible."""

    environment: bool = True
    """Variables may be set to anything; False: none is set."""
    arguments: bool = False
    """The program may pass any arguments; False: it passes none."""


_ANY_ENVIRONMENT = Premises()


def explore(
    spec: RoutingSpec,
    premises: Premises = _ANY_ENVIRONMENT,
    asserted: Sequence[Assertion] = (),
    *,
    chosen: Mapping[str, str] = EMPTY,
    told: Iterable[tuple[str, Any]] = (),
) -> Explored:
    """Ask about every query of a spec.

    Args:
        spec: the spec.
        premises: what may be set or passed.
        asserted: what is to be told apart, as the policies are.
        chosen: only queries with these names, such as `{"agent": "reviewer"}`.
        told: fields of a policy, with values by which targets are told apart too.

    Raises:
        RoutingError: a chosen name is none of the spec's.
    """
    wanted = [*told, *(row for assertion in asserted for row in assertion.interests())]
    explorer = Explorer(spec, interests(spec, wanted), environment=premises.environment, arguments=premises.arguments)
    classes = classes_of(spec, asserted, chosen)
    found: dict[Hashable, list[QueryClass]] = {}
    for each in classes:
        query = each.query
        about = tuple(number for number, assertion in enumerate(asserted) if assertion.speaks(query))
        declared = each.agents.declared and each.purposes.declared and each.clients.declared
        found.setdefault((explorer.signature(query), about, declared), []).append(each)
    groups = []
    for (_, about, declared), rows in found.items():  # type: ignore[misc]
        rows.sort(key=_named)
        seen = explorer.reached(rows[0].query).seen
        groups.append(Group(tuple(rows), seen, tuple(asserted[number] for number in about), declared))
    return Explored(spec, tuple(groups), explorer, sum(each.size for each in classes), len(classes))


def classes_of(
    spec: RoutingSpec, asserted: Iterable[Assertion] = (), chosen: Mapping[str, str] = EMPTY
) -> list[QueryClass]:
    """The classes of queries that policies and assertions tell apart; a chosen name stands for itself."""
    found = []
    for kind in KINDS:
        globs = [glob for assertion in asserted for glob in assertion.who.get(kind, ())]
        name = chosen.get(kind)
        found.append([Alike(name, (name,))] if name is not None else alike(kind, [spec], globs, QUIET))
    return list(starmap(QueryClass, product(*found)))


def _named(each: QueryClass) -> int:
    query = each.query
    return sum(name is not None for name in (query.agent, query.purpose, query.client))
