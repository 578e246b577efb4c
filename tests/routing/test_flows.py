"""What a spec sends to an origin beside what is asked."""

from __future__ import annotations

from typing import Any

import pytest

from llmroute.routing.flows import Sent, origin_text
from llmroute.routing.override import LocalOverride
from llmroute.routing.pairs import everything, sent
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query
from llmroute.routing.spec import KeyVariable
from tests.routing.asking import spec_of

LONG = "x" * 500
RELAY = "https://relay.example"


def rows(text: str, environ: dict[str, str] | None = None, **query: Any) -> list[Sent]:
    spec, variables = spec_of(text), environ or {}
    return sent(spec, resolve(spec, Query(**query), variables), variables)


def held(text: str, environ: dict[str, str] | None = None, **query: Any) -> list[tuple[str, str, int]]:
    """Source, origin and line of what needs a word of the user."""
    found = [row for row in rows(text, environ, **query) if not row.free]
    return [(row.flow.source, origin_text(row.url), row.flow.place.line) for row in found]


# -- What needs nobody's word


@pytest.mark.parametrize(
    "text",
    [
        "defaults: {model: openai/m}",
        "providers: {openai: {api_key: '${OPENAI_API_KEY}'}}\ndefaults: {model: openai/m}",
        "providers: {mine: {preset: groq, api_key: '${GROQ_API_KEY}'}}\ndefaults: {model: mine/m}",
        "providers: {o: {base_url: 'https://API.openai.com', api_key: '${OPENAI_API_KEY}'}}\ndefaults: {model: o/m}",
        "defaults: {base_url: 'https://api.openai.com/v1', model: m}",
        "defaults: {model: ollama/m}",
        "defaults: {model: 'ollama/${MODEL:-m}'}",
        "defaults: {base_url: 'http://localhost:1/v1', model: '${MODEL:-m}', api_key: placeholder}",
        "defaults: {base_url: 'http://localhost:1/v1', model: m, headers: {X-A: b}, extra_body: {c: {d: [1]}}}",
        "defaults: {model: 'openai/${MODEL:-m}'}",
        "defaults: {provider: mock, model: m, api_key: '${SECRET}'}",
        "providers: {w: {preset: openai, headers: {X-A: '${K}'}}}\ndefaults: {model: w/m, base_url: 'http://localhost:1'}",
    ],
)
def test_what_presets_and_this_machine_pair_by_themselves(text: str) -> None:
    assert held(text, {"MODEL": "m", "OPENAI_API_KEY": "k", "GROQ_API_KEY": "k", "SECRET": "s"}) == []


def test_the_vendors_own_variables_are_a_pair() -> None:
    environ = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://gateway.example/v1"}
    assert held("defaults: {model: openai/m}", environ) == []
    assert [row.flow.source for row in rows("defaults: {model: openai/m}", environ)] == ["env:OPENAI_API_KEY"]


def test_the_environment_and_the_program_speak_for_themselves() -> None:
    environ = {"LLMROUTE_BASE_URL": RELAY, "LLMROUTE_API_KEY": "k", "LLMROUTE_MODEL": "m"}
    assert rows("defaults: {}", environ) == []
    by_purpose = {"LLMROUTE_BASE_URL__P": RELAY, "LLMROUTE_API_KEY__P": "k", "LLMROUTE_MODEL": "m"}
    assert rows("defaults: {model: m}\npurposes: {p: {}}", by_purpose | {"LLMROUTE_MODEL__P": "m"}, purpose="p") == []
    args = {"base_url": RELAY, "model": "m", "api_key": "k", "headers": {"X-A": "b"}}
    assert rows("defaults: {}", args=args) == []
    override = LocalOverride("http://10.0.0.5:1", "m", "MY_KEY", "local.json")
    assert rows("defaults: {}", {"MY_KEY": "k"}, override=override) == []


# -- Keys


@pytest.mark.parametrize(
    ("key", "source"),
    [
        ("'${SECRET}'", "env:SECRET"),
        ("'${SECRET:-}'", "env:SECRET"),
        ("{file: /etc/passwd}", "file:/etc/passwd"),
        ("{keyring: a/b}", "keyring:a/b"),
        ("short", "a key in the spec"),
    ],
)
def test_a_key_of_the_spec_wherever_it_stands(key: str, source: str) -> None:
    environ = {"SECRET": "s"}
    by_provider = f"providers:\n  relay:\n    base_url: {RELAY}\n    api_key: {key}\ndefaults: {{model: relay/m}}"
    assert held(by_provider, environ) == [(source, RELAY, 5)]
    by_agent = f"agents:\n  a: {{base_url: '{RELAY}', model: m, api_key: {key}}}"
    assert held(by_agent, environ, agent="a") == [(source, RELAY, 3)]
    fallback = f"{{base_url: '{RELAY}', model: m, api_key: {key}}}"
    chain = f"defaults:\n  model: openai/m\n  fallbacks:\n    - {fallback}"
    assert held(chain, environ) == [(source, RELAY, 5)]


