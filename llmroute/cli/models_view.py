"""How lists of models look: a table for people, JSON for programs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llmroute.catalog.models import capabilities
from llmroute.errors import CallError, RoutingError
from llmroute.routing.explain import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.adapters.model_lists import Model
    from llmroute.dispatch.model_lists import Listing
    from llmroute.errors import LLMRouteError
    from llmroute.routing.explain import Line

ABILITIES = {"tools": "tools", "vision": "vision", "json_schema": "schema", "thinking": "thinking"}
"""The facts that are yes or no, and their words in the table."""
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def table(found: Mapping[str, Listing], now: float) -> list[Line]:
    """A paragraph for each provider that has answered, now or once."""
    lines: list[Line] = []
    for name, one in found.items():
        if one.asked_at is None:
            continue
        if lines:
            lines.append(())
        lines.append(_head(name, one, now))
        lines += _rows(one)
    return lines


def _head(name: str, one: Listing, now: float) -> Line:
    target = one.target
    place = target.base_url if target.provider else "no provider of its own"
    count = "any model" if target.api == "mock" else f"{len(one.models)} model{'s' if len(one.models) != 1 else ''}"
    age = now - (one.asked_at or now)
    spans = [Span(name, "title"), Span(f"  {place} · "), Span(target.locality, target.locality), Span(f" · {count}")]
    if one.stale:
        spans.append(Span(f" · stale, asked {ago(age)}", "bad"))
    elif age >= _UNITS[-1][0]:
        spans.append(Span(f" · asked {ago(age)}"))
    return tuple(spans)


def ago(seconds: float) -> str:
    """A time that has passed.

    >>> ago(59), ago(7_300), ago(200_000)
    ('just now', '2 h ago', '2 d ago')
    """
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def _rows(one: Listing) -> list[Line]:
    cells = [_cells(model, _catalogue(one, model)) for model in one.models]
    names, windows, ables = (max((len(row[column]) for row in cells), default=0) for column in range(3))
    return [
        (
            Span(f"  {name:{names}}", "winner"),
            Span(f"  {window:>{windows}}"),
            Span(f"  {able:{ables}}"),
            Span(f"  {source}", "place"),
        )
        for name, window, able, source in cells
    ]


def _cells(model: Model, known: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Name, context window, abilities, and who says so; the server's word stands before the catalogue's."""
    facts = {**known, **model.facts}
    window = f"{facts['context_window']:,}" if facts.get("context_window") else ""
    able = " ".join(word for fact, word in ABILITIES.items() if facts.get(fact))
    if facts.get("chat") is False:
        able = "no chat"
    told, also = model.facts.get("context_window"), known.get("context_window")
    source = "server" if model.facts else "catalogue" if known else ""
    if told and also and told != also:
        source += f" (catalogue: {also:,})"
    return model.name, window, able, source


def _catalogue(one: Listing, model: Model) -> dict[str, Any]:
    known = capabilities(one.preset, model.name) if one.preset else None
    return {} if known is None else {name: value for name, value in known._asdict().items() if value is not None}


def as_json(found: Mapping[str, Listing], refused: Mapping[str, RoutingError]) -> dict[str, Any]:
    """All of it, what the server says and what the catalogue says beside each other."""
    rows = [_listing_json(name, one) for name, one in found.items()]
    rows += [{"name": name, "error": _error_json(problem), "models": []} for name, problem in refused.items()]
    return {"providers": rows}


def _listing_json(name: str, one: Listing) -> dict[str, Any]:
    target = one.target
    return {
        "name": name,
        "provider": target.provider,
        "api": target.api,
        "base_url": target.base_url,
        "locality": target.locality,
        "asked_at": None
        if one.asked_at is None
        else datetime.fromtimestamp(one.asked_at, UTC).isoformat("T", "seconds"),
        "stale": one.stale,
        "error": None if one.error is None else _error_json(one.error),
        "models": [
            {"name": model.name, "server": dict(model.facts), "catalogue": _catalogue(one, model) or None}
            for model in one.models
        ],
    }


def _error_json(error: LLMRouteError) -> dict[str, Any]:
    told = {"message": str(getattr(error, "message", error)), "hint": str(getattr(error, "hint", ""))}
    if isinstance(error, CallError):
        return {"kind": error.kind, **told}
    return {"rule": error.rule, **told} if isinstance(error, RoutingError) else told
