"""What a call costs, from the prices in the package `genai-prices`.

That package matches model names by rules such as "starts with `gpt-4o`", and takes other vendors' prices where
one has none. Here only a name that it spells out counts: an invented price is worse than none. Loading it takes
longer than a whole `explain` (it brings pydantic and an HTTP client), so it is imported at the first price.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from llmroute.catalog.local_servers import LOCAL_SERVERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from genai_prices.types import MatchLogic, ModelInfo, Provider

GENAI_PRICES_IDS = {
    "anthropic": "anthropic",
    "baseten": "baseten",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "gemini": "google",
    "groq": "groq",
    "minimax": "minimax",
    "mistral": "mistral",
    "moonshot": "moonshotai",
    "novita": "novita",
    "openai": "openai",
    "openrouter": "openrouter",
    "ovhcloud": "ovhcloud",
    "perplexity": "perplexity",
    "together": "together",
    "xai": "x-ai",
    "zai": "zai",
}
"""Preset → its id in `genai-prices`. Vendors are left out whose models have names that users give (Azure) or
prices of the vendor behind them (Hugging Face), and the Chinese sites, which have prices of their own."""

_LOCAL = {preset.name: preset for preset in LOCAL_SERVERS}


class TokenCounts(NamedTuple):
    """The tokens of one call."""

    input: int
    """All input, cached tokens included."""
    output: int
    """All output, thinking included."""
    cache_read: int = 0
    """The part of `input` that was read from the vendor's cache."""
    cache_write: int = 0
    """The part of `input` that was written to it."""


def cost_usd(preset: str, model: str, tokens: TokenCounts, at: datetime | None = None) -> float | None:
    """The list price of one call in US dollars; None when it is not known for this exact model name.

    `preset` is the preset itself, at its own URL: a provider that only bears the name is not that vendor. A
    model on a local server costs nothing, unless its name says that the server forwards it to a cloud. `at` is
    the time of the call, for prices that changed; now when it is None. Counts that contradict each other (more
    cached than sent) have no price.
    """
    local = _LOCAL.get(preset)
    if local is not None:
        forwarded = model.endswith(local.quirks.get("cloud_model_suffixes", ()))
        return None if forwarded else 0.0
    if preset not in GENAI_PRICES_IDS:
        return None
    provider, models = _models(GENAI_PRICES_IDS[preset])
    info = models.get(model.lower())
    if info is None or min(tokens) < 0 or tokens.cache_read + tokens.cache_write > tokens.input:
        return None
    from genai_prices import Usage

    usage = Usage(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
    )
    price = info.calc_price(usage, provider, genai_request_timestamp=at)
    if (tokens.input and price.model_price.input_mtok is None) or (
        tokens.output and price.model_price.output_mtok is None
    ):
        return None  # the package counts a price that it does not have as 0
    return float(price.total_price)


@lru_cache(maxsize=len(GENAI_PRICES_IDS))
def _models(provider_id: str) -> tuple[Provider, dict[str, ModelInfo]]:
    """A vendor, and its models by every name that is spelled out, in lower case."""
    from genai_prices.data import providers

    provider = next(provider for provider in providers if provider.id == provider_id)
    names: dict[str, ModelInfo] = {}
    for info in provider.models:
        own_name = [info.id] if info.is_match(info.id) else []  # some ids are no names that the API takes
        for name in (*own_name, *_spelled_out(info.match)):
            names.setdefault(name.lower(), info)
    return provider, names


def _spelled_out(match: MatchLogic) -> Iterator[str]:
    """The names that a rule compares as a whole."""
    from genai_prices.types import ClauseEquals, ClauseOr

    if isinstance(match, ClauseEquals):
        yield match.equals
    elif isinstance(match, ClauseOr):
        for clause in match.or_:
            yield from _spelled_out(clause)
