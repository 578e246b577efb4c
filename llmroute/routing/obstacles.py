"""What keeps a target out wherever it is chosen, and the change that takes it away."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import ModelNotOfferedError, RoutingError
from llmroute.routing.changes import BUNDLE, S, Step, Wanted, World, at, changed, chosen, scopes_of
from llmroute.routing.resolve import resolve
from llmroute.routing.scopes import entry_name, field_names
from llmroute.routing.spec import Capabilities, Provider

if TYPE_CHECKING:
    from llmroute.routing.route import Excluded

_MOST = 8
"""So many things that keep a target out are taken away one after the other."""


class Obstacle(NamedTuple):
    """What keeps a target out even where the strongest scope chooses it."""

    reason: str
    step: Step | None
    """The change that takes it away; None where there is none."""


def obstacles(world: World, wanted: Wanted) -> list[Obstacle]:
    """Everything that keeps a target out, in the order in which it would be met."""
    found: list[Obstacle] = []
    while len(found) < _MOST:
        pinned = _pinned(world, wanted)
        try:
            resolve(*pinned)
        except RoutingError as error:
            new = [_excluded(wanted, out) for out in error.excluded] or [_error(world, wanted, error)]
        else:
            break
        found += new
        for obstacle in new:
            if obstacle.step is None:
                return found
            world = obstacle.step.apply(world)
    return found


def _pinned(world: World, wanted: Wanted) -> World:
    """The world with the target, and no fallback, in the strongest scope of the query."""
    query = world.query
    own = entry_name(world.spec.agents, query.agent) if query.agent is not None else None
    if own is None:
        kept = {name: value for name, value in query.args.items() if name not in (*BUNDLE, "model", "fallbacks")}
        return world._replace(query=dataclasses.replace(query, args={**kept, **wanted.fields, "fallbacks": ()}))
    path: tuple[str, ...] = ("agents", own)
    if query.purpose is not None:
        inner = world.spec.agents[own].purposes or {}
        path = (*path, "purposes", entry_name(inner, query.purpose) or query.purpose)
    return at(world, path, lambda scope: dataclasses.replace(chosen(scope, wanted), fallbacks=()))


def _excluded(wanted: Wanted, out: Excluded) -> Obstacle:
    reason = f"{out.reason} [{out.rule}, {out.origin}]"
    group, _, name = out.rule.partition(".")
    unsaid = _unsaid(wanted, out)
    if unsaid is not None:
        return Obstacle(reason, unsaid)
    if group == "policies":
        return Obstacle(reason, Step(f"take the policy {name} out ({out.origin})", partial(_without_policy, name)))
    return Obstacle(reason, Step(f"take {out.rule} out ({out.origin})", partial(_without_demand, name, out)))


def _unsaid(wanted: Wanted, out: Excluded) -> Step | None:
    """The declaration that is missing, where nothing says whether the model is able."""
    what = next((name for name in field_names(Capabilities) if f"whether it has {name};" in out.reason), None)
    if what is None or wanted.provider is None:
        return None
    return Step(
        f"declare providers.{wanted.provider}.capabilities.{what}, if it is so", partial(_able, wanted.provider, what)
    )


def _able(provider: str, what: str, world: World) -> World:
    declared = world.spec.providers.get(provider, Provider())
    able = declared.capabilities or Capabilities()
    # As large as any window that is required.
    says: dict[str, Any] = {what: 2**62 if what == "context_window" else True}
    return _provider(world, provider, dataclasses.replace(declared, capabilities=dataclasses.replace(able, **says)))


def _provider(world: World, name: str, declared: Provider) -> World:
    return world._replace(spec=changed(world.spec, providers={**world.spec.providers, name: declared}))


def _without_policy(name: str, world: World) -> World:
    kept = tuple(policy for policy in world.spec.policies if policy.name != name)
    return world._replace(spec=changed(world.spec, policies=kept))


def _without_demand(what: str, out: Excluded, world: World) -> World:
    """The world without one requirement, which stands where the exclusion says."""
    if out.origin.kind == "argument":
        require = world.query.args["require"]
        args = {**world.query.args, "require": dataclasses.replace(require, **{what: None})}
        return world._replace(query=dataclasses.replace(world.query, args=args))
    for path, scope in scopes_of(world):
        # An alias of YAML may stand for it in several scopes.
        if scope.require is not None and world.spec.source.origin((*path, "require", what)) == out.origin:
            require = dataclasses.replace(scope.require, **{what: None})
            world = at(world, path, partial(_required, require=require))
    return world


def _required(scope: S, *, require: Any) -> S:
    return dataclasses.replace(scope, require=require)


def _error(world: World, wanted: Wanted, error: RoutingError) -> Obstacle:
    reason = f"{error.message} [{error.rule}]"
    if not isinstance(error, ModelNotOfferedError) or wanted.provider is None or wanted.model is None:
        return Obstacle(reason, None)
    declared = world.spec.providers[wanted.provider]
    models = (*(declared.models or ()), wanted.model)
    return Obstacle(
        reason,
        Step(
            f"add {wanted.model} to providers.{wanted.provider}.models",
            lambda each: _provider(each, str(wanted.provider), dataclasses.replace(declared, models=models)),
        ),
    )
