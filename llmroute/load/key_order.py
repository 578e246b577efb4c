"""The order in which a spec's own keys are written; names that a user chose keep the order they stand in."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from llmroute.routing.expectations import Test
from llmroute.routing.policies import Policy, PolicyDeny, PolicyRequire, Require
from llmroute.routing.spec import PARAMS, Document, Env

if TYPE_CHECKING:
    from llmroute.load.spans import Path

_ENDPOINT = ("preset", "provider", "api", "base_url", "api_key", "auth", "api_version", "transport", "proxy")
ENTRY = (
    *_ENDPOINT,
    *("allow_http", "locality", "regions", "models", "model", "aliases", "capabilities", "quirks", "limits"),
    *PARAMS,
    *("headers", "extra_body", "fallbacks", "allow_remote_fallback", "require", "metadata", "purposes"),
)
"""The keys of a provider and of a scope: where, what, how, and what if it fails."""
_OF_POLICIES: dict[Any, Any] = {"": Policy, "require": PolicyRequire, "deny": PolicyDeny}
_GROUPS = frozenset({"providers", "purposes", "agents", "clients"})


def _names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))


def order_at(path: Path) -> tuple[str, ...]:
    """The order of the keys of the mapping at a path; empty where they stay as they are.

    >>> order_at(("agents", "a", "require"))[0], order_at(("agents",)), order_at(("policies", 0))[:2]
    ('locality', (), ('name', 'agents'))
    """
    match path:
        case ():
            cls: Any = Document
        case ("env",):
            cls = Env
        case ("policies", int(), *inner):
            cls = _OF_POLICIES.get(inner[0] if len(inner) == 1 else None if inner else "")
        case ("tests", int()):
            cls = Test
        case (*_, "require"):
            cls = Require
        case (*scope, "fallbacks", int()) if _is_entry(tuple(scope)):
            return ENTRY
        case _:
            return ENTRY if _is_entry(path) else ()
    return () if cls is None else _names(cls)


def _is_entry(path: tuple[Any, ...]) -> bool:
    match path:
        case ("defaults",):
            return True
        case (str(group), str()):
            return group in _GROUPS
        case ("providers" | "agents" | "clients", str(), "purposes", str()):
            return True
    return False
