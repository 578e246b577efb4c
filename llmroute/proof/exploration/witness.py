"""A witness: the smallest query and environment that show something, and the command that shows it to a person."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.proof.exploration.axes import ANY_MODEL
from llmroute.routing.route import EMPTY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llmroute.errors import RoutingError
    from llmroute.proof.exploration.worlds import Seen, World
    from llmroute.routing.route import Query, Resolution
    from llmroute.routing.spec import RoutingSpec

    Shows = Callable[[Resolution | RoutingError, Mapping[str, str]], Any]
    """What an answer shows of what is looked for, by the answer and its environment; false for nothing."""


class Witness(NamedTuple):
    """A query in a world, as it can be asked again."""

    query: Query
    """With the arguments and the override of the world."""
    environ: Mapping[str, str]
    shown: Any
    """What the answer shows."""

    @property
    def size(self) -> tuple[int, int, int]:
        """By which witnesses are compared: what they set, what they ask for, and how long that is."""
        said = (self.query.agent, self.query.purpose, self.query.client)
        set_ = (*self.environ.items(), *self.query.args.items())
        heavy = len(self.query.args) + 2 * (self.query.override is not None)
        return len(set_) + heavy, sum(name is not None for name in said), _length(set_)

    def command(self, spec_path: str) -> str:
        """The line for a shell that shows it."""
        query, words = self.query, ["llmroute", "explain", "--spec", spec_path]
        if query.override is None:
            words.append("--no-env")
        for name, value in self.environ.items():
            words += ["--set-env", f"{name}={value}"]
        for kind, asked in query.to_json().items():
            words += [f"--{kind}", asked] if asked is not None else []
        for argument, given in query.args.items():
            words += [f"--{argument.replace('_', '-')}", str(given)]
        line = shlex.join(words)
        if query.override is None:
            return line
        return (
            f"{shlex.join(['llmroute', 'local', 'on', query.override.base_url, query.override.model or ''])} && {line}"
        )

    def conditions(self) -> list[str]:
        """What it sets."""
        rows = [f"{name}={value}" for name, value in self.environ.items()]
        rows += [f"argument {name}={value}" for name, value in self.query.args.items()]
        if self.query.override is not None:
            rows.append(f"llmroute local on {self.query.override.base_url} {self.query.override.model}")
        return rows


def smallest(spec: RoutingSpec, query: Query, seen: Iterable[Seen], shows: Shows) -> Witness | None:
    """The smallest witness that can be made of some worlds: each is asked again, so it shows what it shows."""
    for one in sorted(seen, key=lambda seen: weight(seen.world)):
        world = one.world
        found = _witness(spec, query, world, shows)
        if found is None:
            continue
        for name in (*world.environ, None):
            less = world._replace(environ=_without(world.environ, name)) if name else world._replace(bare=None)
            if (smaller := _witness(spec, query, less, shows)) is not None:
                world, found = less, smaller
        return found
    return None


def weight(world: World) -> tuple[int, int]:
    """How much a world sets, and how long that is."""
    rows = (*world.environ.items(), *world.args.items(), *((("", world.bare),) if world.bare else ()))
    # What a user sets is nearer than what a program passes, and that nearer than what is switched on.
    heavy = len(world.args) + 2 * (world.override is not None)
    return len(rows) + heavy, _length(rows)


def _length(rows: Iterable[tuple[str, Any]]) -> int:
    """How long some settings are; a model that stands for any is the shortest there is."""
    return sum(len(str(part).replace(ANY_MODEL, "")) for row in rows for part in row)


def _witness(spec: RoutingSpec, query: Query, world: World, shows: Shows) -> Witness | None:
    environ = world.variables(spec, query)
    shown = shows(world.ask(spec, query), environ)
    return Witness(world.query(query), environ, shown) if shown else None


def _without(environ: Mapping[str, str], name: str) -> Mapping[str, str]:
    return {key: value for key, value in environ.items() if key != name} or EMPTY
