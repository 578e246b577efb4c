"""What is tried next: the pure generator alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.dispatch.attempts import Bounds, Try, attempts
from llmroute.dispatch.failures import wait_s
from llmroute.errors import (
    KINDS,
    AmbiguousError,
    AuthenticationError,
    CallError,
    ConnectError,
    DeadlineError,
    RateLimitError,
    ServerError,
)
from llmroute.routing.retries import LONGEST_S, POLICIES
from llmroute.routing.route import Target


def target(name: str = "a", **params: Any) -> Target:
    return Target(provider=name, api="mock", base_url="mock://mock", model="m", locality="remote", params=params)


class Clock:
    """A clock that the tries' waits move on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def play(
    targets: list[Target], *failures: CallError | None, ends_in_s: float | None = None, jitter: float = 0.5, **more: Any
) -> tuple[list[Try], CallError | None]:
    """The tries that these outcomes lead to, and the failure at the end; None stands for an answer."""
    clock = Clock()
    ends_at = None if ends_in_s is None else clock.now + ends_in_s
    generator = attempts(targets, Bounds(clock, lambda: jitter, ends_at, **more))
    tries: list[Try] = []
    try:
        step = next(generator)
        for failure in failures:
            clock.now += step.wait_s
            tries.append(step)
            if failure is None:
                return tries, None
            step = generator.send(failure)
    except StopIteration as stop:
        return tries, stop.value
    raise AssertionError(f"it wants more: {step}")


def names(tries: list[Try]) -> list[str]:
    return [f"{row.target.provider}{row.number}" for row in tries]


def test_an_answer_ends_it() -> None:
    assert play([target(), target("b")], None) == ([Try(target(), 1, 0.0)], None)


def test_every_kind_of_failure_has_a_policy() -> None:
    assert POLICIES.keys() == KINDS.keys()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("auth", "a1"),
        ("request", "a1"),
        ("refusal", "a1"),
        ("policy", "a1"),
        ("deadline", "a1"),
        ("call", "a1"),
        ("quota", "a1 b1"),
        ("model", "a1 b1"),
        ("ambiguous", "a1 b1"),
        ("overload", "a1 a2 b1 b2"),
        ("malformed", "a1 a2 b1 b2"),
        ("server", "a1 a2 a3 b1 b2 b3"),
        ("connect", "a1 a2 a3 b1 b2 b3"),
        ("rate", "a1 a2 a3 b1 b2 b3"),
        ("truncated", "a1 a2 a3 b1 b2 b3"),
    ],
)
def test_what_each_kind_leads_to(kind: str, expected: str) -> None:
    count = len(expected.split())
    failures = [KINDS[kind](str(i)) for i in range(count)]
    tries, final = play([target(), target("b")], *failures)
    assert names(tries) == expected.split()
    assert final is failures[-1]


def test_the_request_has_the_last_word_on_retries() -> None:
    tries, _ = play([target(max_retries=7)], ServerError("x"), ServerError("x"), max_retries=1)
    assert names(tries) == ["a1", "a2"]


def test_waits_double_and_jitter() -> None:
    tries, _ = play([target(max_retries=4)], *[ServerError("x")] * 5, jitter=0.5)
    assert [row.wait_s for row in tries] == [0.0, 0.25, 0.5, 1.0, 2.0]


def test_the_word_of_the_provider_comes_first() -> None:
    tries, _ = play([target(max_retries=1)], RateLimitError("x", retry_after_s=7.0), RateLimitError("x"))
    assert [row.wait_s for row in tries] == [0.0, 7.0]


def test_who_asks_for_too_long_a_wait_is_left() -> None:
    tries, _ = play([target(), target("b")], RateLimitError("x", retry_after_s=LONGEST_S + 1), None)
    assert names(tries) == ["a1", "b1"]
    assert tries[1].wait_s == 0.0


def test_no_wait_reaches_past_the_deadline() -> None:
    slow = RateLimitError("x", retry_after_s=5.0)
    tries, _ = play([target(), target("b")], slow, None, ends_in_s=4.0)
    assert names(tries) == ["a1", "b1"]


def test_nothing_is_tried_after_the_deadline() -> None:
    tries, final = play([target()], ends_in_s=0.0)
    assert tries == []
    assert isinstance(final, DeadlineError)


def test_the_deadline_names_the_last_failure() -> None:
    clock = Clock()
    generator = attempts([target(), target("b")], Bounds(clock, lambda: 0.5, clock.now + 1))
    next(generator)
    clock.now += 2
    with pytest.raises(StopIteration) as stop:
        generator.send(ConnectError("cannot reach a", provider="a"))
    assert isinstance(stop.value.value, DeadlineError)
    assert "cannot reach a" in stop.value.value.message
    assert stop.value.value.provider == "a"


def test_attempts_are_counted_over_all_targets() -> None:
    tries, final = play([target(), target("b")], *[ServerError(str(i)) for i in range(4)], max_attempts=4)
    assert names(tries) == ["a1", "a2", "a3", "b1"]
    assert final is not None
    assert final.message == "3"


