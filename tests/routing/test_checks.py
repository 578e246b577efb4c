"""What is said of a spec before anybody asks it something: each rule strikes, and only where it should."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.load import from_mapping
from llmroute.routing import check_answers
from llmroute.routing.check_answers import named_queries
from llmroute.routing.checks import MAX_GUESSES, check, unknown_variables, unset_variables
from llmroute.routing.route import EMPTY, Query
from llmroute.routing.rules import RULES
from tests.routing.asking import LOCAL, spec_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def said(text: str, environ: Mapping[str, str] = EMPTY, **program: Any) -> list[tuple[str, int, str]]:
    found = check(spec_of(text), environ=environ, asker=Query(**program))
    for item in found:
        assert (item.code, item.severity) == (RULES[item.rule].code, RULES[item.rule].severity)
        assert "CANARY" not in json.dumps(item.to_json())
    return [(item.rule, item.origin.line, item.pointer) for item in found]


A = "agents: {a: {%s}}\n" + LOCAL
AT = "/agents/a/"
STRIKES = {
    # references
    "8-provider": (A % "provider: olama, model: x", [("unknown-provider", 2, AT + "provider")]),
    "8-in-a-fallback": (
        A % "provider: ollama, model: x, fallbacks: [{provider: olama, model: x}]",
        [("unknown-provider", 2, AT + "fallbacks/0/provider")],
    ),
    "8-reference-in-a-fallback": (
        A % "provider: ollama, model: x, fallbacks: [olama/x]",
        [("unknown-provider", 2, AT + "fallbacks/0")],
    ),
    "8-preset": (
        LOCAL + "providers: {work: {preset: opnai}}",
        [("unknown-provider", 3, "/providers/work/preset")],
    ),
    "provider-without-url": (LOCAL + "providers: {olama: {}}", [("missing-field", 3, "/providers/olama")]),
    "provider-that-needs-no-url": (LOCAL + "providers: {any: {api: litellm}}", []),
    "provider-without-anything-near": (LOCAL + "providers: {zzzz: {}}", [("missing-field", 3, "/providers/zzzz")]),
    "reference-beside-url": (
        A % "base_url: 'http://localhost:1', model: openai/x",
        [("reference-beside-url", 2, AT + "model")],
    ),
    "9-alias-cycle": (
        LOCAL + "providers: {ollama: {aliases: {x: a, a: b, b: c, c: a, d: a}}}",
        [("alias-cycle", 3, "/providers/ollama/aliases/a")],
    ),
    "9-alias-of-itself": (
        LOCAL + "providers: {ollama: {aliases: {a: a}}}",
        [("alias-cycle", 3, "/providers/ollama/aliases/a")],
    ),
    "10-fallback-crosses": (
        A % "provider: ollama, model: x, fallbacks: [openai/x]",
        [("remote-fallback", 2, AT + "fallbacks/0")],
    ),
    "41-constraint": (
        A % "model: openai/x, require: {locality: local}",
        [("constraint-violated", 2, AT + "require/locality")],
    ),
    "unknown-api": (A % "provider: ollama, model: x, api: openai-chatt", [("unknown-api", 2, AT + "api")]),
    # URLs
    "11-bad-url": (A % "base_url: 'localhost:1', model: x", [("bad-url", 2, AT + "base_url")]),
    "a-key-for-a-bad-url": (
        A % "base_url: 'localhost:1', model: x, api_key: '${OPENAI_API_KEY}'",
        [("bad-url", 2, AT + "base_url")],
    ),
    "14-userinfo": (A % "base_url: 'http://k:CANARY@a.b', model: x", [("bad-url", 2, AT + "base_url")]),
    "11-locality": (
        LOCAL + "providers: {box: {base_url: 'https://a.b', locality: lan}}",
        [("locality-loosened", 3, "/providers/box/locality")],
    ),
    # keys
    "12-key": (A % "model: openai/x, api_key: sk-ant-CANARY0123456789", [("inline-secret", 2, AT + "api_key")]),
    "12-key-of-any-form": (A % "model: openai/x, api_key: CANARY hunter2 word", [("inline-secret", 2, AT + "api_key")]),
    "12-key-in-a-header": (
        A % "model: openai/x, headers: {X-Key: sk-CANARY0123456789}",
        [("inline-secret", 2, AT + "headers/X-Key")],
    ),
    "12-key-in-the-body": (
        A % "model: openai/x, extra_body: {a: [{b: sk-CANARY0123456789}]}",
        [("inline-secret", 2, AT + "extra_body/a/0/b")],
    ),
    "12-key-as-a-model": (
        A % "model: ollama/x, fallbacks: [{provider: ollama, model: sk-CANARY0123456789}]",
        [("inline-secret", 2, AT + "fallbacks/0/model")],
    ),
    "credential-header": (
        A % "model: openai/x, headers: {Authorization: '${K}'}",
        [("credential-header", 2, AT + "headers/Authorization")],
    ),
    "13-vendor-key-elsewhere": (
        A % "base_url: 'https://relay.example', model: x, api_key: '${OPENAI_API_KEY}'",
        [("vendor-key-elsewhere", 2, AT + "api_key")],
    ),
    "13-by-a-reference": (
        A % "model: groq/x, api_key: '${OPENAI_API_KEY}'",
        [("vendor-key-elsewhere", 2, AT + "api_key")],
    ),
    "13-of-a-provider": (
        LOCAL + "providers: {work: {preset: groq, api_key: '${OPENAI_API_KEY}'}}",
        [("vendor-key-elsewhere", 3, "/providers/work/api_key")],
    ),
    "key-in-the-clear": (
        A % "base_url: 'http://far.example', model: x, api_key: '${K}'",
        [("key-in-the-clear", 2, AT + "api_key")],
    ),
    "key-in-the-clear-on-a-lan-by-a-provider": (
        LOCAL + "providers: {box: {base_url: 'http://gpu-box/v1', api_key: '${K}', allow_http: false}}",
        [("key-in-the-clear", 3, "/providers/box/api_key")],
    ),
    "key-in-the-clear-of-a-scope-to-a-provider": (
        LOCAL + "providers: {box: {base_url: 'http://box.example/v1'}}\nagents: {a: {model: box/m, api_key: '${K}'}}",
        [("key-in-the-clear", 4, "/agents/a/api_key")],
    ),
    "key-in-the-clear-allowed-for-another-origin": (
        LOCAL + "providers: {box: {base_url: 'http://gpu-box/v1', allow_http: true}}\n"
        "agents: {a: {provider: box, base_url: 'http://other.example/v1', model: m, api_key: '${K}'}}",
        [("key-in-the-clear", 4, "/agents/a/api_key")],
    ),
    "transport-header": (
        A % "model: openai/x, headers: {hOsT: relay.example}",
        [("transport-header", 2, AT + "headers/hOsT")],
    ),
    "orphan-key": (A % "api_key: '${K}'", [("orphan-key", 2, AT + "api_key")]),
    "setting-without-endpoint": (
        A % "headers: {X: y}, auth: none",
        [("setting-without-endpoint", 2, AT + "headers"), ("setting-without-endpoint", 2, AT + "auth")],
    ),
    # interpolation
    "39-bad-interpolation": (A % "model: 'ollama/$X'", [("bad-interpolation", 2, AT + "model")]),
    "39-in-a-header": (
        A % "model: ollama/x, headers: {A: '${B'}",
        [("bad-interpolation", 2, AT + "headers/A")],
    ),
    "39-in-a-fallback": (
        A % "model: ollama/x, fallbacks: ['ollama/${X-y}']",
        [("bad-interpolation", 2, AT + "fallbacks/0")],
    ),
    # names
    "unknown-purpose": (A % "purposes: {p: {}}", [("unknown-purpose", 2, AT + "purposes/p")]),
    "unknown-purpose-of-a-provider": (
        LOCAL + "providers: {ollama: {purposes: {p: {}}}}",
        [("unknown-purpose", 3, "/providers/ollama/purposes/p")],
    ),
    "wildcard-swallows": (
        A % "purposes: {planing: {}}" + 'purposes: {planning: {}, "*": {}}',
        [("wildcard-swallows", 2, AT + "purposes/planing")],
    ),
    # the environment
    "colliding-purposes": (
        LOCAL + "purposes: {a-b: {}, a.b: {}, a_b: {}}",
        [("colliding-variables", 3, "/purposes/a.b"), ("colliding-variables", 3, "/purposes/a_b")],
    ),
    "colliding-names": (
        LOCAL + "env: {names: {model: [X, LLMROUTE_SEED], provider: [X]}}",
        [("colliding-variables", 3, "/env/names/model/1"), ("colliding-variables", 3, "/env/names/provider/0")],
    ),
    "unknown-setting": (LOCAL + "env: {names: {modl: [X]}}", [("unknown-setting", 3, "/env/names/modl")]),
    "unknown-purpose-of-a-variable": (
        LOCAL + "env: {names: {model.p: [X]}}",
        [("unknown-purpose", 3, "/env/names/model.p")],
    ),
    # answers
    "no-model": (A % "provider: openai", [("no-model", 2, AT + "provider")]),
    "model-not-offered": (
        A % "model: openai/x" + "providers: {openai: {models: [y]}}",
        [("model-not-offered", 2, AT + "model")],
    ),
    "repeated-target": (
        A % "model: ollama/x, fallbacks: [ollama/x, ollama/y]",
        [("repeated-target", 2, AT + "fallbacks")],
    ),
    "homeless-model": ("agents: {a: {model: x}}\n", [("homeless-model", 2, AT + "model")]),
    # policies
    "empty-policy": (LOCAL + "policies: [{name: n}]", [("empty-policy", 3, "/policies/0")]),
    "repeated-policy": (
        LOCAL + "policies: [{name: n, require: {locality: lan}}, {name: n, deny: {hosts: [x]}}]",
        [("repeated-policy", 3, "/policies/1/name")],
    ),
    "policy-of-nobody": (
        LOCAL + "agents: {secret-notes: {}}\npolicies: [{name: n, agents: [secret-nots, 'secret-*'], purposes: ['*'], "
        "clients: [c], deny: {providers: [opnai], hosts: [x]}}]",
        [
            ("policy-matches-nothing", 4, "/policies/0/agents/0"),
            ("policy-matches-nothing", 4, "/policies/0/clients/0"),
            ("policy-matches-nothing", 4, "/policies/0/deny/providers/0"),
        ],
    ),
    "policy-of-names-behind-a-wildcard": (
        LOCAL + 'agents: {"*": {}}\npolicies: [{name: n, agents: [secret-nots], require: {locality: local}}]',
        [],
    ),
    # Tests
    "tests": (LOCAL + "tests: [{name: n, expect: {}}]", []),
    "names-in-a-test": (
        LOCAL
        + "agents: {reviewer: {}}\ntests: [{name: n, query: {agent: reviwer, purpose: p, client: c}, expect: {}}]",
        [
            ("unknown-agent", 4, "/tests/0/query/agent"),
            ("unknown-purpose", 4, "/tests/0/query/purpose"),
            ("unknown-client", 4, "/tests/0/query/client"),
        ],
    ),
    "unknown-names-that-a-test-is-about": (
        LOCAL + "agents: {reviewer: {}}\ntests: [{name: n, query: {agent: reviwer}, expect: {error: unknown-agent}},"
        " {name: m, expect: {error: unknown-client}, cases: [{query: {client: c}}, {query: {purpose: p}}]}]",
        [("unknown-purpose", 4, "/tests/1/cases/1/query/purpose")],
    ),
    "wildcard-in-a-test": (
        LOCAL + 'agents: {reviewer: {}, "*": {}}\ntests: [{name: n, query: {agent: reviwer}, expect: {}}, '
        "{name: m, query: {agent: zzz}, expect: {}}]",
        [("wildcard-swallows", 4, "/tests/0/query/agent")],
    ),
    "nothing-expected": (
        LOCAL + "tests:\n  - {name: n}\n  - {name: m, cases: [{}, {expect: {}}]}\n"
        "  - {name: o, at: [{at: 0, expect: {}}, 1]}\n  - {name: p, expect: {}, cases: [{}]}\n  - {name: q, at: 1}",
        [
            ("missing-field", 4, "/tests/0"),
            ("missing-field", 5, "/tests/1/cases/0"),
            ("missing-field", 8, "/tests/4"),
        ],
    ),
    "an-error-and-a-target": (
        LOCAL + "tests: [{name: n, at: [{at: 0, expect: {error: no-model, attempts: 1, model: m}}], "
        "expect: {error: no-model, provider: ollama}}, {name: m, expect: {error: connect, provider: ollama}}]",
        [
            ("invalid-value", 3, "/tests/0/at/0/expect/model"),
            ("invalid-value", 3, "/tests/0/expect/provider"),
        ],
    ),
    "faults-of-nobody": (
        LOCAL + "tests: [{name: n, expect: {}, given: [{provider: olama, fault: connect}, "
        "{target: olama/x, fault: rate}, {target: ollama/x, fault: rate}, {provider: ollama, fault: auth}]}]",
        [
            ("unknown-provider", 3, "/tests/0/given/0/provider"),
            ("unknown-provider", 3, "/tests/0/given/1/target"),
        ],
    ),
    "variables-in-a-test": (
        LOCAL + "tests: [{name: n, environ: {LLMROUTE_MODLE: m, LLMROUTE_MODEL: m, HOME: h}, expect: {}}]",
        [("unknown-variable", 3, "/tests/0/environ/LLMROUTE_MODLE")],
    ),
}


@pytest.mark.parametrize("name", STRIKES)
def test_a_rule_strikes(name: str) -> None:
    text, expected = STRIKES[name]
    assert said(text) == expected


@pytest.mark.parametrize("url", ["http://192.168.1.20:8000/v1", "http://gpu-box/v1"])
def test_a_key_in_the_clear_inside_a_private_network_is_a_warning(url: str) -> None:
    spec = spec_of(LOCAL + f"providers: {{box: {{base_url: '{url}', api_key: '${{K}}', model: m}}}}")
    assert [(item.rule, item.severity) for item in check(spec)] == [("key-in-the-clear", "warning")]


SILENT = {
    "a-key-over-http-that-is-allowed": (
        LOCAL + "providers: {box: {base_url: 'http://gpu-box/v1', api_key: '${K}', allow_http: true}}\n"
        "agents: {a: {provider: box, model: m, api_key: '${L}'}, b: {model: box/m, api_key: '${L}'}}"
    ),
    "a-key-over-http-that-is-not-sent": A % "base_url: 'http://10.0.0.1', model: x, api_key: '${K}', auth: none",
    "a-key-over-http-on-this-machine": A % "base_url: 'http://[::1]:1', model: x, api_key: '${K}'",
    "nothing": "",
    "the smallest": LOCAL,
    "presets": "defaults: {model: openai/x}\nproviders: {anthropic: {}, work: {preset: openai}}",
    "variables": "defaults: {provider: '${P:-ollama}', model: '${M}', base_url: '${U}', api_key: '${K}'}",
    "a provider out of a variable": "agents: {a: {provider: '${P}', model: x}}\n" + LOCAL,
    "a reference with a variable selects": A % "model: '${M}', api_key: '${K}', headers: {A: b}",
    "a dollar": A % "model: ollama/a$$b",
    "placeholders": A % "provider: ollama, model: x, api_key: none" + "providers: {lmstudio: {api_key: lm-studio}}",
    "no alias cycle": LOCAL + "providers: {ollama: {aliases: {a: b, b: c, d: b}}}",
    "stricter locality": LOCAL + "providers: {box: {base_url: 'http://localhost:1', locality: remote}}",
    "a vendor's key at home": A % "model: openai/x, api_key: '${OPENAI_API_KEY}'",
    "a vendor's key on another path": A
    % "provider: openai, base_url: 'https://api.openai.com/v2', model: x, api_key: '${OPENAI_API_KEY}'",
    "a vendor's key at another name": LOCAL + "providers: {work: {preset: openai, api_key: '${OPENAI_API_KEY}'}}",
    "somebody's key": A % "base_url: 'https://relay.example', model: x, api_key: '${RELAY_KEY}'",
    "a key in a file": A % "base_url: 'https://relay.example', model: x, api_key: {file: /k}",
    "a key to this machine": A % "base_url: 'http://localhost:1', model: x, api_key: '${K}'",
    "a key to nowhere yet": A % "base_url: '${U}', model: x, api_key: '${OPENAI_API_KEY}'",
    "a key of a preset without a URL": LOCAL + "providers: {azure-openai: {api_key: '${AZURE_OPENAI_API_KEY}'}}",
    "declared purposes": A % "purposes: {p: {}, '*': {}}" + "purposes: {p: {}}",
    "a wildcard and nothing near": A % "purposes: {zzz: {}}" + 'purposes: {planning: {}, "*": {}}',
    "variables of one's own": LOCAL + "purposes: {p: {}}\nenv: {names: {model: [X, X], model.p: [Y]}}",
    "the standard name again": LOCAL + "env: {names: {model: [LLMROUTE_MODEL]}}",
    "a wildcard purpose of a variable": LOCAL + 'purposes: {"*": {}}\nenv: {names: {model.q: [Y]}}',
    "one model at two URLs": A
    % "model: ollama/x, fallbacks: [{provider: ollama, model: x, base_url: 'http://localhost:9'}]",
    "no fallback": A % "model: ollama/x, fallbacks: []",
    "a model for one of two": "agents: {a: {provider: openai, model: y}}\npurposes: {p: {model: z}}\n" + LOCAL,
    "an endpoint that comes later": "purposes: {p: {temperature: 0}}\nagents: {a: {temperature: 1}}",
    "a test's names": LOCAL + "agents: {a: {}}",
}


@pytest.mark.parametrize("name", SILENT)
def test_nothing_is_said(name: str) -> None:
    assert said(SILENT[name]) == []


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (A % "provider: olama, model: x", "did you mean 'ollama'?"),
        (A % "provider: zzzz, model: x", "declared here: nothing; 36 presets besides"),
        (LOCAL + "providers: {olama: {}}", "did you mean the preset 'ollama'?"),
        (LOCAL + "providers: {zzzz: {}}", "write base_url, or preset"),
        (A % "purposes: {p: {}}", "declare it: purposes: {p: {}}"),
        (A % "purposes: {planing: {}}" + "purposes: {planning: {}}", "did you mean 'planning'?"),
        (LOCAL + "env: {names: {model.p: [X]}}", "the spec declares no purposes"),
        (LOCAL + "tests: [{name: n, query: {client: c}, expect: {}}]", "the spec declares no clients"),
    ],
)
def test_the_way_out(text: str, hint: str) -> None:
    assert hint in [item.hint for item in check(spec_of(text))]


def test_a_query_is_named_where_it_matters() -> None:
    text = "purposes: {p: {}}\nagents: {a: {purposes: {p: {provider: openai}}}}\nclients: {c: {}}\n" + LOCAL
    (only,) = check(spec_of(text))
    assert only.message.startswith("no model for openai")
    assert only.message.endswith("(asked for agent a, purpose p)")


def test_the_program_is_part_of_the_question() -> None:
    text = f"{LOCAL}clients: {{c: {{provider: openai}}, d: {{}}}}"
    assert said(text) == [("no-model", 3, "/clients/c/provider")]
    assert said(text, client="d") == []
    assert said(text, client="c") == [("no-model", 3, "/clients/c/provider")]
    assert said(LOCAL, args={"provider": "openai"}) == [("no-model", 1, "")]
    assert said(LOCAL, args={"seed": "x"}) == [("bad-argument", 1, "")]
    assert said(LOCAL, environ={"LLMROUTE_SEED": "x"}) == []
    environ = {"LLMROUTE_PROVIDER": "ollama"}
    expected = [("no-model", 1, ""), ("homeless-model", 2, "/defaults/model")]
    assert said("defaults: {model: m}", environ=environ) == expected


FOREIGN = "providers: {ollama: {model: own}}\ndefaults: {model: anthropic/claude}\npurposes: {p: {%s}}"


def test_a_model_that_this_program_never_sends() -> None:
    foreign = [("foreign-model", 3, "/defaults/model")]
    assert said(FOREIGN % "", args={"provider": "ollama"}) == foreign
    assert said(FOREIGN % "") == []


def test_without_an_answer_to_each_query_no_model_is_called_foreign() -> None:
    unread = FOREIGN.replace("own", "'${M}'")
    assert said(unread % "", args={"provider": "ollama"}) == []


def test_specs_of_programs_have_pointers() -> None:
    spec = from_mapping({"version": 1, "agents": {"a": {"provider": "openai"}}})
    (only,) = check(spec)
    assert (only.rule, only.pointer, str(only.origin)) == (
        "no-model",
        "/agents/a/provider",
        "mapping /agents/a/provider",
    )
    assert only.to_json()["path"] == "/agents/a/provider"


def test_33_queries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_answers, "MAX_QUERIES", 5)
    spec = spec_of(LOCAL + "agents: {" + ", ".join(f"a{i}: {{}}" for i in range(50)) + "}")
    assert len(list(named_queries(spec))) == 5
    assert check(spec) == []


def test_all_queries_of_a_small_spec() -> None:
    spec = spec_of(f"{LOCAL}agents: {{a: {{}}}}\npurposes: {{p: {{}}}}\nclients: {{c: {{}}, d: {{}}}}")
    assert len(list(named_queries(spec))) == 2 * 2 * 3
    assert {query.client for query in named_queries(spec, Query(client="c"))} == {"c"}


def test_everything_once_in_the_order_of_the_lines() -> None:
    text = """\
