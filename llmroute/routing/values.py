"""Reading one value: out of the spec (with its variables), the environment or an argument.

Each reader raises the typed error that names the place, so that a bad value stops a decision only where the
decision has to look at it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from llmroute.errors import BadArgumentError, BadEnvironmentError, BadUrlError, RoutingError
from llmroute.routing.interpolation import interpolate
from llmroute.routing.route import EMPTY
from llmroute.routing.shapes import Effort, FallbackKind, RetryKind, Sticky, StreamBreak, Unsupported
from llmroute.routing.urls import Url, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.scopes import Scope


class Range(NamedTuple):
    """The numbers that a parameter may have, both ends included."""

    kind: type
    low: float
    high: float


RANGES: Mapping[str, Range] = {
    "temperature": Range(float, 0, 2),
    "top_p": Range(float, 0, 1),
    "top_k": Range(int, 1, 1e9),
    "max_tokens": Range(int, 1, 1e9),
    "seed": Range(int, -(2**63), 2**63 - 1),
    "frequency_penalty": Range(float, -2, 2),
    "presence_penalty": Range(float, -2, 2),
    "timeout": Range(float, math.ulp(0.0), 86_400),
    "connect_timeout": Range(float, math.ulp(0.0), 86_400),
    "first_event_timeout": Range(float, math.ulp(0.0), 86_400),
    "idle_timeout": Range(float, math.ulp(0.0), 86_400),
    "max_retries": Range(int, 0, 100),
    "deadline": Range(float, math.ulp(0.0), 86_400),
    "max_attempts": Range(int, 1, 1000),
}
"""The numeric parameters; the JSON Schema holds the same limits."""


def described(limits: Range) -> str:
    """The numbers of a range, in words.

    >>> described(RANGES["max_tokens"]), described(RANGES["timeout"])
    ('a whole number from 1 to 1,000,000,000', 'a number above 0, up to 86,400')
    """
    what = "a whole number" if limits.kind is int else "a number"
    start = "above 0, up" if 0 < limits.low < 1 else f"from {limits.low:,.0f}"
    return f"{what} {start} to {limits.high:,.0f}"


KINDS: Mapping[str, tuple[str, ...]] = {"retry_on": get_args(RetryKind), "fallback_on": get_args(FallbackKind)}
"""The kinds of failure that each list may name."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "reasoning_effort": get_args(Effort),
    "on_stream_break": get_args(StreamBreak),
    "sticky": get_args(Sticky),
    "on_unsupported": get_args(Unsupported),
}
"""The words that each of these parameters may be."""


def complaint(origin: Origin, message: str, hint: str = "") -> RoutingError:
    """The typed error for a value that can't be used, by the place it came from."""
    kinds = {"env": BadEnvironmentError, "override": BadEnvironmentError, "argument": BadArgumentError}
    return kinds.get(origin.kind, BadUrlError)(message, hint=hint, origin=origin)


def expand(text: str, environ: Mapping[str, str], origin: Origin) -> str:
    """A text of the spec with its variables filled in; raises BadEnvironmentError naming those that are missing."""
    if "$" not in text:
        return text
    result = interpolate(text, environ)
    if result.missing:
        names = ", ".join(result.missing)
        raise BadEnvironmentError(
            f"{names} {'is' if len(result.missing) == 1 else 'are'} not set, and {origin} needs it",
            hint=f"set {names}, or write a default: ${{{result.missing[0]}:-…}}",
            origin=origin,
        )
    if not result.text.strip() or not result.text.isprintable():
        names = ", ".join(result.variables) or text
        fault = "holds a control character or bytes that are not UTF-8" if result.text.strip() else "is blank"
        raise BadEnvironmentError(f"{names} {fault}, and {origin} needs it", hint=f"set {names}", origin=origin)
    return result.text


def text_of(scope: Scope, field: str, environ: Mapping[str, str]) -> str:
    """A text field of a scope, ready for use."""
    value = scope.values[field]
    if scope.layer == "env":
        if not value.isprintable():
            name = scope.variables.get(field) or f"{field} in {scope.origin(field)}"
            raise BadEnvironmentError(
                f"{name} holds a control character or bytes that are not UTF-8",
                hint=f"set {name} anew",
                origin=scope.origin(field),
            )
        return str(value.strip())
    if scope.path:
        return value if "$" not in value else expand(value, environ, scope.origin(field))
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise BadArgumentError(f"{field}={value!r} is no text", hint=f"leave {field} out, or None, to say nothing")
    return value


def url_of(text: str, origin: Origin, environ: Mapping[str, str] = EMPTY, written: str = "") -> Url:
    """A base URL; raises the typed error that says what is wrong with it and where it stands.

    `written` is the text of the spec before its variables were filled in from `environ`: the error then names those
    that supplied a part of it.
    """
    try:
        return parse(text)
    except ValueError as error:
        if names := interpolate(written, environ).variables:
            message = f"the base URL of {origin}, made with {', '.join(names)}, can't be used: {error}"
            raise BadEnvironmentError(message, hint=f"set {', '.join(names)} anew", origin=origin) from error
        raise complaint(origin, f"the base URL of {origin} can't be used: {error}") from error


def param_of(scope: Scope, field: str) -> Any:
    """A parameter of a scope: as the schema checked it, or checked here."""
    value = scope.values[field]
    if scope.path:
        return value
    try:
        return _checked(field, value)
    except (ValueError, TypeError, OverflowError) as error:
        origin = scope.origin(field)
        raise complaint(origin, f"{origin}: {field} can't be {value!r}", hint=str(error)) from error


def _checked(field: str, value: Any) -> Any:
    if field == "stop":
        texts = (value,) if isinstance(value, str) else tuple(value)
        if not all(isinstance(text, str) and text for text in texts):
            raise ValueError("write one text or several")
        return texts
    if field in KINDS:
        kinds = (value,) if isinstance(value, str) else tuple(value)
        if not all(kind in KINDS[field] for kind in kinds):
            raise ValueError(f"write some of {', '.join(KINDS[field])}")
        return kinds
    if field in CHOICES:
        if value not in CHOICES[field]:
            raise ValueError(f"write one of {', '.join(CHOICES[field])}")
        return value
    kind, low, high = RANGES[field]
    expected = f"write {described(RANGES[field])}"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(expected)
    try:
        number = float(value)
        exact = number if kind is float else int(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(expected) from error
    if not low <= exact <= high or (isinstance(value, float) and exact != value):
        raise ValueError(expected)
    return exact
