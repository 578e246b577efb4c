"""Small random worlds: a document, a query and an environment, in which things collide.

The alphabets are tiny on purpose. Most URLs are equal to, or share an origin with, another one in some spelling;
most models exist at several providers, as an alias, or as the text of a reference; few scopes are silent. Every
document is valid under the schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    Draw = Callable[[st.SearchStrategy[Any]], Any]


class World(NamedTuple):
    """What `resolve` is asked."""

    document: dict[str, Any]
    query: dict[str, Any]
    environ: dict[str, str]


DECLARED = ("ollama", "openai", "anthropic", "box", "work")
"""Three presets, a provider with its own URL, and one that takes its facts from a preset."""
PROVIDERS = ("ollama", "box", "openai", "anthropic", "lmstudio", "nowhere")
URLS = (
    "http://localhost:11434/v1",
    "http://LOCALHOST:11434/v1/",
    "http://127.0.0.1:8080/v1",
    "http://10.0.0.5:8000/v1",
    "http://10.0.0.5:8000/other",
    "https://api.openai.com/v1",
    "https://API.openai.com:443",
    "https://relay.example/v1",
    "${URL_A:-http://10.0.0.5:8000/v1}",
    "${URL_A}",
)
BARE = ("m1", "m2", "m3:cloud")
MODELS = (
    *BARE,
    *BARE,
    "ollama/m1",
    "openai/m2",
    "anthropic/m1",
    "box/m1",
    "nobody/m1",
    "${MODEL_A:-m2}",
    "${MODEL_A}",
)
KEYS = ("${KEY_A}", "${KEY_B}", "${KEY_A:-spare}", "${KEY_A:-}", "literal")
APIS = ("openai-chat", "anthropic-messages")
LOCALITIES = ("local", "lan", "remote")
_some_purpose = st.sampled_from(["plan", "plan", "do", "*"])

_PARAMS = {
    "temperature": (0, 0.0, 0.5),
    "top_p": (0, 1.0),
    "max_tokens": (1, 64),
    "timeout": (1, 2.5),
    "max_retries": (0, 3),
    "seed": (0, 7),
    "on_unsupported": ("warn", "error"),
}
_param = st.sampled_from([{}, *({name: value} for name, values in _PARAMS.items() for value in values)])
_provider = st.sampled_from([*PROVIDERS[:2] * 5, *PROVIDERS[:4] * 3, *PROVIDERS])
_model, _key, _api, _locality = (st.sampled_from(each) for each in (MODELS, KEYS, APIS, LOCALITIES))
_url = st.sampled_from(URLS)
_maybe = st.sampled_from([False, False, True])
_often = st.sampled_from([True, True, False])
_rarely = st.sampled_from([*[False] * 11, True])
_seldom = st.sampled_from([False, False, False, False, False, True])
_SHAPES = [
    *[(), ("model",)] * 2,
    *[("provider", "model"), ("base_url", "model")] * 2,
    *[("provider",), ("base_url",), ("provider", "base_url"), ("provider", "base_url", "model")],
]
_shape = st.sampled_from(_SHAPES)
# Agents and clients mostly leave the endpoint to weaker scopes: else these would seldom be looked at.
_quiet_shape = st.sampled_from([*_SHAPES, *[(), ("model",), ("model",)] * 4])
_selecting = st.sampled_from([("provider",), ("provider", "model"), ("provider", "model"), ("base_url", "model"), ()])
_alphabet = {"provider": _provider, "base_url": _url, "model": _model}


def endpoint(draw: Draw, shape: tuple[str, ...]) -> dict[str, Any]:
    """Settings of an endpoint; a key may be an orphan, an API stands beside a URL or provider only."""
    says = {name: draw(_alphabet[name]) for name in shape}
    if draw(_maybe if "provider" in shape or "base_url" in shape else _rarely):
        says["api_key"] = draw(_key)
    if ("provider" in shape or "base_url" in shape) and draw(_seldom):
        says["api"] = draw(_api)
    return says


_entry_shape = st.sampled_from(
    [
        *("openai/m2", "ollama/m1", "box/m1", "anthropic", "box", "lmstudio", "nowhere/m1"),
        *(("provider",), ("provider", "model"), ("provider", "base_url", "model"), ("base_url", "model")),
        *(("model",), ("base_url",)),
    ]
)
_length = st.sampled_from([0, 1, 1, 2])


def entry(draw: Draw) -> str | dict[str, Any]:
    """An entry of a list of fallbacks."""
    shape = draw(_entry_shape)
    return shape if isinstance(shape, str) else endpoint(draw, shape) | draw(_param)


def chain(draw: Draw) -> dict[str, Any]:
    """Fallbacks, with or without the opt-in."""
    if draw(st.booleans()):
        return {}
    entries = [entry(draw) for _ in range(draw(_length))]
    return {"fallbacks": entries} | ({"allow_remote_fallback": True} if draw(st.booleans()) else {})


def scope(draw: Draw, shape: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Settings of one scope."""
    says: dict[str, Any] = endpoint(draw, draw(_shape) if shape is None else shape) | draw(_param) | chain(draw)
    if draw(_rarely):
        says["require"] = {"locality": draw(_locality)}
    return says


