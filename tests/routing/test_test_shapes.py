"""What is written of a test becomes what it says, its durations seconds."""

from __future__ import annotations

import pytest

from llmroute.load import from_str
from llmroute.routing.expectations import ERRORS, ExpectedExclusion, ExpectedKey, Fault, TestCall, TestQuery, seconds

TEXT = """
version: 1
defaults: {provider: ollama, model: m}
tests:
  - name: everything
    query: {agent: a, args: {model: m}}
    environ: {HOME: h}
    given: [{provider: ollama, from: 5s, to: 1m, fault: connect, retry_after: 3, takes: 1s}, {fault: rate}]
    at: [0, {at: 6s, expect: {attempts: 2.0}}, {at: 7s}]
    expect:
      fallbacks: [a/b]
      params: {stop: [a]}
      credential: {source: none, status: none}
      excluded: [a/b, {target: c/d, rule: require.tools}]
      tried: [e/f]
    cases: [{name: row, at: 2m, expect: {error: connect}}, {}]
  - {name: nothing}
"""


def test_all_of_a_test() -> None:
    everything, nothing = from_str(TEXT).tests
    assert everything.query == TestQuery(agent="a", args={"model": "m"})
    assert everything.given == (
        Fault(provider="ollama", fault="connect", from_="5s", to="1m", retry_after=3, takes="1s"),
        Fault(fault="rate"),
    )
    assert isinstance(everything.at, tuple)
    assert (everything.at[0], everything.at[2]) == (0, TestCall(at="7s"))
    call = everything.at[1]
    assert isinstance(call, TestCall)
    assert call.expect is not None
    assert (call.expect.attempts, type(call.expect.attempts)) == (2, int)
    expect = everything.expect
    assert expect is not None
    assert (expect.fallbacks, expect.tried, expect.params) == (("a/b",), ("e/f",), {"stop": ["a"]})
    assert expect.credential == ExpectedKey(source="none", status="none")
    assert expect.excluded == ("a/b", ExpectedExclusion(target="c/d", rule="require.tools"))
    assert everything.cases is not None
    assert [(row.name, row.at, row.expect is None) for row in everything.cases] == [
        ("row", "2m", False),
        (None, None, True),
    ]
    assert (nothing.expect, nothing.cases, nothing.given) == (None, None, None)


@pytest.mark.parametrize(
    ("written", "expected"), [("500ms", 0.5), ("1.5s", 1.5), ("2m", 120.0), ("1h", 3600.0), (3, 3.0), (0.25, 0.25)]
)
def test_durations(written: float | str, expected: float) -> None:
    assert seconds(written) == pytest.approx(expected)


def test_the_errors_that_may_be_expected() -> None:
    assert {"no-model", "constraint-violated", "missing-key", "connect", "deadline"} <= set(ERRORS)
    assert not {"call", "policy", "routing"} & set(ERRORS)
    assert len(set(ERRORS)) == len(ERRORS)
