"""What would make a target win: changes of the environment, of the arguments or of the spec, each tried.

What keeps the target out wherever it is chosen (a requirement, a closed list) has to go first; then the fewest settings
are looked for that make a scope choose it. A change is only named when `resolve` says that it works.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

from llmroute.routing.changes import BUNDLE, S, Step, Wanted, World, at, chosen, scopes_of, silenced
from llmroute.routing.obstacles import obstacles
from llmroute.routing.scopes import variables_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MOST_SHOWN = 3


def ways_out(world: World, wanted: Wanted) -> tuple[str, ...]:
    """The smallest changes that make the target win, in words; none where none was found."""
    lifts = [lift.step for lift in obstacles(world, wanted)]
    if None in lifts:
        return ()
    first = [step for step in lifts if step is not None]
    for step in first:
        world = step.apply(world)
    if world.wins(wanted):
        return (_joined(first),) if first else ()
    return tuple(_joined([*first, *steps]) for steps in _smallest(world, wanted))


def _smallest(world: World, wanted: Wanted) -> list[tuple[Step, ...]]:
    """The combinations of one or two steps that work and touch the fewest settings."""
    steps = list(_steps(world, wanted))
    rows = sorted([*combinations(steps, 1), *combinations(steps, 2)], key=lambda row: sum(step.cost for step in row))
    found: list[tuple[Step, ...]] = []
    least = 0
    for row in rows:
        cost = sum(step.cost for step in row)
        if found and (cost > least or len(found) == _MOST_SHOWN):
            break
        changed = world
        for step in row:
            changed = step.apply(changed)
        if changed.wins(wanted):
            found.append(row)
            least = cost
    return found


def _joined(steps: Iterable[Step]) -> str:
    return ", and ".join(dict.fromkeys(step.text for step in steps))


def _steps(world: World, wanted: Wanted) -> Iterator[Step]:
    """Single changes, in the order in which they are named where they touch equally much."""
    if world.query.override is not None:
        yield Step("switch it off with llmroute local off", lambda each: _asked(each, override=None))
    yield from _of_environment(world, wanted)
    yield from _of_arguments(world, wanted)
    yield from _of_scopes(world, wanted)


def _of_environment(world: World, wanted: Wanted) -> Iterator[Step]:
    for purpose in (None, world.query.purpose) if world.query.purpose is not None else (None,):
        names = {field: variables_of(world.spec.env, field, purpose)[0] for field in wanted.fields}
        said = {names[field]: text for field, text in wanted.fields.items()}
        text = ", ".join(f"{name}={value}" for name, value in said.items())
        yield Step(f"set {text}", partial(_set, said), len(said))
        for field in ("provider", "model", "base_url"):
            for name in variables_of(world.spec.env, field, purpose):
                if world.environ.get(name, "").strip():
                    yield Step(f"unset {name}", partial(_unset, name))


def _set(said: Mapping[str, str], world: World) -> World:
    return world._replace(environ={**world.environ, **said})


def _unset(name: str, world: World) -> World:
    return world._replace(environ={key: value for key, value in world.environ.items() if key != name})


def _asked(world: World, **changes: Any) -> World:
    return world._replace(query=dataclasses.replace(world.query, **changes))


def _of_arguments(world: World, wanted: Wanted) -> Iterator[Step]:
    args = world.query.args
    given = [name for name in (*BUNDLE, "model") if args.get(name) is not None]
    kept = {name: value for name, value in args.items() if name not in given}
    flags = " ".join(f"--{name.replace('_', '-')} {text}" for name, text in wanted.fields.items())
    others = [name for name in given if name not in wanted.fields]
    without = f", without --{', --'.join(name.replace('_', '-') for name in others)}" if others else ""
    cost = len(wanted.fields) + len(others)
    yield Step(f"pass {flags}{without}", lambda each: _asked(each, args={**kept, **wanted.fields}), cost)
    if given:
        shown = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        yield Step(f"leave out {shown}", lambda each: _asked(each, args=kept), len(given))


def _of_scopes(world: World, wanted: Wanted) -> Iterator[Step]:
    for path, scope in scopes_of(world):
        place = ".".join(path)
        said = [name for name in (*BUNDLE, "model") if getattr(scope, name) is not None]
        others = [name for name in said if name not in wanted.fields]
        text = ", ".join(f"{name}: {value}" for name, value in wanted.fields.items())
        without = f", without its {', '.join(others)}" if others else ""
        choose = partial(chosen, wanted=wanted)
        cost = len(wanted.fields) + len(others)
        yield Step(f"write {place}: {{{text}}}{without}", partial(at, path=path, change=choose), cost)
        if wanted.model is not None and scope.provider is not None and scope.provider == wanted.provider:
            model = partial(_modelled, model=wanted.model)
            yield Step(f"write {place}: {{model: {wanted.model}}}", partial(at, path=path, change=model))
        if said:
            yield Step(f"take {', '.join(said)} out of {place}", partial(at, path=path, change=silenced), len(said))
        if scope.fallbacks:
            yield Step(f"take fallbacks out of {place}", partial(at, path=path, change=_alone))


def _modelled(scope: S, *, model: str) -> S:
    return dataclasses.replace(scope, model=model)


def _alone(scope: S) -> S:
    return dataclasses.replace(scope, fallbacks=())
