"""The naive resolver's half of precedence: which places speak in a query, strongest first."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NUMBERS = {
    "temperature": float,
    "top_p": float,
    "max_tokens": int,
    "timeout": float,
    "max_retries": int,
    "seed": int,
    "on_unsupported": lambda text: ("warn", "error")[("warn", "error").index(text)],
}
"""How each parameter is read out of a variable; a ValueError is a bad one."""
ENV_SETTINGS = ("provider", "model", "base_url", "api_key", "api", *NUMBERS)


class Refused(Exception):  # noqa: N818 - it is an answer, named by the slug of its law
    """The query leads to no route; `slug` names the law."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


@dataclass(frozen=True)
class Scope:
    """One place that speaks in this query.

    `verbatim`: its values are taken as they are, as those of the environment and of client arguments;
    `variables` are those that the settings of the environment stand in.
    """

    name: str
    layer: str
    for_purpose: bool
    says: Mapping[str, Any]
    verbatim: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, setting: str) -> bool:
        return setting in self.says


def scopes_of(document: Mapping[str, Any], query: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[Scope]:
    """The scopes of a query, strongest first; an unknown name is refused."""
    agent, purpose, client = query.get("agent"), query.get("purpose"), query.get("client")
    agents, purposes, clients = (document.get(each, {}) for each in ("agents", "purposes", "clients"))
    for name, entries, slug in (
        (agent, agents, "unknown-agent"),
        (purpose, purposes, "unknown-purpose"),
        (client, clients, "unknown-client"),
    ):
        if name is not None and named(entries, name) is None:
            raise Refused(slug)
    yield from pair_of("agent", f"agents.{agent}", named(agents, agent), purpose)
    yield Scope("arguments", "client", for_purpose=False, says=query.get("args", {}), verbatim=True)
    yield from pair_of("client", f"clients.{client}", named(clients, client), purpose)
    yield from environment_of(document.get("env", {}), purpose, environ)
    if purpose is not None:
        yield Scope(f"purposes.{purpose}", "default", for_purpose=True, says=named(purposes, purpose) or {})
    yield Scope("defaults", "default", for_purpose=False, says=document.get("defaults", {}))


def pair_of(layer: str, name: str, entry: Mapping[str, Any] | None, purpose: str | None) -> Iterator[Scope]:
    """An agent or client: what it says for the purpose, then what it says in general."""
    if entry is None:
        return
    special = named(entry.get("purposes", {}), purpose)
    if special is not None:
        yield Scope(f"{name}.purposes.{purpose}", layer, for_purpose=True, says=special)
    yield Scope(name, layer, for_purpose=False, says=entry)


def environment_of(env: Mapping[str, Any], purpose: str | None, environ: Mapping[str, str]) -> Iterator[Scope]:
    """The environment: its variables for the purpose, then the general ones."""
    prefix, names = env.get("prefix", "LLMROUTE_"), env.get("names", {})
    for suffix in ([purpose] if purpose is not None else []) + [None]:
        says, variables = {}, {}
        for setting in ENV_SETTINGS:
            written = prefix + setting.upper()
            further = names.get(setting if suffix is None else f"{setting}.{suffix}", [])
            if suffix is not None:
                written += "__" + re.sub(r"[-.]", "_", suffix).upper()
            for variable in [written, *further]:
                if variable in environ:
                    says[setting], variables[setting] = environ[variable].strip(), variable
                    break
        yield Scope("env", "env", suffix is not None, says, verbatim=True, variables=variables)


def named(entries: Mapping[str, Any], name: str | None) -> Any:
    """The entry of a name, or the one that takes in all others."""
    return None if name is None else entries.get(name, entries.get("*"))