def named_scope(draw: Draw) -> dict[str, Any]:
    """An agent or a client, with settings for single purposes."""
    says = scope(draw, draw(_quiet_shape))
    if draw(st.booleans()):
        says["purposes"] = {draw(_some_purpose): scope(draw, draw(_quiet_shape))}
    return says


_aliases = st.sampled_from([{"m1": "m2"}, {"m1": "m2", "m2": "m9"}, {"m2": "m3:cloud"}])  # never a circle
_closed = st.sampled_from([["m1"], ["m2", "m9"]])
_of_a_provider = (
    ("api_key", _maybe, _key),
    ("model", _often, _model),
    ("purposes", _maybe, st.builds(lambda purpose, model: {purpose: {"model": model}}, _some_purpose, _model)),
    ("aliases", _maybe, _aliases),
    ("models", _rarely, _closed),
    ("locality", _seldom, _locality),
    ("api", _seldom, _api),
)


def provider(draw: Draw, name: str) -> dict[str, Any]:
    """A declared provider; what is no preset has a URL."""
    says: dict[str, Any] = dict(draw(_param))
    if name == "work":
        says["preset"] = "openai"
    if name == "box":
        says["base_url"] = "http://10.0.0.5:8000/v1"
    elif draw(_seldom):
        says["base_url"] = draw(_url)
    says |= {setting: draw(values) for setting, often, values in _of_a_provider if draw(often)}
    return says | (chain(draw) if draw(_seldom) else {})


_env_values = {
    "PROVIDER": st.sampled_from(["openai", "ollama", " ollama ", "box", "nowhere", " "]),
    "MODEL": st.sampled_from([*BARE, "openai/m1", "box/m2", ""]),
    "BASE_URL": st.sampled_from([*URLS[:-2], "\t", "localhost:1"]),
    "API_KEY": st.sampled_from(["env-key", " "]),
    "API": st.sampled_from(APIS),
    "TEMPERATURE": st.sampled_from(["0", "0.5", "1", "", "warm"]),
    "MAX_TOKENS": st.sampled_from(["64", "many"]),
    "MAX_RETRIES": st.sampled_from(["0"]),
}
_vendors = {
    "OPENAI_API_KEY": st.sampled_from(["openai-key", " "]),
    "OPENAI_BASE_URL": st.sampled_from(["http://127.0.0.1:8080/v1/", "https://relay.example/v1", ""]),
    "ANTHROPIC_API_KEY": st.just("anthropic-key"),
    "ANTHROPIC_BASE_URL": st.sampled_from(["http://10.0.0.5:8000/v1", "nonsense"]),
    "OLLAMA_HOST": st.sampled_from(["10.0.0.5:11434", "http://127.0.0.1:8080"]),
    "KEY_A": st.sampled_from(["key-a", ""]),
    "KEY_B": st.just("key-b"),
    "URL_A": st.sampled_from(["https://relay.example/v1", "http://localhost:11434/v1", "nonsense", " "]),
    "MODEL_A": st.sampled_from(["m1", "openai/m1", ""]),
}
_ours = {
    f"{prefix}{setting}{suffix}": values
    for setting, values in _env_values.items()
    for prefix, suffix in (("LLMROUTE_", ""), ("LLMROUTE_", "__PLAN"), ("APP_", ""))
} | {
    "OUR_MODEL": st.sampled_from(["m1", "ollama/m2"]),
    "OUR_PLAN_MODEL": st.just("m2"),
    "OUR_URL": st.sampled_from(URLS[:4]),
}
_some_of_ours = st.lists(st.sampled_from(sorted(_ours)), max_size=4, unique=True)
_some_of_theirs = st.lists(st.sampled_from(sorted(_vendors)), max_size=5, unique=True)
_env_section = st.sampled_from(
    [
        *({}, {}, {}, {"env": {"prefix": "APP_"}}),
        {"env": {"names": {"model": ["OUR_MODEL"], "model.plan": ["OUR_PLAN_MODEL"], "base_url": ["OUR_URL"]}}},
    ]
)
_labels = st.sampled_from([["eu"], ["eu", "us"], ["us"]])
_names = {
    "agents": st.sampled_from([["a"], ["*"], ["?"], ["b*", "A"]]),
    "purposes": st.sampled_from([["plan"], ["do"], ["*-one"], ["*"]]),
    "clients": st.sampled_from([["c"], ["d*"], ["*"]]),
}
_required = {
    "locality": _locality,
    "providers": st.sampled_from([["openai"], ["box", "oll*"], ["*"], ["Anthropic", "work"]]),
    "apis": st.sampled_from([["openai-chat"], ["anthropic-messages", "ollama-chat"]]),
    "regions": _labels,
}
_denied = {
    "providers": st.sampled_from([["openai"], ["o*"], ["anthropic", "work"]]),
    "models": st.sampled_from([["m1"], ["*:cloud"], ["openai/*"], ["M?"]]),
    "hosts": st.sampled_from([["api.openai.com"], ["*.example"], ["10.*"], ["localhost", "127.0.0.1"]]),
    "localities": st.sampled_from([["remote"], ["lan"], ["local", "lan"]]),
}