providers: {box: {}, olama: {}}
purposes: {p: {}}
agents:
  a: {api_key: "${K}", headers: {X: y}}
  b: {provider: olama, model: '$'}
defaults: {provider: nowhere, model: m, fallbacks: [ollama/m, nowhere/x]}
"""
    found = check(spec_of(text))
    assert [item.origin.line for item in found] == sorted(item.origin.line for item in found)
    assert len(found) == len(set(found))
    assert len({(item.rule, item.origin) for item in found}) == len(found)


# -- Variables


def test_37_variables_that_are_not_set() -> None:
    text = """\
providers: {box: {base_url: "${U:-http://localhost:1}", api_key: "${K}", headers: {A: "${H}"}, model: m}}
defaults: {provider: box, fallbacks: ["box/${M}", {provider: box, model: "${N}-${K}"}]}
"""
    found = unset_variables(spec_of(text), {"H": "x", "N": " "})
    assert {(item.message, item.pointer) for item in found} == {
        ("K is not set", "/providers/box/api_key"),
        ("M is not set", "/defaults/fallbacks/0"),
        ("N is not set", "/defaults/fallbacks/1/model"),
    }
    assert unset_variables(spec_of(text), dict.fromkeys("HKMN", "x")) == []


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("LLMROUTE_MODLE", "did you mean 'LLMROUTE_MODEL'?"),
        ("LLMROUTE_MODEL__PLAN", "did you mean 'LLMROUTE_MODEL__PLANNING'?"),
        ("LLMROUTE_ZZZZZZZZZZZZZZZZZZZZZZZZZZZZ", "known here: "),
    ],
)
def test_variables_that_nothing_reads(variable: str, hint: str) -> None:
    spec = spec_of(f"{LOCAL}purposes: {{planning: {{}}}}\nenv: {{names: {{model: [LLMROUTE_OTHER]}}}}")
    fine = ["LLMROUTE_SPEC", "LLMROUTE_MODEL", "LLMROUTE_MODEL__PLANNING", "LLMROUTE_OTHER", "PATH", "OPENAI_API_KEY"]
    (only,) = unknown_variables(spec, dict.fromkeys([variable, *fine], "CANARY"))
    assert only.origin.name == variable
    assert hint in only.hint
    assert "CANARY" not in str(only)


def test_with_a_wildcard_any_purpose_may_have_variables() -> None:
    spec = spec_of(f'{LOCAL}purposes: {{"*": {{}}}}\nenv: {{prefix: X_}}')
    names = ["X_MODEL__ANY", "X_MODL__ANY", "LLMROUTE_MODLE"]
    assert [item.origin.name for item in unknown_variables(spec, dict.fromkeys(names, "x"))] == ["X_MODL__ANY"]


def test_hints_are_given_for_the_first_of_many_mistakes_only() -> None:
    agents = {f"a{number}": {"provider": f"olama{number}"} for number in range(MAX_GUESSES + 1)}
    found = check(from_mapping({"version": 1, "defaults": {"provider": "ollama", "model": "m"}, "agents": agents}))
    hints = [item.hint for item in found if item.rule == "unknown-provider"]
    assert len(hints) == MAX_GUESSES + 1
    assert sum(hint == "did you mean 'ollama'?" for hint in hints) == MAX_GUESSES
