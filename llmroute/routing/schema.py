"""The JSON Schema of `routing.yaml`, made of the spec's dataclasses.

Runs at development time only (`make generated`): the result is committed as `schemas/routing.v1.schema.json`
and shipped in the wheel, so that no command has to build it.
"""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

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
                    # A field that Python has a word for ends in an underscore: `from_`.
                    texts[name.removesuffix("_")] = inspect.cleandoc(text)
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


def _hint(name: str, definition: dict[str, Any]) -> None:
    """Add to the settings of a class what editors make use of."""
    from llmroute.routing.schema_hints import EXAMPLES, MEANINGS, PROVIDER_NAMES
    from llmroute.routing.schema_snippets import SNIPPETS

    if name in SNIPPETS:
        definition["defaultSnippets"] = list(SNIPPETS[name])
    presets = _presets()
    for setting, schema in definition["properties"].items():
        place = f"{name}.{setting}"
        examples = EXAMPLES.get(place, EXAMPLES.get(setting))
        meanings = presets if place in PROVIDER_NAMES else MEANINGS.get(place, MEANINGS.get(setting))
        if examples:
            schema["examples"] = list(examples)
        if meanings is None:
            continue
        choice = schema.get("items", schema)
        if "enum" in choice:
            choice["enumDescriptions"] = [meanings[value] for value in choice["enum"]]
        else:
            _offer(choice, meanings)


def _offer(schema: dict[str, Any], meanings: Mapping[str, str]) -> None:
    """Let an editor offer texts at a place that takes any; the free form comes first, and errors speak of that."""
    free: dict[str, Any] = {
        key: schema.pop(key) for key in ("type", "pattern", "maxLength", "examples") if key in schema
    }
    offered = {"type": "string", "enum": list(meanings), "enumDescriptions": list(meanings.values())}
    # The titles stand above what hovering shows.
    free["title"], offered["title"] = "a name of your own", "a known name"
    schema["anyOf"] = [free, offered]


def _presets() -> dict[str, str]:
    """What each preset is, in a line."""
    from llmroute.catalog.presets import PRESETS

    return {
        preset.name: ", ".join(
            (preset.title, *filter(None, (preset.base_url, preset.key_variable and f"key in {preset.key_variable}")))
        )
        for preset in sorted(PRESETS.values())
    }


def _groups(properties: dict[str, Any]) -> None:
    """What an editor offers to insert in the document's groups, and what it says of their keys."""
    from llmroute.routing.schema_hints import NAMES
    from llmroute.routing.schema_snippets import SNIPPETS

    for name, text in NAMES.items():
        properties[name]["propertyNames"] |= {"title": "name", "description": text}
    for name in properties.keys() & SNIPPETS.keys():
        properties[name]["defaultSnippets"] = list(SNIPPETS[name])
    provider = properties["providers"]["additionalProperties"]
    presets = {name: {**provider, "description": text} for name, text in _presets().items()}
    properties["providers"]["properties"] = presets


def _expected_params(definitions: dict[str, Any]) -> None:
    """What a test expects of parameters has their names and kinds."""
    from llmroute.routing.spec import PARAMS

    settings = definitions["Endpoint"]["properties"]
    definitions["Expect"]["properties"]["params"] |= {
        "additionalProperties": False,
        "properties": {name: settings[name] for name in PARAMS},
    }


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that a `routing.yaml` must pass."""
    from pydantic import TypeAdapter

    from llmroute.routing import expectations, policies, quirks, shapes, spec

    raw = _tidy(TypeAdapter(spec.Document).json_schema())
    texts: dict[str, dict[str, str]] = {}
    for module in (shapes, quirks, policies, expectations, spec):
        texts |= attribute_docstrings(module)
    _describe(raw, texts["Document"])
    for name, definition in raw["$defs"].items():
        _describe(definition, texts[name])
        _hint(name, definition)
    _groups(raw["properties"])
    _expected_params(raw["$defs"])
    return {
        "$schema": DIALECT,
        "$id": SCHEMA_ID,
        "title": "llmroute routing.yaml, version 1",
        **raw,
    }
