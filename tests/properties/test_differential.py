"""The real resolver and the naive one, written apart from each other, agree on random worlds."""

from __future__ import annotations

from hypothesis import given, settings

from tests.properties.naive_resolver import naive_resolve
from tests.properties.outcomes import real_resolve
from tests.properties.strategies import World, governed, worlds


@settings(max_examples=20 * settings().max_examples)
@given(worlds())
def test_real_and_naive_resolver_agree(world: World) -> None:
    assert real_resolve(*world) == naive_resolve(*world)


@settings(max_examples=5 * settings().max_examples)
@given(governed())
def test_they_agree_on_policies(world: World) -> None:
    assert real_resolve(*world) == naive_resolve(*world)
