"""Policies: what they speak of, what they require and deny, what only warns, and how it is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmroute.routing.checks import check
from llmroute.routing.explain import as_text
from llmroute.routing.explain_data import as_json
from tests.routing.asking import LOCAL, ask, refused, spec_of

CHAIN = """
providers:
  gpu: {base_url: "http://10.0.0.5/v1", model: m, regions: [eu]}
  both: {base_url: "https://both.example/v1", model: m, regions: [eu, us]}
  ds: {preset: deepseek}
defaults: {model: ollama/llama, fallbacks: [gpu, both, openai/gpt-4o, ds/chat], allow_remote_fallback: true}
agents: {secret-notes: {}, reviewer: {}, "moved": {provider: openai, model: gpt-4o, base_url: "https://relay.example/v1"}}
purposes: {planning: {}}
clients: {ci: {}}
"""
ALL = ["ollama", "gpu", "both", "openai", "ds"]


def left(policy: str, environ: dict[str, str] | None = None, **query: Any) -> list[str | None]:
    """The providers that a policy leaves of the chain."""
    found = ask(CHAIN + f"policies: [{{name: p, {policy}}}]", environ, **query)
    return [target.provider for target in found.route.targets]


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        ("require: {locality: local}", ["ollama"]),
        ("require: {locality: lan}", ["ollama", "gpu"]),
        ("require: {providers: [ollama, openai]}", ["ollama", "openai"]),
        ("require: {providers: [deepseek, 'o*']}", ["ollama", "openai", "ds"]),
        ("require: {apis: [openai-chat]}", ALL),
        ("require: {regions: [eu]}", ["gpu"]),
        ("require: {regions: [eu, us]}", ["gpu", "both"]),
        ("require: {tools: true}", ["openai"]),
        ("deny: {providers: [deepseek]}", ALL[:-1]),
        ("deny: {providers: [DS]}", ALL[:-1]),
        ("deny: {models: ['gpt-*', llama]}", ["gpu", "both", "ds"]),
        ("deny: {models: ['openai/*']}", ["ollama", "gpu", "both", "ds"]),
        ("deny: {hosts: ['*.example', 10.0.0.5]}", ["ollama", "openai", "ds"]),
        ("deny: {localities: [remote]}", ["ollama", "gpu"]),
        ("require: {locality: lan}, deny: {providers: [gpu]}", ["ollama"]),
        ("require: {tools: false}", ALL),
    ],
)
def test_what_is_left(policy: str, kept: list[str]) -> None:
    assert left(policy) == kept


@pytest.mark.parametrize(
    ("speaks_of", "query", "speaks"),
    [
        ("agents: ['secret-*']", {"agent": "secret-notes"}, True),
        ("agents: ['SECRET-*']", {"agent": "secret-notes"}, True),
        ("agents: ['secret-*']", {"agent": "reviewer"}, False),
        ("agents: ['secret-*']", {}, False),
        ("agents: ['*']", {}, True),
        ("agents: [reviewer, secret-notes]", {"agent": "secret-notes"}, True),
        ("purposes: [planning]", {"purpose": "planning"}, True),
        ("purposes: [planning]", {}, False),
        ("clients: [ci]", {"client": "ci"}, True),
        ("clients: [ci]", {}, False),
        ("agents: [reviewer], purposes: [planning]", {"agent": "reviewer"}, False),
        ("agents: [reviewer], purposes: [planning]", {"agent": "reviewer", "purpose": "planning"}, True),
    ],
)
def test_whom_it_speaks_of(speaks_of: str, query: dict[str, str], *, speaks: bool) -> None:
    assert left(f"{speaks_of}, require: {{locality: local}}", **query) == (["ollama"] if speaks else ALL)


def test_a_provider_at_another_url_is_not_the_one_that_was_allowed() -> None:
    text = CHAIN + "policies: [{name: p, require: {providers: [openai]}}]"
    error = refused("constraint-violated", text, agent="moved")
    assert "https://relay.example/v1 is not the URL that openai is declared with" in error.message
    moved = {"OPENAI_BASE_URL": "https://relay.example/v1"}
    refused(
        "constraint-violated",
        "defaults: {model: openai/x}\npolicies: [{name: p, require: {providers: [openai]}}]",
        moved,
    )
    own = "providers: {openai: {base_url: 'https://relay.example/v1'}}\ndefaults: {model: openai/x}\n"
    assert ask(own + "policies: [{name: p, require: {providers: [openai]}}]").target.provider == "openai"


def test_a_region_is_not_claimed_for_another_url() -> None:
    text = (
        "providers: {p: {base_url: 'https://eu.example', regions: [eu]}}\n"
        "policies: [{name: p, require: {regions: [eu]}}]\n"
    )
    assert ask(text + "defaults: {model: p/x}").target.provider == "p"
    error = refused("constraint-violated", text + "defaults: {provider: p, base_url: 'https://us.example', model: x}")
    assert "nothing says in which regions p works" in error.message
    both = text.replace("[eu]}}\n", "[eu, us]}}\n", 1)
    assert "it works in us too" in refused("constraint-violated", both + "defaults: {model: p/x}").message


def test_a_vendor_that_is_denied_is_found_behind_any_name() -> None:
    text = "policies: [{name: p, deny: {providers: [deepseek]}}]\n"
    for endpoint in ("base_url: 'https://api.deepseek.com/v9', model: m", "provider: mine, model: m"):
        mine = "providers: {mine: {base_url: 'https://api.deepseek.com'}}\n" if "mine" in endpoint else ""
        refused("constraint-violated", f"{mine}{text}defaults: {{{endpoint}}}")
    # Whoever listens at a local port is not known by it.
    assert ask(
        "policies: [{name: p, deny: {providers: [ollama]}}]\n"
        "defaults: {base_url: 'http://localhost:11434/v1', model: m}"
    )


@pytest.mark.parametrize(
    ("more", "environ", "args"),
    [
        ("agents: {a: {model: openai/gpt-4o}}", {}, {}),
        ("", {"LLMROUTE_MODEL": "openai/gpt-4o"}, {}),
        ("", {"LLMROUTE_BASE_URL": "https://api.openai.com/v1", "LLMROUTE_MODEL": "gpt-4o"}, {}),
        ("", {}, {"model": "openai/gpt-4o"}),
        ("clients: {c: {model: openai/gpt-4o}}", {}, {}),
    ],
)
def test_no_layer_loosens_one(more: str, environ: dict[str, str], args: dict[str, Any]) -> None:
    text = (
        LOCAL
        + "policies: [{name: stays-here, require: {locality: local}, because: it is secret}]\n"
        + (more or "agents: {a: {}}")
    )
    query = {"agent": "a"} if "agents" in text else {"client": "c"}
    error = refused("constraint-violated", text, environ, args=args, **query)
    assert [out.rule for out in error.excluded] == ["policies.stays-here"]
    assert "because it is secret" in error.message
    assert str(error.excluded[0].origin) == "routing.yaml:3"


def test_what_is_left_out_is_told() -> None:
    found = ask(
        CHAIN
        + "policies: [{name: here, require: {locality: lan}, because: x}, {name: no-gpu, deny: {hosts: ['10.*']}}]"
    )
    assert [(out.target, out.rule) for out in found.excluded] == [
        ("gpu/m", "policies.no-gpu"),
        ("both/m", "policies.here"),
        ("openai/gpt-4o", "policies.here"),
        ("ds/chat", "policies.here"),
    ]
    field = next(item for item in found.fields if item.field == "policies")
    assert (field.value, field.layer) == (["here", "no-gpu"], "policy")
    text = as_text(found)
    assert "policies.here" in text
    assert "10.* is denied" in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_one_policy_shows_its_reason() -> None:
    found = ask(LOCAL + "policies: [{name: here, require: {locality: local}, because: it is secret}]")
    line = next(line for line in as_text(found).splitlines() if "policies" in line)
    assert line.split() == ["policies", "here", "policies", "routing.yaml:3", "it", "is", "secret"]


def test_a_policy_that_warns_keeps_the_target_and_says_so() -> None:
    policy = "policies: [{name: here, require: {locality: local}, warn: true, because: prompts are personal}]\n"
    found = ask(policy + "defaults: {model: openai/gpt-4o}")
    assert found.target.provider == "openai"
    (note,) = found.diagnostics
    assert (note.rule, note.severity) == ("not-met", "warning")
    assert "openai/gpt-4o does not meet policies.here" in note.message
    assert "because prompts are personal" in note.message
    assert "does not meet policies.here" in as_text(found, width=80)
    assert "does not meet policies.here" in as_text(found, width=300)
    assert json.loads(json.dumps(as_json(found)))["diagnostics"][0]["rule"] == "not-met"
    strict = policy.replace("]\n", ", {name: strict, require: {locality: lan}}]\n")
    assert (
        refused("constraint-violated", strict + "defaults: {model: openai/gpt-4o}").excluded[0].rule
        == "policies.strict"
    )


def test_requirements_of_scopes_are_told_apart_from_policies() -> None:
    text = "policies: [{name: p, deny: {models: [x]}}]\ndefaults: {model: ollama/y, require: {locality: lan}}"
    fields = {item.field: item.value for item in ask(text).fields}
    assert fields["require"] == {"locality": "lan"}
    assert fields["policies"] == ["p"]
    alone = ask(LOCAL + "policies: [{name: p, deny: {models: [x]}}]")
    assert "require" not in {item.field for item in alone.fields}


def test_a_query_that_a_policy_leaves_without_a_route_is_a_warning() -> None:
    text = "agents: {a: {model: openai/gpt-4o}}\npolicies: [{name: here, agents: [a], require: {locality: local}}]\n"
    (found,) = check(spec_of(LOCAL + text))
    assert (found.rule, found.severity) == ("constraint-violated", "warning")
    assert "asked for agent a" in found.message
    (found,) = check(spec_of("defaults: {model: openai/gpt-4o, require: {locality: local}}\n"))
    assert found.severity == "error"


def test_what_only_warns_is_found_by_the_checks() -> None:
    policy = "policies: [{name: here, require: {locality: local}, warn: true}]\n"
    found = check(spec_of(policy + "defaults: {model: openai/gpt-4o}\npurposes: {p: {}}"))
    assert [(item.rule, str(item.origin)) for item in found] == [("not-met", "routing.yaml:2")]
