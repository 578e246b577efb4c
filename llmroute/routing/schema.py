"""The JSON Schema of `routing.yaml`, made of the spec's dataclasses.

Runs at development time only (`make generated`): the result is committed as `schemas/routing.v1.schema.json`
and shipped in the wheel, so that no command has to build it.
"""

from __future__ import annotations

import ast
import inspect
from typing import Any

SCHEMA_ID = "https://llmroute.dev/schemas/routing.v1.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def attribute_docstrings(module: Any) -> dict[str, dict[str, str]]:
    """The docstrings below the attributes of a module's classes, as `{class: {attribute: text}}`."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        texts = found.setdefault(node.name, {})
        for base in node.bases:
            texts.update(found.get(ast.unparse(base), {}))
        for statement, following in zip(node.body, node.body[1:], strict=False):
            match statement, following:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    texts[name] = inspect.cleandoc(text)
    return found


def _tidy(node: Any) -> Any:
    """The schema as people read it: no `null` for what may be absent, no titles, names checked by their pattern."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _tidy(value) for key, value in node.items() if key != "default" and not _is_title(key, value)}
    if "patternProperties" in node:
        # pydantic lets names that miss the pattern through; a name that misses it is an error here.
        ((pattern, value),) = node.pop("patternProperties").items()
        node["additionalProperties"] = value
        node["propertyNames"] = {**node.get("propertyNames", {}), "pattern": pattern}
    branches = [branch for branch in node.get("anyOf", ()) if branch != {"type": "null"}]
    if len(branches) == 1:
        del node["anyOf"]
        return {**branches[0], **node}
    if branches:
        node["anyOf"] = branches
    return node


def _is_title(key: str, value: Any) -> bool:
    return key == "title" and isinstance(value, str)


def _describe(definition: dict[str, Any], texts: dict[str, str]) -> None:
    for name, schema in definition["properties"].items():
        schema["description"] = texts[name]


def _snippets(properties: dict[str, Any]) -> None:
    """What an editor with a YAML language server offers to insert."""
    properties["agents"]["defaultSnippets"] = [
        {"label": "agent with its own provider", "body": {"${1:name}": {"provider": "${2:ollama}"}}},
    ]
    properties["providers"]["defaultSnippets"] = [
        {"label": "preset", "body": {"${1:anthropic}": {}}},
        {
            "label": "OpenAI-compatible server",
            "body": {"${1:name}": {"api": "openai-chat", "base_url": "${2:http://localhost:8000/v1}"}},
        },
    ]


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that a `routing.yaml` must pass."""
    from pydantic import TypeAdapter

    from llmroute.catalog.presets import PRESETS
    from llmroute.routing import policies, quirks, shapes, spec

    raw = _tidy(TypeAdapter(spec.Document).json_schema())
    texts: dict[str, dict[str, str]] = {}
    for module in (shapes, quirks, policies, spec):
        texts |= attribute_docstrings(module)
    _describe(raw, texts["Document"])
    for name, definition in raw["$defs"].items():
        _describe(definition, texts[name])
        if name in {"Scope", "NamedScope", "Endpoint"}:
            definition["properties"]["provider"]["examples"] = sorted(PRESETS)
    raw["properties"]["providers"]["examples"] = [{name: {}} for name in sorted(PRESETS)]
    _snippets(raw["properties"])
    return {
        "$schema": DIALECT,
        "$id": SCHEMA_ID,
        "title": "llmroute routing.yaml, version 1",
        **raw,
    }
