"""The scopes of a query, those that say nothing too; and no key in what is shown of them."""

from __future__ import annotations

from typing import Any

import pytest

from llmroute.errors import UnknownAgentError
from llmroute.routing.explain import plain
from llmroute.routing.looked_at import Heard, looked_at, text
from llmroute.routing.policies import Requirements
from llmroute.routing.route import Query, Secret
from llmroute.routing.spec import KeyVariable
from tests.routing.asking import spec_of

SPEC = """\
providers:
  ollama: {model: m, purposes: {p: {model: n}}, timeout: 5}
  bare: {}
defaults: {provider: ollama, fallbacks: [ollama/z, {provider: openai, model: y, api_key: sk-ant-abcdefghijklmnop1234}]}
purposes: {p: {}, q: {}}
agents:
  a: {require: {locality: local}, metadata: {n: 1}, purposes: {p: {temperature: 0}}}
  b: {api_key: "${KEY}", headers: {X-Token: abc}, provider: openai}
clients: {c: {api_key: {file: /run/key}, provider: openai}}
"""


def heard(environ: dict[str, str] | None = None, provider: str | None = "ollama", **query: Any) -> list[Heard]:
    return looked_at(spec_of(SPEC), Query(**query), environ or {}, provider)


def test_all_scopes_strongest_first() -> None:
    found = heard(agent="a", purpose="q", client="c")
    assert [scope.scope for scope in found] == [
        "agents.a.purposes.q",
        "agents.a",
        "client arguments",
        "clients.c.purposes.q",
        "clients.c",
        "env.q",
        "env",
        "purposes.q",
        "defaults",
        "providers.ollama",
    ]
    silent = {scope.scope: scope.silence for scope in found if scope.silence}
    assert silent == {
        "agents.a.purposes.q": "there is no such entry",
        "client arguments": "none was given",
        "clients.c.purposes.q": "there is no such entry",
        "env.q": "none is set of LLMROUTE_PROVIDER__Q, LLMROUTE_MODEL__Q, LLMROUTE_BASE_URL__Q and 20 more",
        "env": "none is set of LLMROUTE_PROVIDER, LLMROUTE_MODEL, LLMROUTE_BASE_URL and 20 more",
        "purposes.q": "it says nothing",
    }


def test_an_entry_of_the_purpose_stands_once() -> None:
    found = heard(agent="a", purpose="p")
    assert [scope.scope for scope in found[:2]] == ["agents.a.purposes.p", "agents.a"]
    assert [scope.scope for scope in found[-2:]] == ["providers.ollama.purposes.p", "providers.ollama"]


def test_without_a_purpose_or_a_declared_provider() -> None:
    assert [scope.scope for scope in heard(agent="a", provider="groq")] == [
        "agents.a",
        "client arguments",
        "env",
        "defaults",
    ]
    assert heard(provider=None)[-1].scope == "defaults"
    assert heard(provider="bare")[-1] == Heard("providers.bare", "provider", silence="it says nothing")


def test_what_is_said_with_its_place() -> None:
    (found,) = [scope for scope in heard({"LLMROUTE_MODEL": "x"}) if scope.scope == "env"]
    assert [(said.field, said.value, str(said.origin)) for said in found.says] == [
        ("model", "x", "env LLMROUTE_MODEL"),
    ]
    assert found.to_json() == {
        "scope": "env",
        "layer": "env",
        "says": [{"field": "model", "value": "x", "origin": {"kind": "env", "name": "LLMROUTE_MODEL"}}],
        "silence": None,
    }
    require = next(said for said in heard(agent="a")[0].says if said.field == "require")
    assert require.value == {"locality": "local"}


@pytest.mark.parametrize("key", ["a-canary", Secret("a-canary"), KeyVariable(name="CANARY")])
def test_no_key_is_shown(key: Any) -> None:
    args = {"api_key": key, "model": "openai/x", "headers": {"X-Key": "a-canary"}, "require": Requirements(tools=True)}
    environ = {"LLMROUTE_API_KEY": "a-canary", "LLMROUTE_MODEL": "openai/x"}
    found = heard(environ, "openai", agent="b", client="c", args=args)
    shown = repr(found) + plain(text(found))
    assert "a-canary" not in shown
    assert "abcdefghijklmnop1234" not in shown
    assert "abc'" not in shown
    assert "api_key: ${KEY}" in shown
    assert "file: /run/key" in shown
    assert ("api_key: ${CANARY}" in shown) is isinstance(key, KeyVariable)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(UnknownAgentError):
        heard(agent="nobody")


def test_as_lines() -> None:
    lines = plain(text(heard(agent="a", purpose="p"))).splitlines()
    assert lines[0] == "  looked at, strongest first"
    assert lines[1:3] == ["  1  agents.a.purposes.p", "       temperature: 0  routing.yaml:8"]
    assert any(line.startswith("  3  client arguments  none was given") for line in lines)
