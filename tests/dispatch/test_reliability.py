"""A router over time: deadlines, attempts, who is passed over, what was spent, who is told."""

from __future__ import annotations

import asyncio
import logging
import threading
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.dispatch.health import Health
from llmroute.dispatch.router import Router
from llmroute.errors import (
    AuthenticationError,
    CallError,
    ConnectError,
    MalformedReplyError,
    ModelNotFoundError,
    OverloadedError,
    RateLimitError,
    ServerError,
    TruncatedStreamError,
)
from llmroute.wire.chat import Finish

if TYPE_CHECKING:
    from llmroute.adapters.base import Call
    from llmroute.adapters.mock import MockAdapter
    from llmroute.wire.chat import Attempt, Reply

SPEC = """
version: 1
providers:
  one: {preset: mock, model: m1, max_retries: 0}
  two: {preset: mock, model: m2, max_retries: 0}
defaults: {provider: one, fallbacks: [two]}
agents:
  alone: {fallbacks: []}
  eager: {max_retries: 5, max_attempts: 3}
  keys: {fallback_on: [auth, connect]}
  hurried: {deadline: 2}
  quiet: {retry_on: [], max_retries: 2}
"""


class Lab:
    """A router on the mock, and its clock, which waits move on."""

    def __init__(self, spec: str = SPEC, **more: Any) -> None:
        self.now = 1000.0
        self.router = Router.from_str(spec, environ={}, **more)
        ways = self.router._ways
        self.router._ways = ways._replace(clock=self.clock, random=lambda: 0.5, health=Health(self.clock))
        self.router._sleep = self.sleep
        mock: Any = self.router.adapter("mock")
        self.mock: MockAdapter = mock

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def ask(self, *failures: CallError, **names: Any) -> list[str]:
        """Who was asked, in order."""
        self.mock.script(*failures)
        try:
            attempts = self.router.complete("Hi", **names).attempts
        except CallError as error:
            attempts = error.attempts
        return [row.provider or "" for row in attempts]


@pytest.fixture
def lab() -> Lab:
    return Lab()


# -- What the spec says


def test_attempts_of_the_spec(lab: Lab) -> None:
    assert lab.ask(*[ServerError("x")] * 3, agent="eager") == ["one", "one", "one"]


def test_attempts_of_the_request(lab: Lab) -> None:
    assert lab.ask(ServerError("x"), agent="eager", max_attempts=1) == ["one"]


