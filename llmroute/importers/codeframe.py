"""CodeFrame's `.codeframe/config.yaml`: its block `llm:`; what stands beside that is not about models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.importers.document import read_yaml
from llmroute.importers.draft import Place, model_text, vendor_variable

if TYPE_CHECKING:
    from llmroute.importers.draft import Draft

PURPOSES = ("planning", "execution", "generation", "correction", "supervision")
MODELS = {purpose: "claude-haiku-4-5" if purpose == "generation" else "claude-sonnet-4-5" for purpose in PURPOSES}
"""What CodeFrame takes with Anthropic where nothing else is said."""
URLS = {
    "anthropic": None,
    "openai": None,
    "ollama": "${OPENAI_BASE_URL:-http://localhost:11434/v1}",
    "vllm": "${OPENAI_BASE_URL:-http://localhost:8000/v1}",
    "compatible": "${OPENAI_BASE_URL}",
    "mock": None,
}
"""The provider types, with the URL of those that are no vendor's."""
_KNOWN = ("provider", "model", "base_url", "api_key", *(f"{purpose}_model" for purpose in PURPOSES))
_MAX_TOKENS = 4096


def convert(text: str, draft: Draft) -> None:
    """Fill the draft out of a file of CodeFrame's."""
    document = read_yaml(text, draft.source)
    llm = Place(document, ("llm",))
    llm.names()
    draft.put(("env", "names"), _names(), "CodeFrame's variables.")
    provider = llm.at("provider").text() or "anthropic"
    if provider not in URLS:
        hint = f"CodeFrame knows {', '.join(URLS)}"
        raise llm.at("provider").problem(f"names a provider type that CodeFrame does not have: {provider!r}", hint)
    _providers(llm, provider, draft)
    _models(llm, provider, draft)
    draft.leave_others(llm, _KNOWN)


def _names() -> dict[str, list[str]]:
    models = {f"model.{purpose}": [f"CODEFRAME_{purpose.upper()}_MODEL"] for purpose in PURPOSES}
    return {"provider": ["CODEFRAME_LLM_PROVIDER"], "model": ["CODEFRAME_LLM_MODEL"], **models}


def _providers(llm: Place, chosen: str, draft: Draft) -> None:
    """All types, since a variable or a flag may choose another than the file does."""
    for name, url in URLS.items():
        draft.put(("providers", name), {})
        if url is not None:
            draft.put(("providers", name, "base_url"), url)
    draft.put(("providers", "openai", "model"), "gpt-4o")
    draft.put(("providers", "compatible", "api_key"), "${OPENAI_API_KEY:-}")
    draft.put(("providers", "mock"), {"model": "mock", "extra_body": {"reply": "Mock response"}})
    url = llm.at("base_url").url()
    if url is not None and chosen != "mock":
        draft.put(("providers", chosen, "base_url"), url)
        if chosen != "compatible":
            draft.note(("providers", chosen, "base_url"), "No vendor's key goes to this URL by itself.")
    elif url is not None:
        draft.leave(llm.at("base_url"), "the mock has no server")
    if chosen in {"ollama", "mock"} and llm.at("api_key").value:
        draft.leave(llm.at("api_key"), f"{chosen} takes no key")
    else:
        variable = vendor_variable(chosen) if url is None else "CODEFRAME_LLM_API_KEY"
        draft.key(("providers", chosen, "api_key"), llm.at("api_key"), variable, url=url)


def _models(llm: Place, provider: str, draft: Draft) -> None:
    """The model for all purposes, and those of single ones; with Anthropic alone each purpose has its own."""
    model = model_text(llm.at("model"))
    note = ""
    if model is None and provider != "mock":
        model = "claude-sonnet-4-5" if provider == "anthropic" else "gpt-4o"
        if provider not in {"anthropic", "openai"}:
            note = "The model that CodeFrame asks for where none is named; a local server hardly has it."
    draft.put(("defaults", "provider"), provider)
    if model is not None:
        draft.put(("defaults", "model"), model, note)
    draft.put(("defaults", "max_tokens"), _MAX_TOKENS)
    draft.put(("defaults", "temperature"), 0)
    for purpose in PURPOSES:
        own = model_text(llm.at(f"{purpose}_model"))
        if own is None and provider == "anthropic" and llm.at("model").text() is None:
            own = MODELS[purpose]
        draft.put(("purposes", purpose), {})
        if own is not None:
            # A name with a slash in it could be taken for a provider and its model.
            draft.put(("purposes", purpose, "model"), f"{provider}/{own}" if "/" in own else own)
