"""The canonical form of a spec: the same for the same thing, and answered alike."""

from __future__ import annotations

import doctest
import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmroute.errors import RoutingError
from llmroute.load import from_mapping, from_str
from llmroute.routing import concealed as concealed_module
from llmroute.routing.canonical import canonical, hash_of, spec_hash
from llmroute.routing.concealed import concealed
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query, Resolution
from tests.properties.strategies import World, governed, worlds

if TYPE_CHECKING:
    from llmroute.routing.spec import RoutingSpec


def spec_of(text: str) -> RoutingSpec:
    return from_str(f"version: 1\n{text}", "routing.yaml")


def form(text: str) -> dict[str, Any]:
    return canonical(spec_of(text))


def test_shorthand_is_spelled_out_and_presets_are_filled_in() -> None:
    found = form(
        "defaults: {model: groq/llama, fallbacks: [openai/gpt-4o, ollama, {model: ollama/m, temperature: 1.0}]}"
    )
    assert found == {
        "version": 1,
        "providers": {
            "groq": {
                "preset": "groq",
                "base_url": "https://api.groq.com/openai/v1",
                "api": "openai-chat",
                "api_key": "${GROQ_API_KEY}",
                "auth": "bearer",
                "proxy": "none",
                "quirks": {"schema_answers": "alone"},
            },
            "ollama": {
                "preset": "ollama",
                "api": "openai-chat",
                "auth": "bearer",
                "proxy": "none",
            },
            "openai": {
                "preset": "openai",
                "api": "openai-chat",
                "auth": "bearer",
                "proxy": "none",
            },
        },
        "defaults": {
            "provider": "groq",
            "model": "llama",
            "fallbacks": [
                {"provider": "openai", "model": "gpt-4o"},
                {"provider": "ollama"},
                {"provider": "ollama", "model": "m", "temperature": 1},
            ],
            "allow_remote_fallback": False,
        },
        "env": {"prefix": "LLMROUTE_"},
    }


def test_a_provider_of_its_own_has_no_preset() -> None:
    found = form("providers: {box: {base_url: 'HTTP://Box.Example:80/v1/', purposes: {b: {model: m}, a: {}}}}")
    assert found["providers"]["box"] == {
        "base_url": "http://box.example/v1",
        "api": "openai-chat",
        "proxy": "none",
        "purposes": {"a": {}, "b": {"model": "m"}},
    }


def test_beside_a_key_of_its_own_a_preset_keeps_its_url() -> None:
    found = form("providers: {openai: {api_key: '${K}'}, azure-openai: {api_key: '${K}'}}")["providers"]
    assert found["openai"]["base_url"] == "https://api.openai.com/v1"
    assert "base_url" not in found["azure-openai"]


def test_what_the_spec_says_beats_the_preset() -> None:
    found = form("providers: {g: {preset: groq, base_url: 'https://other.example', api: x, quirks: {no_user: true}}}")
    assert found["providers"]["g"] == {
        "preset": "groq",
        "base_url": "https://other.example",
        "api": "x",
        "auth": "bearer",
        "proxy": "none",
        "quirks": {"no_user": True, "schema_answers": "alone"},
    }


def test_the_keys_stand_in_their_order() -> None:
    found = form(
        "agents: {a: {require: {tools: true}, timeout: 3, model: ollama/m, seed: 1, metadata: {z: 1.0, a: 2}}}"
    )
    assert list(found["agents"]["a"]) == ["provider", "model", "seed", "timeout", "metadata", "require"]
    assert json.dumps(found["agents"]["a"]["metadata"]) == '{"a": 2, "z": 1.0}'
    assert list(found) == ["version", "providers", "agents", "env"]


def test_variables_stay_as_they_are() -> None:
    text = "defaults: {model: '${M:-openai/m}', base_url: 'http://${HOST}/v1', fallbacks: ['${F}'], api_key: '${K}'}"
    found = form(text)["defaults"]
    assert (found["model"], found["base_url"]) == ("${M:-openai/m}", "http://${HOST}/v1")
    assert (found["fallbacks"], found["api_key"]) == (["${F}"], "${K}")


def test_what_is_wrong_stays_wrong() -> None:
    found = form("agents: {a: {base_url: 'nonsense', model: m, fallbacks: [nobody/m]}}")["agents"]["a"]
    assert (found["base_url"], found["fallbacks"]) == ("nonsense", ["nobody/m"])


def test_policies_and_programs_stand_in_it_and_tests_do_not() -> None:
    found = form(
        "clients: {c: {purposes: {p: {model: m}}}}\npurposes: {p: {}}\npolicies: [{name: x, deny: {hosts: [h]}}]\n"
        "tests: [{name: t, query: {client: c}, expect: {provider: ollama}}]"
    )
    assert found == {
        "version": 1,
        "purposes": {"p": {}},
        "clients": {"c": {"purposes": {"p": {"model": "m"}}}},
        "env": {"prefix": "LLMROUTE_"},
        "policies": [{"name": "x", "deny": {"hosts": ["h"]}, "warn": False}],
    }


