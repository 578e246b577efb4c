"""The endpoint bundle: what a scope selects, and what the provider it names adds."""

from __future__ import annotations

from typing import Any

import pytest

from llmroute.catalog.presets import PRESETS
from llmroute.routing.shapes import Limits
from tests.routing.asking import ask, refused

BOX = """\
providers:
  box:
    base_url: http://10.0.0.5:8000/v1
    api_key: ${BOX_KEY}
    headers: {X-Team: compilers, X-Token: "${TOKEN:-t}", X-Price: $$5}
    extra_body: {tier: high, deep: [{token: "${TOKEN:-t}"}], list: [1, a], map: {a: b}}
    model: m
"""
LIMITED = f"""\
{BOX}    limits: {{concurrency: 2.0, tokens_per_minute: 1e5}}
defaults: {{model: box/m}}
agents:
  a: {{provider: ollama, model: m, fallbacks: [box/m], allow_remote_fallback: true}}
  b: {{provider: box, base_url: "http://10.0.0.6"}}
"""
VENDORS = {"OPENAI_API_KEY": "CANARY-openai", "ANTHROPIC_API_KEY": "CANARY-anthropic"}


def credential(text: str, environ: dict[str, str] | None = None, **query: Any) -> tuple[str, str, str]:
    found = ask(text, environ, **query).target.credential
    assert "CANARY" not in f"{found!r} {found.to_json()}"
    return found.source, found.status, found.variable


# -- Presets and vendors' variables


def test_a_preset_knows_everything_but_the_model() -> None:
    target = ask("defaults: {model: anthropic/claude}", VENDORS).target
    assert (target.provider, target.api, target.base_url) == (
        "anthropic",
        "anthropic-messages",
        "https://api.anthropic.com",
    )
    assert (target.model, target.transport, target.locality, target.proxy) == ("claude", "sdk", "remote", "none")
    assert target.credential.secret is not None
    assert target.credential.secret.reveal() == "CANARY-anthropic"


def test_a_format_whose_adapter_knows_the_urls_needs_none() -> None:
    target = ask("providers: {any: {api: litellm}}\ndefaults: {model: any/bedrock/m}").target
    assert (target.provider, target.model) == ("any", "bedrock/m")
    assert (target.base_url, target.locality) == ("litellm://litellm", "remote")
    own = ask("providers: {any: {api: litellm, base_url: 'http://localhost:1'}}\ndefaults: {model: any/m}").target
    assert (own.base_url, own.locality) == ("http://localhost:1", "local")
    vendor = ask("providers: {groq: {api: litellm}}\ndefaults: {model: groq/m}").target
    assert vendor.base_url == PRESETS["groq"].base_url
    refused("no-endpoint", "providers: {any: {api: oci-genai}}\ndefaults: {model: any/m}")


def test_the_version_of_an_api_belongs_to_it() -> None:
    moved = "defaults: {provider: anthropic, base_url: 'http://localhost:1', model: m%s}"
    assert ask(moved % "").target.api_version == "2026-10-21"
    assert ask(moved % ", api: openai-chat").target.api_version is None
    assert ask(moved % ", api: openai-chat, api_version: '1'").target.api_version == "1"
    declared = "providers: {anthropic: {api: openai-chat, api_version: '2'}}\ndefaults: {model: anthropic/m}"
    assert ask(declared).target.api_version == "2"


