"""Codebuff: its environment file, or agent definitions and options of the client as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.catalog.presets import PRESETS
from llmroute.importers.document import read_env, read_json
from llmroute.importers.draft import Place, escaped, provider_name

if TYPE_CHECKING:
    from llmroute.importers.draft import Draft

BACKEND = "codebuff"
MODEL = "claude-sonnet-4.6"
"""The cloud model of whoever names none."""
URL, KEY, CHOSEN = "CODEBUFF_BASE_URL", "CODEBUFF_PROVIDER_API_KEY", "CODEBUFF_PROVIDER_MODEL"
OLDER = "CODEBUFF_LOCAL_MODEL"
LOCAL = "local"
"""The name of the client's or the environment file's own server."""
_ROUTING = "it is routing of OpenRouter's: write it as extra_body beside `provider: codebuff`, which then nothing moves"
_AGENT = ("id", "model", "providerOptions", "reasoningOptions", "toolNames")
_CLIENT = ("providerBaseUrl", "providerApiKey", "apiKey", "agentDefinitions", "agents")
_TYPESCRIPT = "agent definitions in TypeScript are read as JSON: print them with JSON.stringify"
_EFFORTS = ("none", "minimal", "low", "medium", "high")


def convert(text: str, draft: Draft) -> None:
    """Fill the draft out of a file of Codebuff's."""
    draft.put(
        ("env", "names"),
        {"base_url": [URL], "api_key": [KEY], "model": [CHOSEN]},
        "Codebuff's variables, which beat this file.",
    )
    draft.put(("providers", BACKEND, "base_url"), "https://www.codebuff.com/api/v1")
    draft.put(("providers", BACKEND, "api_key"), "${CODEBUFF_API_KEY}")
    draft.put(("defaults", "provider"), BACKEND)
    draft.put(("defaults", "model"), _cloud_model(f"anthropic/{MODEL}", draft))
    if text.lstrip()[:1] in {"{", "["}:
        _from_json(text, draft)
    else:
        _from_env(text, draft)
    others = {"model": draft.spec["defaults"]["model"]} if "model" in draft.spec["defaults"] else {}
    draft.spec.setdefault("agents", {}).setdefault("*", others)


def _from_env(text: str, draft: Draft) -> None:
    file = Place(read_env(text, _TYPESCRIPT), ())
    _own_server(file.at(URL), file.at(KEY), file.at(CHOSEN) if file.at(CHOSEN).value else file.at(OLDER), draft)
    if file.at("CODEBUFF_API_KEY").value:
        draft.note(("providers", BACKEND, "api_key"), "CODEBUFF_API_KEY stays where it is, and is not copied.")
    if file.at("CODEBUFF_BYOK_OPENROUTER").value:
        draft.leave(
            file.at("CODEBUFF_BYOK_OPENROUTER"),
            'write headers: {x-openrouter-api-key: "${CODEBUFF_BYOK_OPENROUTER}"} under providers.codebuff',
        )
    known = (URL, KEY, CHOSEN, OLDER, "CODEBUFF_API_KEY", "CODEBUFF_BYOK_OPENROUTER")
    draft.leave_others(file, known, "it is not about where models are")


def _own_server(url: Place, key: Place, model: Place, draft: Draft) -> None:
    """The server of the environment or the client, which takes what no agent has claimed."""
    place = url.url()
    if place is None:
        for row, what in ((key, "key"), (model, "model")):
            if row.value:
                draft.leave(row, f"a {what} without a URL beside it goes nowhere")
        return
    draft.put(("providers", LOCAL, "base_url"), place)
    # Not under Codebuff's own name: a key of the environment that stands beside no URL there is an error.
    draft.key(("providers", LOCAL, "api_key"), key, "CODEBUFF_LOCAL_API_KEY", url=place)
    name = model.text()
    note = "" if name else f"No model is named beside the URL: set {CHOSEN}, or write it here."
    draft.put(("providers", LOCAL, "model"), escaped(name) if name else f"${{{CHOSEN}}}", note)
    draft.put(("defaults", "provider"), LOCAL)
    del draft.spec["defaults"]["model"]


