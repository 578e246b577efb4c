"""Hard cases of reach and verify, each said by hand."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

from llmroute.load import from_mapping
from llmroute.proof.exploration import assertions, shown
from llmroute.proof.exploration.assertions import read
from llmroute.proof.exploration.groups import Premises, explore
from llmroute.proof.verification.reach import reach
from llmroute.proof.verification.verify import verify

LOCAL = {"provider": "ollama", "model": "llama3.1:8b"}


def rows(document: dict[str, Any], premises: Premises | None = None, **chosen: str) -> dict[tuple[str, str], list[str]]:
    """What is reached: name and locality, with the conditions."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in reach(explore(from_mapping({"version": 1, **document}), premises or Premises(), chosen=chosen)):
        for each in row.to_json():
            found.setdefault((each["target"], each["locality"]), []).append(", ".join(each["conditions"]))
    return found


def broken(document: dict[str, Any], *texts: str, kind: Any = "never") -> list[Any]:
    """The violations of some assertions."""
    asserted = [read(kind, text) for text in texts]
    return list(verify(explore(from_mapping({"version": 1, **document}), asserted=asserted)).violations)


@pytest.mark.parametrize("module", [assertions, shown])
def test_the_examples_in_docstrings_hold(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


def test_a_pinned_agent_is_moved_by_the_variable_in_its_providers_url() -> None:
    document = {
        "providers": {"box": {"base_url": "http://${BOX:-10.0.0.5}:8000/v1", "model": "m"}},
        "agents": {"a": {"provider": "box", "model": "m"}},
    }
    found = rows(document, agent="a")
    assert ("box/m at http://10.0.0.5:8000/v1", "lan") in found
    assert {locality for _, locality in found} == {"local", "lan", "remote"}
    assert all("BOX=" in text or text == "no variable set" for texts in found.values() for text in texts)


def test_only_the_host_of_a_url_is_a_variable() -> None:
    document = {"agents": {"a": {"base_url": "https://api.${ZONE}/v1", "model": "m"}}}
    (finding,) = broken(document, "agent=a host=*.evil.com")
    assert list(finding.witness.environ) == ["ZONE"]
    (near,) = broken(document, "agent=a locality=local")
    assert near.witness.environ["ZONE"].endswith("localhost")


def test_a_port_moves_nothing() -> None:
    document = {"agents": {"a": {"base_url": "http://10.0.0.5:${PORT}/v1", "model": "m"}}}
    assert broken(document, "agent=a locality=local,remote") == []


def test_two_variables_in_one_text() -> None:
    document = {"agents": {"a": {"base_url": "${SCHEME}://${HOST}/v1", "model": "m"}}}
    (finding,) = broken(document, "agent=a locality=remote")
    assert sorted(finding.witness.environ) == ["HOST", "SCHEME"]


def test_an_agent_with_a_bare_model_keeps_it_where_it_belongs() -> None:
    document = {"defaults": {"provider": "ollama"}, "agents": {"a": {"model": "mine"}}}
    found = rows(document, agent="a")
    assert found["ollama/mine", "local"] == ["no variable set"]
    assert ("anthropic/…any", "remote") in found
    assert ("ollama/…any", "local") not in found


def test_the_environment_of_a_purpose_is_a_way_out() -> None:
    document = {"defaults": {"model": "openai/x"}, "purposes": {"plan": {"provider": "ollama", "model": "m"}}}
    found = rows(document, purpose="plan")
    assert "LLMROUTE_MODEL__PLAN=…any-cloud" in found["ollama/…any-cloud", "remote"]


def test_a_model_of_the_cloud_makes_a_local_server_remote() -> None:
    found = rows({"agents": {"a": {"provider": "ollama"}}}, agent="a")
    assert found["ollama/…any-cloud", "remote"] == ["LLMROUTE_MODEL=ollama/…any-cloud"]


def test_an_alias_is_followed() -> None:
    provider = {"models": ["big"], "aliases": {"small": "big"}, "model": "big"}
    assert rows({"providers": {"ollama": provider}, "agents": {"a": {"provider": "ollama"}}}, agent="a").keys() == {
        ("ollama/big", "local"),
        ("ollama/big at <any local URL>", "local"),
        ("ollama/big at <any lan URL>", "lan"),
        ("ollama/big at <any remote URL>", "remote"),
    }


def test_a_key_of_the_specs_own_keeps_the_vendors_variable_away() -> None:
    pinned = {"agents": {"a": {"provider": "openai", "model": "m"}}}
    assert broken(pinned, "agent=a host=evil.com")
    assert not broken({**pinned, "providers": {"openai": {"api_key": "${MY_KEY}"}}}, "agent=a host=evil.com")


def test_a_vendor_by_another_name() -> None:
    document = {"agents": {"a": LOCAL}}
    (finding,) = broken(document, "agent=a provider=openai")
    assert finding.witness.environ == {"OLLAMA_HOST": "https://api.openai.com/v1"}


def test_fallbacks_that_are_not_inherited_are_not_reached() -> None:
    document = {"defaults": {"model": "openai/x", "fallbacks": ["anthropic/y"]}, "agents": {"a": LOCAL}}
    assert broken(document, "agent=a provider=anthropic host=api.anthropic.com model=y") == []


def test_a_fallback_is_reached_where_the_primary_is_as_far() -> None:
    document = {"agents": {"a": {**LOCAL, "fallbacks": ["openai/x"]}}}
    (finding,) = broken(document, "agent=a model=x")
    assert list(finding.witness.environ) == ["OLLAMA_HOST"]
    free = {"agents": {"a": {**LOCAL, "fallbacks": ["openai/x"], "allow_remote_fallback": True}}}
    (finding,) = broken(free, "agent=a model=x")
    assert (finding.witness.environ, finding.shown.place) == ({}, 1)


def test_the_wildcard_stands_for_names_that_a_policy_or_an_assertion_speaks_of() -> None:
    document = {
        "defaults": {"model": "openai/x"},
        "agents": {"*": {}},
        "policies": [{"name": "near", "agents": ["secret-*"], "require": {"locality": "local"}}],
    }
    (finding,) = broken(document, "agent=lab-* locality=remote")
    assert finding.witness.query.agent == "lab-x"
    assert not [each for each in broken(document, "agent=secret-* locality=remote") if each.outcome == "reached"]


def test_further_names_of_a_setting_and_a_prefix() -> None:
    document = {"env": {"prefix": "APP_", "names": {"model": ["OURS"]}}, "defaults": {"provider": "ollama"}}
    found = rows(document)
    assert found["openai/…any", "remote"] == ["APP_MODEL=openai/…any"]


def test_at_home_is_where_the_spec_says_with_its_variables() -> None:
    document = {
        "providers": {"box": {"base_url": "${BOX:-http://10.0.0.5/v1}", "model": "m"}},
        "policies": [{"name": "only-box", "require": {"providers": ["box"]}}],
    }
    found = broken(document, "locality=local")
    assert len(found) == 1
    assert "BOX" in found[0].witness.environ


def test_what_a_model_must_do_is_looked_up() -> None:
    document = {"defaults": {"model": "openai/gpt-4o"}, "agents": {"a": {"require": {"tools": True}}}}
    found = rows(document, agent="a")
    assert ("openai/gpt-4o", "remote") in found
    assert ("openai/…any", "remote") not in found
    assert any(name.startswith("anthropic/claude") for name, _ in found)


def test_the_text_of_an_override_is_a_model_and_no_reference() -> None:
    document = {"defaults": {"provider": "ollama", "model": "m"}}
    (finding,) = broken(document, "model=openai/gpt-oss provider=ollama")
    assert finding.witness.environ
