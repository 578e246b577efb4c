"""The laws of precedence on the real resolver: purity, precedence, shadowing, non-interference, constraints.

Laws 12 and 13 speak of requests and are tested with the adapters.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from llmroute.errors import BadArgumentError, RoutingError
from llmroute.load import from_mapping
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query
from tests.properties.naive_scopes import NUMBERS
from tests.properties.outcomes import ask, real_resolve
from tests.properties.places import (
    ENDPOINT,
    ENV,
    ENV_OF_PURPOSE,
    IN_FILE,
    RANKS,
    asked,
    copied,
    erase,
    graft,
    name_at,
    rank_of,
    read,
    write,
)
from tests.properties.strategies import World, policies, worlds

two_ranks = st.sampled_from([(strong, weak) for strong in RANKS for weak in RANKS if strong < weak])
everywhere = worlds().map(asked)


def reordered(value: Any) -> Any:
    """The same value with the keys of all mappings in the opposite order."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


# -- 1. Pure and total


@given(worlds())
def test_same_inputs_give_the_same_result_and_stay_as_they_are(world: World) -> None:
    before = deepcopy(world)
    assert real_resolve(*world) == real_resolve(*world)
    assert world == before


@given(worlds())
def test_key_order_is_irrelevant(world: World) -> None:
    turned = World(reordered(world.document), reordered(world.query), reordered(world.environ))
    assert real_resolve(*turned) == real_resolve(*world)


@given(everywhere, everywhere)
def test_earlier_queries_leave_no_trace(world: World, other: World) -> None:
    spec = from_mapping(world.document)
    queries = [
        (world.query, world.environ),
        (other.query, world.environ),
        (world.query, other.environ),
        (world.query, world.environ),
    ]
    for query, environ in queries:
        try:
            again: Any = [target.to_json() for target in resolve(spec, Query(**query), environ).route.targets]
        except RoutingError as error:
            again = error.rule
        assert again == fresh_answer(world.document, query, environ)


def fresh_answer(*world: Any) -> Any:
    try:
        return [target.to_json() for target in ask(*world).route.targets]
    except RoutingError as error:
        return error.rule


def test_an_argument_of_an_equal_value_but_another_type_is_looked_at_anew() -> None:
    spec = from_mapping({"version": 1, "defaults": {"model": "ollama/m"}})
    assert resolve(spec, Query(args={"seed": 1}), {}).target.params["seed"] == 1
    with pytest.raises(BadArgumentError):
        resolve(spec, Query(args={"seed": True}), {})


def test_an_argument_that_was_changed_in_place_is_looked_at_anew() -> None:
    spec = from_mapping({"version": 1, "defaults": {"model": "ollama/m"}})
    stop = ["a"]
    first = resolve(spec, Query(args={"stop": stop}), {})
    stop.append("b")
    assert resolve(spec, Query(args={"stop": stop}), {}).target.params["stop"] == ("a", "b")
    assert first.target.params["stop"] == ("a",)


# -- 2. Precedence


@given(everywhere, two_ranks)
def test_the_stronger_of_two_scopes_wins_a_parameter(world: World, pair: tuple[int, int]) -> None:
    strong, weak = pair
    for rank in RANKS:
        erase(world, rank, "temperature")
    for rank in IN_FILE:
        erase(world, rank, "require")  # a fallback that takes the primary's place has parameters of its own
    write(world, strong, "temperature", 0.25)
    write(world, weak, "temperature", 0.75)
    outcome = real_resolve(*world)
    assume("targets" in outcome)
    assert outcome["targets"][0]["params"]["temperature"] == 0.25


@given(everywhere, two_ranks)
def test_the_stronger_of_two_scopes_wins_the_endpoint(world: World, pair: tuple[int, int]) -> None:
    strong, weak = pair
    for rank in RANKS:
        erase(world, rank, *ENDPOINT)
    write(world, strong, "base_url", "http://127.0.0.1:1/v1")
    write(world, strong, "model", "strong")
    write(world, weak, "base_url", "http://127.0.0.1:2/v1")
    write(world, weak, "model", "weak")
    resolution = primary_of(world)
    assert (resolution.base_url, resolution.model) == ("http://127.0.0.1:1/v1", "strong")


@given(everywhere, two_ranks)
def test_the_stronger_of_two_scopes_wins_the_model_of_a_provider(world: World, pair: tuple[int, int]) -> None:
    strong, weak = pair
    world.document["providers"]["box"] = {"base_url": "http://127.0.0.1:3/v1", "model": "own"}
    for rank in RANKS:
        erase(world, rank, *ENDPOINT)
    write(world, 9, "provider", "box")
    write(world, weak, "model", "weak")
    assert primary_of(world).model == "weak"
    write(world, strong, "model", "strong")
    assert primary_of(world).model == "strong"


def primary_of(world: World) -> Any:
    """The primary target where nothing but fallbacks, numbers and requirements can be wrong."""
    for rank in RANKS:
        erase(world, rank, *(*NUMBERS, "fallbacks", "require") if rank not in (ENV_OF_PURPOSE, ENV) else NUMBERS)
    for says in world.document["providers"].values():
        says.pop("fallbacks", None)
    return ask(*world).target


# -- 6. Shadowing


