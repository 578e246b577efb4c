"""What the programs' own interfaces look like, and the comparison with ours."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NEEDED = "needed"
"""In place of a default: there is none."""


def defaults_of(cls: Any) -> dict[str, Any]:
    """The fields of a dataclass in order, each with its default."""
    found: dict[str, Any] = {}
    for field in fields(cls):
        made = NEEDED if field.default_factory is MISSING else field.default_factory()
        found[field.name] = made if field.default is MISSING else field.default
    return found


def parameters_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The parameters of a method in order, each with its default; all may be given by place."""
    found: dict[str, Any] = {}
    for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        assert parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD, name
        found[name] = NEEDED if parameter.default is inspect.Parameter.empty else parameter.default
    return found