def _from_json(text: str, draft: Draft) -> None:
    wrapped = f'{{"agents": {text}}}' if text.lstrip().startswith("[") else text
    document = read_json(wrapped, draft.source)
    file = Place(document, ())
    if "id" in document.value:
        _agent(file, draft)
        return
    missing = Place(document, ("providerModel",))
    _own_server(file.at("providerBaseUrl"), file.at("providerApiKey"), missing, draft)
    if file.at("apiKey").value:
        draft.note(("providers", BACKEND, "api_key"), "The client's apiKey is not copied: set CODEBUFF_API_KEY.")
    for group in ("agentDefinitions", "agents"):
        listed = file.at(group)
        if listed.value is not None and not isinstance(listed.value, list):
            raise listed.problem("is no list of agent definitions")
        for index in range(len(listed.value or ())):
            _agent(listed.at(index), draft)
    draft.leave_others(file, _CLIENT, "it is not about where models are")


def _agent(agent: Place, draft: Draft) -> None:
    agent.names()
    name = agent.at("id").named()
    if name is None:
        raise agent.problem("is an agent without an id")
    if name in draft.spec.get("agents", {}):
        raise agent.at("id").problem("stands here a second time")
    path = ("agents", name)
    draft.put(path, {})
    options, model = agent.at("providerOptions"), agent.at("model").text()
    options.names()
    url = options.at("baseUrl").url()
    if url is not None:
        _own_endpoint(agent, url, draft)
    elif model is not None:
        draft.put((*path, "model"), _cloud_model(model, draft))
    if url is None and options.at("apiKey").value:
        draft.leave(options.at("apiKey"), "a key without a baseUrl goes nowhere")
    draft.leave_others(options, ("baseUrl", "apiKey"), _ROUTING)
    _reasoning(agent.at("reasoningOptions"), path, draft)
    if isinstance(agent.at("toolNames").value, list) and agent.at("toolNames").value:
        draft.note(path, "It calls tools: `require: {tools: true}` would refuse models that don't know them.")
    draft.leave_others(agent, _AGENT, "it is the program's own")


def _own_endpoint(agent: Place, url: str, draft: Draft) -> None:
    """An agent's own server; beside a URL alone a model such as `openai/gpt-oss-20b` would name a provider."""
    path: tuple[str, ...] = ("agents", str(agent.at("id").text()))
    key = agent.at("providerOptions", "apiKey")
    model = agent.at("model").text()
    if model is None:
        raise agent.problem("has a baseUrl and no model")
    variable = f"{provider_name(path[1]).upper().replace('-', '_').replace('.', '_')}_API_KEY"
    variable = variable if variable[0].isalpha() else f"AGENT_{variable}"
    if model.partition("/")[0] in {*PRESETS, BACKEND, LOCAL} and "/" in model:
        provider = f"of-{provider_name(path[1])}"
        draft.put((*path, "provider"), provider)
        path = ("providers", provider)
    draft.put((*path, "base_url"), url)
    draft.key((*path, "api_key"), key, variable, url=url)
    draft.put((*path, "model"), escaped(model))
    draft.put((*path, "max_retries"), 1)


def _cloud_model(model: str, draft: Draft) -> str:
    """A cloud model under a name without its vendor; the backend gets it in full."""
    short = model.rpartition("/")[2] or model.replace("/", "-")
    aliases: dict[str, Any] = draft.spec["providers"][BACKEND].setdefault("aliases", {})
    if "/" not in model:
        return escaped(model)
    if aliases.setdefault(short, model) != model:
        short = model.replace("/", "-")
        aliases[short] = model
    return escaped(short)


def _reasoning(options: Place, path: tuple[str, ...], draft: Draft) -> None:
    for name in options.names():
        row = options.at(name)
        if name == "effort" and row.value in _EFFORTS:
            draft.put((*path, "reasoning_effort"), row.value)
        elif name == "effort":
            draft.leave(row, f"an effort is one of {', '.join(_EFFORTS)}")
        elif name == "max_tokens":
            draft.leave(row, "the program passes thinking_budget= with the call")
        elif name == "exclude":
            draft.leave(row, "the program passes over the events of thoughts")
        elif not (name == "enabled" and row.value is True):
            draft.leave(row, "no setting that is known of it")
