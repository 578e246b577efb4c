"""A row of the conversion tables, and short words for what stands in bodies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from llmroute.wire.quirks import Quirks

ABSENT = object()
HI = {"role": "user", "content": "Hi"}
PDF = "JVBERi0="
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
USE = {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}
CUSTOM = {"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}}
CUSTOM_CALL = {"id": "b", "type": "custom", "custom": {"name": "g", "input": "print(1) "}}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "r"}
F = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
AF = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def block(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


def text(words: str, **fields: Any) -> dict[str, Any]:
    return block("text", text=words, **fields)


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def function(name: str = "f", **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **fields}}


def tool(**fields: Any) -> dict[str, Any]:
    return {"name": "f", "input_schema": {"type": "object"}, **fields}


def allowed(mode: str, *names: str) -> dict[str, Any]:
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def form(**fields: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "n", **fields}}


@dataclass
class Row:
    """`out` holds fields of the converted body; `lost` the pointers of the warnings; `refused` that of the error."""

    id: str
    given: dict[str, Any]
    out: dict[str, Any] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    refused: str | None = None
    quirks: Quirks = field(default_factory=Quirks)


def messages(*rows: Any) -> dict[str, Any]:
    return {"messages": list(rows)}
