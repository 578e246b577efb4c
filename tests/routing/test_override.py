"""What `llmroute local on` has set is the strongest word of the env layer, and nothing more than that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from llmroute.errors import RoutingError
from llmroute.load import from_mapping
from llmroute.routing.checks import check
from llmroute.routing.explain import as_text
from llmroute.routing.explain_data import as_json
from llmroute.routing.override import LocalOverride
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query, Resolution
from llmroute.routing.why_not import why_not
from tests.properties.strategies import World, worlds
from tests.routing.asking import ask, refused, spec_of

if TYPE_CHECKING:
    from collections.abc import Mapping

URL = "http://localhost:11434/v1"
ON = LocalOverride(URL, "coder:7b", path="/state/local.json")
CLOUD = """\
providers:
  gpu-box: {base_url: "http://gpu-box:8000/v1", api_key: canary-gpu}
defaults: {model: anthropic/claude-sonnet-5-5, fallbacks: [openai/gpt-6-luna], temperature: 0.7}
purposes: {planning: {model: claude-opus-5-5}}
agents:
  orchestrator: {}
  bare: {model: claude-haiku-5-5}
  pinned: {model: anthropic/claude-haiku-5-5}
  boxed: {provider: gpu-box, model: big}
clients: {ci: {model: openai/gpt-6-sol}}
"""
KEYS = {"ANTHROPIC_API_KEY": "canary-anthropic", "OPENAI_API_KEY": "canary-openai"}


def on(environ: Mapping[str, str] | None = None, override: LocalOverride = ON, **query: Any) -> Resolution:
    return ask(CLOUD, {**KEYS, **(environ or {})}, override=override, **query)


def test_it_takes_what_nobody_has_claimed() -> None:
    asked: list[dict[str, Any]] = [{}, {"agent": "bare"}, {"agent": "orchestrator", "purpose": "planning"}]
    for query in asked:
        found = on(**query)
        assert (found.target.provider, found.target.base_url, found.target.model) == (None, URL, "coder:7b")
        assert found.target.locality == "local"
        assert found.target.credential.status == "none"
        assert len(found.route.targets) == 1
        assert found.target.params["temperature"] == 0.7


@pytest.mark.parametrize(
    ("query", "model"),
    [
        ({"agent": "pinned"}, "anthropic/claude-haiku-5-5"),
        ({"agent": "boxed"}, "gpu-box/big"),
        ({"client": "ci"}, "openai/gpt-6-sol"),
        ({"args": {"model": "openai/gpt-6-luna"}}, "openai/gpt-6-luna"),
    ],
)
def test_an_endpoint_of_an_agent_or_a_client_is_never_moved(query: dict[str, Any], model: str) -> None:
    found = on(**query)
    assert found.target.name == model
    assert found.target == resolve(spec_of(CLOUD), Query(**query), KEYS).target
    endpoint = next(field for field in found.fields if field.field == "endpoint")
    assert [(row.verdict, row.value) for row in endpoint.candidates if row.scope == "local override"] == [
        ("shadowed", URL)
    ]


def test_it_beats_the_variables() -> None:
    environ = {
        "LLMROUTE_BASE_URL": "http://localhost:8000/v1",
        "LLMROUTE_API_KEY": "canary-env",
        "LLMROUTE_MODEL": "other",
        "LLMROUTE_MODEL__PLANNING": "openai/gpt-6-sol",
        "LLMROUTE_TEMPERATURE": "0",
    }
    found = on(environ, agent="orchestrator", purpose="planning")
    assert (found.target.base_url, found.target.model) == (URL, "coder:7b")
    assert found.target.credential.status == "none"
    assert found.target.params["temperature"] == 0
    layers = [row.scope for row in next(f for f in found.fields if f.field == "endpoint").candidates]
    assert layers == ["local override", "env.planning", "env", "defaults"]


def test_its_key_is_the_variable_that_it_names_and_goes_to_its_url_only() -> None:
    keyed = ON._replace(key_variable="BOX_KEY")
    found = on({"BOX_KEY": "canary-box"}, keyed)
    assert found.target.credential.source == "env:BOX_KEY"
    assert found.target.credential.secret is not None
    assert found.target.credential.secret.reveal() == "canary-box"
    assert on(override=keyed).target.credential.to_json() == {"source": "env:BOX_KEY", "status": "missing"}
    assert on({"BOX_KEY": "canary-box"}, keyed, agent="pinned").target.credential.source == "env:ANTHROPIC_API_KEY"
    assert "canary" not in as_text(found) + repr(found)


def test_without_a_model_it_is_the_one_that_the_spec_has_for_this_url() -> None:
    bare = LocalOverride(URL, path="/state/local.json")
    at_home = ask("defaults: {provider: ollama, model: llama3.1:8b}\n", override=bare)
    assert (at_home.target.base_url, at_home.target.model) == (URL, "llama3.1:8b")
    error = refused("no-model", CLOUD, override=bare)
    assert "claude-sonnet-5-5" in error.message
    assert "belongs to anthropic" in error.message


def test_its_model_is_taken_as_it_stands() -> None:
    found = on(override=ON._replace(model="openai/gpt-oss-20b"))
    assert (found.target.provider, found.target.api, found.target.model) == (None, "openai-chat", "openai/gpt-oss-20b")


@pytest.mark.parametrize(("url", "model"), [("http://", "m"), (URL, "a\x1bb"), ("http://a\nb", "m")])
def test_what_can_t_be_used_is_an_error_that_names_the_file(url: str, model: str) -> None:
    error = refused("bad-environment", CLOUD, override=LocalOverride(url, model, path="/state/local.json"))
    assert "/state/local.json" in error.message
    assert error.origin is not None
    assert error.origin.kind == "override"
    assert on(override=LocalOverride(url, model), agent="pinned").target.model == "claude-haiku-5-5"


def test_it_is_shown_with_its_own_origin() -> None:
    found = on(agent="orchestrator")
    assert f"endpoint     {URL}  local override (/state/local.json)" in as_text(found)
    endpoint, model = as_json(found)["fields"][:2]
    assert (endpoint["layer"], endpoint["scope"]) == ("env", "local override")
    assert endpoint["origin"] == model["origin"] == {"kind": "override", "path": "/state/local.json"}
    assert endpoint["candidates"][1]["scope"] == "defaults"
    short = ask(CLOUD, KEYS, override=ON._replace(shown="~/local.json"))
    assert "local override (~/local.json)" in as_text(short)
    assert as_json(short)["fields"][0]["origin"] == {"kind": "override", "path": "/state/local.json"}


def test_the_answer_of_another_override_is_never_given() -> None:
    spec = spec_of(CLOUD)
    asked = [None, ON, ON._replace(model="other"), None, ON._replace(base_url="http://localhost:1/v1"), ON]
    for override in (*asked, *asked):
        found = resolve(spec, Query(override=override), KEYS)
        fresh = resolve(spec_of(CLOUD), Query(override=override), KEYS)
        assert (found.target.base_url, found.target.model) == (fresh.target.base_url, fresh.target.model)


def test_checks_ask_with_it() -> None:
    spec = spec_of("defaults: {model: anthropic/claude-sonnet-5-5}\n")
    assert check(spec) == []
    found = check(spec, asker=Query(override=LocalOverride(URL, path="/state/local.json")))
    assert [item.rule for item in found] == ["no-model"]


def test_a_way_back_is_named() -> None:
    query = Query(agent="orchestrator", override=ON)
    found = why_not(spec_of(CLOUD), query, KEYS, "anthropic/claude-sonnet-5-5")
    assert not found.wins
    assert "switch it off with llmroute local off" in found.remedies
    off = resolve(spec_of(CLOUD), replace(query, override=None), KEYS)
    assert off.target.name == "anthropic/claude-sonnet-5-5"


ELSEWHERE = LocalOverride("http://127.0.0.1:9/v1", "from-the-override", path="/state/local.json")


@given(worlds())
def test_where_a_stronger_scope_has_chosen_it_changes_nothing(world: World) -> None:
    plain, found = outcome(world, None), outcome(world, ELSEWHERE)
    if any(field.field == "endpoint" and field.scope == "local override" for field in found.fields):
        primary = found.target if isinstance(found, Resolution) else None
        if primary is not None and primary.scope == "local override":
            assert (primary.base_url, primary.model) == (ELSEWHERE.base_url, ELSEWHERE.model)
            assert primary.credential.status == "none"
    elif isinstance(plain, Resolution):
        assert isinstance(found, Resolution)
        assert found.route == plain.route
    else:
        assert isinstance(found, RoutingError)
        assert found.rule == plain.rule


def outcome(world: World, override: LocalOverride | None) -> Resolution | RoutingError:
    try:
        return resolve(from_mapping(world.document), Query(**world.query, override=override), world.environ)
    except RoutingError as error:
        return error
