"""Models, fallbacks and requirements: what is sent, what is tried next, what is left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmroute.routing.policies import Require, Requirements
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query
from tests.routing.asking import LOCAL, ask, refused, spec_of


def names(text: str, environ: dict[str, str] | None = None, **query: Any) -> list[str]:
    return [target.name for target in ask(text, environ, **query).route.targets]


def field(found: Any, name: str) -> Any:
    return next(item for item in found.fields if item.field == name)


# -- Models


def test_no_model_lists_what_was_passed_over() -> None:
    text = "purposes: {p: {model: claude}}\ndefaults: {model: anthropic/x}\nagents: {a: {provider: openai}}"
    error = refused("no-model", text, agent="a", purpose="p")
    assert "claude (purposes.p, routing.yaml:2): belongs to anthropic" in error.message
    assert "x (defaults, routing.yaml:3): belongs to anthropic" in error.message
    assert "providers.openai.model" in error.hint
    assert [item.verdict for item in error.fields[-1].candidates] == ["foreign-model", "foreign-model"]
    assert "passed over" not in refused("no-model", "defaults: {provider: openai}").message
    assert "http://localhost:1" in refused("no-model", "defaults: {base_url: 'http://localhost:1'}").message


def test_a_model_without_a_home() -> None:
    text = "agents: {a: {provider: ollama, purposes: {}}}\npurposes: {p: {model: m}}"
    assert "belongs to no endpoint" in refused("no-model", text, agent="a", purpose="p").message


def test_a_home_by_the_same_url() -> None:
    text = "agents: {a: {base_url: 'http://LOCALHOST:11434/v1/'}}\ndefaults: {provider: ollama, model: m}"
    assert names(text, agent="a") == ["http://localhost:11434/v1 m"]
    text = "agents: {a: {base_url: 'http://localhost:1'}}\ndefaults: {model: openai/m}"
    refused("no-model", text, agent="a")


@pytest.mark.parametrize("home", ["{provider: nowhere, model: m}", "{base_url: 'nonsense', model: m}"])
def test_a_home_that_can_t_be_read_is_none(home: str) -> None:
    text = f"agents: {{a: {{provider: ollama}}}}\npurposes: {{p: {{model: m}}}}\ndefaults: {home}"
    error = refused("no-model" if "provider" in home else "bad-url", text, agent="a", purpose="p")
    assert error.message


def test_a_bad_reference_that_has_to_be_looked_at() -> None:
    text = "agents: {a: {provider: ollama}}\ndefaults: {model: '${X}'}"
    refused("bad-environment", text, agent="a")
    assert names("agents: {a: {provider: ollama, model: m}}\ndefaults: {model: '${X}'}", agent="a") == ["ollama/m"]


def test_an_alias_makes_a_foreign_model_one_s_own() -> None:
    text = """\
providers: {ollama: {aliases: {claude: middle, middle: llama, loop: loop}, models: [llama, loop]}}
defaults: {model: anthropic/claude}
agents: {a: {provider: ollama}, b: {provider: ollama, model: loop}}
"""
    found = ask(text, agent="a")
    assert found.target.name == "ollama/llama"
    assert field(found, "model").candidates[0].reason == "asked for as claude"
    assert names(text, agent="b") == ["ollama/loop"]


def test_a_closed_list() -> None:
    text = "providers: {openai: {models: [gpt-a, gpt-b]}}\ndefaults: {model: openai/%s}"
    assert names(text % "gpt-a") == ["openai/gpt-a"]
    error = refused("model-not-offered", text % "gpt-c")
    assert "did you mean" in error.hint
    assert error.origin.line == 3


def test_the_provider_s_own_models() -> None:
    text = """\