def test_a_variable_to_another_origin_than_its_presets() -> None:
    plain = "defaults: {base_url: 'http://api.openai.com/v1', model: m, api_key: '${OPENAI_API_KEY}', allow_http: true}"
    assert held(plain, {"OPENAI_API_KEY": "k"}) == [("env:OPENAI_API_KEY", "http://api.openai.com", 2)]
    port = "defaults: {base_url: 'https://api.openai.com:8443', model: m, api_key: '${OPENAI_API_KEY}'}"
    assert held(port, {"OPENAI_API_KEY": "k"}) == [("env:OPENAI_API_KEY", "https://api.openai.com:8443", 2)]
    beside = "defaults: {model: openai/m, api_key: '${GITHUB_TOKEN}'}"
    assert held(beside, {"GITHUB_TOKEN": "t"}) == [("env:GITHUB_TOKEN", "https://api.openai.com", 2)]
    local = "defaults: {base_url: 'http://localhost:9', model: m, api_key: '${OPENAI_API_KEY}'}"
    assert held(local, {"OPENAI_API_KEY": "k"}) == [("env:OPENAI_API_KEY", "http://localhost:9", 2)]


def test_the_default_of_a_variable_is_a_key_in_the_spec() -> None:
    text = "defaults: {model: openai/m, api_key: '${OPENAI_API_KEY:-theirs}'}"
    assert held(text) == [("a key in the spec", "https://api.openai.com", 2)]


def test_a_moved_provider_takes_no_key_along() -> None:
    text = "providers:\n  box: {base_url: 'https://a.example', api_key: '${K}', headers: {A: '${K}', B: c}}\n"
    found = held(text + f"defaults: {{provider: box, base_url: '{RELAY}', model: m}}", {"K": "k"})
    assert found == [("headers.B: c", RELAY, 3), ("prompts", RELAY, 4)]


# -- Headers, bodies, URLs


def test_variables_in_headers_and_bodies() -> None:
    text = (
        f"defaults:\n  base_url: {RELAY}\n  model: m\n  api_key: '${{K}}'\n"
        "  headers: {X-A: 'v ${SECRET}', X-B: '${OTHER}'}\n"
        "  extra_body: {a: [{b: '${DEEP}'}], n: 1}\n"
    )
    environ = {"SECRET": "s", "OTHER": "o", "DEEP": "d", "K": "k"}
    assert held(text, environ) == [
        ("env:K", RELAY, 5),
        ("env:SECRET", RELAY, 6),
        ("headers.X-A: v ${SECRET}", RELAY, 6),
        ("env:OTHER", RELAY, 6),
        ("env:DEEP", RELAY, 7),
        ('extra_body.a: [{"b": "${DEEP}"}]', RELAY, 7),
        ("extra_body.n: 1", RELAY, 7),
    ]


def test_a_text_that_is_sent_to_a_vendor_is_told_apart_by_all_of_it() -> None:
    body = (
        "providers: {{anthropic: {{extra_body: {{mcp_servers: [{{url: '{}'}}]}}}}}}\ndefaults: {{model: anthropic/m}}"
    )
    one, other = (held(body.format(url), {"ANTHROPIC_API_KEY": "k"}) for url in (LONG + "a", LONG + "b"))
    assert len(one) == len(other) == 1
    assert one != other
    assert one[0][0].startswith("extra_body.mcp_servers: [")
    assert len(one[0][0]) < 250


@pytest.mark.parametrize(
    ("url", "environ", "sources"),
    [
        ("${URL}", {"URL": RELAY}, []),
        ("${URL}/v1", {"URL": RELAY}, []),
        (f"${{URL:-{RELAY}}}", {}, []),
        ("${URL}/${SECRET}", {"URL": RELAY, "SECRET": "s"}, ["env:SECRET"]),
        (f"{RELAY}/${{SECRET}}/v1", {"SECRET": "s"}, ["env:SECRET"]),
        ("https://${SECRET}.example", {"SECRET": "relay"}, ["env:SECRET"]),
        ("${A}${B}", {"A": "https://", "B": "relay.example"}, ["env:A", "env:B"]),
        ("${A}.example", {"A": "https://relay"}, ["env:A"]),
    ],
)
@pytest.mark.parametrize(
    "text",
    ["defaults: {base_url: '%s', model: m}", "providers: {r: {base_url: '%s', model: m}}\ndefaults: {provider: r}"],
)
def test_variables_in_a_url(text: str, url: str, environ: dict[str, str], sources: list[str]) -> None:
    assert [source for source, origin, _ in held(text % url, environ) if origin == RELAY] == [*sources, "prompts"]


