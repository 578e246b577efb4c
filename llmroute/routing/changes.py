"""Changes of what an answer depends on: of the spec, of the query, of the environment."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from llmroute.errors import RoutingError
from llmroute.routing.endpoints import facts_of
from llmroute.routing.models import offered
from llmroute.routing.resolve import resolve
from llmroute.routing.scopes import entry_name
from llmroute.routing.spec import NamedScope, RoutingSpec, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from llmroute.routing.route import Query, Target

S = TypeVar("S", bound=Scope)

BUNDLE = ("provider", "base_url", "api", "api_key", "auth", "api_version", "transport", "allow_http")
"""What goes with an endpoint, and has to go where another one is written in its place."""


class Wanted(NamedTuple):
    """A target as a user names it: a provider or a URL, mostly with a model."""

    provider: str | None
    url: str | None
    model: str | None

    @property
    def fields(self) -> dict[str, str]:
        """What a scope has to say to choose it."""
        if self.url is not None:
            return {"base_url": self.url, **({"model": self.model} if self.model else {})}
        return {"model": f"{self.provider}/{self.model}"} if self.model else {"provider": str(self.provider)}

    def sent(self, spec: RoutingSpec) -> str | None:
        """The name under which the provider serves the model; itself where it serves none of that name."""
        if self.provider is None or self.model is None:
            return self.model
        try:
            return offered(facts_of(spec, self.provider, None), self.model, None)
        except RoutingError:
            return self.model

    def is_met(self, target: Target, spec: RoutingSpec) -> bool:
        """Whether a target is the one that is meant."""
        if self.url is not None:
            return target.base_url == self.url and self.model in (None, target.model)
        return target.provider == self.provider and (self.model is None or target.model == self.sent(spec))


class World(NamedTuple):
    """Everything that an answer depends on."""

    spec: RoutingSpec
    query: Query
    environ: Mapping[str, str]

    def wins(self, wanted: Wanted) -> bool:
        """Whether the target is tried first."""
        try:
            return wanted.is_met(resolve(self.spec, self.query, self.environ).target, self.spec)
        except RoutingError:
            return False


class Step(NamedTuple):
    """One change."""

    text: str
    apply: Callable[[World], World]
    cost: int = 1
    """How many settings it touches."""


def scopes_of(world: World) -> Iterator[tuple[tuple[str, ...], Scope]]:
    """The scopes of the query that are in the spec, the weakest first, with their places."""
    spec, query = world.spec, world.query
    yield ("defaults",), spec.defaults
    purpose = entry_name(spec.purposes, query.purpose) if query.purpose is not None else None
    if purpose is not None:
        yield ("purposes", purpose), spec.purposes[purpose]
    for group, name in (("clients", query.client), ("agents", query.agent)):
        entries: Mapping[str, NamedScope] = getattr(spec, group)
        own = entry_name(entries, name) if name is not None else None
        if own is None:
            continue
        yield (group, own), entries[own]
        if query.purpose is not None:
            inner = entries[own].purposes or {}
            place = entry_name(inner, query.purpose) or query.purpose
            yield (group, own, "purposes", place), inner.get(place, Scope())


def chosen(scope: S, wanted: Wanted) -> S:
    """The scope with the target in the place of whatever endpoint it had."""
    return dataclasses.replace(silenced(scope), **wanted.fields)  # type: ignore[arg-type]


def silenced(scope: S) -> S:
    """The scope without endpoint and model."""
    return dataclasses.replace(scope, **dict.fromkeys((*BUNDLE, "model")))


def at(world: World, path: tuple[str, ...], change: Callable[[Any], Any]) -> World:
    """The world with one scope of its spec changed."""
    spec = world.spec
    group, *names = path
    if not names:
        return world._replace(spec=changed(spec, defaults=change(spec.defaults)))
    entries: Mapping[str, Any] = getattr(spec, group)
    entry = entries[names[0]]
    if len(names) == 1:
        entry = change(entry)
    else:
        inner = entry.purposes or {}
        purpose = names[-1]
        entry = dataclasses.replace(entry, purposes={**inner, purpose: change(inner.get(purpose, Scope()))})
    return world._replace(spec=changed(spec, **{group: {**entries, names[0]: entry}}))


def changed(spec: RoutingSpec, **changes: Any) -> RoutingSpec:
    """The spec with other groups, and no memory of answers."""
    return dataclasses.replace(spec, **changes, memo={})
