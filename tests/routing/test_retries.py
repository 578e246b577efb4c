"""What follows a failure where a spec says nothing else, and where it does."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

from llmroute.routing import retries
from llmroute.routing.retries import goes_on, max_retries, retries_after
from llmroute.routing.route import Locality, Target


def target(locality: Locality = "remote", **params: Any) -> Target:
    return Target(provider="a", api="mock", base_url="mock://mock", model="m", locality=locality, params=params)


@pytest.mark.parametrize(
    ("asked", "often"),
    [(target(), 2), (target("lan"), 2), (target("local"), 1), (target(max_retries=0), 0), (target(max_retries=7), 7)],
)
def test_how_often_a_target_is_asked_again(asked: Target, often: int) -> None:
    assert max_retries(asked) == often


@pytest.mark.parametrize(
    ("kind", "retry_on", "often"),
    [
        ("server", None, 5),
        ("overload", None, 1),
        ("ambiguous", None, 0),
        ("ambiguous", ("ambiguous",), 5),
        ("overload", ("overload",), 1),
        ("server", ("overload",), 0),
        ("server", (), 0),
    ],
)
def test_retry_on_says_after_what_and_the_table_how_often(kind: str, retry_on: Any, often: int) -> None:
    assert retries_after(kind, 5, retry_on) == often


def test_fallback_on_stands_in_the_place_of_the_table() -> None:
    assert goes_on("server", target())
    assert not goes_on("auth", target())
    assert goes_on("auth", target(fallback_on=("auth",)))
    assert not goes_on("server", target(fallback_on=("auth",)))


def test_the_examples_hold() -> None:
    assert doctest.testmod(retries).failed == 0