def test_the_auth_of_an_api() -> None:
    by_api = "providers: {box: {base_url: 'http://localhost:1', api: %s}}\ndefaults: {model: box/m}"
    assert ask(by_api % "anthropic-messages").target.auth == "x-api-key"
    assert ask(by_api % "openai-chat").target.auth == "bearer"
    assert ask("defaults: {base_url: 'http://localhost:1', model: m}").target.api == "openai-chat"
    moved = "defaults: {provider: anthropic, base_url: 'http://localhost:1', model: m, auth: bearer}"
    assert ask(moved).target.auth == "bearer"


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "OPENAI_BASE_URL"])
def test_44_a_vendor_s_variables_fill_their_preset_and_nothing_else(variable: str) -> None:
    environ = {variable: "https://canary.example/v1"}
    for model in ("anthropic/m", "openrouter/m", "ollama/m"):
        with_canary, without = ask(f"defaults: {{model: {model}}}", environ), ask(f"defaults: {{model: {model}}}")
        assert with_canary.target == without.target
    assert ask("defaults: {model: openai/m}", environ).target != ask("defaults: {model: openai/m}").target


def test_the_vendor_s_pair_moves_together() -> None:
    environ = {"OPENAI_BASE_URL": "https://Relay.example/v1/", "OPENAI_API_KEY": "CANARY"}
    found = ask("defaults: {model: openai/m}", environ).target
    assert found.base_url == "https://relay.example/v1"
    assert found.transport == "http"
    assert found.credential.status == "set"
    own_key = "providers: {openai: {api_key: '${MINE}'}}\ndefaults: {model: openai/m}"
    found = ask(own_key, {**environ, "MINE": "x"}).target
    assert (found.base_url, found.credential.source) == ("https://api.openai.com/v1", "env:MINE")
    own_url = "providers: {openai: {base_url: 'https://other.example'}}\ndefaults: {model: openai/m}"
    found = ask(own_url, environ).target
    assert (found.base_url, found.credential.status) == ("https://other.example", "none")


def test_another_name_for_a_preset() -> None:
    found = ask("providers: {work: {preset: openai}}\ndefaults: {model: work/m}", VENDORS).target
    assert (found.provider, found.base_url, found.credential.source) == (
        "work",
        "https://api.openai.com/v1",
        "env:OPENAI_API_KEY",
    )


def test_the_address_of_ollama() -> None:
    environ = {"OLLAMA_HOST": "0.0.0.0:1234"}
    assert ask("defaults: {model: ollama/m}", environ).target.base_url == "http://127.0.0.1:1234/v1"


def test_a_bad_variable_of_a_vendor_is_named() -> None:
    error = refused("bad-environment", "defaults: {model: openai/m}", {"OPENAI_BASE_URL": "localhost"})
    assert "OPENAI_BASE_URL" in error.message
    error = refused("bad-environment", "defaults: {model: openai/m}", {"OPENAI_BASE_URL": '""'})
    assert error.message == "OPENAI_BASE_URL: it is blank"
    error = refused("bad-environment", "defaults: {model: ollama/m}", {"OLLAMA_HOST": "::::"})
    assert "OLLAMA_HOST" in error.message


def test_a_preset_without_a_url_of_its_own() -> None:
    text = "defaults: {model: azure-openai/m}"
    assert "set AZURE_OPENAI_ENDPOINT" in refused("no-endpoint", text).hint
    environ = {"AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com", "AZURE_OPENAI_API_KEY": "CANARY"}
    found = ask(text, environ).target
    assert "mine.openai.azure.com" in found.base_url
    assert found.credential.source == "env:AZURE_OPENAI_API_KEY"


def test_a_provider_without_a_url() -> None:
    assert "providers.box" in refused("no-endpoint", "providers: {box: {}}\ndefaults: {model: box/m}").hint
    moved = "providers: {box: {}}\ndefaults: {provider: box, base_url: 'http://localhost:1', model: m}"
    assert ask(moved).target.base_url == "http://localhost:1"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("defaults: {provider: olama, model: m}", "did you mean 'ollama'?"),
        ("defaults: {provider: zzzzzzzz, model: m}", "known here: only the presets"),
        ("providers: {box: {base_url: 'http://a'}}\ndefaults: {provider: zzzzzzzz, model: m}", "known here: box"),
        ("providers: {work: {preset: opnai}}\ndefaults: {model: work/m}", "did you mean 'openai'?"),
    ],
)
def test_8_an_unknown_provider(text: str, hint: str) -> None:
    error = refused("unknown-provider", text)
    assert hint in error.hint
    assert error.origin.line >= 2