providers: {openai: {model: general, purposes: {p: {model: special}, q: {}, "*": {model: other}}}}
purposes: {p: {}, q: {}, r: {}}
defaults: {provider: openai}
"""
    assert names(text) == ["openai/general"]
    assert names(text, purpose="p") == ["openai/special"]
    assert names(text, purpose="q") == ["openai/general"]
    assert names(text, purpose="r") == ["openai/other"]
    model = field(ask(text, purpose="p"), "model")
    assert [(item.value, item.verdict, item.reason) for item in model.candidates] == [
        ("special", "won", ""),
        ("general", "shadowed", "less specific"),
    ]
    beaten = field(ask(text, args={"provider": "openai", "model": "x"}, purpose="p"), "model")
    assert [(item.verdict, item.reason) for item in beaten.candidates[1:]] == [("shadowed", "last resort")] * 2


def test_a_provider_s_own_model_is_filled_in_when_it_is_needed() -> None:
    text = "providers: {openai: {model: '${X}'}}\ndefaults: {provider: openai}"
    assert names(text, {"X": "m"}) == ["openai/m"]
    refused("bad-environment", text)
    assert names(text, args={"model": "openai/y"}) == ["openai/y"]


# -- Fallbacks

CHAIN = "defaults: {provider: ollama, model: m, allow_remote_fallback: true, fallbacks: [%s]}"


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("openai/x", "openai/x"),
        ("openrouter/anthropic/claude", "openrouter/anthropic/claude"),
        ("'${F}'", "openai/env"),
        ("{provider: openai, model: x}", "openai/x"),
        ("{provider: openai, model: '${M}'}", "openai/env"),
        ("{model: openai/x}", "openai/x"),
        ("{base_url: 'http://localhost:1', model: x}", "http://localhost:1 x"),
        ("openai/a$$b", "openai/a$b"),
    ],
)
def test_an_entry_is_a_complete_target(entry: str, name: str) -> None:
    assert names(CHAIN % entry, {"F": "openai/env", "M": "env"}) == ["ollama/m", name]


def test_an_entry_uses_its_provider_s_model_and_its_own_parameters() -> None:
    text = "providers: {openai: {model: own, temperature: 1, top_p: 0.5, seed: 1}}\n" + CHAIN.replace(
        "model: m", "model: m, top_p: 0.1"
    )
    found = ask(text % "openai, {provider: openai, model: x, temperature: 0.5, api_key: '${K}'}", {"K": "CANARY"})
    assert [target.name for target in found.route.targets] == ["ollama/m", "openai/own", "openai/x"]
    assert [dict(target.params) for target in found.route.targets] == [
        {"top_p": 0.1},
        {"temperature": 1, "top_p": 0.1, "seed": 1},
        {"temperature": 0.5, "top_p": 0.1, "seed": 1},
    ]
    assert found.route.targets[2].credential.source == "env:K"
    assert found.route.targets[2].scope == "defaults.fallbacks[1]"
    assert field(found, "fallbacks").value == ["openai", "openai x"]
    assert "CANARY" not in repr(found)


@pytest.mark.parametrize(
    ("entry", "rule", "message"),
    [
        ("opnai/x", "unknown-provider", "unknown provider 'opnai'"),
        ("nothing", "unknown-provider", "unknown provider 'nothing'"),
        ("{provider: opnai, model: x}", "unknown-provider", "opnai"),
        ("{model: x}", "no-endpoint", "defaults.fallbacks[0] names no endpoint"),
        ("{api_key: '${K}'}", "orphan-key", "defaults.fallbacks[0] names no endpoint"),
        ("groq", "no-model", "no model for groq in defaults.fallbacks[0]"),
        ("{base_url: 'http://localhost:1'}", "no-model", "no model for http://localhost:1"),
        ("{provider: openai, base_url: 'http://a.b', model: '${X}'}", "bad-environment", "X is not set"),
        ("'${X}'", "bad-environment", "X is not set"),
    ],
)
def test_an_entry_that_is_none(entry: str, rule: str, message: str) -> None:
    error = refused(rule, CHAIN % entry)
    assert message in error.message
    assert error.origin.line == 2


def test_an_entry_outside_of_a_closed_list() -> None:
    text = "providers: {openai: {models: [a]}}\n" + CHAIN
    refused("model-not-offered", text % "openai/b")
    assert names(text % "openai/a") == ["ollama/m", "openai/a"]


def test_a_more_remote_entry_needs_the_opt_in() -> None:
    text = CHAIN.replace("allow_remote_fallback: true, ", "")
    error = refused("remote-fallback", text % "{base_url: 'http://localhost:1', model: x}, openai/x")
    assert "openai/x is remote, and its primary ollama/m is local" in error.message
    assert error.origin.column > 80
    assert names(text % "{base_url: 'http://localhost:1', model: x}") == ["ollama/m", "http://localhost:1 x"]
    refused("remote-fallback", text % "{base_url: 'http://10.0.0.1', model: x}")
    lan = "defaults: {base_url: 'http://10.0.0.1', model: m, fallbacks: [ollama/x]}"
    assert names(lan) == ["http://10.0.0.1 m", "ollama/x"]


def test_whose_list_holds() -> None:
    text = """\
providers: {openai: {fallbacks: [groq/p], model: m}}
purposes: {p: {}}
defaults: {model: openai/d, fallbacks: [groq/d]}
agents:
  own: {fallbacks: [groq/a]}
  elsewhere: {model: openai/e}
  none: {fallbacks: []}
  special: {fallbacks: [groq/a], purposes: {p: {fallbacks: [groq/s]}}}
