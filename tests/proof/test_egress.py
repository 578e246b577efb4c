"""What leaves besides completions, and where keys can go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from llmroute.load import from_mapping, from_str
from llmroute.proof.findings.egress import KEY_KINDS, Keys, egress, keys
from llmroute.routing.flows import INLINE, origin_text
from llmroute.routing.pairs import everything
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query
from tests.properties.strategies import World, worlds

if TYPE_CHECKING:
    from collections.abc import Mapping


def leaves(text: str) -> dict[str, tuple[str, ...]]:
    spec = from_str(f"version: 1\n{text}", "routing.yaml")
    return {row.kind: row.origins for row in egress(resolve(spec, Query(), {}).route.targets)}


def reach(text: str, environ: Mapping[str, str] | None = None) -> Keys:
    return keys(from_str(f"version: 1\n{text}", "routing.yaml"), environ or {})


def origins(text: str, environ: Mapping[str, str] | None = None) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Source → origins and the variables that lead elsewhere; without the environment's own key."""
    rows = reach(text, environ).rows
    return {row.source: (row.origins, row.through) for row in rows if row.source != "env:LLMROUTE_API_KEY"}


def test_the_mock_sends_nothing() -> None:
    assert leaves("defaults: {provider: mock, model: m}") == {"telemetry": ()}


def test_where_litellm_goes_is_no_place_to_ask_or_to_look_up() -> None:
    assert leaves("defaults: {provider: bed, model: bedrock/m}\nproviders: {bed: {api: litellm}}") == {"telemetry": ()}


def test_a_server_on_this_machine_fetches_urls_too() -> None:
    at = ("http://localhost:11434",)
    assert leaves("defaults: {provider: ollama, model: m}") == {
        "model-lists": at,
        "fetched-urls": at,
        "telemetry": (),
    }


def test_ollama_of_its_own_api_takes_no_urls() -> None:
    assert "fetched-urls" not in leaves("defaults: {provider: ollama, api: ollama-chat, model: m}")


def test_a_provider_that_refuses_urls_fetches_none() -> None:
    text = "providers: {ollama: {quirks: {no_urls: true}}}\ndefaults: {model: ollama/m}"
    assert "fetched-urls" not in leaves(text)


def test_a_name_is_looked_up_and_an_address_is_not() -> None:
    assert leaves("defaults: {provider: openai, model: m}")["name-lookups"] == ("https://api.openai.com",)
    assert "name-lookups" not in leaves("defaults: {base_url: 'http://10.0.0.1:1', model: m}")


def test_a_proxy_and_plain_http_are_said() -> None:
    provider = "{base_url: 'http://gpu-box:8000', proxy: env, limits: {concurrency: 1}}"
    found = leaves(f"providers: {{a: {provider}}}\ndefaults: {{model: a/m}}")
    at = ("http://gpu-box:8000",)
    assert (found["proxies"], found["clear-text"], found["limits-storage"]) == (at, at, ())


def test_a_local_server_is_reached_through_no_proxy() -> None:
    found = leaves("providers: {ollama: {proxy: env}}\ndefaults: {model: ollama/m}")
    assert not found.keys() & {"proxies", "clear-text"}


def test_the_rows_of_json() -> None:
    spec = from_str("version: 1\ndefaults: {provider: mock, model: m}")
    (row,) = egress(resolve(spec, Query(), {}).route.targets)
    assert row.to_json() == {"kind": "telemetry", "what": row.what, "origins": []}
    found = reach("defaults: {provider: openai, model: m}").rows[0].to_json()
    assert found == {
        "source": "env:OPENAI_API_KEY",
        "origins": ["https://api.openai.com"],
        "through": ["OPENAI_BASE_URL"],
        "places": [],
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "defaults: {provider: openai, model: m, fallbacks: [anthropic/c]}",
            {
                "env:OPENAI_API_KEY": (("https://api.openai.com",), ("OPENAI_BASE_URL",)),
                "env:ANTHROPIC_API_KEY": (("https://api.anthropic.com",), ("ANTHROPIC_BASE_URL",)),
            },
        ),
        (
            "providers: {a: {base_url: 'https://a.example', api_key: $K}, b: {base_url: 'https://$H', api_key: $K}}",
            {
                "env:K": (("https://a.example", "https://b.example"), ("H",)),
                # What a URL is made of goes to it, too.
                "env:H": (("https://b.example",), ("H",)),
            },
        ),
        (
            "providers: {a: {base_url: 'https://a.example/v1', headers: {x-team: '${TEAM}'}, api_key: {file: k}}}",
            {
                "file:k": (("https://a.example",), ()),
                "env:TEAM": (("https://a.example",), ()),
            },
        ),
        ("defaults: {provider: ollama, model: m}", {}),
    ],
)
def test_where_keys_can_go(text: str, expected: object) -> None:
    assert origins(text.replace("$K", "'${K}'").replace("$H", "${H:-b.example}")) == expected


def test_an_unused_provider_counts_too() -> None:
    assert origins("providers: {groq: {}}") == {"env:GROQ_API_KEY": (("https://api.groq.com",), ())}


def test_the_place_is_named() -> None:
    row = reach("providers:\n  a: {base_url: 'https://a.example', api_key: '${KEY}'}").rows[0]
    assert [str(place) for place in row.places] == ["routing.yaml:3"]


def test_what_can_not_be_told_is_said() -> None:
    found = reach("providers: {a: {base_url: '${URL}', api_key: '${KEY}'}}")
    assert found.untold == ("providers.a: URL is not set, and routing.yaml:2 needs it",)
    assert origins("providers: {a: {base_url: '${URL}', api_key: '${KEY}'}}", {"URL": "https://a.example"}) == {
        "env:KEY": (("https://a.example",), ("URL",))
    }


def test_the_environments_own_key_goes_where_the_environment_says() -> None:
    row = reach("env: {prefix: APP_}").rows[-1]
    assert (row.source, row.origins, row.through) == (
        "env:APP_API_KEY",
        (),
        ("APP_PROVIDER", "APP_BASE_URL", "APP_MODEL"),
    )


def test_a_query_without_a_route_sends_no_key() -> None:
    assert origins("agents: {a: {provider: openai, model: m, require: {locality: local}}}") == {
        "env:OPENAI_API_KEY": (("https://api.openai.com",), ("OPENAI_BASE_URL",))
    }


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_no_key_goes_where_it_is_not_said(world: World) -> None:
    spec = from_mapping(world.document)
    for environ in ({}, world.environ):
        told = {(row.source, origin) for row in keys(spec, environ).rows for origin in row.origins}
        for flow, url in everything(spec, environ)[0]:
            if flow.source.partition(":")[0] in KEY_KINDS or flow.source == INLINE:
                assert (flow.source, origin_text(url)) in told