# -- Moved origins


@pytest.mark.parametrize(
    "moved",
    ["https://10.0.0.5:8000/v1", "http://10.0.0.5:8001/v1", "http://10.0.0.6:8000/v1", "http://localhost"],
)
def test_46_nothing_that_may_be_a_key_moves_with_a_provider(moved: str) -> None:
    environ = {"BOX_KEY": "CANARY", "TOKEN": "CANARY"}
    found = ask(BOX + f"defaults: {{provider: box, base_url: '{moved}'}}", environ).target
    assert found.credential == ask(BOX + f"defaults: {{provider: box, base_url: '{moved}'}}").target.credential
    assert (found.credential.source, found.credential.status) == ("none", "dropped")
    assert found.headers == {"X-Team": "compilers"}
    assert found.extra_body == {"tier": "high", "list": [1, "a"], "map": {"a": "b"}}


def test_the_same_origin_is_not_moved() -> None:
    environ = {"BOX_KEY": "k", "TOKEN": "x"}
    found = ask(BOX + "defaults: {provider: box, base_url: 'HTTP://10.0.0.5:8000/other/'}", environ).target
    assert found.credential.status == "set"
    assert found.headers == {"X-Team": "compilers", "X-Token": "x", "X-Price": "$5"}
    assert found.extra_body["deep"] == [{"token": "x"}]


def test_what_was_dropped_needs_no_variable() -> None:
    text = BOX.replace("${TOKEN:-t}", "${TOKEN}") + "defaults: {provider: box, base_url: 'http://localhost:1'}"
    assert ask(text).target.headers == {"X-Team": "compilers"}
    assert (
        "TOKEN is not set" in refused("bad-environment", BOX.replace(":-t", "") + "defaults: {provider: box}").message
    )


def test_a_scope_s_own_bundle_replaces_the_provider_s() -> None:
    own = "base_url: 'http://localhost:1', api_key: '${K}', headers: {A: '${K}'}, extra_body: {}"
    found = ask(f"{BOX}defaults: {{provider: box, {own}}}", {"K": "CANARY", "TOKEN": "no"}).target
    assert (found.headers, found.extra_body, found.credential.source) == ({"A": "CANARY"}, {}, "env:K")
    assert "CANARY" not in repr(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "defaults: {provider: openai, base_url: 'http://localhost:1', model: m}",
            ("none", "dropped", "OPENAI_API_KEY"),
        ),
        ("defaults: {provider: ollama, base_url: 'http://localhost:1', model: m}", ("none", "none", "")),
        ("defaults: {base_url: 'https://api.openai.com/v1', model: m}", ("none", "none", "")),
        ("defaults: {provider: openai, model: m}", ("env:OPENAI_API_KEY", "set", "OPENAI_API_KEY")),
        (
            "defaults: {provider: openai, base_url: 'https://api.openai.com/v2', model: m}",
            ("env:OPENAI_API_KEY", "set", "OPENAI_API_KEY"),
        ),
        ("defaults: {provider: groq, model: m}", ("env:GROQ_API_KEY", "missing", "GROQ_API_KEY")),
        ("defaults: {provider: ollama, model: m}", ("none", "none", "")),
        ("defaults: {provider: ollama, model: m, api_key: none}", ("inline", "set", "")),
        ("defaults: {provider: ollama, model: m, api_key: '${A}${B}'}", ("env:A,B", "missing", "A")),
        ("defaults: {provider: ollama, model: m, api_key: '${A:-}'}", ("none", "none", "")),
        ("defaults: {provider: ollama, model: m, api_key: '${A:-x}'}", ("inline", "set", "")),
        ("defaults: {provider: ollama, model: m, api_key: {file: /k}}", ("file:/k", "unread", "")),
        ("defaults: {provider: ollama, model: m, api_key: {keyring: a/b}}", ("keyring:a/b", "unread", "")),
        ("providers: {openai: {api_key: {file: /k}}}\ndefaults: {model: openai/m}", ("file:/k", "unread", "")),
    ],
)
def test_where_a_key_comes_from(text: str, expected: tuple[str, str, str]) -> None:
    assert credential(text, VENDORS) == expected


