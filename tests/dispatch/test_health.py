"""What a router remembers of its endpoints, on a clock that stands still until it is moved."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.dispatch.health import (
    ANSWERED,
    DOWN_S,
    FOR_EVER,
    IN_A_ROW,
    LEAST,
    LONGEST_DOWN_S,
    LONGEST_WORD_S,
    PROBE_S,
    SHARE,
    WINDOW_S,
    Health,
)
from llmroute.errors import (
    KINDS,
    AuthenticationError,
    CallError,
    ConnectError,
    ModelNotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    RequestError,
    ServerError,
)
from llmroute.routing.route import Credential, Secret, Target

FAILURES = [cls for cls in KINDS.values() if cls is not CallError]


def target(model: str = "m", key: str | None = None) -> Target:
    credential = Credential("inline", "set", Secret(key)) if key else Credential()
    return Target(provider="p", api="mock", base_url="mock://p", model=model, locality="remote", credential=credential)


class Lab:
    """A health and its clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.health = Health(lambda: self.now)

    def fail(self, failure: CallError, times: int = 1, at: Target | None = None) -> float:
        return [self.health.failed(at or target(), failure) for _ in range(times)][-1]

    def down(self, at: Target | None = None) -> str | None:
        return self.health.down(at or target())


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_what_is_not_known_is_well(lab: Lab) -> None:
    assert lab.down() is None
    assert lab.health.wait_s(target()) == 0.0


def test_failures_in_a_row_put_an_endpoint_down(lab: Lab) -> None:
    assert lab.fail(ServerError("x"), IN_A_ROW - 1) == 0.0
    assert lab.down() is None
    assert lab.fail(ConnectError("x")) == DOWN_S
    assert lab.down() == "connect"
    assert lab.health.wait_s(target()) == DOWN_S


@pytest.mark.parametrize("says_it_is_well", [None, RequestError("x")])
def test_an_answer_ends_the_row(lab: Lab, says_it_is_well: CallError | None) -> None:
    lab.fail(ServerError("x"), IN_A_ROW - 1)
    if says_it_is_well is None:
        lab.health.answered(target())
    else:
        lab.fail(says_it_is_well)
    lab.fail(ServerError("x"), IN_A_ROW - 1)
    assert lab.down() is None


@pytest.mark.parametrize("failure", [AuthenticationError("x"), ModelNotFoundError("x")])
def test_a_wrong_key_and_a_missing_model_stay_down(lab: Lab, failure: CallError) -> None:
    assert lab.fail(failure) == FOR_EVER
    lab.now += 1e9
    assert lab.down() == failure.kind


def test_a_mended_key_is_another_endpoint(lab: Lab) -> None:
    lab.fail(AuthenticationError("x"), at=target(key="old"))
    assert lab.down(target(key="old")) == "auth"
    assert lab.down(target(key="new")) is None
    assert lab.down(target("other", key="old")) is None


@pytest.mark.parametrize(
    ("failure", "seconds"),
    [
        (QuotaError("x"), 600.0),
        (OverloadedError("x"), 2.0),
        (RateLimitError("x"), 1.0),
        (RateLimitError("x", retry_after_s=40.0), 40.0),
        (RateLimitError("x", retry_after_s=0.0), 1.0),
        (RateLimitError("x", retry_after_s=1e9), LONGEST_WORD_S),
        (QuotaError("x", retry_after_s=5.0), 600.0),
    ],
)
def test_for_how_long(lab: Lab, failure: CallError, seconds: float) -> None:
    assert lab.fail(failure) == seconds
    lab.now += seconds - 0.001
    assert lab.down() == failure.kind
    lab.now += 0.001
    assert lab.down() is None


def test_no_later_word_shortens_a_wait(lab: Lab) -> None:
    lab.fail(RateLimitError("x", retry_after_s=40.0))
    assert lab.fail(RateLimitError("x", retry_after_s=2.0)) == 0.0
    assert lab.fail(OverloadedError("x")) == 0.0
    assert lab.health.wait_s(target()) == 40.0
    assert lab.down() == "rate"


def test_each_further_failure_doubles_the_time(lab: Lab) -> None:
    lab.fail(ServerError("x"), IN_A_ROW)
    waits = []
    for _ in range(5):
        lab.now += lab.health.wait_s(target())
        assert lab.down() is None
        lab.fail(ServerError("x"))
        waits.append(lab.health.wait_s(target()))
    assert waits == [10.0, 20.0, 40.0, LONGEST_DOWN_S, LONGEST_DOWN_S]


def test_one_probe_at_a_time(lab: Lab) -> None:
    lab.fail(OverloadedError("x"))
    lab.now += 2.0
    heard: list[str | None] = []
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait()
        heard.append(lab.down())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(heard, key=str) == [None, *["overload"] * 7]
    lab.health.answered(target())
    assert [lab.down(), lab.down()] == [None, None]


def test_a_probe_that_was_abandoned_is_taken_over(lab: Lab) -> None:
    lab.fail(OverloadedError("x"))
    lab.now += 2.0
    assert [lab.down(), lab.down()] == [None, "overload"]
    lab.now += PROBE_S
    assert lab.down() is None


def test_a_probe_that_fails_begins_a_new_time(lab: Lab) -> None:
    lab.fail(OverloadedError("x"))
    lab.now += 2.0
    assert lab.down() is None
    assert lab.fail(OverloadedError("x")) == 0.0
    assert lab.down() == "overload"
    assert lab.health.wait_s(target()) == 4.0


# -- The budget of retries


def test_a_few_retries_are_always_allowed(lab: Lab) -> None:
    assert [lab.health.may_retry(target()) for _ in range(LEAST + 1)] == [True] * LEAST + [False]
    assert lab.health.may_retry(target("other"))
    lab.now += WINDOW_S
    assert lab.health.may_retry(target())


def test_retries_are_a_share_of_recent_requests(lab: Lab) -> None:
    for _ in range(100):
        lab.health.answered(target())
    allowed = 0
    while lab.health.may_retry(target()):
        allowed += 1
        lab.fail(ServerError("x"))
    assert allowed == SHARE * 100


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("fail"), st.sampled_from(FAILURES), st.none() | st.floats(0, 5000)),
        st.tuples(st.just("wait"), st.floats(0, 700), st.none()),
        st.tuples(st.sampled_from(["answer", "ask"]), st.none(), st.none()),
    ),
    max_size=30,
)


@given(_steps)
def test_nobody_is_down_without_a_reason_nor_for_ever(steps: list[tuple[str, Any, float | None]]) -> None:
    lab = Lab()
    longest = 0.0
    for what, which, wait in steps:
        if what == "fail":
            before = lab.health.wait_s(target())
            lab.fail(which("x", retry_after_s=wait))
            assert which.kind in ANSWERED or lab.health.wait_s(target()) >= before
        elif what == "wait":
            lab.now += which
        elif what == "answer":
            lab.health.answered(target())
            assert lab.down() is None
        else:
            lab.down()
        longest = lab.health.wait_s(target())
        assert longest < LONGEST_WORD_S + 0.001 or longest == FOR_EVER
    lab.now += LONGEST_WORD_S + PROBE_S
    assert (lab.down() is None) == (longest != FOR_EVER)
