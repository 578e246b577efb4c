"""Who processes what is sent to a target: the vendor itself, or whoever an aggregator passes it on to.

An aggregator is many processors behind one name. It is one, or some, only where the request itself says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.catalog.presets import PRESETS
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from llmroute.catalog.preset import Preset
    from llmroute.routing.route import Target

HF_CHOICES = frozenset({"fastest", "cheapest", "preferred", "auto"})
"""What stands behind the colon at Hugging Face and names no processor, but how one is chosen."""


class Processors(NamedTuple):
    """Whom an aggregator passes a target's prompts on to."""

    title: str
    """The aggregator's name."""
    names: tuple[str, ...]
    """Those that the request allows, in the aggregator's words; empty: any."""
    remedy: str
    """How a spec names them."""


def processors(target: Target) -> Processors | None:
    """Whom a target's prompts are passed on to; None for one that is at no known aggregator."""
    preset = _aggregators().get(parse(target.base_url).host)
    if preset is None:
        return None
    if preset.passes_on == "body":
        remedy = "write extra_body: {provider: {only: [NAME], allow_fallbacks: false}}"
        return Processors(preset.title, _in_the_body(target), remedy)
    return Processors(preset.title, _in_the_model(target.model), "write the model as MODEL:PROCESSOR")


@lru_cache(maxsize=1)
def _aggregators() -> Mapping[str, Preset]:
    """Those of the catalogue, by host: under whichever name, and at whichever path, it is the same vendor."""
    return {parse(preset.base_url).host: preset for preset in PRESETS.values() if preset.passes_on}


def _in_the_body(target: Target) -> tuple[str, ...]:
    said = target.extra_body.get("provider")
    # A search engine that is asked along, `:online` for short, is one more.
    if not isinstance(said, Mapping) or "plugins" in target.extra_body or target.model.endswith(":online"):
        return ()
    only = _names(said.get("only"))
    if only or said.get("allow_fallbacks") is not False:
        return only
    # Without fallbacks nobody outside of the order is asked.
    return _names(said.get("order"))


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        return ()
    return tuple(value)


def _in_the_model(model: str) -> tuple[str, ...]:
    _, colon, name = model.rpartition(":")
    return (name,) if colon and name and name not in HF_CHOICES else ()