def test_a_key_of_the_environment_belongs_to_its_url() -> None:
    environ = {"LLMROUTE_BASE_URL": "http://localhost:1", "LLMROUTE_MODEL": "m", "LLMROUTE_API_KEY": "CANARY$X"}
    found = ask("", environ).target
    assert found.credential.secret is not None
    assert found.credential.secret.reveal() == "CANARY$X"
    assert found.credential.source == "env:LLMROUTE_API_KEY"


@pytest.mark.parametrize("value", ["CANARY\n", "CANARY\r\nX-Evil: 1", "CANARY\x00", "\udce9CANARY"])
def test_38_48_a_key_with_a_line_break(value: str) -> None:
    error = refused("bad-environment", "defaults: {model: openai/m}", {"OPENAI_API_KEY": value})
    assert "OPENAI_API_KEY holds" in error.message
    assert "CANARY" not in f"{error} {error!r}"
    refused("bad-environment", 'defaults: {model: ollama/m, provider: ollama, api_key: "a\\tb"}')


# -- Transport, proxy, locality, quirks


@pytest.mark.parametrize(
    ("text", "transport"),
    [
        ("defaults: {model: openai/m}", "sdk"),
        ("defaults: {model: anthropic/m}", "sdk"),
        ("defaults: {model: groq/m}", "http"),
        ("defaults: {provider: openai, base_url: 'https://relay.example', model: m}", "http"),
        ("defaults: {provider: openai, model: m, transport: http}", "http"),
        ("providers: {openai: {transport: http}}\ndefaults: {model: openai/m}", "http"),
        ("providers: {openai: {transport: http}}\ndefaults: {provider: openai, model: m, transport: sdk}", "sdk"),
        ("providers: {box: {preset: openai, base_url: 'https://relay.example'}}\ndefaults: {model: box/m}", "http"),
        ("defaults: {base_url: 'https://api.openai.com/v1', model: m}", "http"),
    ],
)
def test_the_sdk_is_for_the_vendor_only(text: str, transport: str) -> None:
    assert ask(text).target.transport == transport


def test_42_the_proxy_is_the_provider_s() -> None:
    assert ask("providers: {openai: {proxy: env}}\ndefaults: {model: openai/m}").target.proxy == "env"


@pytest.mark.parametrize(("declared", "locality"), [("local", "local"), ("lan", "lan"), ("remote", "remote")])
def test_a_locality_makes_stricter(declared: str, locality: str) -> None:
    text = f"providers: {{ollama: {{locality: {declared}}}}}\ndefaults: {{model: ollama/m}}"
    assert ask(text).target.locality == locality


def test_the_limits_are_the_provider_s() -> None:
    limits = ask(LIMITED).target.limits
    assert limits == Limits(concurrency=2, tokens_per_minute=100_000)
    assert {type(limits.concurrency), type(limits.tokens_per_minute)} == {int}
    assert [target.limits for target in ask(LIMITED, agent="a").route.targets] == [None, limits]
    assert ask(LIMITED, agent="b").target.limits == limits
    assert ask("defaults: {base_url: 'http://10.0.0.5', model: m}").target.limits is None


