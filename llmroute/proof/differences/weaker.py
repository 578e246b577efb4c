"""Policies and requirements that hold less than they did, decided by what they demand and not by how it is written.

A policy may be renamed, split or moved onto a scope: as long as each demand that the old spec made of a query is
implied by those that the new one makes of it, nothing got weaker.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import RoutingError
from llmroute.proof.differences.grouping import Universe
from llmroute.proof.globs import Pattern, told_apart
from llmroute.proof.queries import KINDS, Alike, QueryClass, alike
from llmroute.routing.constraints import Demand, demands, speaks
from llmroute.routing.context import Context
from llmroute.routing.route import EMPTY, LOCALITIES
from llmroute.routing.scopes import field_names, scopes
from llmroute.routing.spec import NamedScope
from llmroute.routing.violations import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmroute.proof.differences.answers import Answer
    from llmroute.routing.route import Query
    from llmroute.routing.spec import RoutingSpec

_WILD = frozenset("*?[")
_SEPARATE = frozenset("?[")
_BLIND = frozenset(field_names(NamedScope)) - {"require"}
_ALLOWED = ("providers", "apis", "regions")


class Weaker(NamedTuple):
    """A demand of the old spec that the new one does not make."""

    scope: str
    """`policies.NAME`, or the scope that had the requirement; `require.WHAT` where targets are all that is known."""
    what: str
    """Such as `locality`, `tools` or `deny.models`; empty where targets are all that is known."""
    how: str
    """`removed`, `narrower` (it speaks of fewer queries), `warns` (and does not refuse), `looser`, or `admits`: the
    demand stands, and what is said of a target changed so that it passes."""
    before: Any
    after: Any
    """The same demand of the new spec; None where it has none."""
    because: str
    queries: tuple[QueryClass, ...]
    """For which it was demanded; names among them may be examples of those that a policy speaks of."""
    every: Universe
    """How many names of each kind were looked at."""
    targets: tuple[str, ...] = ()
    """Targets that the old spec left out for it and the new one uses."""

    @property
    def rule(self) -> str:
        """What kept a target out: `policies.NAME`, `require.locality`."""
        return self.scope if self.scope.startswith("policies.") or not self.what else f"require.{self.what}"

    def to_json(self) -> dict[str, Any]:
        """What `diff --format json` writes for it."""
        group, _, name = self.scope.partition(".")
        return {
            "policy": name if group == "policies" else None,
            "scope": self.scope,
            "what": self.what or None,
            "how": self.how,
            "before": _plain(self.before),
            "after": _plain(self.after),
            "because": self.because or None,
            "query": self.queries[0].query.to_json(),
            "queries": sum(each.size for each in self.queries),
            "targets": list(self.targets),
        }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def weaker(old: RoutingSpec, new: RoutingSpec) -> list[Weaker]:
    """Every demand of the old spec that the new one does not imply, with the queries that it is about.

    Names that no entry declares count too, where a policy speaks of them: a program may use them tomorrow.
    """
    found: dict[tuple[str, str, str, str], list[Any]] = {}
    names = [_names(kind, (old, new)) for kind in KINDS]
    for queries in map(QueryClass._make, product(*names)):
        before, after = _demanded(old, new, queries.query)
        for demand in before:
            if not _implied(demand, after):
                same = _same(demand, after)
                how = _how(demand, same, new, queries.query)
                key = (demand.scope, demand.what, how, repr(demand.value))
                found.setdefault(key, [demand, same, []])[2].append(queries)
    every = Universe(*(sum(len(each.names) for each in kind) for kind in names))
    return [
        Weaker(scope, what, how, demand.value, same.value if same else None, demand.because, tuple(queries), every)
        for (scope, what, how, _), (demand, same, queries) in found.items()
    ]


def _names(kind: str, specs: Sequence[RoutingSpec]) -> list[Alike]:
    """The names of a kind that no demand tells apart, and of those that nobody declares one for each set of globs."""
    said = (glob for spec in specs for policy in spec.policies for glob in getattr(policy, f"{kind}s") or ())
    globs = list(dict.fromkeys(glob for glob in said if glob.strip()))
    taken = {name for spec in specs for name in getattr(spec, f"{kind}s")}
    # A glob without brackets is its own example, and the one that is best understood.
    plain = [glob for glob in globs if "[" not in glob]
    wild = [Pattern(glob) for glob in globs if _WILD & set(glob)]
    examples = told_apart(wild, usual=plain, free=lambda name: bool(name.strip()) and name not in taken)
    exact = (glob for glob in plain if not _WILD & set(glob))
    spoken = (name for name in dict.fromkeys((*examples, *exact)) if name not in taken and matches(globs, name))
    others = [Alike(name, (name,), declared=False) for name in spoken]
    return [*alike(kind, specs, blind=_BLIND), *others]


def _demanded(old: RoutingSpec, new: RoutingSpec, query: Query) -> tuple[list[Demand], list[Demand]]:
    """What both specs demand of a query; only what their policies do where one of them does not know a name of it."""
    contexts = []
    for spec in (old, new):
        try:
            contexts.append(Context(spec, query, EMPTY, scopes(spec, query, EMPTY), []))
        except RoutingError:
            contexts = [Context(each, query, EMPTY, [], []) for each in (old, new)]
            break
    return demands(contexts[0]), demands(contexts[1])


def _same(demand: Demand, after: Iterable[Demand]) -> Demand | None:
    return next((other for other in after if (other.scope, other.what) == (demand.scope, demand.what)), None)


def _how(demand: Demand, same: Demand | None, new: RoutingSpec, query: Query) -> str:
    if same is not None:
        return "warns" if same.warn and not demand.warn else "looser"
    policy = next((each for each in new.policies if f"policies.{each.name}" == demand.scope), None)
    return "narrower" if policy is not None and not speaks(policy, query) else "removed"


def _implied(demand: Demand, after: Iterable[Demand]) -> bool:
    """Whether what meets all of the new demands meets the old one; False where that can't be told."""
    strict = [other for other in after if demand.warn or not other.warn]
    if demand.what in ("locality", "deny.localities"):
        return _localities(strict) <= _localities([demand])
    same = [other.value for other in strict if other.what == demand.what]
    if demand.what in _ALLOWED:
        return any(all(_covered(entry, demand.value) for entry in value) for value in same)
    if demand.what.startswith("deny."):
        denied = [glob for value in same for glob in value]
        return all(_covered(entry, denied) for entry in demand.value)
    return any(value >= demand.value for value in same)