"""
    assert names(text) == ["openai/d", "groq/d"]
    assert names(text, agent="own") == ["openai/d", "groq/a"]
    assert names(text, agent="elsewhere") == ["openai/e", "groq/p"]
    assert names(text, agent="none") == ["openai/d"]
    assert names(text, agent="special", purpose="p") == ["openai/d", "groq/s"]
    verdicts = {
        agent: [item.verdict for item in field(ask(text, agent=agent), "fallbacks").candidates]
        for agent in ("own", "elsewhere", "none")
    }
    assert verdicts == {
        "own": ["won", "shadowed", "shadowed"],
        "elsewhere": ["not-inherited", "won"],
        "none": ["won", "shadowed", "shadowed"],
    }


def test_no_list_at_all() -> None:
    assert all(item.field != "fallbacks" for item in ask(LOCAL).fields)
    lost = field(ask(LOCAL[:-2] + ", fallbacks: [ollama/x]}", args={"model": "ollama/y"}), "fallbacks")
    assert (lost.value, lost.scope, lost.origin) == ([], "", None)


# -- Requirements that only warn

SMALL = """\
providers:
  box: {base_url: "http://localhost:1", model: m, capabilities: {tools: false, context_window: 8000}}
defaults: {model: box/m}
purposes: {p: {require: %s}}
agents: {a: {require: %s}}
"""


def warned(text: str, **query: Any) -> list[str]:
    found = ask(text, **query)
    assert [target.name for target in found.route.targets] == ["box/m"]
    assert {(note.rule, note.severity) for note in found.diagnostics} <= {("not-met", "warning")}
    return [note.message for note in found.diagnostics]


def test_a_small_model_with_a_heavy_agent() -> None:
    heavy = "{tools: true, context_window: 32000%s}"
    error = refused("constraint-violated", SMALL % ("{}", heavy % ""), agent="a")
    assert [out.rule for out in error.excluded] == ["require.tools", "require.context_window"]
    soft = SMALL % ("{}", heavy % ", warn: true")
    assert warned(soft, agent="a") == [
        "box/m does not meet require.tools: it has no tools",
        "box/m does not meet require.context_window: its context window holds 8000 tokens, and 32000 are required",
    ]
    assert warned(soft) == []
    found = ask(soft, agent="a")
    assert found.diagnostics[0].origin.line == 6
    assert field(found, "require").value == {"warn": {"tools": True, "context_window": 32000}}
    assert {row.reason for row in field(found, "require").candidates} == {"only warns"}


def test_what_nobody_knows_is_warned_of_too() -> None:
    [told] = warned(SMALL % ("{}", "{vision: true, warn: true}"), agent="a")
    unknown = "nothing says whether it has vision; declare it under providers.box.capabilities"
    assert told == f"box/m does not meet require.vision: {unknown}"


def test_what_is_met_is_not_warned_of() -> None:
    met = SMALL % ("{}", "{context_window: 8000, warn: true}")
    assert warned(met, agent="a") == []
    assert warned(SMALL % ("{}", "{tools: false, warn: true}"), agent="a") == []


@pytest.mark.parametrize("strict", ["{tools: true}", "{tools: true, warn: false}"])
def test_a_warning_softens_no_other_scope(strict: str) -> None:
    for pair in ((strict, "{tools: true, warn: true}"), ("{tools: true, warn: true}", strict)):
        error = refused("constraint-violated", SMALL % pair, agent="a", purpose="p")
        assert [out.rule for out in error.excluded] == ["require.tools"]


def test_the_field_holds_what_holds_and_what_is_wished_beyond_it() -> None:
    text = SMALL % ("{context_window: 4000}", "{context_window: 32000, warn: true}")
    found = ask(text, agent="a", purpose="p")
    assert field(found, "require").value == {"context_window": 4000, "warn": {"context_window": 32000}}
    turned = ask(SMALL % ("{context_window: 4000, warn: true}", "{context_window: 8000}"), agent="a", purpose="p")
    assert field(turned, "require").value == {"context_window": 8000}


def test_locality_is_never_softened() -> None:
    text = "defaults: {model: openai/gpt-4o, require: {locality: local, thinking: true, warn: true}}"
    error = refused("constraint-violated", text)
    assert [out.rule for out in error.excluded] == ["require.locality"]
    args = {"require": Requirements(tools=True)}
    assert refused("constraint-violated", SMALL % ("{}", "{}"), args=args).excluded[0].rule == "require.tools"
    args = {"require": Require(tools=True, warn=True)}
    assert warned(SMALL % ("{}", "{}"), args=args) == ["box/m does not meet require.tools: it has no tools"]


# -- Requirements


def test_the_strictest_locality_holds() -> None:
    text = """\