def test_lists_replace_the_table() -> None:
    eager = target(retry_on=("ambiguous",), fallback_on=("auth",), max_retries=1)
    assert names(play([eager, target("b")], *[AmbiguousError("x")] * 2)[0]) == ["a1", "a2"]
    assert names(play([eager, target("b")], AuthenticationError("x"), None)[0]) == ["a1", "b1"]
    assert names(play([eager, target("b")], ServerError("x"))[0]) == ["a1"]


class Down:
    """A memory in which some targets are down, each for a kind and a time."""

    def __init__(self, *, retries: int = 99, **down: tuple[str, float]) -> None:
        self._down = down
        self._retries = retries

    def down(self, target: Target) -> str | None:
        return self._down.get(target.provider or "", (None, 0.0))[0]

    def wait_s(self, target: Target) -> float:
        return self._down[target.provider or ""][1]

    def may_retry(self, _: Target) -> bool:
        self._retries -= 1
        return self._retries >= 0


def test_who_is_down_comes_last_the_soonest_up_first() -> None:
    memory = Down(a=("server", 9.0), b=("quota", 3.0))
    tries, _ = play([target(name, max_retries=0) for name in "abc"], *[ServerError("x")] * 3, memory=memory)
    assert names(tries) == ["c1", "b1", "a1"]


def test_who_is_down_is_not_asked_when_another_answers() -> None:
    tries, _ = play([target("a"), target("b")], None, memory=Down(a=("server", 9.0)))
    assert names(tries) == ["b1"]


def test_a_refused_key_is_not_passed_over_unless_the_spec_says_so() -> None:
    memory = Down(a=("auth", float("inf")))
    assert names(play([target("a"), target("b")], None, memory=memory)[0]) == ["a1"]
    assert names(play([target("a", fallback_on=("auth",)), target("b")], None, memory=memory)[0]) == ["b1"]


def test_no_retry_without_a_budget() -> None:
    tries, _ = play([target(), target("b")], *[ServerError("x")] * 3, memory=Down(retries=1))
    assert names(tries) == ["a1", "a2", "b1"]


some_kinds = st.none() | st.lists(st.sampled_from(sorted(KINDS)), max_size=6).map(tuple)


@given(
    st.lists(st.tuples(st.integers(0, 3), some_kinds, some_kinds), min_size=1, max_size=4),
    st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.none() | st.floats(0, 60)), min_size=99, max_size=99),
    st.none() | st.integers(1, 9),
    st.none() | st.floats(0.1, 100),
)
def test_every_decision_is_in_the_table(
    rows: list[tuple[int, tuple[str, ...] | None, tuple[str, ...] | None]],
    outcomes: list[tuple[str, float | None]],
    max_attempts: int | None,
    ends_in_s: float | None,
) -> None:
    """Whoever is asked next: what led there is allowed by the lists, else by the table, and by every bound."""
    lists = [
        {"max_retries": n} | {k: v for k, v in (("retry_on", again), ("fallback_on", on)) if v is not None}
        for n, again, on in rows
    ]
    targets = [target(str(i), **says) for i, says in enumerate(lists)]
    failures = [KINDS[kind](kind, retry_after_s=wait) for kind, wait in outcomes]
    tries, final = play(targets, *failures, max_attempts=max_attempts, ends_in_s=ends_in_s)
    assert final is not None
    assert len(tries) <= (max_attempts or 99)
    assert sum(step.wait_s for step in tries) < (ends_in_s or float("inf"))
    for (before, after), (kind, wait) in zip(pairwise(tries), outcomes, strict=False):
        policy, says = POLICIES[kind], before.target.params
        if after.target is before.target:
            assert kind in says.get("retry_on", [kind] if policy.again != "never" else [])
            assert after.number == before.number + 1 <= says["max_retries"] + 1
            assert after.number <= 2 or policy.again != "once"
            assert wait is None or after.wait_s == wait <= LONGEST_S
        else:
            assert kind in says.get("fallback_on", [kind] if policy.onward else [])
            assert int(after.target.provider or 0) == int(before.target.provider or 0) + 1
            assert (after.number, after.wait_s) == (1, 0.0)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_long(tries: int, jitter: float) -> None:
    found = wait_s(ServerError("x"), tries, jitter)
    assert found is not None
    assert 0 <= found <= LONGEST_S


@given(
    st.lists(st.sampled_from(sorted(KINDS)), min_size=200, max_size=200),
    st.lists(st.integers(0, 4), min_size=1, max_size=4),
)
def test_the_number_of_tries_is_bounded(kinds: list[str], retries: list[int]) -> None:
    targets = [target(str(i), max_retries=n) for i, n in enumerate(retries)]
    tries, final = play(targets, *[KINDS[kind]("x") for kind in kinds])
    assert len(tries) <= sum(retries) + len(retries)
    assert final is not None
    order = [row.target.provider for row in tries]
    assert order == sorted(order, key=lambda name: int(name or 0))
