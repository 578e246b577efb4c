"""Routing tests: tables unrolled, what is expected beside what came, and how a difference is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llmroute.dispatch.routing_tests import run
from llmroute.load import from_str
from llmroute.proof.routing_tests.cases import unrolled
from llmroute.proof.routing_tests.expect import Came, Outcome, came
from llmroute.proof.routing_tests.told import result_json, told
from llmroute.routing.explain import plain

if TYPE_CHECKING:
    from llmroute.proof.routing_tests.cases import Case
    from llmroute.proof.routing_tests.expect import Result

SPEC = """
version: 1
providers:
  ollama: {model: "llama3.1:8b", timeout: 60}
  cloud: {base_url: "https://cloud.example/v1", model: big, api_key: "${CLOUD_KEY}"}
defaults: {provider: cloud, fallbacks: [ollama, openai/gpt-6-luna], temperature: 0.5, stop: [a, b]}
purposes: {planning: {temperature: 0}, other: {}}
agents:
  picker: {provider: ollama, metadata: {compact: true, depth: [1]}}
  strict: {model: anthropic/claude-haiku-4-5, fallbacks: [ollama], require: {locality: local}}
clients: {ci: {provider: ollama, max_tokens: 9}}
policies:
  - {name: no-luna, deny: {models: ["*luna"]}, because: it is too far}
tests:
"""


def cases(tests: str) -> list[Case]:
    spec = from_str(SPEC + tests.lstrip("\n"))
    return unrolled(spec.tests, spec.source)


def results(tests: str) -> list[Result]:
    spec = from_str(SPEC + tests.lstrip("\n"))
    return [run(spec, case) for case in unrolled(spec.tests, spec.source)]


def differences(expect: str, more: str = "") -> dict[str, tuple[Any, Any]]:
    (result,) = results(f"  - {{name: t, {more} expect: {{{expect}}}}}")
    return {mismatch.field: (mismatch.expected, mismatch.came.value) for mismatch in result.mismatches}


def shown(tests: str) -> str:
    return "\n".join(plain(told(result)) for result in results(tests))


# -- Tables


def test_a_row_goes_over_what_it_shares_part_by_part() -> None:
    one, two = cases("""
  - name: table
    query: {agent: picker, args: {temperature: 1, headers: {a: b}}}
    environ: {LLMROUTE_MODEL: m, HOME: h}
    expect: {provider: ollama, params: {temperature: 1, seed: 3}}
    cases:
      - query: {purpose: planning, args: {headers: {c: d}, seed: 3}}
        environ: {LLMROUTE_MODEL: n}
        expect: {model: x, params: {seed: 4}}
      - {}
""")
    assert one.query.to_json() == {"agent": "picker", "purpose": "planning", "client": None}
    assert one.query.args == {"temperature": 1, "headers": {"a": "b", "c": "d"}, "seed": 3}
    assert one.environ == {"LLMROUTE_MODEL": "n", "HOME": "h"}
    wanted = {claim.field: (claim.value, one.origin_of(claim).line) for claim in one.calls[0].claims}
    assert wanted == {
        "provider": ("ollama", 18),
        "model": ("x", 22),
        "params.temperature": (1, 18),
        "params.seed": (4, 22),
    }
    assert two.query.args == {"temperature": 1, "headers": {"a": "b"}}
    assert [claim.value for claim in two.calls[0].claims] == ["ollama", 1, 3]
    assert (one.origin.line, two.origin.line) == (20, 23)


def test_an_error_and_a_target_shut_each_other_out() -> None:
    one, two, three = cases("""
  - name: table
    expect: {provider: ollama, excluded: []}
    cases: [{expect: {error: no-model}}]
  - name: other
    expect: {error: no-model, attempts: 2}
    cases: [{expect: {model: m}}, {expect: {within: 1s}}]
""")
    assert [claim.field for claim in one.calls[0].claims] == ["excluded", "error"]
    assert [claim.field for claim in two.calls[0].claims] == ["attempts", "model"]
    assert [claim.field for claim in three.calls[0].claims] == ["error", "attempts", "within"]


def test_the_names_of_rows_say_what_they_change() -> None:
    names = [
        case.name
        for case in cases("""
  - name: t
    expect: {}
    cases:
      - query: {agent: picker, purpose: planning, client: ci, args: {model: m, extra_body: {a: 1}}}
      - environ: {LLMROUTE_MODEL: m, CLOUD_KEY: abc}
      - environ: {HOME: sk-ant-api03-0123456789abcdef}
      - at: 5s
      - {name: my own}
      - {}
      - {}
      - query: {agent: picker}
      - {query: {agent: picker}, expect: {model: m}}
