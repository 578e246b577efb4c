"""The JSON Schema's verdict on a document, and a report of what fails.

The verdict is jsonschema-rs's, which is fast; the report is jsonschema's, which is only asked when there is
something to report. A test holds both to the same verdict.
"""

from __future__ import annotations

import json
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmroute.errors import LLMRouteError
from llmroute.routing.names import listed, nearest
from llmroute.routing.report import report
from llmroute.routing.shapes import NOT_BLANK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.source import Source

MAX_REPORTED = 1000
_MAX_SHOWN = 60
_MAY_HOLD_KEYS = frozenset({"api_key", "headers"})
_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "nothing",
}


def schema_text() -> str:
    """The JSON Schema as it is shipped: in the wheel beside the code, in a checkout at the top level."""
    package = Path(__file__).parents[1]
    for folder in (package, package.parent):
        place = folder / "schemas" / "routing.v1.schema.json"
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise LLMRouteError("the JSON Schema is missing from the installation: install llmroute again")


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The JSON Schema of the format."""
    try:
        return json.loads(schema_text())  # type: ignore[no-any-return]
    except ValueError as error:
        raise LLMRouteError("the JSON Schema of the installation is damaged: install llmroute again") from error


@lru_cache(maxsize=1)
def _fast() -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(schema())


def is_valid(document: Mapping[str, Any]) -> bool:
    """Whether a document passes the JSON Schema."""
    return bool(_fast().is_valid(document))


def failures(document: Mapping[str, Any], source: Source) -> list[Diagnostic]:
    """Everything in a document that the JSON Schema refuses; empty for a valid one."""
    if is_valid(document):
        return []
    leaves = list(refusals(document))
    # jsonschema goes through a mapping's entries in no order.
    leaves.sort(key=lambda leaf: source.origin(tuple(leaf.absolute_path)))
    # jsonschema names a missing field once for each that is missing beside it.
    found = dict.fromkeys(found for leaf in leaves for found in _reports(leaf, source))
    return list(islice(found, MAX_REPORTED))


def refusals(document: Mapping[str, Any]) -> Iterator[Any]:
    """What jsonschema says of a document, in no order."""
    from jsonschema import Draft202012Validator
    from referencing import Registry

    # An empty registry: a schema never fetches anything.
    validator = Draft202012Validator(schema(), registry=Registry())
    for error in validator.iter_errors(document):
        yield from _leaves(error)


def _leaves(error: Any) -> Iterator[Any]:
    """The errors of the branch that was meant, where a value may have one of several shapes."""
    if error.validator != "anyOf":
        yield error
        return
    branches: dict[int, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    meant = [
        errors
        for errors in branches.values()
        if not any(inner.validator == "type" and inner.instance is error.instance for inner in errors)
    ]
    if not meant:
        yield error
        return
    for inner in min(meant, key=len):
        yield from _leaves(inner)


def _reports(error: Any, source: Source) -> Iterator[Diagnostic]:
    path = tuple(error.absolute_path)
    match error.validator:
        case "additionalProperties":
            known = error.schema.get("properties", {})
            for name in error.instance:
                if name not in known:
                    yield _unknown_key(source, (*path, name), name, known)
        case "required":
            for name in error.validator_value:
                if name not in error.instance:
                    hint = "write version: 1" if name == "version" else f"write {name}: …"
                    yield report(source, "missing-field", f"{name!r} is missing here", path, hint=hint, key=True)
        case "propertyNames" | "pattern" | "maxLength" if _is_name(error):
            yield _bad_name(source, path, error.instance)
        case "const" if path == ("version",):
            yield _version(source, path, error.instance)
        case "type" if path == ("version",):
            return  # said by `const`
        case _:
            yield _bad_value(source, path, error)


def _is_name(error: Any) -> bool:
    return "propertyNames" in error.absolute_schema_path


def _unknown_key(source: Source, path: Sequence[Any], name: str, known: Mapping[str, Any]) -> Diagnostic:
    guess = nearest(name, known)
    hint = f"did you mean {guess!r}?" if guess else f"known here: {listed(known)}"
    if name == "<<":
        hint = "merge keys are YAML 1.1; write the settings out, or use an alias for a whole value"
    return report(source, "unknown-key", f"unknown key {name!r}", path, hint=hint, key=True)


def _bad_name(source: Source, path: Sequence[Any], name: str) -> Diagnostic:
    return report(
        source,
        "bad-name",
        f"{_shown(name)} can't be a name",
        (*path, name),
        hint="names are letters, digits and _ . : @ / - (a provider's without : @ /), beginning with a letter or digit",
        key=True,
    )


def _version(source: Source, path: Sequence[Any], version: Any) -> Diagnostic:
    if version is None:
        return report(source, "null-value", "version is written and left empty", path, hint="write version: 1")
    newer = isinstance(version, int | float) and not isinstance(version, bool) and version > 1
    hint = "a later release of llmroute reads it: pip install -U llmroute" if newer else "write version: 1"
    return report(source, "unsupported-version", f"version {_shown(version)} is not read here", path, hint=hint)


def _bad_value(source: Source, path: Sequence[Any], error: Any) -> Diagnostic:
    value, wanted = error.instance, error.validator_value
    name = str(path[-1]) if path else "the document"
    if value is None:
        kinds = _kinds(error.schema)
        hint = "write {} for an entry without settings" if kinds == "a mapping" else f"write {kinds}, or leave it out"
        return report(source, "null-value", f"{name} is written and left empty", path, hint=hint)
    hint, shown = "", _shown_at(path, value)
    match error.validator:
        case "type" | "anyOf":
            kinds = _kinds(error.schema)
            message = f"{name} must be {kinds}, and {shown} is {_kind(value)}"
            hint = _type_hint(kinds, value)
        case "enum":
            message = f"{name} can't be {shown}"
            guess = nearest(str(value), [str(option) for option in wanted])
            hint = f"did you mean {guess!r}?" if guess else f"write one of {', '.join(map(str, wanted))}"
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            relation = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most"}
            message = f"{name} must be {relation.get(error.validator, 'less than')} {wanted}, and is {shown}"
        case "pattern" if wanted == NOT_BLANK:
            return report(source, "null-value", f"{name} is blank", path, hint="write a value, or leave it out")
        case "pattern":
            message, hint = f"{name} can't be {shown}", _pattern_hint(path, error.schema)
        case "minItems":
            message, hint = f"{name} is an empty list", "leave it out, or write what belongs there"
        case _:
            message = f"{name} can't be {shown}"
    return report(source, "invalid-value", message, path, hint=hint)


def _pattern_hint(path: Sequence[Any], schema: Mapping[str, Any]) -> str:
    if "headers" in path:
        return "a header is one line of text"
    if "examples" in schema:
        return f"write it like {schema['examples'][0]}"
    return "names are letters, digits and _ . -, beginning with a letter or digit"


def _kinds(schema: Mapping[str, Any]) -> str:
    """The kinds of value that a schema takes, in words."""
    branches = schema.get("anyOf", [schema])
    found: list[str] = []
    for branch in branches:
        kind = _KINDS.get(branch.get("type", "object"), "a value")
        if kind not in found:
            found.append(kind)
    return " or ".join(found)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    kinds = ((str, "a text"), (int, "a number"), (float, "a number"), (dict, "a mapping"), (list, "a list"))
    return next((kind for cls, kind in kinds if isinstance(value, cls)), "nothing")


def _type_hint(kinds: str, value: Any) -> str:
    if "a text" in kinds and not isinstance(value, dict | list):
        return "quote it"
    if kinds == "true or false" and isinstance(value, str) and value.lower() in {"yes", "no", "on", "off"}:
        return "YAML 1.2 writes true and false"
    return ""


def _shown_at(path: Sequence[Any], value: Any) -> str:
    """A value for a message, where it stands at a place that can't hold a key."""
    a_whole_provider = len(path) == 2 and path[0] == "providers"  # noqa: PLR2004 - `openai: KEY` is soon written
    return "it" if a_whole_provider or _MAY_HOLD_KEYS.intersection(path) else _shown(value)


def _shown(value: Any) -> str:
    """A value for a message: short, and never the inside of a container (a key may stand there)."""
    if isinstance(value, dict | list):
        return "it"
    if isinstance(value, str) and _looks_secret(value):
        return "a text that looks like a key"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"


def _looks_secret(text: str) -> bool:
    from llmroute.routing.secrets import looks_like_a_key

    return looks_like_a_key(text)
