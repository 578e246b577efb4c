"""Oracle's generative AI inference, format `COHERE`: tools, whose parameters are a flat list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmroute.wire import shape
from llmroute.wire.codec import OCI
from llmroute.wire.tools import check_plain, input_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.wire.codec import Losses
    from llmroute.wire.request import Tool

_TYPES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "array": "list",
    "object": "dict",
}
"""Types of JSON Schema, and the words of Python that the API wants."""
_SAID = ("type", "description", "title", "default")
"""Keywords that need no telling beside the type and the description."""
_BESIDE = ("type", "properties", "required", "additionalProperties", "title", "description", "$schema")
"""Keywords at the root that the flat list says, or that say nothing to a model."""


def tool_of(tool: Tool, name: str, losses: Losses, at: str) -> dict[str, Any]:
    """A tool; what its schema says beyond types is told in the descriptions.

    Raises:
        ConversionError: its parameters are no object.
    """
    check_plain(tool, OCI, at)
    if tool.strict:
        losses.add("tools.strict", "the model is not held to the schema", f"{at}/strict")
    schema = input_schema(tool.name, tool.parameters, f"{at}/parameters")
    required = schema.get("required")
    beyond = shape.rest(schema, _BESIDE)
    parameters = {
        key: _parameter(key, inner, losses, f"{at}/parameters/properties", required=key in (required or ()))
        for key, inner in shape.mapping(schema, "properties", f"{at}/parameters").items()
    }
    row: dict[str, Any] = {"name": name, "description": _told(tool.description, beyond) or tool.name}
    if beyond:
        losses.add("tools.parameters", "what the list of parameters can't say is told in words", f"{at}/parameters")
    return {**row, "parameterDefinitions": parameters} if parameters else row


def _parameter(key: str, schema: Any, losses: Losses, at: str, *, required: bool) -> dict[str, Any]:
    inner: Mapping[str, Any] = schema if isinstance(schema, dict) else {}
    kind = inner.get("type")
    word = _TYPES.get(kind) if isinstance(kind, str) else None
    beyond = shape.rest(inner, _SAID if word else _SAID[1:])
    if beyond:
        where = shape.pointer(at, key)
        losses.add("tools.parameters", "what the list of parameters can't say is told in words", where)
    description = inner.get("description")
    found: dict[str, Any] = {"type": word or "str", "isRequired": required}
    text = _told(description if isinstance(description, str) else "", beyond)
    return {**found, "description": text} if text else found


def _told(description: str, beyond: Mapping[str, Any]) -> str:
    """A description with the rest of the schema behind it.

    >>> _told("A unit.", {"enum": ["C", "F"]})
    'A unit. JSON Schema: {"enum":["C","F"]}'
    """
    if not beyond:
        return description
    schema = json.dumps(beyond, ensure_ascii=False, separators=(",", ":"))
    return f"{description} JSON Schema: {schema}".strip()
