"""A simulated router asks whom a real one asks, as often, and takes as long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.dispatch.health import Health
from llmroute.dispatch.router import Router
from llmroute.dispatch.simulation import Simulation
from llmroute.errors import KINDS, AmbiguousError, CallError, ConnectError, DeadlineError
from llmroute.load import from_mapping, from_str
from llmroute.routing.expectations import Fault, seconds
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query
from llmroute.wire.chat import Reply, assistant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.adapters.base import Call
    from llmroute.proof.routing_tests.expect import Outcome

SPEC = """
version: 1
providers:
  one: {preset: mock, model: m1}
  two: {preset: mock, model: m2, max_retries: 0, timeout: 20}
defaults: {provider: one, fallbacks: [two, two/m3]}
agents:
  hurried: {deadline: 2}
  long: {fallback_on: [context, connect]}
"""


def asked(outcome: Outcome) -> list[str]:
    return [f"{step.target.name} {step.began_s:g} {step.kind or 'answered'}" for step in outcome.steps]


def calls(*times: float, faults: Sequence[Fault] = (), agent: str | None = None, spec: str = SPEC) -> list[Outcome]:
    loaded = from_str(spec)
    simulation = Simulation(loaded, faults)
    return [simulation.call(resolve(loaded, Query(agent), {}), at) for at in times]


# -- What befalls whom, and when


def test_without_faults_the_first_target_answers() -> None:
    (outcome,) = calls(0)
    assert asked(outcome) == ["one/m1 0 answered"]
    assert (outcome.error, outcome.elapsed_s) == (None, 0.0)
    assert outcome.answered is not None


def test_a_refused_connection_takes_no_time_but_the_waits_do() -> None:
    (outcome,) = calls(0, faults=[Fault(provider="one", fault="connect")])
    assert asked(outcome) == ["one/m1 0 connect", "one/m1 0.5 connect", "two/m2 0.5 answered"]
    assert outcome.elapsed_s == 0.5


def test_a_fault_has_a_beginning_and_an_end() -> None:
    fault = Fault(provider="one", fault="model", from_="5s", to="1m")
    before, first, last, after = calls(4.999, 5, 59.999, 60, faults=[fault])
    assert [len(outcome.steps) for outcome in (before, first, last)] == [1, 2, 1]
    # The model is not there: the target is left alone until the router is made anew.
    assert asked(after) == ["two/m2 0 answered"]


@pytest.mark.parametrize(
    ("fault", "who"),
    [
        (Fault(model="m2", fault="request"), "one/m1"),
        (Fault(target="one/m1", fault="quota"), "two/m2"),
        (Fault(provider="one", model="m2", fault="quota"), "one/m1"),
        (Fault(fault="refusal"), None),
    ],
)
def test_whom_a_fault_befalls(fault: Fault, who: str | None) -> None:
    (outcome,) = calls(0, faults=[fault])
    assert (outcome.answered.name if outcome.answered else None) == who


def test_the_first_fault_that_fits_is_the_one() -> None:
    (outcome,) = calls(0, faults=[Fault(provider="one", fault="auth"), Fault(fault="connect")])
    assert (asked(outcome), outcome.error) == (["one/m1 0 auth"], "auth")


def test_timeouts_take_their_time() -> None:
    faults = [Fault(provider="one", fault="connect-timeout"), Fault(target="two/m2", fault="timeout")]
    (outcome,) = calls(0, faults=faults)
    assert asked(outcome) == [
        *("one/m1 0 connect", "one/m1 10.5 connect"),
        *("two/m2 20.5 ambiguous", "two/m3 40.5 answered"),
    ]
    assert outcome.elapsed_s == 40.5


def test_a_provider_names_its_wait_and_a_failure_may_be_slow() -> None:
    (near,) = calls(0, faults=[Fault(provider="one", fault="rate", retry_after=30, to=10)])
    assert asked(near) == ["one/m1 0 rate", "one/m1 30 answered"]
    (far,) = calls(0, faults=[Fault(provider="one", fault="rate", retry_after="31s")])
    assert asked(far) == ["one/m1 0 rate", "two/m2 0 answered"]
    (slow,) = calls(0, faults=[Fault(provider="one", fault="model", takes="1500ms")])
    assert asked(slow) == ["one/m1 0 model", "two/m2 1.5 answered"]


def test_a_deadline_ends_what_hangs() -> None:
    (outcome,) = calls(7, faults=[Fault(fault="timeout")], agent="hurried")
    assert (asked(outcome), outcome.error, outcome.elapsed_s) == (["one/m1 0 deadline"], "deadline", 2.0)


def test_a_target_that_is_down_is_passed_over_and_probed() -> None:
    fault = Fault(provider="one", fault="connect", to=4)
    outcomes = calls(0, 1, 2, 3, 12, faults=[fault])
    assert [len(outcome.steps) for outcome in outcomes] == [3, 3, 1, 1, 1]
    assert [outcome.answered.name for outcome in outcomes if outcome.answered] == [*["two/m2"] * 4, "one/m1"]


def test_a_call_waits_for_the_one_before() -> None:
    first, second = calls(0, 1, faults=[Fault(provider="one", fault="model", takes=5, to=1)])
    assert (first.elapsed_s, asked(second)) == (5.0, ["two/m2 0 answered"])


def test_a_conversation_that_is_too_long_goes_to_a_larger_window() -> None:
    spec = """
    version: 1
    providers:
      small: {preset: mock, model: s, capabilities: {context_window: 100}}
      same: {preset: mock, model: t, capabilities: {context_window: 100}}
      large: {preset: mock, model: l, capabilities: {context_window: 200}}
    defaults: {provider: small, fallbacks: [same, large], fallback_on: [context]}
    """
    (outcome,) = calls(0, faults=[Fault(provider="small", fault="context")], spec=spec)
    assert asked(outcome) == ["small/s 0 context", "large/l 0 answered"]


# -- Keys


def test_a_variable_that_a_test_does_not_set_is_taken_as_set() -> None:
    spec = "{version: 1, defaults: {model: anthropic/claude-haiku-4-5, fallbacks: [openai/gpt-5-mini]}}"
    (outcome,) = calls(0, faults=[Fault(provider="anthropic", fault="quota")], spec=spec)
    assert asked(outcome) == ["anthropic/claude-haiku-4-5 0 quota", "openai/gpt-5-mini 0 answered"]


MOVED = "{provider: anthropic, base_url: 'https://elsewhere.example', model: m}"
CLEAR = "{base_url: 'http://elsewhere.example/v1', model: m, api_key: '${KEY}'}"


@pytest.mark.parametrize(("entry", "rule"), [(MOVED, "missing-key"), (CLEAR, "key-in-the-clear")])
def test_a_key_that_is_never_sent_stops_the_first_target_and_leaves_out_a_fallback(entry: str, rule: str) -> None:
    (outcome,) = calls(0, spec=f"{{version: 1, defaults: {entry}}}")
    assert (outcome.error, outcome.steps) == (rule, ())
    spec = f"{{version: 1, defaults: {{provider: mock, model: m, allow_remote_fallback: true, fallbacks: [{entry}]}}}}"
    (outcome,) = calls(0, spec=spec, faults=[Fault(provider="mock", fault="quota")])
    assert asked(outcome) == ["mock/m 0 quota"]


# -- The same as a real router


class Faulty:
    """An adapter that fails as the faults say, and moves a clock."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.now = 0.0
        self.faults = faults

    def clock(self) -> float:
        return self.now

    def sleep(self, wait_s: float) -> None:
        self.now += wait_s

    def complete(self, call: Call) -> Reply:
        fault = next((fault for fault in self.faults if self.fits(fault, call)), None)
        if fault is None:
            return Reply(assistant("fine"))
        takes_s = 0.0 if fault.takes is None else seconds(fault.takes)
        connect_s = min(call.connect_s, call.timeout_s)
        limits = {"timeout": (call.timeout_s, AmbiguousError), "connect-timeout": (connect_s, ConnectError)}
        if fault.fault in limits and fault.takes is None:
            takes_s = limits[fault.fault][0]
        if call.ends_at is not None and self.now + takes_s >= call.ends_at:
            self.now = call.ends_at
            raise DeadlineError("x")
        self.now += takes_s
        kind = limits[fault.fault][1] if fault.fault in limits else KINDS[fault.fault]
        raise kind("x", retry_after_s=None if fault.retry_after is None else seconds(fault.retry_after))

    def fits(self, fault: Fault, call: Call) -> bool:
        begins = 0.0 if fault.from_ is None else seconds(fault.from_)
        ends = float("inf") if fault.to is None else seconds(fault.to)
        return fault.provider in (None, call.endpoint.provider) and begins <= self.now < ends


