"""How an Ollama's answers look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llmroute.adapters.model_lists import shown_facts
from llmroute.cli.models_view import ABILITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000


def size(count: Any) -> str:
    """A number of bytes; empty for what is none.

    >>> size(4_661_211_808), size(512), size(None)
    ('4.7 GB', '512 B', '')
    """
    if not isinstance(count, int | float) or isinstance(count, bool):
        return ""
    number, unit = float(count), 0
    while number >= _STEP and unit < len(_UNITS) - 1:
        number, unit = number / _STEP, unit + 1
    return f"{number:.1f} {_UNITS[unit]}" if unit else f"{number:.0f} B"


def description(model: str, told: Mapping[str, Any]) -> str:
    """What `/api/show` says, as far as a person asks for it."""
    facts = shown_facts(told)
    details = told.get("details")
    details = details if isinstance(details, dict) else {}
    able = [word for fact, word in ABILITIES.items() if facts.get(fact)]
    window = facts.get("context_window")
    rows = {
        "family": details.get("family"),
        "parameters": details.get("parameter_size"),
        "quantization": details.get("quantization_level"),
        "context": f"{window:,} tokens" if window else None,
        "can": "no chat" if facts.get("chat") is False else ", ".join(["chat", *able]),
    }
    lines = [f"  {name:12}  {text}" for name, text in rows.items() if isinstance(text, str) and text]
    return "\n".join([model, *lines, *_parameters(told.get("parameters"))])


def _parameters(text: Any) -> list[str]:
    """The defaults of the model file, such as `num_ctx 8192`."""
    if not isinstance(text, str) or not text.strip():
        return []
    return ["  defaults", *(f"    {' '.join(line.split())}" for line in text.splitlines() if line.strip())]


def running(answer: Any) -> str:
    """What `/api/ps` says: name, size, how much of it is on the GPU, context, and until when it stays."""
    models = answer.get("models") if isinstance(answer, dict) else None
    rows = [_running_row(row) for row in models if isinstance(row, dict)] if isinstance(models, list) else []
    if not rows:
        return "no model is in memory"
    table = [("model", "size", "on the GPU", "context", "until"), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = ("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in table)
    return "\n".join(line.rstrip() for line in lines)


def _running_row(row: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    whole, fast = row.get("size"), row.get("size_vram")
    share = f"{100 * fast // whole} %" if isinstance(whole, int) and isinstance(fast, int) and whole > 0 else ""
    context = row.get("context_length")
    return (
        str(row.get("name") or row.get("model") or ""),
        size(whole),
        share,
        f"{context:,}" if isinstance(context, int) else "",
        _until(row.get("expires_at")),
    )


def _until(text: Any) -> str:
    """A time of Go, in UTC; year 0 or far away: for ever."""
    try:
        # Go writes nanoseconds.
        at = datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return at.strftime("%Y-%m-%d %H:%M UTC")
