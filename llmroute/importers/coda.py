"""Coda's `~/.config/coda/config.toml`: the default provider, and a section for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.catalog.presets import PRESETS
from llmroute.importers.coda_oracle import KNOWN as ORACLE
from llmroute.importers.coda_oracle import put_oracle
from llmroute.importers.document import read_toml
from llmroute.importers.draft import Place, model_text, provider_name, vendor_variable

if TYPE_CHECKING:
    from llmroute.importers.draft import Draft

MODELS = {"ollama": "llama3.2:3b", "mock": "mock-echo", "litellm": "gpt-4"}
"""The models that Coda takes where a section names none."""
VENDORS = {"gpt": "openai", "o1": "openai", "o3": "openai", "o4": "openai", "claude": "anthropic", "gemini": "gemini"}
"""Whose model LiteLLM takes a name without a vendor for, by its beginning."""
NAMES = {"together_ai": "together", "fireworks_ai": "fireworks", "nvidia_nim": "nvidia", "google": "gemini"}
PARAMETERS = ("temperature", "max_tokens", "top_p", "timeout", "max_retries")
GENERAL = ("temperature", "max_tokens")
"""Those that also stand outside of the sections."""
_URLS = ("base_url", "api_base", "host")
_KNOWN = ("enabled", "default_model", "model", "api_key", *_URLS, *PARAMETERS)
ANY = "litellm"
"""In place of a preset: LiteLLM reaches it."""


def convert(text: str, draft: Draft) -> None:
    """Fill the draft out of a configuration of Coda's."""
    file = Place(read_toml(text), ())
    draft.put(("env", "names"), {"provider": ["CODA_DEFAULT_PROVIDER"]}, "Coda's variable, which beats this file.")
    chosen = file.at("default_provider").text() or "mock"
    sections = file.at("providers")
    names = {name: _section(sections.at(name), name, draft) for name in sections.names()}
    if chosen not in names:
        names[chosen] = _section(Place(file.document, ("providers", chosen)), chosen, draft)
    provider = names[chosen]
    if provider is not None:
        draft.put(("defaults", "provider"), provider)
    else:
        draft.leave(
            file.at("default_provider"), "that provider was not carried over, so no other is chosen in its place"
        )
    for name in GENERAL:
        _general(name, file.at(name), draft)
    draft.leave_others(file, ("default_provider", "providers", *GENERAL), "it is not about models")


def _general(name: str, place: Place, draft: Draft) -> None:
    """A parameter of all providers. Those of a section beat it at Coda, and lose to `defaults:` here."""
    draft.number(("defaults", name), place)
    sections = draft.spec.get("providers", {}).values()
    if name in draft.spec.get("defaults", {}) and any(name in section for section in sections):
        value = draft.spec["defaults"].pop(name)
        for section in sections:
            section.setdefault(name, value)


def _section(section: Place, name: str, draft: Draft) -> str | None:
    """Write the provider of a section, and give its name; None where it can't be written."""
    section.names()
    url = next((found for row in _URLS if (found := section.at(row).url()) is not None), None)
    model = model_text(section.at("default_model")) or model_text(section.at("model")) or MODELS.get(name)
    preset = NAMES.get(name, name)
    if name == "litellm":
        preset, model = _of_litellm(model or "", url)
    oracle = name.startswith("oci")
    if preset not in (*PRESETS, ANY) and url is None and not oracle:
        draft.leave(section, "no preset has that name, and it has no URL")
        return None
    provider = _free(provider_name(name), draft)
    path = ("providers", provider)
    draft.put(path, {})
    if oracle:
        put_oracle(path, section, url, draft)
    else:
        _reach(section, preset, url, provider, draft)
    draft.put(
        (*path, "model"),
        model or "${CODA_MODEL}",
        "" if model else "No model is named: set CODA_MODEL.",
    )
    for parameter in PARAMETERS:
        draft.number((*path, parameter), section.at(parameter))
    if section.at("enabled").value is False:
        draft.note(path, "It was switched off: nothing asks it unless a scope names it.")
    draft.leave_others(section, (*_KNOWN, *ORACLE) if oracle else _KNOWN)
    return provider


def _reach(section: Place, preset: str, url: str | None, provider: str, draft: Draft) -> None:
    """URL, API and key."""
    path = ("providers", provider)
    if preset in PRESETS and preset != provider:
        draft.put((*path, "preset"), preset)
    if preset == "mock":
        for row in (*_URLS, "api_key"):
            if section.at(row).value:
                draft.leave(section.at(row), "the mock has no server")
        return
    if url is not None:
        draft.put((*path, "base_url"), url)
    if preset == "ollama":
        draft.put((*path, "api"), "ollama-chat", "Ollama's own API, as Coda speaks it.")
    if preset == ANY:
        draft.put((*path, "api"), ANY, "Needs the extra litellm: pip install 'llmroute[litellm]'")
    draft.key(
        (*path, "api_key"), section.at("api_key"), vendor_variable(preset if preset in PRESETS else provider), url=url
    )
    if preset == ANY and "api_key" not in draft.spec["providers"][provider]:
        draft.put((*path, "auth"), "none", "LiteLLM looks for the key in the environment, as it did for Coda.")


def _of_litellm(model: str, url: str | None) -> tuple[str, str]:
    """The preset and the model that LiteLLM's name of a model means; whom no preset stands for, LiteLLM reaches."""
    vendor, slash, rest = model.partition("/")
    if url is not None:
        # A bare name means OpenAI's API, which is that of LiteLLM's own proxy.
        return (ANY if slash else ""), model
    vendor = NAMES.get(vendor, vendor)
    if slash and vendor in PRESETS:
        return vendor, rest
    found = next((name for start, name in VENDORS.items() if model.lower().startswith(start)), ANY)
    return (ANY if slash else found), model


def _free(name: str, draft: Draft) -> str:
    taken = draft.spec.get("providers", {})
    return name if name not in taken else next(f"{name}-{n}" for n in range(2, 1000) if f"{name}-{n}" not in taken)
