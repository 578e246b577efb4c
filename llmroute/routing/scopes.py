"""The scopes of a query, strongest first: who may speak, and what each one says."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from llmroute import errors
from llmroute.routing.arguments import checked
from llmroute.routing.diagnostics import Origin
from llmroute.routing.names import near
from llmroute.routing.route import EMPTY, Layer, Query
from llmroute.routing.spec import LISTS, PARAMS, Env, RoutingSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.routing.override import LocalOverride
    from llmroute.routing.source import Source

ENV_SETTINGS: tuple[str, ...] = (
    "provider",
    "model",
    "base_url",
    "api_key",
    "api",
    *(n for n in PARAMS if n not in LISTS),
)
"""The settings that can be read from the environment."""
DEFAULT_PREFIX = "LLMROUTE_"
PROGRAM_VARIABLES = ("SPEC", "NO_LOCAL", "STATE_DIR", "CACHE_DIR")
"""What follows the prefix in variables that are about this program, and no settings of a call."""
CLIENT_ARGUMENTS = "client arguments"
LOCAL_OVERRIDE = "local override"
WILDCARD = "*"

T = TypeVar("T")


class Scope(NamedTuple):
    """One voice in a decision."""

    name: str
    """Such as `agents.file-picker.purposes.planning`, `client arguments`, `env`."""
    layer: Layer
    specific: bool
    """Whether it speaks for the query's purpose only."""
    values: Mapping[str, Any]
    """The fields it sets; from the environment still as text."""
    source: Source
    path: tuple[str | int, ...] = ()
    """Its place in the spec."""
    variables: Mapping[str, str] = EMPTY
    """For the environment: the variable that supplied each field."""
    place: Origin | None = None
    """For what was said outside of the spec and of the variables: where all of it stands."""

    def origin(self, field: str) -> Origin:
        """Where a field of this scope stands."""
        if self.place is not None:
            return self.place
        if self.layer == "env":
            return Origin("env", name=self.variables[field])
        if not self.path:
            return Origin("argument", name=field)
        return self.source.origin((*self.path, field))


def written(settings: Any) -> dict[str, Any]:
    """The fields of a spec object that say something."""
    names = field_names(settings.__class__)
    return {name: value for name in names if (value := getattr(settings, name)) is not None}


def _said(spec: RoutingSpec, path: tuple[str, ...], settings: Any) -> Mapping[str, Any]:
    """`written`, remembered with the spec."""
    key = ("written", path)
    found = spec.memo.get(key)
    if found is None:
        found = spec.memo[key] = written(settings)
    return found


@lru_cache(maxsize=32)
def field_names(cls: Any) -> tuple[str, ...]:
    """The fields of a spec class, `purposes` aside: those are scopes of their own."""
    return tuple(field.name for field in fields(cls) if field.name != "purposes")


def named(kind: str, name: str, entries: Mapping[str, T]) -> tuple[str, T]:
    """The entry of a name, or the wildcard's; raises the typed error of an unknown name."""
    if name in entries:
        return name, entries[name]
    if WILDCARD in entries:
        return WILDCARD, entries[WILDCARD]
    error = {
        "agent": errors.UnknownAgentError,
        "purpose": errors.UnknownPurposeError,
        "client": errors.UnknownClientError,
    }[kind]
    raise error(f"unknown {kind} {name!r}", hint=near(name, entries, otherwise=f"the spec declares no {kind}s"))


def entry_name(entries: Mapping[str, Any] | None, name: str) -> str | None:
    """The key of a name's entry: its own, or the wildcard's; None where there is neither."""
    if not entries:
        return None
    return name if name in entries else WILDCARD if WILDCARD in entries else None


def _program_scopes(spec: RoutingSpec, group: str, name: str, purpose: str | None) -> Iterator[Scope]:
    """The scopes of an agent or a client: for the purpose, then in general."""
    layer: Layer = "agent" if group == "agents" else "client"
    found, settings = named(layer, name, getattr(spec, group))
    if purpose is not None:
        own = entry_name(settings.purposes, purpose)
        if own is not None:
            special = (group, found, "purposes", own)
            values = _said(spec, special, settings.purposes[own])
            yield Scope(".".join(special), layer, specific=True, values=values, source=spec.source, path=special)
    path = (group, found)
    values = _said(spec, path, settings)
    yield Scope(".".join(path), layer, specific=False, values=values, source=spec.source, path=path)