defaults: {provider: ollama, model: m, require: {locality: %s}, allow_remote_fallback: true, fallbacks: [openai/x]}
agents: {a: {require: {locality: %s}}}
"""
    assert names(text % ("remote", "remote"), agent="a") == ["ollama/m", "openai/x"]
    for pair in (("local", "remote"), ("remote", "local"), ("lan", "local")):
        found = ask(text % pair, agent="a")
        assert [target.name for target in found.route.targets] == ["ollama/m"]
        assert field(found, "require").value == {"locality": "local"}
        assert {out.rule for out in found.excluded} == {"require.locality"}
        assert found.excluded[0].reason == "https://api.openai.com/v1 is remote, and local is required"


@pytest.mark.parametrize("variable", ["LLMROUTE_MODEL", "LLMROUTE_MODEL__P"])
def test_41_a_local_agent_stays_local_whatever_the_environment_says(variable: str) -> None:
    text = f"{LOCAL}purposes: {{p: {{}}}}\nagents: {{a: {{require: {{locality: local}}}}}}"
    error = refused("constraint-violated", text, {variable: "openai/x"}, agent="a", purpose="p")
    assert "openai/x: https://api.openai.com/v1 is remote" in error.message
    assert [out.target for out in error.excluded] == ["openai/x"]
    assert error.origin.line == 4


@pytest.mark.parametrize(
    ("require", "model", "reason"),
    [
        ("tools: true", "openai/gpt-4o", ""),
        ("vision: true", "openai/gpt-4o", ""),
        ("json_schema: true", "openai/gpt-4o", ""),
        ("thinking: true", "openai/gpt-4o", "it has no thinking"),
        ("thinking: false", "openai/gpt-4o", ""),
        ("context_window: 128000", "openai/gpt-4o", ""),
        ("context_window: 128001", "openai/gpt-4o", "holds 128000 tokens, and 128001 are required"),
        ("tools: true", "openai/nobody-knows", "nothing says whether it has tools"),
        ("tools: true", "work/gpt-4o", ""),
        ("tools: true", "ollama/m", ""),
        ("vision: true", "ollama/m", "it has no vision"),
        ("thinking: true", "ollama/m", "nothing says whether it has thinking"),
        ("tools: true", "box/m", "providers.box.capabilities"),
    ],
)
def test_what_a_model_can_do(require: str, model: str, reason: str) -> None:
    text = f"""\
providers:
  ollama: {{capabilities: {{tools: true, vision: false}}}}
  work: {{preset: openai}}
  box: {{base_url: 'http://localhost:1'}}
defaults: {{model: {model}, require: {{{require}}}}}
"""
    if reason:
        assert reason in refused("constraint-violated", text).message
    else:
        assert names(text) == [model]


def test_an_anonymous_endpoint_can_do_nothing_that_is_known() -> None:
    text = "defaults: {base_url: 'http://localhost:1', model: gpt-4o, require: {tools: true}}"
    assert "a provider of its own" in refused("constraint-violated", text).message


def test_requirements_add_up() -> None:
    text = "defaults: {model: openai/gpt-4o, require: {context_window: 100, tools: true}}\nagents: {a: {require: %s}}"
    found = field(ask(text % "{context_window: 200}", agent="a"), "require")
    assert found.value == {"context_window": 200, "tools": True}
    assert {item.verdict for item in found.candidates} == {"adds-up"}
    assert "129000" in refused("constraint-violated", text % "{context_window: 129000}", agent="a").message


# -- The trace, and the memory


def test_keys_without_an_endpoint() -> None:
    text = "agents: {a: {api_key: '${K}'}}\ndefaults: {provider: ollama, model: m, api_key: '${K}'}"
    error = refused("orphan-key", text, agent="a")
    assert error.origin.line == 2
    assert [item.verdict for item in error.fields[-1].candidates] == ["orphan"]
    shadowed = "agents: {a: {provider: ollama, model: m}}\ndefaults: {api_key: '${K}'}"
    endpoint = ask(shadowed, agent="a").fields[0]
    assert [(item.value, item.verdict) for item in endpoint.candidates] == [("ollama", "won"), ("api_key", "shadowed")]


def test_nothing_names_an_endpoint() -> None:
    assert "LLMROUTE_PROVIDER" in refused("no-endpoint", "defaults: {model: m}").hint


def test_parameters_and_where_they_come_from() -> None:
    text = """\