def test_the_hash_is_that_of_the_json_and_kept() -> None:
    spec = spec_of("defaults: {model: ollama/m, metadata: {name: Zoë}}")
    text = json.dumps(canonical(spec), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert spec_hash(spec) == sha256(text.encode()).hexdigest()
    assert spec_hash(spec) is spec_hash(spec)


SAME = """
# A comment
defaults: {temperature: 1.0, model: "ollama/m"}
agents: {b: {}, a: {model: openai/x}}
"""


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (
            "agents:\n  a:\n    provider: openai\n    model: x\n  b: {}\ndefaults: {model: ollama/m, temperature: 1}",
            True,
        ),
        ("agents: {a: {model: openai/x}, b: {}}\ndefaults: {model: ollama/m}", False),
        ("agents: {a: {model: openai/x}}\ndefaults: {model: ollama/m, temperature: 1}", False),
        ("agents: {a: {model: openai/y}, b: {}}\ndefaults: {model: ollama/m, temperature: 1}", False),
    ],
)
def test_the_hash_is_of_what_is_meant(other: str, same: bool) -> None:  # noqa: FBT001 - a row of the table
    assert (spec_hash(spec_of(SAME)) == spec_hash(spec_of(other))) is same


KEY = "sk-proj-0123456789abcdefABCDEF"


@pytest.mark.parametrize(
    "text",
    [
        "providers: {openai: {api_key: KEY}}",
        "providers: {openai: {api_key: '${K:-KEY}'}}",
        "providers: {openai: {headers: {x-any: 'Bearer KEY'}}}",
        "providers: {openai: {extra_body: {a: [{b: KEY}]}}}",
        "defaults: {metadata: {note: 'key=KEY'}}",
        "defaults: {model: KEY}",
        "policies: [{name: x, because: 'of KEY'}]",
    ],
)
def test_no_key_is_repeated_nor_hashed(text: str) -> None:
    one, other = (spec_of(text.replace("KEY", key)) for key in (KEY, KEY.replace("0", "9")))
    assert KEY not in json.dumps(canonical(one))
    assert spec_hash(one) == spec_hash(other)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"api_key": "ollama"}, {"api_key": "REDACTED"}),
        ({"api_key": "${A}"}, {"api_key": "${A}"}),
        ({"api_key": "${A:-}"}, {"api_key": "${A:-}"}),
        ({"api_key": "pre-${A} ${B:-c}"}, {"api_key": "REDACTED${A} ${B:-REDACTED}"}),
        ({"api_key": {"file": "k.txt"}}, {"api_key": {"file": "k.txt"}}),
        ({"headers": {"X-Api-Key": "abc", "x-team": "blue"}}, {"headers": {"X-Api-Key": "REDACTED", "x-team": "blue"}}),
        ({"seed": 4, "extra_body": {"token": [1, "a"]}}, {"seed": 4, "extra_body": {"token": [1, "REDACTED"]}}),
        ({"names": {"api_key": ["A"]}}, {"names": {"api_key": ["A"]}}),
        ({"aliases": {"api_key": "m"}}, {"aliases": {"api_key": "m"}}),
        ({"metadata": {"names": {"api_key": "a"}}}, {"metadata": {"names": {"api_key": "REDACTED"}}}),
        ({"model": "aB3" * 12}, {"model": "aB3" * 12}),
    ],
)
def test_what_may_be_a_secret_is_replaced(value: Any, shown: Any) -> None:
    assert concealed(value) == shown


def test_the_example_holds() -> None:
    assert doctest.testmod(concealed_module).failed == 0


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(worlds(), governed()))
def test_the_canonical_form_is_answered_alike(world: World) -> None:
    spec = from_mapping(world.document)
    document = canonical(spec)
    again = from_mapping(json.loads(json.dumps(document)))
    assert canonical(again) == document
    assert spec_hash(again) == spec_hash(spec) == hash_of(document)
    for agent, purpose in (("a", "plan"), ("a", None), (None, "do"), (None, None)):
        query = Query(**{**world.query, "agent": agent, "purpose": purpose})
        assert _answer(again, query, world.environ) == _answer(spec, query, world.environ)


def _answer(spec: RoutingSpec, query: Query, environ: dict[str, str]) -> Any:
    try:
        resolution = resolve(spec, query, environ)
    except RoutingError as error:
        return error.rule
    return [
        {
            **target.to_json(),
            "params": dict(target.params),
            "headers": dict(target.headers),
            "extra_body": dict(target.extra_body),
            "quirks": dict(target.quirks),
            "how": (target.auth, target.api_version, target.transport, target.proxy, target.allow_http),
        }
        for target in resolution.route.targets
    ], [(out.target, out.rule) for out in resolution.excluded]


def test_a_resolution_knows_the_hash_of_its_spec() -> None:
    spec = spec_of("defaults: {model: ollama/m}")
    assert resolve(spec, Query(), {}).spec_hash == spec_hash(spec)[:12]
    assert Resolution(Query(), resolve(spec, Query(), {}).route, ()).spec_hash == ""


def test_the_hash_outlives_forgotten_answers() -> None:
    spec = spec_of("agents: {'*': {model: ollama/m}}")
    kept = spec_hash(spec)
    for number in range(1_100):
        resolve(spec, Query(f"agent-{number}"), {})
    assert len(spec.memo) < 1_000
    assert spec_hash(spec) is kept