@given(everywhere, everywhere)
def test_weaker_scopes_never_change_endpoint_key_or_fallbacks(world: World, other: World) -> None:
    try:
        before = ask(*world)
    except RoutingError:
        assume(False)  # noqa: FBT003 - Hypothesis' own signature
        raise
    winner = rank_of(world, before.fields[0].scope)
    other.document.pop("env", None)
    after = copied(world)
    for rank in RANKS:
        if rank > winner:
            graft(after, rank, other)
    outcome = real_resolve(*after)
    if "error" in outcome:
        event(outcome["error"])
        # The model, a parameter or the model's own remoteness may be the weaker scope's; nothing else.
        model = {"no-model", "model-not-offered", "remote-fallback", "constraint-violated"}
        assert outcome["error"] in {*model, "bad-environment"}
        return
    edited = ask(*after)
    event("resolved")
    assert edited.fields[0].scope == before.fields[0].scope
    if not before.excluded and not edited.excluded:
        assert where(edited.route.targets[:1]) == where(before.route.targets[:1])
        assert chosen(edited.route.targets[1:]) == chosen(before.route.targets[1:])


def where(targets: Any) -> list[Any]:
    return [(t.provider, t.base_url, t.api, t.auth, t.headers, t.credential) for t in targets]


def chosen(targets: Any) -> list[Any]:
    return [(*place, target.model) for place, target in zip(where(targets), targets, strict=True)]


@given(everywhere)
def test_removing_a_loser_changes_nothing(world: World) -> None:
    before = real_resolve(*world)
    assume("targets" in before)
    fields = {field.field: field.scope for field in ask(*world).fields}
    for rank in RANKS:
        for setting in (*NUMBERS, "fallbacks", "model"):
            if fields.get(setting) not in (None, name_at(world, rank)) and may_go(world, rank, setting):
                event(f"{setting} removed")
                edited = copied(world)
                erase(edited, rank, setting)
                assert real_resolve(*edited) == before


def may_go(world: World, rank: int, setting: str) -> bool:
    """Whether a scope says something that is of no other use: a reference also is a home for other models."""
    written = read(world, rank, setting)
    if written is None or setting != "model" or read(world, rank, "provider") is not None:
        return written is not None
    return "/" not in written and "$" not in written


# -- 7. Non-interference


@given(worlds(), everywhere)
def test_others_change_nothing(world: World, other: World) -> None:
    crowded = copied(world)
    document = crowded.document
    document["providers"]["unused"] = {"base_url": "https://unused.example", "model": "m1", "aliases": {"m2": "m1"}}
    document["agents"]["bystander"] = other.document["agents"]["a"]
    document["purposes"]["elsewhere"] = other.document["purposes"]["plan"]
    document.setdefault("clients", {})["bystander"] = other.document["clients"]["c"]
    for says in document["agents"].values():
        says.setdefault("purposes", {})["elsewhere"] = other.document["defaults"]
    for setting in ("MODEL", "PROVIDER", "API_KEY", "TEMPERATURE"):
        for prefix in ("LLMROUTE_", "APP_"):
            crowded.environ[f"{prefix}{setting}__ELSEWHERE"] = "noise"
    assert real_resolve(*crowded) == real_resolve(*world)


@given(worlds())
def test_what_the_query_does_not_ask_for_may_go(world: World) -> None:
    alone = copied(world)
    query = world.query
    for group, name in (("agents", query["agent"]), ("purposes", query["purpose"]), ("clients", query["client"])):
        entries = alone.document.get(group, {})
        for entry in [
            entry for entry in entries if entry != name and (entry != "*" or name is None or name in entries)
        ]:
            del entries[entry]
    providers = alone.document.pop("providers")
    text = repr(alone)
    needed = {name for name in providers if name in text or any(name in repr(each) for each in providers.values())}
    alone.document["providers"] = {name: says for name, says in providers.items() if name in needed}
    assert real_resolve(*alone) == real_resolve(*world)


# -- 9. Monotone constraints


@given(everywhere, st.sampled_from(IN_FILE), st.sampled_from(["local", "lan", "remote"]))
def test_a_requirement_never_adds_a_target(world: World, rank: int, locality: str) -> None:
    before = real_resolve(*world)
    assume(read(world, rank, "require") is None)
    write(world, rank, "require", {"locality": locality})
    after = real_resolve(*world)
    if "error" in before:
        assert after == before
    elif "error" in after:
        assert after == {"error": "constraint-violated"}
    else:
        kept = iter(before["targets"])
        assert all(target in kept for target in after["targets"]), "not a part of the chain, in its order"


@given(everywhere, policies())
def test_a_policy_never_adds_a_target(world: World, rules: list[dict[str, Any]]) -> None:
    before = real_resolve(*world)
    world.document["policies"] = rules
    after = real_resolve(*world)
    if "error" in before:
        assert after == before
    elif "error" in after:
        assert after == {"error": "constraint-violated"}
    else:
        kept = iter(before["targets"])
        assert all(target in kept for target in after["targets"]), "not a part of the chain, in its order"


@given(everywhere, st.permutations([1, 2, 8, 9]))
def test_requirements_add_up_in_any_order(world: World, order: list[int]) -> None:
    limits = ["remote", "lan", "local", "remote"]
    for rank, limit in zip(order, limits, strict=True):
        write(world, rank, "require", {"locality": limit})
    outcome = real_resolve(*world)
    assert all(target["locality"] == "local" for target in outcome.get("targets", []))
