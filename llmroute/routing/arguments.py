"""Client arguments: what a program passes in code, of the kinds that a decision can work with.

A name or a kind that is wrong is a mistake of the program and is said at once; a value that is wrong, only where
the decision has to look at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

from llmroute.errors import BadArgumentError
from llmroute.routing.diagnostics import Origin
from llmroute.routing.names import listed, nearest
from llmroute.routing.policies import Requirements
from llmroute.routing.shapes import Auth, Transport
from llmroute.routing.spec import Endpoint, Scope

ARGUMENTS: tuple[str, ...] = tuple(field.name for field in fields(Scope))
"""The settings that a program may pass."""

_KINDS: Mapping[str, tuple[type, ...]] = {
    "api": (str,),
    "api_version": (str,),
    "auth": (str,),
    "transport": (str,),
    "allow_http": (bool,),
    "headers": (Mapping,),
    "extra_body": (Mapping,),
    "metadata": (Mapping,),
    "fallbacks": (list, tuple),
    "allow_remote_fallback": (bool,),
    "require": (Requirements,),
}
_CHOICES: Mapping[str, tuple[str, ...]] = {"auth": get_args(Auth), "transport": get_args(Transport)}


def checked(args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that say something; None says nothing. Raises BadArgumentError."""
    found = {name: value for name, value in args.items() if value is not None}
    for name, value in found.items():
        hint = _fault(name, value)
        if hint:
            # The value is not shown: it may hold a key.
            raise BadArgumentError(
                f"the argument {name} can't be used", hint=hint, origin=Origin("argument", name=name)
            )
    return found


def _fault(name: str, value: Any) -> str:
    """What to pass in place of a value; empty for one that is fine."""
    if name not in ARGUMENTS:
        guess = nearest(name, ARGUMENTS)
        return f"did you mean {guess!r}?" if guess else f"known here: {listed(ARGUMENTS)}"
    kinds = _KINDS.get(name)
    if kinds is not None and not isinstance(value, kinds):
        return f"pass {' or '.join(kind.__name__ for kind in kinds)}, not {type(value).__name__}"
    if name in _CHOICES and value not in _CHOICES[name]:
        return f"pass one of {', '.join(_CHOICES[name])}"
    if name == "headers" and not all(_is_line(key) and _is_line(text) for key, text in value.items()):
        return "a header is one line of text"
    if name == "fallbacks" and not all(isinstance(entry, str | Endpoint) for entry in value):
        return "pass texts provider/model, or Endpoint"
    return ""


def _is_line(text: Any) -> bool:
    return isinstance(text, str) and text.isprintable()