durations = st.sampled_from([0, "500ms", 1, 2.5, 5, "30s", "45s", "2m"])
kinds = ["connect", "timeout", "connect-timeout", "rate", "overload", "server", "auth", "quota", "model", "malformed"]
faults = st.builds(
    Fault,
    provider=st.sampled_from([None, "one", "two", "three"]),
    fault=st.sampled_from([*kinds, "request", "truncated", "refusal", "ambiguous"]),
    from_=st.none() | durations,
    to=st.none() | durations,
    retry_after=st.none() | durations,
    takes=st.none() | durations,
)
settings_of_a_route = st.fixed_dictionaries(
    {},
    optional={
        "max_retries": st.integers(0, 3),
        "max_attempts": st.integers(1, 5),
        "deadline": st.sampled_from([0.5, 3.0, 20.0]),
        "timeout": st.sampled_from([1.0, 8.0]),
        "connect_timeout": st.sampled_from([0.5, 4.0]),
        "fallback_on": st.lists(st.sampled_from(["connect", "rate", "auth", "server"]), max_size=3, unique=True),
    },
)


@given(st.lists(faults, max_size=4), settings_of_a_route, st.lists(st.floats(0, 60), min_size=1, max_size=5))
def test_it_asks_as_a_router_asks(given: list[Fault], params: dict[str, Any], times: list[float]) -> None:
    providers = {name: {"preset": "mock", "model": "m"} for name in ("one", "two", "three")}
    defaults = {"provider": "one", "fallbacks": ["two", "three"], **params}
    document = {"version": 1, "providers": providers, "defaults": defaults}
    spec, lab = from_mapping(document), Faulty(given)
    router = Router(spec, environ={})
    router._ways = router._ways._replace(clock=lab.clock, random=lambda: 1.0, health=Health(lab.clock))
    router._sleep = lab.sleep
    router._adapters["mock"] = lab  # type: ignore[assignment]
    simulation, resolution = Simulation(spec, given), router.resolve()
    for at in sorted(times):
        lab.now = began = max(lab.now, at)
        try:
            attempts, error = router.complete("Hi").attempts, None
        except CallError as failure:
            attempts, error = failure.attempts, failure.kind
        outcome = simulation.call(resolution, at)
        assert [(step.target.name, step.kind) for step in outcome.steps] == [(row.target, row.kind) for row in attempts]
        assert (outcome.error, outcome.elapsed_s) == (error, pytest.approx(lab.now - began))