def test_a_list_of_the_spec_leads_on_after_a_refused_key(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    assert lab.ask(AuthenticationError("x"), agent="keys") == ["one", "two"]
    assert "one/m1 refused its key; two/m2 is asked, as `fallback_on` says" in caplog.messages
    assert lab.ask(agent="keys") == ["two"]


def test_a_list_of_the_spec_stops_the_chain(lab: Lab) -> None:
    assert lab.ask(ServerError("x"), agent="keys") == ["one"]


def test_an_empty_list_of_the_spec_retries_nothing(lab: Lab) -> None:
    assert lab.ask(ServerError("x"), agent="quiet") == ["one", "two"]


def test_a_deadline_of_the_spec_holds_over_all_attempts(lab: Lab) -> None:
    slow = RateLimitError("x", retry_after_s=3.0)
    assert lab.ask(slow, agent="hurried", max_retries=1) == ["one", "two"]
    assert lab.mock.last_call is not None
    assert lab.mock.last_call.ends_at == 1002.0
    lab.now += 3.0
    assert lab.ask(slow, agent="hurried", max_retries=1, deadline_s=4.0) == ["one", "one"]


def test_a_deadline_of_the_environment() -> None:
    router = Router.from_str(SPEC, environ={"LLMROUTE_DEADLINE": "7.5", "LLMROUTE_MAX_ATTEMPTS": "1"})
    assert dict(router.resolve().target.params) == {"max_retries": 0, "deadline": 7.5, "max_attempts": 1}


# -- Who is passed over


def test_an_endpoint_that_keeps_failing_is_passed_over_and_probed_later(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "llmroute")
    for _ in range(3):
        assert lab.ask(ConnectError("x")) == ["one", "two"]
    assert "one/m1 is passed over for 5 s: connect" in caplog.messages
    assert lab.ask() == ["two"]
    lab.now += 5.0
    assert lab.ask() == ["one"]
    assert lab.ask() == ["one"]


def test_no_route_is_given_up_unasked(lab: Lab) -> None:
    assert lab.ask(OverloadedError("x"), OverloadedError("x")) == ["one", "two"]
    assert lab.ask() == ["one"]
    assert lab.ask(*[ConnectError("x")] * 2) == ["one", "two"]


def test_a_route_of_one_target_is_always_asked(lab: Lab) -> None:
    for _ in range(5):
        assert lab.ask(ModelNotFoundError("x"), agent="alone") == ["one"]
    assert lab.ask(agent="alone") == ["one"]


def test_a_missing_model_is_asked_for_once_and_by_a_new_router_again(lab: Lab) -> None:
    assert lab.ask(ModelNotFoundError("x")) == ["one", "two"]
    lab.now += 1e6
    assert lab.ask() == ["two"]
    assert Lab().ask() == ["one"]


def test_retries_have_a_budget(lab: Lab) -> None:
    lab.mock.script(*[ServerError("x")] * 6)
    assert [len(lab.ask(agent="alone", max_retries=2)) for _ in range(4)] == [3, 2, 1, 1]


def test_streams_remember_too(lab: Lab) -> None:
    for _ in range(3):
        lab.mock.script(ConnectError("x"))
        with lab.router.stream("Hi") as events:
            assert [row.reply.attempts[-1].provider for row in events if isinstance(row, Finish)] == ["two"]
    assert lab.ask() == ["two"]


def test_many_threads_on_one_route(lab: Lab) -> None:
    replies: list[Reply] = []

    def work() -> None:
        replies.extend(lab.router.complete("Hi", agent="alone") for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == lab.router.usage().total.calls == 400


# -- What was spent, and who is told


def test_usage_is_of_the_target_that_answered(lab: Lab) -> None:
    lab.ask(ServerError("x"), agent="eager", max_retries=0)
    asyncio.run(lab.router.acomplete("Hi"))
    with lab.router.stream("Hi", agent="alone") as events:
        list(events)
    report = lab.router.usage()
    assert {name: row.calls for name, row in report.by_provider.items()} == {"two": 1, "one": 2}
    assert {name: row.calls for name, row in report.by_agent.items()} == {"eager": 1, None: 1, "alone": 1}
    assert report.total.cost_usd == 0.0


def test_a_failed_request_spends_nothing_that_is_known(lab: Lab) -> None:
    lab.ask(TruncatedStreamError("x"), agent="alone")
    assert lab.router.usage().total.calls == 0


def test_each_attempt_is_told() -> None:
    told: list[Attempt] = []
    lab = Lab(on_attempt=told.append)
    lab.ask(ServerError("x"))
    with lab.router.stream("Hi") as events:
        list(events)
    assert [(row.target, row.kind) for row in told] == [("one/m1", "server"), ("two/m2", None), ("one/m1", None)]


# -- Over many requests


def three(dead: dict[str, float], seed: int) -> tuple[Lab, list[str]]:
    """A router of three targets, of which some fail with a probability; and the log of who was asked."""
    lab = Lab(
        spec="""
version: 1
providers:
  one: {preset: mock, model: m1}
  two: {preset: mock, model: m2}
  three: {preset: mock, model: m3}
defaults: {provider: one, fallbacks: [two, three]}
"""
    )
    asked: list[str] = []
    random = Random(seed)  # noqa: S311 - the same failures in every run

    def answer(call: Call) -> None:
        name = call.endpoint.provider or ""
        asked.append(name)
        if random.random() < dead.get(name, 0.0):
            raise random.choice([ConnectError, ServerError, OverloadedError, RateLimitError, MalformedReplyError])("x")

    lab.mock.handler = answer
    return lab, asked


@pytest.mark.parametrize("apart_s", [0.02, 0.2, 1.0])
def test_dead_targets_cost_few_attempts(apart_s: float) -> None:
    lab, asked = three({"one": 1.0, "two": 1.0}, 1)
    for _ in range(1000):
        assert lab.router.complete("Hi").attempts[-1].provider == "three"
        lab.now += apart_s
    assert len(asked) / 1000 <= 1.2


@pytest.mark.parametrize("seed", range(5))
def test_one_healthy_target_is_enough(seed: int) -> None:
    lab, _ = three({"one": 0.3, "two": 0.9}, seed)
    for _ in range(300):
        assert lab.router.complete("Hi").text == "Hi"
        lab.now += 0.05


def test_a_target_that_is_well_again_is_used_again() -> None:
    dead = {"one": 1.0}
    lab, asked = three(dead, 2)
    for _ in range(300):
        lab.router.complete("Hi")
        lab.now += 0.1
    dead.clear()
    lab.now += 60.0
    asked.clear()
    for _ in range(10):
        lab.router.complete("Hi")
    assert asked == ["one"] * 10
