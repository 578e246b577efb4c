"""Tests that fail are brought up to date in their text, and hold then."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.dispatch.routing_tests import run
from llmroute.load import from_str, read_mapping
from llmroute.load.rewriting import rewritten
from llmroute.load.yaml_writer import flow, scalar
from llmroute.proof.routing_tests.cases import unrolled
from llmroute.proof.routing_tests.coverage import parts
from llmroute.proof.routing_tests.suggest import suggestions
from llmroute.proof.routing_tests.update import changes
from tests.properties.strategies import World, governed

if TYPE_CHECKING:
    from llmroute.proof.routing_tests.expect import Result
    from llmroute.routing.spec import RoutingSpec

SPEC = "version: 1\ndefaults: {provider: ollama, model: m}\npurposes: {p: {model: n}}\ntests:\n"


def results(spec: RoutingSpec, text: str) -> list[Result]:
    tests = from_str(text)
    return [run(spec, case) for case in unrolled(tests.tests, tests.source)]


def asked(tests: str) -> tuple[list[tuple[tuple[str | int, ...], Any]], list[str]]:
    """Place and value of each change, and each reason against one."""
    found = results(from_str(SPEC + tests), SPEC + tests)
    wanted, refused = changes([result for result in found if not result.passed], found)
    return [(change.path, change.value) for change in wanted], [row.reason for row in refused]


AT = ("tests", 0, "expect")


@pytest.mark.parametrize(
    ("test", "path", "value"),
    [
        ("expect: {model: x}", (*AT, "model"), "m"),
        ("expect: {fallbacks: [x]}", (*AT, "fallbacks"), []),
        ("expect: {credential: {status: set}}", (*AT, "credential", "status"), "none"),
        ("expect: {error: no-model}", AT, {"provider": "ollama", "model": "m"}),
        ("expect: {error: no-model, attempts: 2}", AT, {"provider": "ollama", "model": "m", "attempts": 1}),
        ("expect: {error: rate}, given: [{fault: auth}]", (*AT, "error"), "auth"),
        ("expect: {}, query: {agent: a}", AT, {"error": "unknown-agent"}),
        ("expect: {model: x, excluded: []}, query: {agent: a}", AT, {"error": "unknown-agent", "excluded": []}),
        ("cases: [{expect: {model: x}}]", ("tests", 0, "cases", 0, "expect", "model"), "m"),
        ("expect: {metadata: {expect: 1}}, cases: [{expect: {error: rate}}]",
         ("tests", 0, "cases", 0, "expect"), {"provider": "ollama", "model": "m"}),
        ("at: [{at: 1, expect: {tried: [x]}}, 2], expect: {}", ("tests", 0, "at", 0, "expect", "tried"), ["ollama/m"]),
    ],
)  # fmt: skip
def test_the_change_that_a_test_asks_for(test: str, path: tuple[str | int, ...], value: Any) -> None:
    assert asked(f"  - {{name: t, {test}}}") == ([(path, value)], [])


def test_an_anonymous_target_is_expected_by_its_url() -> None:
    arguments = "{base_url: 'https://x.example/v1', model: m}"
    ((_, value),) = asked(f"  - {{name: t, query: {{args: {arguments}}}, expect: {{error: no-model}}}}")[0]
    assert value == {"base_url": "https://x.example/v1", "model": "m"}


@pytest.mark.parametrize(
    "cases",
    [
        # One of them holds, they ask for different values, one is still of another opinion.
        "expect: {model: n}, cases: [{}, {query: {purpose: p}}]",
        "expect: {model: x}, cases: [{}, {query: {purpose: p}}]",
        "expect: {model: x}, cases: [{query: {agent: a}}, {query: {purpose: p}}]",
    ],
)
def test_what_rows_share_and_do_not_agree_on_is_refused(cases: str) -> None:
    wanted, refused = asked(f"  - {{name: t, {cases}}}")
    assert wanted == []
    assert refused
    assert all("is shared with 't [" in reason for reason in refused)


def test_what_has_no_value_is_refused() -> None:
    wanted, refused = asked("  - {name: t, expect: {params: {seed: 1}, model: x}}")
    assert wanted == [((*AT, "model"), "m")]
    assert refused == ["nothing came in the place of params.seed; take it out of the test"]


# -- For any spec


def damaged(expect: dict[str, Any], luck: Random) -> dict[str, Any]:
    """Expectations that do not hold, or hold by chance."""
    wrong: dict[str, Any] = {
        "provider": "x",
        "model": "y: z",
        "fallbacks": ["a/b"],
        "attempts": 99,
        "error": "policy-x",
    }
    if luck.random() < 0.2:
        return {"provider": "x", "model": "y"} if "error" in expect else {"error": "no-endpoint"}
    changed = {key: wrong.get(key, value) for key, value in expect.items()}
    return {**changed, "error": "orphan-key"} if "error" in changed else changed


def written(test: dict[str, Any], luck: Random) -> str:
    lines = [f"  - name: {scalar(test['name'])}   # a comment"]
    lines += [f"    {key}: {flow(value)}" for key, value in test.items() if key not in ("name", "expect")]
    if luck.random() < 0.5:
        return "\n".join([*lines, f"    expect: {flow(test['expect'])}   # and here"])
    inner = [f"      {key}: {flow(value)}" for key, value in test["expect"].items()]
    return "\n".join([*lines, "    expect:", *inner])


@settings(max_examples=40)
@given(governed(), st.integers(0, 2**32))
def test_any_tests_hold_afterwards(world: World, seed: int) -> None:
    spec, luck = read_mapping(world.document).spec, Random(seed)  # noqa: S311 - a seeded example
    tests = [] if spec is None else suggestions(spec, [*parts(spec)], lambda case: run(spec, case))[0]
    if spec is None or not tests:
        return
    text = "version: 1\ntests:\n" + "\n".join(
        written({**test, "expect": damaged(test["expect"], luck)}, luck) for test in tests
    )
    found = results(spec, text)
    wanted, refused = changes([result for result in found if not result.passed], found)
    new, kept = rewritten(text, {change.path: change.value for change in wanted})
    assert (refused, kept) == ([], {})
    assert [(result.case.name, result.mismatches) for result in results(spec, new) if not result.passed] == []
    assert new.count("# a comment") == len(tests)
