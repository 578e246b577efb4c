"""Every scope that a query is looked up in, those that say nothing too: the whole of what was listened to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.routing.concealed import PLACEHOLDER, concealed
from llmroute.routing.explain import Span, shown
from llmroute.routing.scopes import ENV_SETTINGS, entry_name, scopes, variables_of, written
from llmroute.routing.spec import KeyVariable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.explain import Line
    from llmroute.routing.route import Query
    from llmroute.routing.scopes import Scope
    from llmroute.routing.spec import RoutingSpec

_NAMED = 3
"""So many variables are named where none is set."""
_GROUPS = {"agents": "agent", "clients": "client"}


class Said(NamedTuple):
    """One setting of a scope; a key in it is not shown."""

    field: str
    value: Any
    origin: Origin


class Heard(NamedTuple):
    """A scope, and what it says."""

    scope: str
    layer: str
    says: tuple[Said, ...] = ()
    silence: str = ""
    """Why it says nothing; empty where it speaks."""

    def to_json(self) -> dict[str, Any]:
        """The scope as `explain --trace --format json` writes it."""
        says = [{**said._asdict(), "origin": said.origin.to_json()} for said in self.says]
        return {"scope": self.scope, "layer": self.layer, "says": says, "silence": self.silence or None}


def looked_at(spec: RoutingSpec, query: Query, environ: Mapping[str, str], provider: str | None = None) -> list[Heard]:
    """The scopes of a query, strongest first; behind them the winning provider's own settings, where it has some.

    Raises:
        RoutingError: the query names what the spec does not know.
    """
    found: list[Heard] = []
    before = ""
    for scope in scopes(spec, query, environ):
        group = scope.path[0] if len(scope.path) > 1 else ""
        special = f"{scope.name}.purposes."
        if group in _GROUPS and not scope.specific and query.purpose is not None and not before.startswith(special):
            found.append(Heard(f"{special}{query.purpose}", _GROUPS[str(group)], silence="there is no such entry"))
        found.append(_heard(spec, query, scope))
        before = scope.name
    return [*found, *_of_provider(spec, query, provider)]


def _heard(spec: RoutingSpec, query: Query, scope: Scope) -> Heard:
    says = tuple(Said(name, _shown(scope, name, value), scope.origin(name)) for name, value in scope.values.items())
    silence = ""
    if not says:
        silence = _unset(spec, query, scope) if scope.layer == "env" else "it says nothing"
        silence = "none was given" if not scope.path and scope.layer == "client" else silence
    return Heard(scope.name, scope.layer, says, silence)


def _unset(spec: RoutingSpec, query: Query, scope: Scope) -> str:
    purpose = query.purpose if scope.specific else None
    names = [name for setting in ENV_SETTINGS for name in variables_of(spec.env, setting, purpose)]
    return f"none is set of {', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"


def _of_provider(spec: RoutingSpec, query: Query, provider: str | None) -> Iterator[Heard]:
    declared = spec.providers.get(provider) if provider is not None else None
    if declared is None:
        return
    own = entry_name(declared.purposes, query.purpose) if query.purpose is not None else None
    rows: list[tuple[tuple[str, ...], Any]] = [(("providers", str(provider)), declared)]
    if own is not None and declared.purposes:
        rows.insert(0, (("providers", str(provider), "purposes", own), declared.purposes[own]))
    for path, settings in rows:
        says = tuple(
            Said(name, _plain({name: value})[name], spec.source.origin((*path, name)))
            for name, value in written(settings).items()
        )
        yield Heard(".".join(path), "provider", says, "" if says else "it says nothing")


def _shown(scope: Scope, name: str, value: Any) -> Any:
    if name == "api_key" and not scope.path and not isinstance(value, KeyVariable):
        # The variable, or the program, holds the key itself.
        return PLACEHOLDER
    return _plain({name: value})[name]


def _plain(settings: Mapping[str, Any]) -> Any:
    return concealed(_data(settings))


def _data(value: Any) -> Any:
    """A setting as plain values."""
    if isinstance(value, Mapping):
        return {str(name): _data(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_data(item) for item in value]
    if isinstance(value, KeyVariable):
        return f"${{{value.name}}}"
    if is_dataclass(value):
        said = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: _data(item) for name, item in said if item is not None}
    return value


def text(heard: list[Heard]) -> list[Line]:
    """The scopes as lines: each with its number, and below it what it says."""
    width = len(str(len(heard)))
    lines: list[Line] = [(Span("  looked at, strongest first", "label"),)]
    for number, scope in enumerate(heard, 1):
        head = (Span(f"  {number:{width}}  "), Span(scope.scope, "place"))
        lines.append((*head, Span(f"  {scope.silence}", "loser")) if scope.silence else head)
        longest = max((len(_line(said)) for said in scope.says if len(_line(said)) <= _COLUMN), default=0)
        lines += [
            (Span(f"{'':{width + 6}}{_line(said):{longest}}  "), Span(str(said.origin), "place")) for said in scope.says
        ]
    return lines


_COLUMN = 40
"""How long a setting may be for the places behind all of them to stand below each other."""


def _line(said: Said) -> str:
    return f"{said.field}: {shown(said.value)}"
