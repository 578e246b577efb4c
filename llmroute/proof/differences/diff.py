"""What a change of a spec changes: the queries that get another answer, and what follows from that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.proof.differences.answers import Answer, answer, differences, identity
from llmroute.proof.differences.grouping import universe
from llmroute.proof.differences.weaker import weaker, with_admitted
from llmroute.proof.queries import KINDS, QueryClass, frozen, query_classes
from llmroute.routing.flows import INLINE, origin_text
from llmroute.routing.pairs import everything
from llmroute.routing.scopes import WILDCARD

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from llmroute.proof.differences.diff_reach import Possible
    from llmroute.proof.differences.grouping import Universe
    from llmroute.proof.differences.weaker import Weaker
    from llmroute.proof.queries import Alike
    from llmroute.routing.route import Target
    from llmroute.routing.spec import RoutingSpec

_UNKNOWN = frozenset({"unknown-agent", "unknown-purpose", "unknown-client"})
_KEYS = frozenset({"env", "file", "keyring"})


class Price(NamedTuple):
    """List prices of a model, in US dollars per million tokens; None where one is not known."""

    input: float | None
    output: float | None


class Change(NamedTuple):
    """Queries that got one answer and now get another."""

    queries: tuple[QueryClass, ...]
    before: Answer
    after: Answer
    differs: Mapping[str, tuple[Any, Any]]
    """What of the answer, with both values."""

    @property
    def size(self) -> int:
        """How many queries there are."""
        return sum(each.size for each in self.queries)


class Reach(NamedTuple):
    """A target that some agents can now reach, or no longer can, whatever they ask for and in whichever program."""

    target: Target
    agents: tuple[str | None, ...]
    gained: bool


class KeyMove(NamedTuple):
    """A key, with the origins that it goes to; they are not the same before and after."""

    key: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def gained(self) -> tuple[str, ...]:
        """The origins that it did not go to before."""
        return tuple(origin for origin in self.after if origin not in self.before)


class PriceChange(NamedTuple):
    """First targets that took each other's place, with what each of them costs."""

    before: Target
    after: Target
    price_before: Price
    price_after: Price


class Named(NamedTuple):
    """Names that came, and names that went."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


class Difference(NamedTuple):
    """All that is to be said of two specs."""

    changes: tuple[Change, ...]
    weaker: tuple[Weaker, ...]
    reach: tuple[Reach, ...]
    keys: tuple[KeyMove, ...]
    prices: tuple[PriceChange, ...]
    names: Mapping[str, Named]
    """For `agents`, `purposes` and `clients`."""
    compared: int
    """How many queries were asked of both."""
    every: Universe
    """How many agents, purposes and clients there are in either."""
    possible: tuple[Possible, ...]
    """Where agents can get in some environment, as far as that changed; empty where it was not asked."""
    unknown: tuple[str, ...]
    """What of the new spec can't be told without the environment."""


def diff(
    old: RoutingSpec, new: RoutingSpec, environ: Mapping[str, str], price: Callable[[Target], Price] | None = None
) -> Difference:
    """Ask both specs everything, and say what became another.

    `environ` holds for both. `price` gives the list price of a target; it is asked for first targets that changed, and
    no price is told without it.
    """
    pairs = _Pairs(old, new, environ)
    changes = list(pairs.changes())
    every = universe(pairs.classes)
    moves, unknown = _keys(old, new, environ)
    refused = [(change.queries, change.before, change.after) for change in changes]
    return Difference(
        changes=tuple(changes),
        weaker=tuple(with_admitted(weaker(old, new), refused, every)),
        reach=tuple(pairs.reach(changes)),
        keys=moves,
        prices=tuple(_prices(changes, price)) if price is not None else (),
        names={f"{kind}s": _named(f"{kind}s", old, new) for kind in KINDS},
        compared=sum(each.size for each in pairs.classes),
        every=every,
        possible=(),
        unknown=unknown,
    )


