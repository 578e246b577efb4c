"""What a query gets, as far as anybody can tell: the answer without the places that it was read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import RoutingError
from llmroute.proof.queries import frozen
from llmroute.routing.resolve import resolve
from llmroute.routing.route import EMPTY

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from llmroute.routing.route import Query, Resolution, Target
    from llmroute.routing.spec import RoutingSpec

OF_A_TARGET = ("provider", "model", "base_url", "api", "locality", "key")
"""What a target is, in the order in which a change of it is told."""
OF_ITS_CONNECTION = (
    *("auth", "api_version", "transport", "proxy", "allow_http", "headers", "extra_body", "quirks", "limits"),
    "sends",
)
SECRETIVE = frozenset({"headers", "extra_body", "sends"})
"""What may hold keys and texts: that it changed is told, and not to what."""


class Answer(NamedTuple):
    """A route, or the rule that says that there is none."""

    targets: tuple[Target, ...] = ()
    """In the order in which they are tried; empty where there is no route."""
    metadata: Mapping[str, Any] = EMPTY
    excluded: tuple[tuple[str, str], ...] = ()
    """Targets that were left out, each with the rule that did it."""
    rule: str = ""
    """The rule of the error; empty where there is a route."""

    @property
    def name(self) -> str:
        """The first target, or the error, in a few words."""
        return self.targets[0].name if self.targets else f"no route [{self.rule}]"

    def facets(self) -> dict[str, Any]:
        """Everything that can be told of it, by name: first the first target's, then what stands behind that."""
        first = _of_target(self.targets[0]) if self.targets else {}
        found = {**first, "fallbacks": [_of_target(target) for target in self.targets[1:]]}
        return {**found, "excluded": list(self.excluded), "metadata": dict(self.metadata), "error": self.rule}

    def to_json(self) -> dict[str, Any]:
        """What `diff --format json` writes for it."""
        excluded = [{"target": target, "rule": rule} for target, rule in self.excluded]
        if not self.targets:
            return {"error": {"rule": self.rule}, "excluded": excluded}
        targets = [{**target.to_json(), "params": dict(target.params)} for target in self.targets]
        for target in targets:
            # Whether a key is there is no matter of the spec.
            target["credential"] = {"source": target["credential"]["source"]}
        return {"targets": targets, "metadata": dict(self.metadata), "excluded": excluded}


def key_of(target: Target) -> str:
    """Which key a target has, by its source."""
    dropped = " (dropped)" if target.credential.status == "dropped" else ""
    return f"{target.credential.source}{dropped}"


def _of_target(target: Target) -> dict[str, Any]:
    found = {name: getattr(target, name) for name in OF_A_TARGET if name != "key"}
    found["key"] = key_of(target)
    # What is sent by the spec's word under a name of its own: a variable is another even where neither is set.
    found["sends"] = sorted({flow.source for flow in target.flows})
    found |= {name: getattr(target, name) for name in OF_ITS_CONNECTION if name != "sends"}
    return {**found, **target.params}


def answer(spec: RoutingSpec, query: Query, environ: Mapping[str, str]) -> Answer:
    """What a query gets."""
    try:
        resolution = resolve(spec, query, environ)
    except RoutingError as error:
        return Answer(excluded=tuple((out.target, out.rule) for out in error.excluded), rule=error.rule)
    return _of_resolution(resolution)


def _of_resolution(resolution: Resolution) -> Answer:
    excluded = tuple((out.target, out.rule) for out in resolution.excluded)
    return Answer(resolution.route.targets, resolution.metadata, excluded)


def identity(facets: Mapping[str, Any]) -> Hashable:
    """What two answers share when nobody can tell them apart."""
    return frozen(facets)


def differences(before: Answer, after: Answer) -> dict[str, tuple[Any, Any]]:
    """What differs between two answers, with both values; None where one of them has none."""
    one, other = before.facets(), after.facets()
    names = dict.fromkeys((*one, *other))
    return {
        name: (one.get(name), other.get(name))
        for name in names
        if (name in one) != (name in other) or frozen(one[name]) != frozen(other[name])
    }
