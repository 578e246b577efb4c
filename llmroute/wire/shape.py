"""Reads typed values out of parsed JSON; what has the wrong shape is named by its JSON pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from llmroute.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_T = TypeVar("_T", bound=str)
_V = TypeVar("_V")
_LONGEST_SHOWN = 40
"""Longer strings are not quoted in a message: they may be a prompt."""
_NAMES: dict[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def pointer(parent: str, *keys: str | int) -> str:
    """Extend a JSON pointer (RFC 6901).

    >>> pointer("/messages", 0, "a/b")
    '/messages/0/a~1b'
    """
    return parent + "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys)


def kind_of(value: object) -> str:
    """What a JSON value is, in words; never the value itself, which may be a prompt."""
    return _NAMES.get(type(value), type(value).__name__)


def expect(value: object, kind: type[_V], at: str) -> _V:
    """The value itself when it is of that JSON type; `float` takes integers, `int` takes no booleans.

    Raises:
        ConversionError: it is of another type.
    """
    if type(value) is kind or (kind is float and type(value) is int):
        return cast(_V, value)
    raise ConversionError(f"expected {_NAMES[kind]}, not {kind_of(value)}", pointer=at)


def as_object(value: object, at: str) -> dict[str, Any]:
    """The value as a JSON object."""
    return expect(value, dict, at)


def as_array(value: object, at: str) -> list[Any]:
    """The value as a JSON array."""
    return expect(value, list, at)


def text(data: Mapping[str, Any], key: str, at: str) -> str:
    """A string that must be there."""
    return expect(data.get(key), str, pointer(at, key))


def optional(data: Mapping[str, Any], key: str, kind: type[_V], at: str) -> _V | None:
    """A value of that type, or None when it is absent or null."""
    value = data.get(key)
    return None if value is None else expect(value, kind, pointer(at, key))


def array(data: Mapping[str, Any], key: str, at: str) -> list[Any]:
    """An array; absent and null are empty."""
    return optional(data, key, list, at) or []


def mapping(data: Mapping[str, Any], key: str, at: str) -> dict[str, Any]:
    """An object; absent and null are empty."""
    return optional(data, key, dict, at) or {}


def one_of(value: object, allowed: Collection[_T], at: str) -> _T:
    """The value when it is one of these strings.

    Raises:
        ConversionError: it is not; the message lists what is allowed.
    """
    for candidate in allowed:
        if candidate == value:
            return candidate
    shown = repr(value) if isinstance(value, str) and len(value) <= _LONGEST_SHOWN else kind_of(value)
    raise ConversionError(f"{shown} is not one of {', '.join(allowed)}", pointer=at)


def rest(data: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """The fields that a codec has no word for."""
    return {key: value for key, value in data.items() if key not in known}
