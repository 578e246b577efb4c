import pytest

from llmroute.catalog.models import Capabilities, capabilities
from llmroute.catalog.models_data import MODELS
from llmroute.catalog.presets import PRESETS


def test_a_known_model() -> None:
    assert capabilities("openai", "gpt-4o") == Capabilities(
        context_window=128_000, max_output=16_384, tools=True, vision=True, json_schema=True, thinking=False
    )


def test_what_the_source_does_not_say_is_none() -> None:
    model = capabilities("anthropic", "claude-sonnet-4-6")
    assert model is not None
    assert model.json_schema is None
    assert model.thinking is True


@pytest.mark.parametrize(
    ("preset", "model"),
    [
        ("openai", "gpt-4"[:-1]),
        ("openai", "gpt-4o-2099-01-01"),
        ("openai", "GPT-4o"),
        ("openai", "claude-sonnet-4-6"),
        ("openai", ""),
        ("openai", "gpt-4o 128000"),
        ("openai", "gpt-4o 128000 16384 tvj\ngpt-4o-2024-05-13"),
        ("openai", " gpt-4o"),
        ("nobody", "gpt-4o"),
        ("azure-openai", "gpt-4o"),
        ("ollama", "llama3.1:8b"),
    ],
)
def test_nothing_is_guessed(preset: str, model: str) -> None:
    assert capabilities(preset, model) is None


@pytest.mark.parametrize("preset", MODELS)
def test_every_row_of_a_preset_reads(preset: str) -> None:
    assert preset in PRESETS
    names = [line.split(" ")[0] for line in MODELS[preset].strip().split("\n")]
    assert len(names) == len(set(names))
    for name in names:
        found = capabilities(preset, name)
        assert found is not None, name
        for limit in (found.context_window, found.max_output):
            assert limit is None or limit > 0