def _localities(found: Sequence[Demand]) -> set[str]:
    """The localities that some demands leave."""
    left: set[str] = set(LOCALITIES)
    for demand in found:
        if demand.what == "locality":
            left &= set(LOCALITIES[: LOCALITIES.index(demand.value) + 1])
        elif demand.what == "deny.localities":
            left -= set(demand.value)
    return left


def _covered(glob: str, others: Iterable[str]) -> bool:
    """Whether whatever fits a glob fits one of some others, as far as their texts tell.

    >>> _covered("gpt-6-*", ["GPT-*"]), _covered("gpt-*", ["gpt-6-*"]), _covered("a*", ["a?"])
    (True, False, False)
    """
    text = glob.lower()
    plain = not _WILD & set(text)
    return any(
        text == other or (fnmatchcase(text, other) and (plain or not _SEPARATE & set(other)))
        for other in (each.lower() for each in others)
    )


def with_admitted(
    found: Iterable[Weaker], pairs: Iterable[tuple[Sequence[QueryClass], Answer, Answer]], every: Universe
) -> list[Weaker]:
    """The same with the targets that the old spec left out and the new one uses, each at the demand that did it.

    `pairs`: queries with both their answers. Where the demand itself still stands, what is said of the target must
    have changed: that is one more, `admits`.
    """
    rows: dict[str, tuple[list[QueryClass], dict[str, None]]] = {}
    for queries, before, after in pairs:
        used = {target.name for target in after.targets}
        for target, rule in before.excluded:
            if target in used:
                classes, targets = rows.setdefault(rule, ([], {}))
                classes += queries
                targets[target] = None
    told = [item._replace(targets=tuple(rows[item.rule][1])) if item.rule in rows else item for item in found]
    known = {item.rule for item in told}
    return told + [
        Weaker(rule, "", "admits", None, None, "", tuple(classes), every, tuple(targets))
        for rule, (classes, targets) in rows.items()
        if rule not in known
    ]
