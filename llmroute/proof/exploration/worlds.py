"""A world: all that a decision looks at besides the spec and the names of a query."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import RoutingError
from llmroute.routing.resolve import resolve
from llmroute.routing.route import EMPTY, Query, Resolution
from llmroute.routing.scopes import variables_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmroute.routing.override import LocalOverride
    from llmroute.routing.route import Field
    from llmroute.routing.spec import RoutingSpec


class World(NamedTuple):
    """All that a decision looks at besides the spec and the names of a query."""

    environ: Mapping[str, str] = EMPTY
    bare: str | None = None
    """A bare model for the query's purpose, in the env layer."""
    args: Mapping[str, Any] = EMPTY
    override: LocalOverride | None = None

    def ask(self, spec: RoutingSpec, query: Query) -> Resolution | RoutingError:
        """What `resolve` answers to a query in this world."""
        return ask(spec, self.query(query), self.variables(spec, query))

    def query(self, query: Query) -> Query:
        """The query as it is asked here."""
        return replace(query, args=self.args, override=self.override) if self.args or self.override else query

    def variables(self, spec: RoutingSpec, query: Query) -> dict[str, str]:
        """The environment of a query here."""
        environ = dict(self.environ)
        if self.bare is not None:
            environ[first_variable(spec, "model", query.purpose)] = self.bare
        return environ


class Seen(NamedTuple):
    """A world, and what it made of a query."""

    world: World
    answer: Resolution | RoutingError


class Said(NamedTuple):
    """What a scope can say of the endpoint."""

    provider: str | None
    url: str | None
    model: str
    api: str | None = None


class Reached(NamedTuple):
    """All that was seen of one query, or of any that is decided alike."""

    seen: tuple[Seen, ...]
    """The first one is the world in which no variable is set."""


def first_variable(spec: RoutingSpec, setting: str, purpose: str | None = None) -> str:
    """The variable of a setting that is looked at first, whatever further names it has."""
    return variables_of(spec.env, setting, purpose)[0]


def ask(spec: RoutingSpec, query: Query, environ: Mapping[str, str]) -> Resolution | RoutingError:
    """What `resolve` answers, an error too."""
    try:
        return resolve(spec, query, environ)
    except RoutingError as error:
        return error


def field_of(answer: Resolution | RoutingError, name: str) -> Field | None:
    """A field of the trace that has a value."""
    found: Iterable[Field] = answer.fields
    return next((field for field in found if field.field == name and field.value is not None), None)


def layer_of(answer: Resolution | RoutingError, name: str) -> str:
    """The layer that has chosen the endpoint or the model; empty where none has."""
    field = field_of(answer, name)
    return field.layer if field is not None else ""
