"""The target of a provider by itself: where it is, and that it may be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmroute.errors import BadArgumentError, ConstraintViolatedError, RoutingError, UnknownProviderError
from llmroute.routing.override import LocalOverride
from llmroute.routing.provider_targets import provider_target, provider_targets
from llmroute.routing.route import Query, Target
from tests.routing.asking import LOCAL, spec_of

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = {"ANTHROPIC_API_KEY": "canary"}


def target(text: str, name: str, environ: Mapping[str, str] = KEYS) -> Target:
    return provider_target(spec_of(text), name, environ)


def test_it_has_the_url_and_the_key_and_no_model() -> None:
    found = target(LOCAL, "anthropic")
    assert (found.provider, found.base_url, found.model) == ("anthropic", "https://api.anthropic.com", "*")
    assert found.credential.source == "env:ANTHROPIC_API_KEY"
    assert (found.scope, found.origin) == ("", None)
    declared = "providers: {box: {base_url: 'http://localhost:1/v1', headers: {x-a: b}}}\n" + LOCAL
    assert target(declared, "box").headers == {"x-a": "b"}


def test_no_scope_and_no_variable_of_another_endpoint_moves_it() -> None:
    environ = {**KEYS, "LLMROUTE_BASE_URL": "http://localhost:2/v1", "LLMROUTE_API_KEY": "other"}
    assert target(LOCAL, "anthropic", environ).base_url == "https://api.anthropic.com"
    assert target(LOCAL, "ollama", {"OLLAMA_HOST": "10.0.0.5"}).base_url == "http://10.0.0.5:11434/v1"


@pytest.mark.parametrize("text", ["agents: {a: {}}\nclients: {c: {model: openai/x}}\n" + LOCAL, LOCAL])
def test_an_unknown_provider_is_an_error(text: str) -> None:
    with pytest.raises(UnknownProviderError):
        target(text, "antropic")


def test_a_provider_without_a_name_is_an_error() -> None:
    with pytest.raises(BadArgumentError, match="provider='' is no text"):
        target(LOCAL, "")


@pytest.mark.parametrize(
    "rule",
    [
        "defaults: {provider: ollama, model: m, require: {locality: local}}",
        LOCAL + "policies: [{name: n, require: {locality: local}}]",
        LOCAL + "policies: [{name: n, agents: ['*'], require: {locality: local}}]",
        LOCAL + "policies: [{name: n, deny: {hosts: [api.anthropic.com]}}]",
    ],
)
def test_what_may_not_be_called_may_not_be_asked(rule: str) -> None:
    with pytest.raises(ConstraintViolatedError):
        target(rule, "anthropic")
    assert target(rule, "ollama").locality == "local"


def test_what_is_demanded_of_a_model_is_not_demanded_of_a_place() -> None:
    text = "defaults: {provider: ollama, model: m, require: {tools: true, context_window: 1000}}\n"
    assert target(text + "policies: [{name: n, deny: {models: ['*']}}]", "anthropic").provider == "anthropic"


def test_all_that_a_spec_declares_or_sends_to() -> None:
    text = """\
providers: {box: {base_url: "http://localhost:1/v1"}, nowhere: {preset: azure-openai}}
defaults: {model: anthropic/claude-sonnet-5-5, fallbacks: [openai/gpt-6-luna]}
agents: {bare: {base_url: "http://localhost:2/v1", model: m}, lost: {base_url: "http://localhost:3/v1"}}
"""
    spec = spec_of(text)
    found = provider_targets(spec, KEYS)
    assert list(found) == ["box", "nowhere", "anthropic", "openai", "http://localhost:2/v1"]
    assert isinstance(found.pop("nowhere"), RoutingError)
    assert {one.model for one in found.values() if isinstance(one, Target)} == {"*"}
    override = LocalOverride("http://localhost:9/v1", "m")
    assert "http://localhost:9/v1" in provider_targets(spec, KEYS, Query(override=override))


def test_a_provider_that_is_declared_and_sent_to_is_told_once() -> None:
    spec = spec_of("providers: {openai: {}}\ndefaults: {model: openai/m}\nagents: {a: {model: ollama/m}}")
    assert list(provider_targets(spec, KEYS)) == ["openai", "ollama"]