# -- Prompts, models, formats


def test_prompts_to_a_host_that_nobody_knows() -> None:
    assert held(f"defaults: {{base_url: '{RELAY}', model: m}}") == [("prompts", RELAY, 2)]
    assert held("defaults: {base_url: 'http://10.0.0.5:1', model: m}") == [("prompts", "http://10.0.0.5:1", 2)]


def test_a_variable_in_the_name_of_a_model() -> None:
    environ = {"SECRET": "s3cret"}
    provider = f"providers: {{r: {{base_url: '{RELAY}', model: '${{SECRET}}'}}}}\ndefaults: {{provider: r}}"
    assert held(provider, environ) == [("prompts", RELAY, 2), ("env:SECRET", RELAY, 2)]
    user = {"LLMROUTE_MODEL": "s3cret"}
    assert held(f"providers: {{r: {{base_url: '{RELAY}'}}}}\ndefaults: {{provider: r}}", user) == [
        ("prompts", RELAY, 2)
    ]
    chain = f"providers: {{r: {{base_url: '{RELAY}'}}}}\ndefaults: {{model: groq/m, fallbacks: ['r/${{SECRET}}']}}"
    assert held(chain, environ) == [("prompts", RELAY, 2), ("env:SECRET", RELAY, 3)]
    own = f"{{base_url: '{RELAY}', purposes: {{p: {{model: '${{SECRET}}'}}}}}}"
    purpose = f"providers: {{r: {own}}}\npurposes: {{p: {{}}}}\ndefaults: {{provider: r}}"
    assert held(purpose, environ, purpose="p") == [("prompts", RELAY, 2), ("env:SECRET", RELAY, 2)]
    assert held(provider.replace("${SECRET}", "m"), {"SECRET": "m"}) == [("prompts", RELAY, 2)]
    assert held(provider.replace("${SECRET}", "${SECRET:-m}")) == [("prompts", RELAY, 2)]
    twice = f"defaults: {{model: '${{SECRET}}', base_url: '{RELAY}', fallbacks: [{{base_url: '{RELAY}:1', model: m}}]}}"
    assert held(twice, environ) == [("prompts", RELAY, 2), ("env:SECRET", RELAY, 2), ("prompts", f"{RELAY}:1", 2)]


def test_an_adapter_of_another_package_may_sign_with_what_it_finds() -> None:
    text = f"defaults: {{base_url: '{RELAY}', api: oci-genai, model: m, api_key: '${{K}}'}}"
    assert ("adapter:oci-genai", RELAY, 2) in held(text, {"K": "k"})
    by_provider = f"providers: {{r: {{base_url: '{RELAY}', api: oci-genai, model: m}}}}\ndefaults: {{provider: r}}"
    assert ("adapter:oci-genai", RELAY, 2) in held(by_provider)


def test_an_adapter_that_goes_where_its_body_says() -> None:
    sneaky = "{base_url: 'mock://x', api: litellm, model: m, api_key: '${K}', extra_body: {api_base: 'https://evil'}}"
    assert held(f"providers: {{r: {sneaky}}}\ndefaults: {{provider: r}}", {"K": "k"}) == [
        ("env:K", "mock://x", 2),
        ("extra_body.api_base: https://evil", "mock://x", 2),
        ("adapter:litellm", "mock://x", 2),
    ]
    assert held("defaults: {model: 'ollama/m', provider: ollama, api: litellm}") == [
        ("adapter:litellm", "http://localhost:11434", 2)
    ]
    by_provider = "providers: {ollama: {api: litellm}}\ndefaults: {model: ollama/m}"
    assert held(by_provider) == [("adapter:litellm", "http://localhost:11434", 2)]
    assert held("defaults: {model: ollama/m}", args={"provider": "ollama", "model": "m", "api": "litellm"}) == []
    assert held("defaults: {model: ollama/m}", {"LLMROUTE_PROVIDER": "ollama", "LLMROUTE_API": "litellm"}) == []


def test_an_adapter_that_finds_vendors_by_itself_is_a_flow_of_its_own() -> None:
    text = "providers:\n  any: {api: litellm, model: bedrock/m}\ndefaults: {provider: any}"
    assert held(text) == [("adapter:litellm", "litellm://litellm", 3)]


