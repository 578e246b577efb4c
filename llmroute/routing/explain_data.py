"""A resolution as data: JSON for programs, Mermaid for drawings; nothing here decides anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.routing.explain import asked, destination, shown
from llmroute.routing.route import LOCALITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.errors import RoutingError
    from llmroute.routing.route import Field, Query, Resolution


def as_json(resolution: Resolution) -> dict[str, Any]:
    """The explanation as `explain --format json` writes it."""
    return {
        "query": resolution.query.to_json(),
        "targets": [target.to_json() for target in resolution.route.targets],
        "params": dict(resolution.target.params),
        "metadata": dict(resolution.metadata),
        "fields": [_field_json(field) for field in resolution.fields],
        "excluded": [{**out._asdict(), "origin": out.origin.to_json()} for out in resolution.excluded],
        "diagnostics": [item.to_json() for item in resolution.diagnostics],
    }


def error_json(query: Query, error: RoutingError) -> dict[str, Any]:
    """A query without a route as `explain --format json` writes it."""
    return {
        "query": query.to_json(),
        "error": {
            "rule": error.rule,
            "message": error.message,
            "hint": error.hint,
            "fields": [_field_json(field) for field in error.fields],
        },
    }


def _field_json(field: Field) -> dict[str, Any]:
    return {
        "field": field.field,
        "value": _json_value(field.value),
        "layer": field.layer or None,
        "scope": field.scope or None,
        "origin": field.origin.to_json() if field.origin is not None else None,
        "candidates": [
            {
                "scope": candidate.scope,
                "layer": candidate.layer,
                "value": _json_value(candidate.value),
                "verdict": candidate.verdict,
                **({"reason": candidate.reason} if candidate.reason else {}),
                "origin": candidate.origin.to_json(),
            }
            for candidate in field.candidates
        ],
    }


def _json_value(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


_MERMAID_ESCAPES: Mapping[int, str] = str.maketrans({'"': "#quot;", "<": "#lt;", ">": "#gt;", "\n": " "})


def _node(name: str, label: str, brackets: str = "[]") -> str:
    return f'  {name}{brackets[0]}"{label.translate(_MERMAID_ESCAPES)}"{brackets[1]}'


def mermaid(resolution: Resolution) -> str:
    """The explanation as a Mermaid flowchart: the scopes that spoke, and the chain of targets."""
    endpoint = next(field for field in resolution.fields if field.field == "endpoint")
    lines = ["flowchart LR", _node("query", asked(resolution.query), "()")]
    for index, candidate in enumerate(endpoint.candidates):
        lines.append(_node(f"scope{index}", f"{candidate.scope}: {shown(candidate.value)}"))
        arrow = "==>" if candidate.verdict == "won" else "-.->"
        lines.append(f'  query {arrow}|"{candidate.verdict}"| scope{index}')
    won = next(index for index, candidate in enumerate(endpoint.candidates) if candidate.verdict == "won")
    before = f"scope{won}"
    for index, target in enumerate(resolution.route.targets):
        lines.append(_node(f"target{index}", f"{destination(target)} ({target.locality})", "()"))
        lines.append(f"  {before} ==> target{index}" if index == 0 else f'  {before} -->|"if it fails"| target{index}')
        lines.append(f"  class target{index} {target.locality}")
        before = f"target{index}"
    lines += [f"  classDef {locality} stroke-width:{width}px" for width, locality in enumerate(LOCALITIES, 1)]
    return "\n".join(lines)
