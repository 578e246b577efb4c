"""The worst case of a call is never exceeded by what dispatch does, and is reached."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.adapters.connections import reach
from llmroute.dispatch.attempts import Bounds, Try, attempts
from llmroute.errors import KINDS, CallError
from llmroute.load import from_str
from llmroute.proof.findings import bounds
from llmroute.proof.findings.bounds import Tokens, askable, worst_case
from llmroute.routing.resolve import resolve
from llmroute.routing.retries import LONGEST_S
from llmroute.routing.route import Query, Resolution, Route, Target
from llmroute.routing.shapes import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

KIND_NAMES = ("connect", "server", "overload", "ambiguous", "rate", "auth", "malformed", "truncated")


def target(name: str = "a", **params: Any) -> Target:
    limits = params.pop("limits", None)
    return Target(
        provider=name,
        api="mock",
        base_url="https://host.example",
        model="m",
        locality=params.pop("locality", "remote"),
        params=params,
        limits=limits,
    )


def route(*targets: Target) -> Resolution:
    return Resolution(Query(), Route(targets), ())


def asked(text: str, **query: Any) -> Resolution:
    return resolve(from_str(f"version: 1\n{text}", "routing.yaml"), Query(**query), {})


class Walk:
    """One call whose attempts all fail, each as late as it can."""

    def __init__(
        self, resolution: Resolution, kinds: Sequence[str], *, words: bool = True, quick: bool = False
    ) -> None:
        self.now, self.count, self.words, self.quick = 0.0, 0, words, quick
        params = resolution.target.params
        self.ends_at = params.get("deadline")
        generator = attempts(
            resolution.route.targets,
            Bounds(lambda: self.now, lambda: 1.0, self.ends_at, max_attempts=params.get("max_attempts")),
        )
        try:
            step = next(generator)
            for kind in kinds:
                step = generator.send(self.failed(step, kind))
        except StopIteration:
            return
        generator.close()

    def failed(self, step: Try, kind: str) -> CallError:
        self.count += 1
        if self.quick:
            return KINDS[kind]("x", retry_after_s=0.0)
        params = step.target.params
        turn_s = LONGEST_S if step.target.limits is not None else 0.0
        takes_s = params.get("timeout", 600.0)
        if kind == "connect":
            takes_s = min(takes_s, params.get("connect_timeout", 10.0))
        self.now += step.wait_s + turn_s + takes_s
        if self.ends_at is not None:
            self.now = min(self.now, self.ends_at)
        named = LONGEST_S if self.words and kind not in {"connect", "ambiguous", "truncated"} else None
        return KINDS[kind]("x", retry_after_s=named)


PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "timeout": st.sampled_from([2.0, 20.0, 90.0]),
        "connect_timeout": st.sampled_from([1.0, 5.0, 50.0]),
        "max_retries": st.integers(0, 3),
        "deadline": st.sampled_from([5.0, 100.0, 1000.0]),
        "max_attempts": st.integers(1, 5),
        "retry_on": st.sampled_from([(), ("connect",), ("overload", "malformed"), ("ambiguous",), ("server", "rate")]),
        "fallback_on": st.sampled_from([(), ("connect", "server")]),
        "limits": st.just(Limits(concurrency=1)),
        "locality": st.sampled_from(["local", "remote"]),
    },
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(PARAMS, min_size=1, max_size=3),
    st.lists(st.sampled_from(KIND_NAMES), min_size=12, max_size=12),
)
def test_no_call_takes_longer_or_more_attempts(rows: list[dict[str, Any]], kinds: list[str]) -> None:
    resolution = route(*(target(str(number), **row) for number, row in enumerate(rows)))
    found = worst_case(resolution)
    for how in ({"words": True}, {"words": False}, {"quick": True}):
        walk = Walk(resolution, kinds, **how)
        assert walk.count <= found.attempts
        assert walk.now <= found.seconds + 1e-6


@pytest.mark.parametrize(
    "rows",
    [
        [{}],
        [{"max_retries": 2, "timeout": 3.0}, {"locality": "local", "timeout": 5.0}],
        [{"retry_on": ("connect",), "connect_timeout": 4.0}],
        [{"retry_on": ("overload",), "max_retries": 3}, {"max_retries": 0}],
        [{"retry_on": ("ambiguous",), "max_retries": 3}],
        [{"fallback_on": ()}, {}],
        [{"limits": Limits(requests_per_minute=9), "max_retries": 1}],
        [{"deadline": 9.0}],
        [{"max_attempts": 2}],
    ],
)
def test_some_call_comes_to_the_worst_case(rows: list[dict[str, Any]]) -> None:
    resolution = route(*(target(str(number), **row) for number, row in enumerate(rows)))
    found = worst_case(resolution)
    sequences = list(product(KIND_NAMES, repeat=min(found.attempts, 5)))
    walks = [Walk(resolution, kinds, words=words) for kinds in sequences for words in (True, False)]
    quick = [Walk(resolution, kinds, quick=True) for kinds in sequences]
    assert max(walk.count for walk in quick) == found.attempts
    assert max(walk.now for walk in walks) == pytest.approx(found.seconds)


def test_the_defaults_in_numbers() -> None:
    found = worst_case(asked("defaults: {provider: openai, model: gpt-4o, fallbacks: [ollama/m]}"))
    # Remote: three attempts and two waits; local: two and one.
    assert (found.attempts, found.seconds) == (5, 3 * 600 + 2 * 30 + 2 * 600 + 30)
    assert (found.deadline_s, found.stream_seconds) == (None, None)


def test_a_stream_counts_until_its_content() -> None:
    found = worst_case(route(target(first_event_timeout=5.0, timeout=60.0, max_retries=0)))
    assert (found.seconds, found.first_content_seconds, found.stream_seconds) == (60.0, 5.0, None)


def test_a_deadline_ends_everything() -> None:
    found = worst_case(route(target(deadline=20.0), target("b")))
    assert (found.seconds, found.first_content_seconds, found.stream_seconds) == (20.0, 20.0, 20.0)


def test_the_deadline_and_the_attempts_are_those_of_the_first_target() -> None:
    found = worst_case(route(target(max_retries=0, timeout=1.0), target("b", deadline=1.0, max_attempts=1)))
    assert (found.deadline_s, found.attempts) == (None, 4)


def test_max_attempts_may_fall_to_any_targets() -> None:
    # The first may be passed over as being down, so that all of them go to the slow one.
    found = worst_case(route(target(max_attempts=2, timeout=1.0, max_retries=0), target("b", max_retries=1)))
    assert found.seconds == 2 * 600 + 30


def test_limits_that_say_nothing_ask_for_no_turn() -> None:
    assert worst_case(route(target(limits=Limits(), max_retries=0))).seconds == 600


def test_the_time_for_a_kept_connection_is_that_of_the_connections() -> None:
    assert bounds.CLOSED_BEFORE_S == reach.CLOSED_BEFORE_S


def test_dollars_are_those_of_every_attempt() -> None:
    resolution = route(target(max_retries=1), target("b", max_retries=0, locality="local"))
    found = worst_case(resolution, Tokens(10, 5), lambda _, tokens: float(tokens.input + tokens.output))
    assert (found.dollars, found.unpriced) == (30.0, ())
    limited = replace(resolution, route=Route((target(max_retries=3, max_attempts=2),)))
    assert worst_case(limited, Tokens(10, 5), lambda *_: 2.5).dollars == 5.0


def test_a_price_that_is_not_known_is_said() -> None:
    resolution = route(target(), target("b"))
    found = worst_case(resolution, Tokens(1, 1), lambda asked, _: None if asked.provider == "b" else 1.0)
    assert (found.dollars, found.unpriced) == (None, ("b/m",))
    assert worst_case(resolution, Tokens(1, 1)).unpriced == ("a/m", "b/m")
    assert worst_case(resolution).unpriced == ()


def test_a_refused_prefill_leads_on_whatever_fallback_on_says() -> None:
    targets = (target(), target("b", fallback_on=()), target("c"))
    assert len(askable(targets)) == 2
    first = replace(targets[0], params={"on_stream_break": "continue"})
    assert len(askable((first, *targets[1:]))) == 3
    assert len(askable((replace(first, params={**first.params, "fallback_on": ()}), *targets[1:]))) == 1


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("{provider: openai, model: m, fallbacks: [ollama/m]\n, deadline: 60}", "leaves ollama/m no time", 3),
        ("{provider: openai, model: m\n, first_event_timeout: 90, deadline: 60}", "first_event_timeout 90 s", 3),
        ("{provider: openai, model: m, timeout: 5\n, connect_timeout: 8}", "never passes: its timeout is 5 s", 3),
        ("{provider: openai, model: m, retry_on: []\n, max_retries: 3}", "allows nothing", 3),
        ("{provider: openai, model: m, fallbacks: [ollama/m]\n, max_attempts: 1}", "less than the 2 targets", 3),
        ("{provider: openai, model: m, fallbacks: [ollama/m]\n, max_attempts: 2}", "use up max_attempts 2", 3),
        ("{provider: openai, model: m, fallbacks: [ollama/m]\n, fallback_on: []}", "is never asked", 3),
        (
            "{provider: openai, model: m, timeout: 9, deadline: 60\n, fallbacks: [{model: ollama/m, timeout: 99}]}",
            "timeout 99 s of ollama/m",
            3,
        ),
    ],
)
def test_settings_that_contradict_each_other(text: str, message: str, line: int) -> None:
    found = worst_case(asked(f"defaults: {text}")).incoherent
    assert [item for item in found if message in item.message], found
    said = next(item for item in found if message in item.message)
    assert said.origin is not None
    assert said.origin.line == line
    assert said.hint


@pytest.mark.parametrize(
    "text",
    [
        "{provider: openai, model: m}",
        "{provider: openai, model: m, fallbacks: [ollama/m], deadline: 60, timeout: 20}",
        "{provider: openai, model: m, fallbacks: [ollama/m], max_attempts: 4}",
        "{provider: openai, model: m, timeout: 5, first_event_timeout: 20, connect_timeout: 8}",
    ],
)
def test_settings_that_go_together(text: str) -> None:
    assert worst_case(asked(f"defaults: {text}")).incoherent == ()


def test_the_row_of_json() -> None:
    row = worst_case(asked("defaults: {provider: openai, model: m, timeout: 9, max_retries: 0, deadline: 5}")).to_json()
    assert row == {
        "attempts": 1,
        "seconds": 5,
        "stream_seconds": 5,
        "first_content_seconds": 5,
        "dollars": None,
        "unpriced": [],
        "deadline": 5,
        "incoherent": [
            {
                "message": "timeout 9 s of openai/m never passes: the deadline of 5 s is first",
                "hint": "write a timeout below the deadline, or take one of both out",
                "origin": {"kind": "file", "path": "routing.yaml", "line": 2, "column": 49},
            }
        ],
    }
