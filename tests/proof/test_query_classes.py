"""The classes of queries hold every query once, and what is alike is answered alike."""

from __future__ import annotations

import doctest
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.load import from_mapping
from llmroute.proof import globs, queries
from llmroute.proof.globs import Pattern, told_apart
from llmroute.proof.queries import alike, query_classes

GLOBS = st.lists(st.text(alphabet="ab*?", min_size=1, max_size=4), min_size=1, max_size=3, unique=True)


def spec(**document: Any) -> Any:
    return from_mapping({"version": 1, "defaults": {"model": "ollama/m"}, **document})


@pytest.mark.parametrize("module", [globs, queries])
def test_the_examples_in_docstrings_hold(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


def test_many_alike_names_are_few_classes() -> None:
    made = spec(
        agents={f"a{number}": {"provider": ("ollama", "openai")[number % 2]} for number in range(1000)},
        purposes={f"p{number}": {} for number in range(20)},
        clients={f"c{number}": {} for number in range(10)},
    )
    classes = query_classes(made)
    assert len(classes) == 3 * 2 * 2
    assert sum(each.size for each in classes) == 1001 * 21 * 11


def test_a_policy_tells_names_apart() -> None:
    made = spec(
        agents={"a": {}, "b": {}, "c": {}}, policies=[{"name": "p", "agents": ["B"], "deny": {"models": ["x"]}}]
    )
    assert [each.names for each in alike("agent", [made])] == [(None,), ("a", "c"), ("b",)]


def test_what_does_not_count_is_not_looked_at() -> None:
    made = spec(agents={"a": {"metadata": {"n": 1}}, "b": {"metadata": {"n": 2}}})
    assert len(alike("agent", [made])) == 3
    assert len(alike("agent", [made], blind={"metadata"})) == 2


def test_names_alike_in_one_spec_may_differ_in_another() -> None:
    old, new = spec(agents={"a": {}, "b": {}}), spec(agents={"a": {}, "b": {"provider": "ollama"}, "c": {}})
    assert [each.names for each in alike("agent", [old, new])] == [(None,), ("a",), ("b",), ("c",)]


def test_undeclared_names_stand_for_each_set_of_globs() -> None:
    made = spec(
        agents={"*": {}, "secret-1": {}},
        policies=[
            {"name": "p", "agents": ["secret-*"], "deny": {"models": ["x"]}},
            {"name": "q", "agents": ["*-lab"], "deny": {"models": ["y"]}},
        ],
    )
    others = [each.name for each in alike("agent", [made]) if not each.declared]
    assert others == ["other-agent", "secret-x", "x-lab", "secret-lab"]


def test_a_glob_without_stars_finds_the_other_spelling_of_a_declared_name() -> None:
    made = spec(agents={"*": {}, "a": {}}, policies=[{"name": "p", "agents": ["a"], "deny": {"models": ["x"]}}])
    assert [each.name for each in alike("agent", [made]) if not each.declared] == ["other-agent", "A"]


def test_purposes_inside_of_agents_count_where_the_wildcard_takes_them_in() -> None:
    inner = {"a": {"purposes": {"plan": {"model": "ollama/n"}}}}
    assert ("plan",) in [each.names for each in alike("purpose", [spec(agents=inner, purposes={"*": {}})])]


@given(GLOBS)
def test_every_set_of_globs_that_a_short_name_fits_is_found(patterns: list[str]) -> None:
    def fitted(name: str) -> tuple[bool, ...]:
        return tuple(fnmatchcase(name, glob) for glob in patterns)

    names = [first + second + third for first in "abx" for second in ("", *"abx") for third in ("", *"abx")]
    found = told_apart(map(Pattern, patterns))
    assert {fitted(name) for name in names} <= {fitted(name) for name in found}
    assert len({fitted(name) for name in found}) == len(found)
