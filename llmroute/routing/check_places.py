"""The places of a spec at which something is written: scopes, providers, fallback entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.routing.endpoints import reference
from llmroute.routing.scopes import written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmroute.routing.spec import RoutingSpec


class Place(NamedTuple):
    """One mapping of settings, wherever it stands."""

    kind: str
    """`scope`, `provider` or `fallback`."""
    path: tuple[str | int, ...]
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The path as people write it."""
        return ".".join(str(part) for part in self.path)

    def selects(self, spec: RoutingSpec) -> bool:
        """Whether the place selects an endpoint, as far as can be told without the environment."""
        model = self.values.get("model")
        return (
            "provider" in self.values
            or "base_url" in self.values
            or (model is not None and ("$" in model or reference(spec, model) is not None))
        )

    def texts(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """The texts of the place in which variables are filled in, with their paths."""
        for field in ("provider", "base_url", "api_key", "model"):
            value = self.values.get(field)
            if isinstance(value, str):
                yield (*self.path, field), value
        for field in ("headers", "extra_body"):
            yield from _texts(self.values.get(field), (*self.path, field))
        for index, entry in enumerate(self.values.get("fallbacks") or ()):
            if isinstance(entry, str):
                yield (*self.path, "fallbacks", index), entry


def _texts(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def places(spec: RoutingSpec) -> Iterator[Place]:
    """Every place of a spec, in no particular order."""
    for name, provider in spec.providers.items():
        yield from _with_fallbacks("provider", ("providers", name), written(provider))
    yield from _with_fallbacks("scope", ("defaults",), written(spec.defaults))
    for name, scope in spec.purposes.items():
        yield from _with_fallbacks("scope", ("purposes", name), written(scope))
    for group in ("agents", "clients"):
        for name, entry in getattr(spec, group).items():
            yield from _with_fallbacks("scope", (group, name), written(entry))
            for purpose, scope in (entry.purposes or {}).items():
                yield from _with_fallbacks("scope", (group, name, "purposes", purpose), written(scope))


def _with_fallbacks(kind: str, path: Sequence[str | int], values: Mapping[str, Any]) -> Iterator[Place]:
    path = tuple(path)
    yield Place(kind, path, values)
    for index, entry in enumerate(values.get("fallbacks") or ()):
        if not isinstance(entry, str):
            yield Place("fallback", (*path, "fallbacks", index), written(entry))