# -- Where only the origin is the spec's


def test_a_key_of_the_user_to_a_url_of_the_spec() -> None:
    text = f"providers: {{openai: {{base_url: '{RELAY}'}}}}\ndefaults: {{model: ollama/m}}"
    environ = {"LLMROUTE_PROVIDER": "openai", "LLMROUTE_API_KEY": "k", "LLMROUTE_MODEL": "m"}
    assert held(text, environ) == [("env:LLMROUTE_API_KEY", RELAY, 2)]
    args = {"provider": "openai", "model": "m", "api_key": KeyVariable(name="OPENAI_API_KEY")}
    assert held(text, {"OPENAI_API_KEY": "k"}, args=args) == [("env:OPENAI_API_KEY", RELAY, 2)]
    assert held(text, args={**args, "api_key": "k"}) == [("argument:api_key", RELAY, 2)]
    headers = {"provider": "openai", "model": "m", "headers": {"X-Token": "t"}}
    assert ("argument:headers", RELAY, 2) in held(text, args=headers)
    assert all(not row.flow.strict for row in rows(text, environ))


def test_variables_that_the_spec_renames() -> None:
    names = (
        "env:\n  names:\n    base_url: [SOME_URL]\n    api_key: [SECRET]\n    model: [OTHER, THIRD]\n    seed: [PIN]\n"
    )
    environ = {"SOME_URL": RELAY, "SECRET": "s", "THIRD": "t", "PIN": "1234"}
    assert held(names + "defaults: {}", environ) == [
        ("env:SECRET", RELAY, 5),
        ("env:THIRD", RELAY, 6),
        ("env:PIN", RELAY, 7),
    ]
    assert ("env:LLMROUTE_API_KEY", RELAY, 4) in held(
        names + "defaults: {}", {"SOME_URL": RELAY, "LLMROUTE_API_KEY": "k", "LLMROUTE_MODEL": "m"}
    )


def test_a_prefix_of_the_spec() -> None:
    text = f"env: {{prefix: GITHUB_}}\nproviders: {{r: {{base_url: '{RELAY}'}}}}\ndefaults: {{provider: r, model: m}}"
    environ = {"GITHUB_API_KEY": "k", "GITHUB_PROVIDER": "r", "GITHUB_MODEL": "m"}
    assert held(text, environ) == [("env:GITHUB_API_KEY", RELAY, 2), ("env:GITHUB_MODEL", RELAY, 2)]


def test_a_standard_variable_under_another_setting_is_renamed() -> None:
    text = f"env: {{names: {{model: [LLMROUTE_API_KEY__X]}}}}\ndefaults: {{base_url: '{RELAY}', model: m}}"
    assert ("env:LLMROUTE_API_KEY__X", RELAY, 2) in held(text, {"LLMROUTE_API_KEY__X": "k"})


# -- The whole spec


def test_everything_that_a_spec_sends() -> None:
    text = (
        "providers:\n"
        f"  unused: {{base_url: '{RELAY}/${{PATH_PART}}', api_key: {{file: /a}}}}\n"
        "  unknown: {base_url: 'https://${HOST}/v1'}\n"
        "  vague: {preset: azure-openai}\n"
        "agents:\n"
        "  a: {model: openai/m, api_key: '${K}'}\n"
        "  b: {provider: unknown, model: m}\n"
        "  c: {temperature: 0}\n"
        "defaults: {model: ollama/m}\n"
    )
    found, problems = everything(spec_of(text), {})
    assert [(row.flow.source, origin_text(row.url)) for row in found] == [
        ("file:/a", RELAY),
        ("env:PATH_PART", RELAY),
        ("env:K", "https://api.openai.com"),
    ]
    assert [problem.rule for problem in problems] == ["bad-environment", "no-endpoint", "bad-environment"]
    found, problems = everything(spec_of(text), {"HOST": "b.example", "AZURE_OPENAI_ENDPOINT": "https://a.example"})
    assert ("env:HOST", "https://b.example") in [(row.flow.source, origin_text(row.url)) for row in found]
    assert problems == []


def test_everything_takes_in_the_environment_as_it_is() -> None:
    text = f"providers: {{r: {{base_url: '{RELAY}', model: m}}}}\ndefaults: {{model: ollama/m}}"
    found, _ = everything(spec_of(text), {"LLMROUTE_PROVIDER": "r", "LLMROUTE_API_KEY": "k"})
    assert "env:LLMROUTE_API_KEY" in [row.flow.source for row in found]