""")
    ]
    assert names == [
        "t [agent picker, purpose planning, client ci, model=m, extra_body]",
        "t [LLMROUTE_MODEL=m, CLOUD_KEY]",
        "t [HOME]",
        "t [at 5s]",
        "t [my own]",
        "t [6]",
        "t [7]",
        "t [agent picker, 8]",
        "t [agent picker, 9]",
    ]


def test_faults_and_times_of_a_row_stand_in_the_place_of_the_shared_ones() -> None:
    one, two = cases("""
  - name: t
    given: [{fault: connect}]
    at: [1, 2s]
    expect: {error: connect}
    cases: [{given: [], at: 1m}, {}]
""")
    assert ([call.at_s for call in one.calls], one.given, one.is_played) == ([60.0], (), True)
    assert ([call.at_s for call in two.calls], len(two.given)) == ([1.0, 2.0], 1)


def test_of_several_calls_the_last_is_the_one_that_is_meant() -> None:
    (case,) = cases("""
  - name: t
    at: [0, {at: 1s, expect: {attempts: 1}}, {at: 2s, expect: {attempts: 2, model: m}}]
    expect: {attempts: 3, provider: p}
""")
    assert [{claim.field: claim.value for claim in call.claims} for call in case.calls] == [
        {},
        {"attempts": 1},
        {"attempts": 2, "provider": "p", "model": "m"},
    ]
    assert [call.is_judged for call in case.calls] == [False, True, True]


# -- What is expected


def test_all_that_may_be_expected_holds() -> None:
    expect = """
provider: cloud, model: big, base_url: "https://cloud.example/v1", locality: remote, api: openai-chat,
fallbacks: ["ollama/llama3.1:8b"], params: {temperature: 0.5, stop: [a, b]}, layer: default, scope: defaults,
credential: {source: "env:CLOUD_KEY", status: missing}, excluded: [openai/gpt-6-luna]"""
    assert differences(expect) == {}
    assert differences("excluded: [{target: openai/gpt-6-luna, rule: policies.no-luna}], attempts: 1, within: 0") == {}
    assert differences("metadata: {compact: true, depth: [1]}, layer: agent", "query: {agent: picker},") == {}
    assert differences("error: constraint-violated, excluded: [openai/gpt-6-luna]", LUNA) == {}
    assert differences("error: connect, attempts: 5", "given: [{fault: connect}],") == {}


LUNA = "query: {args: {model: openai/gpt-6-luna}},"


@pytest.mark.parametrize(
    ("expect", "came"),
    [
        ("provider: x", "cloud"),
        ("model: x", "big"),
        ("base_url: x", "https://cloud.example/v1"),
        ("locality: lan", "remote"),
        ("api: x", "openai-chat"),
        ("fallbacks: []", ["ollama/llama3.1:8b"]),
        ("layer: agent", "default"),
        ("scope: x", "defaults"),
        ("excluded: []", ["openai/gpt-6-luna"]),
        ("excluded: [openai/gpt-6-luna, x]", ["openai/gpt-6-luna"]),
        ("attempts: 2", 1),
        ("tried: [x]", ["cloud/big"]),
    ],
)
def test_what_does_not_hold_is_told(expect: str, came: Any) -> None:
    field = expect.partition(":")[0]
    assert {name: pair[1] for name, pair in differences(expect).items()} == {field: came}


def test_parts_are_compared_by_themselves() -> None:
    found = differences("params: {temperature: 0, stop: [a], seed: 1}, credential: {source: none, status: missing}")
    assert found == {
        "params.temperature": (0, 0.5),
        "params.stop": (["a"], ["a", "b"]),
        "params.seed": (1, None),
        "credential.source": ("none", "env:CLOUD_KEY"),
    }
    assert differences("metadata: {compact: 1}", "query: {agent: picker},") == {"metadata.compact": (1, True)}
    assert differences("metadata: {compact: true}") == {"metadata.compact": (True, None)}


def test_a_rule_that_left_nothing_out() -> None:
    found = differences("excluded: [{target: openai/gpt-6-luna, rule: policies.x}]")
    assert found["excluded"][1] == [{"target": "openai/gpt-6-luna", "rule": "policies.no-luna"}]


def test_where_there_is_no_route_little_else_is_told() -> None:
    assert differences("provider: cloud, layer: default, attempts: 1", LUNA) == {
        "error": (None, "constraint-violated"),
        "attempts": (1, 0),
    }
    assert differences("error: no-model") == {"error": ("no-model", None)}
    assert differences("error: no-model", LUNA) == {"error": ("no-model", "constraint-violated")}
    assert differences("excluded: []", LUNA)["error"] == (None, "constraint-violated")


def test_of_an_answer_after_faults_the_target_that_answers_is_meant() -> None:
    given = "given: [{provider: cloud, fault: timeout}],"
    assert differences("provider: ollama, params: {timeout: 60}, layer: default, within: 10m", given) == {}
    assert differences("model: big, within: 599s", given) == {
        "model": ("big", "llama3.1:8b"),
        "within": ("599s", "600s"),
    }


def test_of_a_call_that_fails_the_target_that_was_asked_last_is_meant() -> None:
    given = "given: [{fault: quota}],"
    assert differences("error: quota, attempts: 2, provider: ollama, layer: default", given) == {}
    assert differences("error: quota, provider: cloud", given) == {"provider": ("cloud", "ollama")}
    # Of a row that expects a failure nothing of a target is taken over from what it shares.
    (result,) = results(
        "  - {name: t, expect: {provider: cloud}, cases: [{given: [{fault: quota}], expect: {error: quota}}]}"
    )
    assert result.passed


def test_the_environment_is_that_of_the_test_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMROUTE_MODEL", "openai/gpt-6-sol")
    monkeypatch.setenv("CLOUD_KEY", "abc")
    assert differences("provider: cloud, credential: {status: missing}") == {}
    environ = "environ: {LLMROUTE_PROVIDER: ollama, CLOUD_KEY: k},"
    assert differences("provider: ollama, layer: env, scope: env", environ) == {}


def test_of_what_is_not_there_nothing_came() -> None:
    assert came("provider", Outcome()) == Came(None)


# -- How it is told


def test_a_difference_names_the_lines_behind_it() -> None:
    assert shown("""
  - name: fine
    expect: {}
  - name: moved
    query: {agent: picker}
    expect:
      provider: cloud
      model: big
      params: {temperature: 1}
      fallbacks: [x]
      metadata: {compact: {a: 1}}
