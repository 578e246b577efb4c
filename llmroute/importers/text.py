"""A draft as YAML: block style, a comment above what it speaks of, quotes where they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.load.yaml_writer import flow, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.importers.draft import Draft

_LEAVES = frozenset({"extra_body", "headers", "capabilities", "require", "metadata"})
"""Mappings that are written in one line."""
_SECTIONS = ("providers", "defaults", "purposes", "agents", "clients", "env", "policies")


def spec_text(system: str, draft: Draft) -> str:
    """The spec with its comments."""
    head = [
        f"# Written by `llmroute import {system}` from {draft.source}.",
        "#   llmroute explain   who wins, and why?",
    ]
    if draft.left_out:
        head += ["#", "# Not carried over:", *(f"#   {row}" for row in draft.left_out)]
    lines = [*head, "", "version: 1"]
    for section in _SECTIONS:
        if section in draft.spec:
            lines += ["", *_entry(section, draft.spec[section], (section,), draft.notes)]
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Any, path: tuple[str, ...], notes: Mapping[tuple[str, ...], list[str]]) -> Iterator[str]:
    """The lines of one entry of a mapping."""
    indent = "  " * (len(path) - 1)
    yield from (f"{indent}# {note}" for note in notes.get(path, ()))
    if isinstance(value, dict) and value and path[-1] not in _LEAVES:
        yield f"{indent}{scalar(key)}:"
        for name, inner in value.items():
            yield from _entry(name, inner, (*path, name), notes)
    else:
        yield f"{indent}{scalar(key)}: {scalar(value) if isinstance(value, str) else flow(value)}"