@st.composite
def policies(draw: Draw) -> list[dict[str, Any]]:
    """One or two policies; most speak of the query, and most leave something of the chain."""
    made = []
    for number in range(draw(st.sampled_from([1, 1, 2]))):
        policy: dict[str, Any] = {"name": f"policy-{number}"}
        policy |= {name: draw(globs) for name, globs in _names.items() if draw(_seldom)}
        for key, values in (("require", _required), ("deny", _denied)):
            if draw(st.booleans()):
                name = draw(st.sampled_from(sorted(values)))
                policy[key] = {name: draw(values[name])}
        made.append(policy | ({"warn": True} if draw(_rarely) else {}))
    return made


_args = st.sampled_from(
    [*[()] * 6, ("model",), ("provider",), ("base_url",), ("base_url", "model"), ("provider", "model")]
)
_name_of_agent = st.sampled_from(["a", "a", "*"])
_agent = st.sampled_from([*["a"] * 8, "b", None])
_other_purposes = st.sampled_from([{"do": {}}, {"*": {}}, {"*": {"model": "m1"}}])
_purpose = st.sampled_from([*["plan"] * 5, "do", "other-one", None])
_client = st.sampled_from([*[None] * 15, "d"])
_literal = {
    "provider": _provider,
    "base_url": st.sampled_from(URLS[:-2]),
    "model": st.sampled_from(MODELS[:-2]),
}


def arguments(draw: Draw) -> dict[str, Any]:
    """Client arguments: literal values, nothing to fill in."""
    says = {name: draw(_literal[name]) for name in draw(_args)}
    if says and draw(_seldom):
        says["api_key"] = "argument-key"
    says |= draw(_param)
    return says


@st.composite
def worlds(draw: Draw) -> World:
    """A document, a query and an environment; the query mostly asks for names that the document has."""
    environ = {name: draw(_ours[name]) for name in draw(_some_of_ours)}
    environ |= {name: draw(_vendors[name]) for name in draw(_some_of_theirs)}
    document: dict[str, Any] = {"version": 1}
    document["providers"] = {name: provider(draw, name) for name in DECLARED if draw(_often)}
    document["defaults"] = scope(draw, draw(_selecting))
    document["purposes"] = {"plan": scope(draw), **draw(_other_purposes)}
    document["agents"] = {draw(_name_of_agent): named_scope(draw)}
    client = None
    if draw(_maybe):
        document["clients"] = {draw(st.sampled_from(["c", "*"])): named_scope(draw)}
        client = "c"
    document |= draw(_env_section)
    query = {"agent": draw(_agent), "purpose": draw(_purpose), "client": draw(_client) or client}
    return World(document, {**query, "args": arguments(draw)}, environ)


@st.composite
def governed(draw: Draw) -> World:
    """A world with policies, and providers that say where they work."""
    world: World = draw(worlds())
    world.document["policies"] = draw(policies())
    for says in world.document["providers"].values():
        if draw(_often):
            says["regions"] = draw(_labels)
    return world
