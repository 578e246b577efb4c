"""Values that stand for many, as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.catalog.presets import PRESETS
from llmroute.proof.exploration.axes import ANY_MODEL, ANY_URLS
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from llmroute.routing.route import Target
    from llmroute.routing.spec import RoutingSpec

_WORDS = {
    **{url: f"<any {locality} URL>" for locality, url in ANY_URLS.items()},
    ANY_MODEL: "…any",
}


def shown(text: str) -> str:
    """A text with what stands for many said in words.

    >>> shown("LLMROUTE_MODEL=openai/any-model")
    'LLMROUTE_MODEL=openai/…any'
    """
    for value, words in _WORDS.items():
        text = text.replace(value, words)
    return text


def target_name(spec: RoutingSpec, target: Target) -> str:
    """`provider/model`, with the URL where that is not the one that the spec or the preset gives the provider."""
    if target.provider is None:
        return shown(f"{target.base_url} {target.model}")
    declared = spec.providers.get(target.provider)
    written = declared.base_url if declared is not None else None
    preset = PRESETS.get((declared.preset if declared is not None else None) or target.provider)
    own = written or (preset.base_url if preset is not None else "")
    at = "" if own and "$" not in own and str(parse(own)) == target.base_url else f" at {target.base_url}"
    return shown(f"{target.name}{at}")
