from datetime import UTC, datetime

import pytest

from llmroute.catalog.presets import PRESETS
from llmroute.catalog.prices import GENAI_PRICES_IDS, TokenCounts, _models, cost_usd

MILLION = 1_000_000
AT = datetime(2026, 11, 1, tzinfo=UTC)


def test_input_and_output_have_their_own_price() -> None:
    both = cost_usd("openai", "gpt-4o", TokenCounts(MILLION, MILLION), AT)
    assert both == pytest.approx(12.5)
    assert cost_usd("openai", "gpt-4o", TokenCounts(MILLION, 0), AT) == pytest.approx(2.5)


def test_cached_tokens_are_part_of_the_input() -> None:
    assert cost_usd("openai", "gpt-4o", TokenCounts(MILLION, 0, cache_read=MILLION), AT) == pytest.approx(1.25)


def test_a_written_cache_costs_more_than_input() -> None:
    plain = cost_usd("anthropic", "claude-sonnet-4-6", TokenCounts(MILLION, 0), AT)
    written = cost_usd("anthropic", "claude-sonnet-4-6", TokenCounts(MILLION, 0, cache_write=MILLION), AT)
    assert plain is not None
    assert written is not None
    assert written > plain


def test_the_time_of_the_call_counts() -> None:
    tokens = TokenCounts(MILLION, 0)
    before = cost_usd("anthropic", "claude-sonnet-4-6", tokens, datetime(2026, 3, 1, tzinfo=UTC))
    assert before != cost_usd("anthropic", "claude-sonnet-4-6", tokens, AT)


def test_no_tokens_cost_nothing() -> None:
    assert cost_usd("openai", "gpt-4o", TokenCounts(0, 0)) == 0.0


@pytest.mark.parametrize("preset", ["ollama", "lmstudio", "llamacpp", "vllm", "mock"])
def test_local_servers_are_free(preset: str) -> None:
    assert cost_usd(preset, "any/model:7b", TokenCounts(MILLION, MILLION)) == 0.0


@pytest.mark.parametrize(
    ("preset", "model"),
    [
        ("openai", "gpt-4o-of-tomorrow"),  # genai-prices would take it for gpt-4o
        ("openai", "tts-1"),  # priced by the character
        ("openai", ""),
        ("ollama", "gpt-oss:120b-cloud"),
        ("ollama", "kimi-k2:cloud"),
        ("azure-openai", "gpt-4o"),
        ("huggingface", "openai/gpt-oss-120b"),
        ("nobody", "gpt-4o"),
    ],
)
def test_an_unknown_price_is_none(preset: str, model: str) -> None:
    assert cost_usd(preset, model, TokenCounts(10, 10)) is None


@pytest.mark.parametrize("tokens", [TokenCounts(10, 0, cache_read=11), TokenCounts(10, 0, 6, 6), TokenCounts(-1, 0)])
def test_counts_that_contradict_each_other_have_no_price(tokens: TokenCounts) -> None:
    assert cost_usd("openai", "gpt-4o", tokens) is None


@pytest.mark.parametrize("preset", GENAI_PRICES_IDS)
def test_exact_names_agree_with_the_packages_own_rules(preset: str) -> None:
    assert preset in PRESETS
    provider, models = _models(GENAI_PRICES_IDS[preset])
    assert models
    sample = list(models.items())[:: max(1, len(models) // 50)]
    assert [name for name, info in sample if provider.find_model(name) is not info] == []
