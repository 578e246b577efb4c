"""What tests have shown of a spec, what is left, and the tests that are proposed for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from llmroute.dispatch.routing_tests import run
from llmroute.load import from_file, from_str, read_mapping
from llmroute.load.yaml_writer import flow
from llmroute.proof.routing_tests.cases import unrolled
from llmroute.proof.routing_tests.coverage import Coverage, coverage, parts
from llmroute.proof.routing_tests.suggest import suggestions
from tests.properties.strategies import World, governed

if TYPE_CHECKING:
    from llmroute.routing.spec import RoutingSpec

ROOT = Path(__file__).parents[2]
SPEC = """
version: 1
providers:
  ollama: {model: "llama3.1:8b", fallbacks: [ollama/other]}
  cloud: {base_url: "https://cloud.example/v1", model: big}
defaults: {provider: cloud, fallbacks: [ollama]}
purposes: {planning: {temperature: 0}, idle: {}}
agents:
  picker: {provider: ollama, require: {locality: local}, purposes: {planning: {seed: 1}}}
  careful: {require: {locality: lan, tools: false}}
clients: {ci: {max_tokens: 9}}
policies:
  - {name: picker-stays, agents: [picker], require: {locality: local}}
  - {name: no-vendor, deny: {providers: [deepseek]}}
"""
ALL = [
    *("defaults", "purposes.planning", "agents.picker", "agents.picker.purposes.planning", "clients.ci"),
    *("policies.picker-stays", "policies.no-vendor"),
    *("agents.picker.require.locality", "agents.careful.require.locality"),
    *("defaults.fallbacks[0]", "providers.ollama.fallbacks[0]"),
]


def covered(tests: str, text: str = SPEC) -> tuple[Coverage, list[str]]:
    spec = from_str(f"{text}tests: {tests}")
    found = coverage(spec, [run(spec, case) for case in unrolled(spec.tests, spec.source)])
    return found, [part.name for part in found.parts if part not in found.uncovered]


def test_everything_that_can_decide_is_a_part() -> None:
    spec = from_str(SPEC)
    assert [part.name for part in parts(spec)] == ALL
    assert [part.origin.line for part in parts(spec)] == [6, 7, 9, 9, 11, 13, 14, 9, 10, 6, 4]


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("{}", ["defaults"]),
        # That a query was asked is enough for what can't strike, and for nothing else.
        ("{query: {agent: picker}}", ["agents.picker", "policies.picker-stays", "agents.picker.require.locality"]),
        ("{query: {agent: careful}}", ["defaults", "agents.careful.require.locality"]),
        ("{query: {args: {provider: deepseek, model: m}}}", ["policies.no-vendor"]),
        ("{query: {agent: nobody}}", []),
        ("{given: [{provider: cloud, fault: quota}]}", ["defaults", "defaults.fallbacks[0]"]),
        ("{query: {client: ci, purpose: planning}}", ["defaults", "purposes.planning", "clients.ci"]),
        ("{query: {client: ci, purpose: idle}}", ["defaults", "clients.ci"]),
    ],
)
def test_what_a_test_covers(test: str, expected: list[str]) -> None:
    found, names = covered(f"[{{name: t, expect: {{}}, {test[1:]}]" if test != "{}" else "[{name: t, expect: {}}]")
    assert names == expected
    assert found.percent == pytest.approx(100 * len(expected) / len(ALL))


def test_a_requirement_that_only_warns_strikes_too() -> None:
    text = "version: 1\ndefaults: {model: ollama/m, require: {tools: true, warn: true}}\n"
    assert covered("[{name: t, expect: {}}]", text)[1] == ["defaults", "defaults.require.tools"]


def test_tests_add_up() -> None:
    tests = "[{name: a, expect: {}}, {name: b, query: {agent: picker}, given: [{model: 'llama3.1:8b', fault: quota}], "
    found, names = covered(tests + "expect: {}}]")
    assert names == [
        *("defaults", "agents.picker", "policies.picker-stays", "agents.picker.require.locality"),
        "providers.ollama.fallbacks[0]",
    ]
    assert found.to_json()["percent"] == round(500 / 11, 2)


def test_a_spec_without_parts_is_covered() -> None:
    found, _ = covered("[]", "version: 1\n")
    assert (found.percent, found.to_json()["total"]) == (100.0, 0)


def test_coverage_for_programs() -> None:
    found = covered("[{name: t, query: {agent: picker}, expect: {}}]")[0].to_json()
    assert (found["covered"], found["total"]) == (3, 11)
    assert found["policies"] == {
        "covered": ["policies.picker-stays"],
        "uncovered": [
            {"name": "policies.no-vendor", "origin": {"kind": "file", "path": "<string>", "line": 14, "column": 5}}
        ],
    }
    assert set(found) == {"percent", "covered", "total", "scopes", "policies", "rules", "fallbacks"}


# -- Proposals


def proposed(spec: RoutingSpec) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """The proposals for all of a spec, the parts for which there is none, and those that they leave uncovered."""
    tests, left = suggestions(spec, [*parts(spec)], lambda case: run(spec, case))
    written = from_str("version: 1\ntests:\n" + "".join(f"  - {flow(test)}\n" for test in tests)) if tests else None
    cases = unrolled(written.tests, written.source) if written else []
    results = [run(spec, case) for case in cases]
    assert [result.case.name for result in results if not result.passed] == []
    assert len({case.name for case in cases}) == len(cases)
    return tests, [part.name for part in left], [part.name for part in coverage(spec, results).uncovered]


def test_proposals_cover_everything_and_pass_as_they_are_printed() -> None:
    tests, left, uncovered = proposed(from_str(SPEC))
    assert (left, uncovered) == ([], [])
    assert tests[:2] == [
        {
            "name": "anybody: cloud/big",
            "expect": {"provider": "cloud", "model": "big", "fallbacks": ["ollama/llama3.1:8b"]},
        },
        {
            "name": "anybody without cloud/big: ollama/llama3.1:8b",
            "given": [{"target": "cloud/big", "fault": "connect"}],
            "expect": {"provider": "ollama", "model": "llama3.1:8b", "attempts": 4},
        },
    ]
    assert any(test["expect"].get("error") == "constraint-violated" for test in tests)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.yaml")), ids=lambda path: path.stem)
def test_proposals_for_the_examples(path: Path) -> None:
    _, left, uncovered = proposed(from_file(path))
    assert (left, uncovered) == ([], [])


def test_nothing_is_proposed_for_what_no_query_shows() -> None:
    text = "version: 1\ndefaults: {temperature: 0, provider: ollama}\nagents: {a: {model: m, provider: ollama}}\n"
    spec = from_str(text + "purposes: {p: {fallbacks: [openai/x]}}\n")
    tests, left, uncovered = proposed(spec)
    assert left == uncovered == ["purposes.p", "purposes.p.fallbacks[0]"]
    assert [test["name"] for test in tests] == ["anybody: no-model", "a: ollama/m"]


@settings(max_examples=40)
@given(governed())
def test_proposals_for_any_spec_pass(world: World) -> None:
    loaded = read_mapping(world.document)
    if loaded.spec is not None:
        _, left, uncovered = proposed(loaded.spec)
        assert left == uncovered
