"""Hive's `~/.hive/configuration.json`: `llm`, `worker_llm` and `vision_fallback`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.catalog.presets import PRESETS
from llmroute.importers.document import read_json
from llmroute.importers.draft import Place, escaped, provider_name, variable_name, vendor_variable

if TYPE_CHECKING:
    from llmroute.importers.draft import Draft

NAMES = {
    "google": "gemini",
    "together_ai": "together",
    "kimi": "moonshot",
    "fireworks_ai": "fireworks",
    "nvidia_nim": "nvidia",
    "lm_studio": "lmstudio",
    "hosted_vllm": "vllm",
}
"""Providers whose name in LiteLLM, which Hive calls by, is not that of the preset."""
USUAL = "anthropic/claude-sonnet-4-20250514"
MAX_TOKENS, NUM_CTX = 8192, 16_384
"""What Hive takes where nothing is said."""
HIVE = "https://api.adenhq.com"
"""Hive's own router."""
SECTIONS = {"llm": "queen", "worker_llm": "worker", "vision_fallback": "vision"}
"""The sections about models, and the agents that they speak of."""
SUBSCRIPTIONS = (
    "use_claude_code_subscription",
    "use_codex_subscription",
    "use_kimi_code_subscription",
    "use_antigravity_subscription",
)
_KNOWN = (
    *("provider", "model", "max_tokens", "max_context_tokens", "num_ctx"),
    *("api_key_env_var", "api_base", "api_keys", *SUBSCRIPTIONS),
)


def convert(text: str, draft: Draft) -> None:
    """Fill the draft out of a configuration of Hive's."""
    file = Place(read_json(text, draft.source), ())
    providers = _Providers(draft)
    for section, agent in SECTIONS.items():
        settings = file.at(section)
        settings.names()
        reference = providers.reference(settings)
        draft.put(("agents", agent), {})
        if section == "llm":
            draft.put(("defaults", "model"), reference or USUAL)
            draft.put(("defaults", "max_tokens"), MAX_TOKENS)
            draft.number(("defaults", "max_tokens"), settings.at("max_tokens"))
        elif reference is not None:
            draft.put(("agents", agent, "model"), reference)
            draft.number(("agents", agent, "max_tokens"), settings.at("max_tokens"))
        if section == "vision_fallback" and reference is not None:
            draft.put(("agents", agent, "require"), {"vision": True, "warn": True})
        draft.leave_others(settings, _KNOWN)
    draft.leave_others(file, tuple(SECTIONS), "it is not about models")


class _Providers:
    """The providers of all sections; the same one at another URL or with another key gets a name of its own."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.names: dict[tuple[str, str | None, str | None], str] = {}

    def reference(self, settings: Place) -> str | None:
        """`provider/model` of a section; None where it names none that can be reached."""
        for row in SUBSCRIPTIONS:
            if settings.at(row).value:
                self.draft.leave(settings.at(row), "the tokens of subscriptions are not read: use a key of the API")
        given, model = settings.at("provider").text(), settings.at("model").text()
        if given is None or model is None:
            return None
        name = NAMES.get(given.lower(), given.lower())
        model = model.removeprefix("openrouter/") if name == "openrouter" else model
        url = settings.at("api_base").url() or (HIVE if name == "hive" else None)
        if name not in PRESETS and url is None:
            self.draft.leave(settings.at("provider"), "no preset has that name: write its base_url under providers")
            return None
        provider = self._provider(settings, name, None if _is_home(name, url) else url)
        return f"{provider}/{escaped(model)}" if model else None

    def _provider(self, settings: Place, name: str, url: str | None) -> str:
        variable = variable_name(settings.at("api_key_env_var"))
        if settings.at("api_keys").value:
            self.draft.leave(settings.at("api_keys"), "of a pool of keys one is used, and none is copied")
            variable = variable or vendor_variable(name)
        if url is None and variable == vendor_variable(name):
            variable = None
        identity = (name, url, variable)
        if identity not in self.names:
            self.names[identity] = self._written(settings, identity)
        elif settings.at("max_context_tokens").value is not None or settings.at("num_ctx").value is not None:
            self._window(settings, self.names[identity], name, again=True)
        return self.names[identity]

    def _written(self, settings: Place, identity: tuple[str, str | None, str | None]) -> str:
        name, url, variable = identity
        base = provider_name(name)
        taken = self.names.values()
        provider = base if base not in taken else next(f"{base}-{n}" for n in range(2, 9) if f"{base}-{n}" not in taken)
        path = ("providers", provider)
        self.draft.put(path, {})
        if name in PRESETS and provider != name:
            self.draft.put((*path, "preset"), name)
        if url is not None:
            self.draft.put((*path, "base_url"), url)
        if name == "hive":
            self.draft.put((*path, "api"), "anthropic-messages")
        if variable is not None:
            self.draft.key_variable((*path, "api_key"), settings.at("api_key_env_var"), f"${{{variable}}}", url=url)
        self._window(settings, provider, name)
        return provider

    def _window(self, settings: Place, provider: str, name: str, *, again: bool = False) -> None:
        """The context window: declared, and for an Ollama asked for."""
        path = ("providers", provider)
        if again:
            for row in ("max_context_tokens", "num_ctx"):
                if settings.at(row).value is not None:
                    self.draft.leave(
                        settings.at(row), f"it holds for a provider; that of {provider} is written already"
                    )
            return
        if settings.at("max_context_tokens").value is not None:
            self.draft.number((*path, "capabilities", "context_window"), settings.at("max_context_tokens"))
        if name == "ollama":
            size = settings.at("num_ctx").value
            usable = isinstance(size, int) and not isinstance(size, bool) and 0 < size < 2**31
            self.draft.put((*path, "api"), "ollama-chat", "Ollama's own API: its /v1 can't be told of a window.")
            self.draft.put((*path, "extra_body"), {"options": {"num_ctx": size if usable else NUM_CTX}})
        elif settings.at("num_ctx").value is not None:
            self.draft.leave(settings.at("num_ctx"), "only an Ollama is told of it")


def _is_home(name: str, url: str | None) -> bool:
    preset = PRESETS.get(name)
    return url is not None and preset is not None and preset.base_url.rstrip("/") == url.rstrip("/")
