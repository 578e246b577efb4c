"""The reference of `routing.yaml`, written from its JSON Schema."""

from __future__ import annotations

import re
from typing import Any

from tests.docs.markdown import page, table

_SECTIONS = {
    "Document": "The document",
    "Params": "Parameters",
    "Provider": "A provider",
    "Endpoint": "An endpoint",
    "Scope": "A scope",
    "NamedScope": "An agent or a client",
    "Require": "Requirements",
    "Capabilities": "Capabilities",
    "Limits": "Limits of a provider",
    "Quirks": "Quirks of a provider",
    "ProviderPurpose": "A provider's purpose",
    "KeyFile": "A key in a file",
    "KeyRing": "A key in the keyring",
    "Env": "The environment",
    "Policy": "A policy",
    "PolicyRequire": "What a policy requires",
    "PolicyDeny": "What a policy denies",
    "Test": "A test",
    "TestCase": "A row of a table of tests",
    "TestQuery": "The query of a test",
    "Fault": "A fault",
    "TestCall": "A call of a test",
    "Expect": "What a test expects",
    "ExpectedKey": "An expected key",
    "ExpectedExclusion": "An expected exclusion",
}
"""The classes of the spec in reading order, and what each is called."""


_EXTENDS = {
    "Provider": "Params",
    "Endpoint": "Params",
    "Scope": "Endpoint",
    "NamedScope": "Scope",
    "PolicyRequire": "Require",
    "TestCase": "Test",
}
"""Which class has all fields of another: they are listed there."""


def spec_reference(schema: dict[str, Any]) -> str:
    """Every field of `routing.yaml`, from the JSON Schema."""
    from llmroute.routing.spec import PARAMS, Params

    shared = {name: schema["$defs"]["Endpoint"]["properties"][name] for name in PARAMS}
    shapes = {
        "Document": schema,
        "Params": {"properties": shared, "description": Params.__doc__},
        **schema["$defs"],
    }
    if set(shapes) != set(_SECTIONS):
        raise SystemExit(f"_SECTIONS of {__file__} must name: {', '.join(sorted(set(shapes) ^ set(_SECTIONS)))}")
    intro = "Every field of `routing.yaml`. How the scopes play together stands in [precedence](../precedence.md)."
    return page("routing.yaml", intro, *(_section(name, shapes) for name in _SECTIONS))


def _section(name: str, shapes: dict[str, Any]) -> str:
    """One class: its fields, without those that are listed with the class it extends."""
    shape, base = shapes[name], _EXTENDS.get(name)
    inherited = shapes[base]["properties"] if base else {}
    rows = [
        (f"`{field}`" + (" (required)" if field in shape.get("required", ()) else ""), _type(about), _told(about))
        for field, about in shape["properties"].items()
        if field not in inherited
    ]
    also = f"\n\nAll fields of {_link(base)}, and:" if base else ""
    return f"## {_SECTIONS[name]}\n\n{shape['description']}{also}\n\n{table(('field', 'type', 'what it says'), rows)}"


def _link(name: str) -> str:
    heading = _SECTIONS[name].lower()
    return f"[{heading}](#{re.sub(r'[^a-z -]', '', heading).replace(' ', '-')})"


def _told(about: dict[str, Any]) -> str:
    return str(about.get("description", ""))


def _type(about: dict[str, Any]) -> str:
    """What a value may be, in words."""
    match about:
        case {"$ref": target}:
            words = _link(target.rpartition("/")[2])
        case {"anyOf": branches}:
            # Names that an editor offers are no kind of value of their own.
            words = ", or ".join(_type(branch) for branch in branches if "enumDescriptions" not in branch)
        case {"enum": values}:
            words = ", ".join(f"`{value}`" for value in values)
        case {"const": value}:
            words = f"`{value}`"
        case {"type": "array", "items": items}:
            words = f"list of {_type(items)}"
        case {"type": "object", "additionalProperties": {"type": _} | {"$ref": _} as items}:
            words = f"mapping of names to {_type(items)}"
        case _:
            words = _PLAIN[about["type"]] + _range(about)
    return words


_PLAIN = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true`, `false`",
    "object": "mapping",
}


def _range(about: dict[str, Any]) -> str:
    low, high = about.get("minimum"), about.get("maximum")
    if "exclusiveMinimum" in about:
        return f" above {about['exclusiveMinimum']:,}, up to {high:,}"
    # 64 bits are the limit of the format, and nothing that a person keeps in mind.
    return "" if low is None or abs(low) > 2**53 else f" from {low:,} to {high:,}"
