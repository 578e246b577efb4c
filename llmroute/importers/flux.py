"""Flux: its environment file, `FLUX_PROVIDER` and its kin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.importers.document import read_env
from llmroute.importers.draft import Place, model_text

if TYPE_CHECKING:
    from llmroute.importers.draft import Draft

VARIABLES = {
    "provider": "FLUX_PROVIDER",
    "model": "FLUX_MODEL",
    "max_tokens": "FLUX_MAX_TOKENS",
    "temperature": "FLUX_TEMPERATURE",
}
"""Flux's variables by setting."""
KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY")
MODELS = {"anthropic": "claude-3-5-sonnet-20240620", "openai": "gpt-4o"}
"""What Flux takes, and what it recommends, where no model is named."""
OTHERS = ("FLUX_REQUIRE_APPROVAL", "CHROMA_PERSIST_DIR", "FLUX_MAX_HISTORY")
DEFAULTS = {"max_tokens": 4096, "temperature": 0}


def convert(text: str, draft: Draft) -> None:
    """Fill the draft out of an environment file of Flux's."""
    document = read_env(text)
    file = Place(document, ())
    names = {setting: [variable] for setting, variable in VARIABLES.items()}
    draft.put(("env", "names"), names, "Flux's variables; what stands in the environment beats this file.")
    provider = file.at("FLUX_PROVIDER").text() or "anthropic"
    if provider not in MODELS:
        raise file.at("FLUX_PROVIDER").problem("names a provider that Flux does not have", "anthropic or openai")
    for name, usual in MODELS.items():
        draft.put(("providers", name, "model"), usual)
    for variable in KEYS:
        if file.at(variable).value:
            name = variable.partition("_")[0].lower()
            draft.note(("providers", name), f"{variable} stays where it is, and is not copied.")
    model = model_text(file.at("FLUX_MODEL"))
    draft.put(("defaults", "provider"), provider)
    if model is not None:
        draft.put(("defaults", "model"), model)
    elif provider == "openai":
        draft.note(("defaults", "provider"), "Without FLUX_MODEL Flux sends OpenAI the name of a Claude model.")
    for setting, number in DEFAULTS.items():
        draft.put(("defaults", setting), number)
        draft.number(("defaults", setting), file.at(VARIABLES[setting]))
    for name in OTHERS:
        if name in document.value:
            draft.leave(file.at(name), "it is not about models")
    draft.leave_others(file, (*VARIABLES.values(), *KEYS, *OTHERS), "it is not about models")