def test_quirks_beat_those_of_the_preset() -> None:
    text = "providers: {lmstudio: {quirks: {top_k: false, on_unsupported: error, default_max_tokens: 5.0}}}\n"
    target = ask(f"{text}defaults: {{model: lmstudio/m}}").target
    own = {"top_k": False, "on_unsupported": "error", "default_max_tokens": 5}
    assert target.quirks == {**PRESETS["lmstudio"].quirks, **own}
    assert type(target.quirks["default_max_tokens"]) is int
    assert ask("defaults: {model: lmstudio/m}").target.quirks == PRESETS["lmstudio"].quirks
    unknown = "providers: {own: {base_url: 'http://localhost:9', quirks: {prefill: false}}}\n"
    assert ask(f"{unknown}defaults: {{model: own/m}}").target.quirks == {"prefill": False}


def test_a_loss_is_what_the_strongest_voice_says() -> None:
    """A scope beats the provider, whose parameter beats its quirk."""
    text = """
providers:
  told: {base_url: 'http://a:1', on_unsupported: error}
  quirky: {base_url: 'http://b:1', quirks: {on_unsupported: error, top_k: true}}
defaults: {model: quirky/m}
purposes: {p: {on_unsupported: warn}}
agents: {a: {on_unsupported: error, model: told/m}, b: {model: told/m}}
"""
    assert ask(text).target.quirks == {"on_unsupported": "error", "top_k": True}
    assert ask(text, purpose="p").target.quirks == {"on_unsupported": "warn", "top_k": True}
    assert ask(text, agent="a", purpose="p").target.quirks == {"on_unsupported": "error"}
    assert ask(text, agent="b", purpose="p").target.quirks == {"on_unsupported": "warn"}
    assert ask(text, agent="b").target.params == {"on_unsupported": "error"}
    found = ask(text, environ={"LLMROUTE_ON_UNSUPPORTED": "warn"})
    assert found.target.quirks["on_unsupported"] == "warn"


def test_a_locality_never_loosens() -> None:
    assert ask("providers: {openai: {locality: local}}\ndefaults: {model: openai/m}").target.locality == "remote"


@pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", "gpt-oss:CLOUD", "x:cloud"])
def test_a_cloud_model_on_a_local_server_is_remote(model: str) -> None:
    assert ask(f"defaults: {{provider: ollama, model: '{model}'}}").target.locality == "remote"
    assert ask(f"defaults: {{base_url: 'http://localhost:9', model: '{model}'}}").target.locality == "remote"


def test_the_quirks_are_the_preset_s() -> None:
    assert ask("providers: {work: {preset: openai}}\ndefaults: {model: work/m}").target.quirks == {
        "max_tokens_field": "max_completion_tokens"
    }


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("defaults: {model: openai/m}", {"OPENAI_BASE_URL": "http://localhost:11434/v1"}),
        ("providers: {openai: {base_url: 'http://10.0.0.5/v1'}}\ndefaults: {model: openai/m}", {}),
        ("defaults: {model: openai/m, base_url: 'http://localhost:1'}", {}),
    ],
    ids=["by the vendor's variable", "by the spec", "by a scope"],
)
def test_a_server_near_by_gets_the_token_limit_under_its_older_name(text: str, environ: dict[str, str]) -> None:
    assert ask(text, environ).target.quirks == {}


def test_the_other_quirks_stay_wherever_the_provider_is_moved() -> None:
    found = ask("defaults: {model: mistral/m, base_url: 'http://localhost:1'}").target.quirks
    assert found == PRESETS["mistral"].quirks
    found = ask("defaults: {model: openai/m}", {"OPENAI_BASE_URL": "https://gateway.example/v1"}).target.quirks
    assert found == PRESETS["openai"].quirks


def test_a_reference_beside_a_url() -> None:
    found = ask("defaults: {model: openai/m, base_url: 'http://localhost:1'}").target
    assert (found.provider, found.model, found.base_url) == ("openai", "m", "http://localhost:1")
    endpoint = ask("defaults: {model: openai/m, base_url: 'http://localhost:1'}").fields[0]
    assert endpoint.value == "openai at http://localhost:1"