def variable(prefix: str, setting: str, purpose: str | None = None) -> str:
    """The standard variable of a setting.

    >>> variable("LLMROUTE_", "model", "code-review")
    'LLMROUTE_MODEL__CODE_REVIEW'
    """
    suffix = "" if purpose is None else "__" + purpose_part(purpose)
    return f"{prefix}{setting.upper()}{suffix}"


def purpose_part(purpose: str) -> str:
    """How a purpose is written in the name of a variable."""
    return purpose.upper().translate(_PURPOSE)


_PURPOSE = {ord(char): "_" for char in "-.:/@"}


def variables_of(env: Env, setting: str, purpose: str | None = None) -> tuple[str, ...]:
    """The variables of a setting, the first that is set wins."""
    further = (env.names or EMPTY).get(setting if purpose is None else f"{setting}.{purpose}", ())
    return (variable(env.prefix or DEFAULT_PREFIX, setting, purpose), *further)


def _variables(spec: RoutingSpec, purpose: str | None) -> list[tuple[str, tuple[str, ...]]]:
    """Setting and variables for each setting of the environment; the names are made once a spec and purpose."""
    key = ("variables", purpose)
    found = spec.memo.get(key)
    if found is None:
        found = spec.memo[key] = [(name, variables_of(spec.env, name, purpose)) for name in ENV_SETTINGS]
    return found


def _env_scope(spec: RoutingSpec, purpose: str | None, environ: Mapping[str, str]) -> Scope:
    values: dict[str, str] = {}
    names: dict[str, str] = {}
    for setting, variables in _variables(spec, purpose):
        for name in variables:
            text = environ.get(name)
            if text and text.strip():
                values[setting] = text
                names[setting] = name
                break
    label = "env" if purpose is None else f"env.{purpose}"
    return Scope(label, "env", purpose is not None, values, spec.source, variables=names)


def _override_scope(override: LocalOverride, source: Source) -> Scope:
    """What was switched on by hand: the latest word of the env layer, and so its strongest."""
    said = {"base_url": override.base_url, "model": override.model, "api_key": override.key_variable}
    values = {field: text for field, text in said.items() if text is not None}
    variables = {"api_key": override.key_variable} if override.key_variable is not None else EMPTY
    place = Origin("override", path=override.path, name=override.shown)
    return Scope(LOCAL_OVERRIDE, "env", specific=False, values=values, source=source, variables=variables, place=place)


def scopes(spec: RoutingSpec, query: Query, environ: Mapping[str, str]) -> list[Scope]:
    """The scopes of a query, strongest first.

    Raises UnknownAgentError, UnknownPurposeError or UnknownClientError for a name that the spec does not know, and
    BadArgumentError.
    """
    found: list[Scope] = []
    if query.agent is not None:
        found += _program_scopes(spec, "agents", query.agent, query.purpose)
    purpose = named("purpose", query.purpose, spec.purposes) if query.purpose is not None else None
    arguments = checked(query.args) if query.args else EMPTY
    found.append(Scope(CLIENT_ARGUMENTS, "client", specific=False, values=arguments, source=spec.source))
    if query.client is not None:
        found += _program_scopes(spec, "clients", query.client, query.purpose)
    if query.override is not None:
        found.append(_override_scope(query.override, spec.source))
    if query.purpose is not None:
        found.append(_env_scope(spec, query.purpose, environ))
    found.append(_env_scope(spec, None, environ))
    if purpose is not None:
        path = ("purposes", purpose[0])
        values = _said(spec, path, purpose[1])
        found.append(Scope(".".join(path), "default", specific=True, values=values, source=spec.source, path=path))
    values = _said(spec, ("defaults",), spec.defaults)
    found.append(Scope("defaults", "default", specific=False, values=values, source=spec.source, path=("defaults",)))
    return found