providers: {ollama: {temperature: 1, timeout: 9}}
defaults: {provider: ollama, model: m, temperature: 0.5}
agents: {a: {temperature: 0}}
"""
    found = ask(text, agent="a")
    assert dict(found.target.params) == {"temperature": 0, "timeout": 9}
    temperature, timeout = field(found, "temperature"), field(found, "timeout")
    assert [(item.value, item.verdict) for item in temperature.candidates] == [
        (0, "won"),
        (0.5, "shadowed"),
        (1, "shadowed"),
    ]
    assert [item.reason for item in temperature.candidates] == ["", "weaker layer", "last resort"]
    assert (timeout.layer, timeout.scope) == ("provider", "providers.ollama")


def test_the_memory_of_answers() -> None:
    spec = spec_of(LOCAL)
    first = resolve(spec, Query(), {})
    assert resolve(spec, Query(), {}) is first
    assert resolve(spec, Query(), {"LLMROUTE_SEED": "1"}) is not first
    assert resolve(spec, Query(args={"seed": 1}), {}).target.params == {"seed": 1}
    assert resolve(spec, Query(args={"seed": 2}), {}).target.params == {"seed": 2}
    stop = ["a"]
    listed = resolve(spec, Query(args={"stop": stop}), {})
    stop[0] = "b"
    assert resolve(spec, Query(args={"stop": stop}), {}).target.params == {"stop": ("b",)}
    assert listed.target.params == {"stop": ("a",)}


def test_the_memory_has_an_end() -> None:
    spec = spec_of(f'{LOCAL}agents: {{"*": {{}}}}')
    for number in range(3_000):
        resolve(spec, Query(agent=f"a{number}"), {})
    assert len(spec.memo) < 1_100
    assert resolve(spec, Query(agent="a1"), {}).target.name == "ollama/m"


def test_metadata_is_handed_over() -> None:
    text = f"{LOCAL}agents: {{a: {{metadata: {{x: [1, '$X']}}}}}}"
    assert ask(text, agent="a").metadata == {"x": [1, "$X"]}
    assert ask(text).metadata == {}
    assert json.dumps(dict(ask(text, agent="a").metadata))


# -- Names


@pytest.mark.parametrize(
    ("query", "rule", "hint"),
    [
        ({"agent": "reviwer"}, "unknown-agent", "did you mean 'reviewer'?"),
        ({"agent": "zzz"}, "unknown-agent", "known here: reviewer"),
        ({"purpose": "plan"}, "unknown-purpose", "the spec declares no purposes"),
        ({"client": "c"}, "unknown-client", "the spec declares no clients"),
        ({"agent": ""}, "unknown-agent", "known here: reviewer"),
    ],
)
def test_a_typo_never_falls_through(query: dict[str, str], rule: str, hint: str) -> None:
    assert hint in refused(rule, f"{LOCAL}agents: {{reviewer: {{}}}}", **query).hint


def test_a_wildcard_takes_in_all_other_names() -> None:
    text = f"""\
{LOCAL}purposes: {{"*": {{seed: 2}}}}
agents: {{a: {{}}, "*": {{temperature: 0, purposes: {{"*": {{top_k: 3}}}}}}}}
clients: {{"*": {{max_tokens: 1}}}}
"""
    found = ask(text, agent="other", purpose="any", client="c")
    assert dict(found.target.params) == {"temperature": 0, "top_k": 3, "seed": 2, "max_tokens": 1}
    assert dict(ask(text, agent="a").target.params) == {}
    assert field(found, "top_k").scope == "agents.*.purposes.*"
    assert dict(ask(text, {"LLMROUTE_SEED__ANY": "7"}, purpose="any").target.params) == {"seed": 7}


def test_variables_of_a_purpose_and_further_names() -> None:
    text = f"""\
{LOCAL}purposes: {{code-review.v2: {{}}}}
env: {{prefix: X_, names: {{seed: [S1, S2], seed.code-review.v2: [S3]}}}}
"""
    assert ask(text, {"X_SEED": "1", "S1": "2"}).target.params == {"seed": 1}
    assert ask(text, {"X_SEED": " ", "S1": "", "S2": "3"}).target.params == {"seed": 3}
    found = ask(text, {"S3": "4", "X_SEED": "1"}, purpose="code-review.v2")
    assert found.target.params == {"seed": 4}
    assert str(field(found, "seed").origin) == "env S3"
    assert ask(text, {"X_SEED__CODE_REVIEW_V2": "5"}, purpose="code-review.v2").target.params == {"seed": 5}
    assert ask(text, {"LLMROUTE_SEED": "6"}).target.params == {}