class _Pairs:
    """The answers of two specs to the same queries."""

    def __init__(self, old: RoutingSpec, new: RoutingSpec, environ: Mapping[str, str]) -> None:
        self._old, self._new, self._environ = old, new, environ
        # A variable of a purpose tells it apart from all others.
        named = {*old.purposes, *new.purposes} if environ else ()
        self.classes = query_classes(old, new, globs={"purpose": tuple(named)})
        said = [frozen((spec.providers, spec.defaults, spec.env, spec.policies)) for spec in (old, new)]
        self._all_may_differ = said[0] != said[1]
        self._same: dict[tuple[str, str | None], bool] = {}

    def changes(self) -> Iterator[Change]:
        """The queries whose answers differ, those with the same two answers together."""
        found: dict[tuple[Hashable, Hashable], tuple[Answer, Answer, list[QueryClass]]] = {}
        for each in self.classes:
            if not self._all_may_differ and self._says_the_same(each):
                continue
            before, after = (answer(spec, each.query, self._environ) for spec in (self._old, self._new))
            if {before.rule, after.rule} <= _UNKNOWN:
                continue
            both = identity(before.facets()), identity(after.facets())
            if both[0] != both[1]:
                found.setdefault(both, (before, after, []))[2].append(each)
        for before, after, queries in found.values():
            yield Change(tuple(queries), before, after, differences(before, after))

    def _says_the_same(self, each: QueryClass) -> bool:
        """Whether both specs say the same under the names of some queries; then they answer the same."""
        return all(self._is_same(kind, names) for kind, names in zip(KINDS, each, strict=True))

    def _is_same(self, kind: str, names: Alike) -> bool:
        key = (kind, names.name)
        if key not in self._same:
            one, other = (_entry(spec, kind, names.name) for spec in (self._old, self._new))
            self._same[key] = one == other
        return self._same[key]

    def reach(self, changes: list[Change]) -> Iterator[Reach]:
        """The targets that agents gained and lost; an agent is looked at where one of its answers changed."""
        moved = {each.agents for change in changes for each in change.queries}
        reached: dict[Alike, tuple[dict[Any, Target], dict[Any, Target]]] = {agents: ({}, {}) for agents in moved}
        for each in self.classes:
            if each.agents in reached:
                for spec, targets in zip((self._old, self._new), reached[each.agents], strict=True):
                    found = answer(spec, each.query, self._environ).targets
                    targets |= {(target.name, target.base_url, target.locality): target for target in found}
        rows: dict[Any, tuple[Target, list[str | None], bool]] = {}
        for agents, (before, after) in reached.items():
            for gained, one, other in ((True, after, before), (False, before, after)):
                for key in one.keys() - other.keys():
                    rows.setdefault((gained, key), (one[key], [], gained))[1].extend(agents.names)
        for target, who, gained in (rows[key] for key in sorted(rows, key=lambda key: (not key[0], key[1]))):
            yield Reach(target, tuple(sorted(who, key=lambda name: (name is not None, name))), gained)


def _entry(spec: RoutingSpec, kind: str, name: str | None) -> Hashable:
    """What a spec says under a name."""
    if name is None:
        return None
    entries: Mapping[str, Any] = getattr(spec, f"{kind}s")
    own = entries.get(name, entries.get(WILDCARD))
    return frozen(own), frozen(getattr(own, "purposes", None))


def _keys(
    old: RoutingSpec, new: RoutingSpec, environ: Mapping[str, str]
) -> tuple[tuple[KeyMove, ...], tuple[str, ...]]:
    """The keys whose origins changed, and what can't be told of the new spec."""
    origins: list[dict[str, dict[str, None]]] = []
    problems: list[Any] = []
    for spec in (old, new):
        found: dict[str, dict[str, None]] = {}
        sent, problems = everything(spec, environ)
        for flow, url in sent:
            if flow.source == INLINE or flow.source.partition(":")[0] in _KEYS:
                found.setdefault(flow.source, {})[origin_text(url)] = None
        origins.append(found)
    one, other = origins
    moves = [KeyMove(key, tuple(one.get(key, ())), tuple(other.get(key, ()))) for key in sorted(one | other)]
    moved = tuple(move for move in moves if set(move.before) != set(move.after))
    return moved, tuple(dict.fromkeys(problem.message for problem in problems))


def _prices(changes: list[Change], price: Callable[[Target], Price]) -> Iterator[PriceChange]:
    pairs: dict[Any, tuple[Target, Target]] = {}
    for change in changes:
        if change.before.targets and change.after.targets:
            before, after = change.before.targets[0], change.after.targets[0]
            if (before.name, before.base_url) != (after.name, after.base_url):
                key = (before.name, before.base_url, after.name, after.base_url)
                pairs.setdefault(key, (before, after))
    for before, after in pairs.values():
        yield PriceChange(before, after, price(before), price(after))


def _named(group: str, old: RoutingSpec, new: RoutingSpec) -> Named:
    one, other = getattr(old, group), getattr(new, group)
    return Named(
        tuple(name for name in other if name not in one),
        tuple(name for name in one if name not in other),
    )