""").splitlines() == [
        "✓ fine  <string>:15",
        "✗ moved  <string>:17",
        "    provider            expected  cloud  <string>:20",
        "                        came      ollama  agents.picker  <string>:9",
        "                        lost      cloud  defaults, weaker layer  <string>:6",
        "    model               expected  big  <string>:21",
        "                        came      llama3.1:8b  providers.ollama  <string>:4",
        "    fallbacks           expected  x  <string>:23",
        "                        came      none",
        "                        lost      ollama, openai/gpt-6-luna  defaults, not inherited  <string>:6",
        "    params.temperature  expected  1  <string>:22",
        "                        came      0.5  defaults  <string>:6",
        '    metadata.compact    expected  {"a": 1}  <string>:24',
        "                        came      true  agents.picker  <string>:9",
    ]


def test_who_lost_is_told_by_the_value_that_was_expected() -> None:
    text = shown("""
  - name: t
    query: {agent: picker, args: {model: cloud/big}}
    environ: {LLMROUTE_TEMPERATURE: "1"}
    expect: {model: big, params: {temperature: 1}}
""")
    assert "lost      big  client arguments, belongs to cloud  argument model" in text
    assert "came      1.0  env  env LLMROUTE_TEMPERATURE" not in text


def test_an_error_is_told_with_its_message() -> None:
    text = shown("  - {name: a, query: {agent: nobody}, expect: {}}\n  - {name: b, expect: {error: no-model}}")
    assert "error  expected  a route  <string>:15" in text
    assert "came      unknown-agent: unknown agent 'nobody'" in text
    assert "error  expected  no-model  <string>:16\n           came      a route to cloud/big" in text


def test_what_was_played_is_shown_with_its_seconds() -> None:
    text = shown("""
  - name: t
    given: [{provider: cloud, fault: connect}]
    at: [0, 60]
    expect: {attempts: 1, excluded: [{target: a, rule: b}], tried: [x], within: 0}
""")
    assert text.splitlines()[-5:] == [
        "    what was asked",
        "        0 s  cloud/big           connect",
        "      0.5 s  cloud/big           connect",
        "      1.5 s  cloud/big           connect",
        "      1.5 s  ollama/llama3.1:8b  answered",
    ]
    assert "attempts at 60 s  expected  1" in text
    assert "excluded at 60 s  expected  a by b" in text
    assert "within at 60 s    expected  0s  <string>:18\n                      came      1.5s" in text


def test_a_result_for_programs() -> None:
    (one, two) = results("""
  - name: t
    query: {client: ci}
    expect: {provider: cloud}
  - name: p
    given: [{provider: cloud, fault: quota}]
    expect: {error: quota}
""")
    shown = result_json(one)
    assert shown["query"] == {"agent": None, "purpose": None, "client": "ci"}
    assert (shown["passed"], "steps" in shown) == (False, False)
    assert shown["failures"] == [
        {
            "field": "provider",
            "expected": "cloud",
            "actual": "ollama",
            "message": "",
            "scope": "clients.ci",
            "origin": {"kind": "file", "path": "<string>", "line": 11, "column": 26},
            "lost": {
                "scope": "defaults",
                "value": "cloud",
                "reason": "weaker layer",
                "origin": {"kind": "file", "path": "<string>", "line": 6, "column": 22},
            },
            "expected_at": {"kind": "file", "path": "<string>", "line": 17, "column": 24},
        }
    ]
    played = result_json(two)
    assert played["failures"][0]["actual"] is None
    assert played["failures"][0]["at_s"] == 0.0
    assert played["steps"] == [
        [
            {"target": "cloud/big", "began_s": 0.0, "kind": "quota"},
            {"target": "ollama/llama3.1:8b", "began_s": 0.0, "kind": None},
        ]
    ]
