"""JSON Schemas that a provider must hold an answer to: each API enforces a subset, and not the same one.

Nothing is rewritten in silence: what can't be enforced is reported, and the answer can be validated with the
schema as it was given.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire import shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Note = Callable[[str, str], None]
    """Is told what was lost, and the JSON pointer of the place."""

_MAPS = frozenset({"properties", "$defs", "definitions"})
_LISTS = frozenset({"anyOf", "allOf"})
_KEPT = frozenset({"type", "required", "enum", "const", "$ref", "title", "description", "default"})
_FORMATS = frozenset({
    "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid",
})  # fmt: skip
"""Anthropic, structured outputs: the formats of strings that are enforced."""
_NEVER_STRICT = frozenset({
    "allOf", "oneOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else", "patternProperties",
})  # fmt: skip
"""OpenAI, structured outputs: keywords that strict schemas may not have."""


def enforceable(schema: Mapping[str, Any], at: str, note: Note) -> dict[str, Any]:
    """The schema as Anthropic enforces it: objects closed, other keywords moved into descriptions.

    Raises:
        ConversionError: an object has properties of any name, or the schema is nested too deep.
    """
    try:
        return _closed(schema, at, note)
    except RecursionError:
        pass
    raise ConversionError("the schema is nested too deep", pointer=at)


def _closed(schema: Mapping[str, Any], at: str, note: Note) -> dict[str, Any]:
    result: dict[str, Any] = {}
    moved: dict[str, Any] = {}
    for key, value in schema.items():
        where = shape.pointer(at, key)
        if key in _MAPS and isinstance(value, dict):
            result[key] = {name: _inner(one, shape.pointer(where, name), note) for name, one in value.items()}
        elif key in _LISTS and isinstance(value, list):
            result[key] = [_inner(one, shape.pointer(where, i), note) for i, one in enumerate(value)]
        elif key == "items":
            result[key] = _inner(value, where, note)
        elif key == "oneOf" and isinstance(value, list) and "anyOf" not in schema:
            note("oneOf is written as anyOf", where)
            result["anyOf"] = [_inner(one, shape.pointer(where, i), note) for i, one in enumerate(value)]
        elif key == "additionalProperties":
            _check_open(value, where)
        elif _is_enforced(key, value):
            result[key] = value
        else:
            note(f"{key} can't be enforced and was moved into the description", where)
            moved[key] = value
    return _described(_without_more(result, schema, at, note), moved)


def _inner(schema: object, at: str, note: Note) -> Any:
    return _closed(schema, at, note) if isinstance(schema, dict) else schema


def _is_enforced(key: str, value: object) -> bool:
    if key == "format":
        return value in _FORMATS
    if key in {"enum", "const"}:
        values = value if key == "enum" and isinstance(value, list) else [value]
        return not any(isinstance(one, dict | list) for one in values)
    return key in _KEPT or (key == "minItems" and value in (0, 1))


def _check_open(value: object, at: str) -> None:
    if not isinstance(value, bool):
        raise ConversionError("an object with properties of any name can't be held to its schema", pointer=at)


def _without_more(result: dict[str, Any], schema: Mapping[str, Any], at: str, note: Note) -> dict[str, Any]:
    if schema.get("type") != "object" and "properties" not in schema:
        return result
    if schema.get("additionalProperties") is not False:
        note("the object was closed (additionalProperties: false)", at)
    return {**result, "additionalProperties": False}


def _described(result: dict[str, Any], moved: Mapping[str, Any]) -> dict[str, Any]:
    if not moved:
        return result
    words = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in moved.items())
    before = f"{result['description']}\n\n" if result.get("description") else ""
    return {**result, "description": f"{before}{{{words}}}"}


def why_not_strict(schema: Mapping[str, Any], at: str) -> tuple[str, str] | None:
    """Why OpenAI refuses the schema as a strict one, and where; None: it takes it.

    >>> why_not_strict({"type": "object", "properties": {"a": {}}, "additionalProperties": False}, "")
    ('not all properties are required', '')
    """
    if schema.get("type") != "object" or "anyOf" in schema:
        return "the root is no plain object", at
    try:
        return next(_problems(schema, at), None)
    except RecursionError:
        return "it is nested too deep", at


def _problems(schema: Mapping[str, Any], at: str) -> Iterator[tuple[str, str]]:
    if "$ref" in schema and len(schema) > 1:
        yield "$ref stands beside other keywords", at
    for key in sorted(schema.keys() & _NEVER_STRICT):
        yield f"{key} is not supported", shape.pointer(at, key)
    properties = schema.get("properties", {})
    if schema.get("type") == "object" or "properties" in schema:
        if schema.get("additionalProperties") is not False:
            yield "an object is not closed (additionalProperties: false)", at
        required = schema.get("required", [])
        if (
            not isinstance(properties, dict)
            or not isinstance(required, list)
            or any(n not in required for n in properties)
        ):
            yield "not all properties are required", at
    for where, inner in _subschemas(schema, at):
        yield from _problems(inner, where)


def _subschemas(schema: Mapping[str, Any], at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in schema.items():
        where = shape.pointer(at, key)
        found: list[tuple[str, object]] = []
        if key in _MAPS and isinstance(value, dict):
            found = [(shape.pointer(where, name), one) for name, one in value.items()]
        elif key == "anyOf" and isinstance(value, list):
            found = [(shape.pointer(where, i), one) for i, one in enumerate(value)]
        elif key == "items":
            found = [(where, value)]
        yield from ((place, one) for place, one in found if isinstance(one, dict))
