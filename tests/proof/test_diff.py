"""What a difference says of two specs: checked case by case, and against asking both everything one by one."""

from __future__ import annotations

import doctest
import time
from copy import deepcopy
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.errors import RoutingError
from llmroute.load import from_mapping
from llmroute.proof.differences import grouping
from llmroute.proof.differences import weaker as weaker_module
from llmroute.proof.differences.diff import Difference, Price, diff
from llmroute.proof.differences.grouping import blocks
from llmroute.proof.differences.weaker import weaker
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query
from tests.properties.strategies import governed, policies

if TYPE_CHECKING:
    from llmroute.routing.route import Target

BASE: dict[str, Any] = {
    "version": 1,
    "providers": {"anthropic": {}, "ollama": {"model": "m"}, "box": {"base_url": "http://10.0.0.1:1/v1", "model": "b"}},
    "defaults": {"model": "anthropic/claude-sonnet-5-5"},
    "purposes": {"planning": {}, "doing": {}},
    "agents": {"picker": {"provider": "ollama"}, "writer": {}, "reader": {}},
    "clients": {"ci": {}},
}


def changed(edit: dict[str, Any], old: dict[str, Any] = BASE, environ: dict[str, str] | None = None) -> Difference:
    """The difference of a spec and the same with some of its groups merged with others; None takes an entry out."""
    new = deepcopy(old)
    for group, entries in edit.items():
        if isinstance(entries, dict):
            new[group] = {**new.get(group, {}), **entries}
            new[group] = {name: entry for name, entry in new[group].items() if entry is not None}
        else:
            new[group] = entries
    return diff(from_mapping(old), from_mapping(new), environ or {})


def asked(found: Difference) -> set[tuple[str | None, str | None, str | None]]:
    return {
        (agent, purpose, client)
        for change in found.changes
        for block in blocks(change.queries)
        for agent in block.agents
        for purpose in block.purposes
        for client in block.clients
    }


@pytest.mark.parametrize("module", [grouping, weaker_module])
def test_the_examples_in_docstrings_hold(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


def test_a_spec_does_not_differ_from_itself() -> None:
    found = changed({})
    assert (found.changes, found.weaker, found.reach, found.keys, found.prices) == ((), (), (), (), ())
    assert found.compared == 4 * 3 * 2


def test_the_order_of_keys_is_no_difference() -> None:
    turned = {group: dict(reversed(entries.items())) for group, entries in BASE.items() if isinstance(entries, dict)}
    assert not diff(from_mapping(BASE), from_mapping({"version": 1, **turned}), {}).changes


def test_alike_queries_are_one_change() -> None:
    found = changed({"purposes": {"planning": {"model": "claude-opus-5-5"}}})
    (change,) = found.changes
    assert (change.before.name, change.after.name) == ("anthropic/claude-sonnet-5-5", "anthropic/claude-opus-5-5")
    assert asked(found) == {
        (agent, "planning", client) for agent in (None, "writer", "reader") for client in (None, "ci")
    }
    assert change.size == 6
    assert list(change.differs) == ["model"]


@pytest.mark.parametrize(
    ("edit", "facet"),
    [
        ({"agents": {"picker": {"provider": "box"}}}, "provider"),
        ({"agents": {"picker": {"provider": "ollama", "model": "n"}}}, "model"),
        ({"providers": {"ollama": {"model": "m", "base_url": "http://localhost:1/v1"}}}, "base_url"),
        ({"providers": {"ollama": {"model": "m", "api": "ollama-chat"}}}, "api"),
        ({"providers": {"ollama": {"model": "m", "locality": "remote"}}}, "locality"),
        ({"providers": {"ollama": {"model": "m", "api_key": "${A}"}}}, "key"),
        ({"providers": {"ollama": {"model": "m", "auth": "x-api-key"}}}, "auth"),
        ({"providers": {"ollama": {"model": "m", "headers": {"X-A": "1"}}}}, "headers"),
        ({"providers": {"ollama": {"model": "m", "headers": {"X-A": "${UNSET}"}}}}, "sends"),
        ({"providers": {"ollama": {"model": "m", "extra_body": {"n": 1}}}}, "extra_body"),
        ({"providers": {"ollama": {"model": "m", "proxy": "env"}}}, "proxy"),
        ({"providers": {"ollama": {"model": "m", "limits": {"concurrency": 1}}}}, "limits"),
        ({"agents": {"picker": {"provider": "ollama", "temperature": 0}}}, "temperature"),
        ({"agents": {"picker": {"provider": "ollama", "fallbacks": ["ollama/n"]}}}, "fallbacks"),
        ({"agents": {"picker": {"provider": "ollama", "metadata": {"n": 1}}}}, "metadata"),
        ({"agents": {"picker": {"model": "n"}}}, "provider"),
    ],
)
def test_whatever_a_target_is_counts(edit: dict[str, Any], facet: str) -> None:
    found = changed(edit)
    assert {agent for agent, _, _ in asked(found)} == {"picker"}
    assert facet in found.changes[0].differs


def test_a_target_that_is_left_out_counts() -> None:
    old = {**BASE, "agents": {"picker": {"provider": "ollama", "fallbacks": ["ollama/n"]}}}
    found = changed({"policies": [{"name": "p", "deny": {"models": ["n"]}}]}, old)
    assert {"excluded", "fallbacks"} <= found.changes[0].differs.keys()


def test_a_parameter_that_is_one_or_true_is_not_the_same() -> None:
    one, true = ({"picker": {"provider": "ollama", "extra_body": {"n": n}}} for n in (1, True))
    assert len(changed({"agents": true}, {**BASE, "agents": one}).changes) == 1


def test_errors_are_answers_too() -> None:
    lost = changed({"agents": {"writer": {"provider": "anthropic"}}}, {**BASE, "defaults": {"provider": "ollama"}})
    (change,) = lost.changes
    assert (change.before.name, change.after.name) == ("ollama/m", "no route [no-model]")
    assert change.after.to_json() == {"error": {"rule": "no-model"}, "excluded": []}


def test_names_that_come_and_go() -> None:
    found = changed({"agents": {"new": {}, "reader": None}, "purposes": {"more": {}, "doing": None}})
    assert found.names["agents"] == (("new",), ("reader",))
    assert found.names["purposes"] == (("more",), ("doing",))
    assert ("reader", "planning", None) in asked(found)
    assert ("new", "planning", None) in asked(found)
    # It was no query before, and is none now.
    assert ("reader", "more", None) not in asked(found)


def test_a_wildcard_stands_for_names_that_nobody_declared() -> None:
    old = {**BASE, "agents": {"*": {}}}
    found = changed({"agents": {"*": {"provider": "ollama"}}}, old)
    assert {agent for agent, _, _ in asked(found)} == {"other-agent"}
    specific = changed({"agents": {"writer": {"provider": "ollama"}}}, old)
    assert {agent for agent, _, _ in asked(specific)} == {"writer"}


def test_the_environment_is_a_what_if() -> None:
    edit = {"env": {"names": {"model": ["OTHER"]}}}
    assert not changed(edit).changes
    found = changed(edit, environ={"OTHER": "ollama/x"})
    assert found.changes[0].after.name == "ollama/x"


def test_a_variable_of_one_purpose_tells_it_apart() -> None:
    found = changed({"env": {"prefix": "B_"}}, environ={"B_MODEL__PLANNING": "ollama/x"})
    assert {purpose for _, purpose, _ in asked(found)} == {"planning"}


def test_reach_is_told_by_agent() -> None:
    found = changed({"agents": {"picker": {"provider": "box", "fallbacks": ["ollama/m"]}}})
    assert [(row.target.name, row.agents, row.gained) for row in found.reach] == [("box/b", ("picker",), True)]
    lost = changed({"agents": {"picker": {"provider": "box"}}})
    assert [(row.target.name, row.gained) for row in lost.reach] == [("box/b", True), ("ollama/m", False)]


def test_a_target_that_an_agent_reached_for_another_purpose_is_not_new() -> None:
    old = {**BASE, "agents": {"picker": {"provider": "ollama", "purposes": {"planning": {"provider": "box"}}}}}
    found = changed({"agents": {"picker": {"provider": "box"}}}, old)
    assert [(row.target.name, row.gained) for row in found.reach] == [("ollama/m", False)]


def test_keys_that_go_to_other_origins() -> None:
    old = {**BASE, "providers": {"box": {"base_url": "https://a.example/v1", "api_key": "${K}", "model": "b"}}}
    old["agents"] = {"writer": {}}
    found = changed({"providers": {"box": {**old["providers"]["box"], "base_url": "https://b.example/v1"}}}, old)
    assert found.keys == (("env:K", ("https://a.example",), ("https://b.example",)),)
    assert found.keys[0].gained == ("https://b.example",)


def test_what_only_the_environment_knows_is_said() -> None:
    found = changed({"providers": {"box": {"base_url": "${HOST}/v1", "model": "b"}}})
    assert any("HOST" in text for text in found.unknown)


def test_prices_are_asked_once_for_each_pair() -> None:
    new = {**BASE, "defaults": {"model": "anthropic/claude-opus-5-5"}}
    costs = {"anthropic/claude-sonnet-5-5": Price(3, 15), "anthropic/claude-opus-5-5": Price(5, 25)}
    found = diff(from_mapping(BASE), from_mapping(new), {}, lambda target: costs[target.name])
    assert [(row.price_before, row.price_after) for row in found.prices] == [(Price(3, 15), Price(5, 25))]


POLICY = {"name": "p", "agents": ["picker", "secret-*"], "require": {"locality": "lan"}, "because": "customers"}


def told(edit: Any, old: Any = POLICY) -> list[tuple[str, str]]:
    """How the demands of a policy got weaker by an edit of it; None takes it, or a part of it, out."""
    new = edit and {name: value for name, value in {**old, **edit}.items() if value is not None}
    before, after = (from_mapping({**BASE, "policies": [policy] if policy else []}) for policy in (old, new))
    return [(item.how, item.what) for item in weaker(before, after)]


@pytest.mark.parametrize(
    ("edit", "how"),
    [
        (None, ["removed"]),
        ({"agents": ["picker"]}, ["narrower"]),
        ({"agents": ["picker", "secret-a*"]}, ["narrower"]),
        ({"agents": ["picker", "secret-[ab]"]}, ["narrower"]),
        ({"purposes": ["planning"]}, ["narrower"]),
        ({"clients": ["ci"]}, ["narrower"]),
        ({"require": {"locality": "remote"}}, ["looser"]),
        ({"require": {"tools": True}}, ["removed"]),
        ({"warn": True}, ["warns"]),
        ({"agents": ["*"]}, []),
        ({"agents": ["p*", "secret-*"]}, []),
        ({"require": {"locality": "local"}}, []),
        ({"require": {"locality": "lan", "tools": True}}, []),
        ({"require": None, "deny": {"localities": ["remote"]}}, []),
        ({"name": "another"}, []),
        ({"because": "else"}, []),
    ],
)
def test_what_makes_a_policy_weaker(edit: Any, how: list[str]) -> None:
    assert [each for each, _ in told(edit)] == how


@pytest.mark.parametrize(
    ("part", "before", "after", "is_weaker"),
    [
        ("deny", {"models": ["gpt-*"]}, {"models": ["gpt-6*"]}, True),
        ("deny", {"models": ["gpt-6*"]}, {"models": ["GPT-*"]}, False),
        ("deny", {"hosts": ["a", "b"]}, {"hosts": ["b"]}, True),
        ("deny", {"hosts": ["a"]}, {"hosts": ["a", "b"]}, False),
        ("deny", {"providers": ["a*"]}, {"providers": ["a?"]}, True),
        ("deny", {"localities": ["remote", "lan"]}, {"localities": ["remote"]}, True),
        ("require", {"providers": ["a", "b"]}, {"providers": ["a"]}, False),
        ("require", {"providers": ["a"]}, {"providers": ["a", "b"]}, True),
        ("require", {"apis": ["mock"]}, {"apis": ["mock", "ollama-chat"]}, True),
        ("require", {"regions": ["eu"]}, {"regions": ["eu", "us"]}, True),
        ("require", {"context_window": 1000}, {"context_window": 999}, True),
        ("require", {"context_window": 1000}, {"context_window": 1001}, False),
        ("require", {"tools": True}, {"tools": False, "vision": True}, True),
    ],
)
def test_each_kind_of_demand(part: str, before: Any, after: Any, is_weaker: bool) -> None:  # noqa: FBT001 - a row
    assert bool(told({part: after}, {"name": "p", part: before})) is is_weaker


def test_a_policy_may_be_split_or_move_to_a_scope() -> None:
    old = from_mapping({**BASE, "policies": [{**POLICY, "agents": ["picker", "writer"]}]})
    split = [{**POLICY, "name": name, "agents": [name]} for name in ("picker", "writer")]
    assert weaker(old, from_mapping({**BASE, "policies": split})) == []
    scopes = {name: {**BASE["agents"][name], "require": {"locality": "local"}} for name in ("picker", "writer")}
    assert weaker(old, from_mapping({**BASE, "agents": scopes})) == []


def test_a_requirement_of_a_scope_that_is_loosened() -> None:
    def required(**require: Any) -> Any:
        return from_mapping({**BASE, "agents": {"picker": {"provider": "ollama", "require": require}}})

    (item,) = weaker(required(locality="local"), required(locality="lan"))
    assert (item.scope, item.how, item.before, item.after) == ("agents.picker", "looser", "local", "lan")
    (item,) = weaker(required(tools=True), required(tools=True, warn=True))
    assert item.how == "warns"
    assert weaker(required(tools=True, warn=True), required(tools=True)) == []
    # Who is gone has no route to loosen.
    assert weaker(required(locality="local"), from_mapping({**BASE, "agents": {"writer": {}}})) == []


def test_an_agent_that_falls_to_the_wildcard_keeps_its_requirement_or_it_is_told() -> None:
    agents = {"picker": {"provider": "ollama", "require": {"locality": "local"}}, "*": {}}
    (item,) = weaker(from_mapping({**BASE, "agents": agents}), from_mapping({**BASE, "agents": {"*": {}}}))
    assert (item.scope, item.how) == ("agents.picker", "removed")
    assert {name for each in item.queries for name in each.agents.names} == {"picker"}


def test_a_target_that_was_left_out_and_is_used_now_is_named() -> None:
    agents = {"writer": {"provider": "ollama", "fallbacks": ["box/b"], "allow_remote_fallback": True}}
    old = {**BASE, "agents": agents, "policies": [{"name": "here", "require": {"locality": "local"}}]}
    found = changed({"policies": []}, old)
    ((scope, how, targets),) = [(item.scope, item.how, item.targets) for item in found.weaker]
    assert (scope, how, set(targets)) == ("policies.here", "removed", {"box/b", "anthropic/claude-sonnet-5-5"})


def test_a_fact_of_a_provider_may_let_a_target_pass() -> None:
    old = {**BASE, "policies": [{"name": "eu", "agents": ["picker"], "require": {"regions": ["eu"]}}]}
    found = changed({"providers": {"ollama": {"model": "m", "regions": ["eu"]}}}, old)
    assert [(item.scope, item.how, item.targets) for item in found.weaker] == [("policies.eu", "admits", ("ollama/m",))]


def test_many_names_are_few_questions() -> None:
    def large(model: str) -> Any:
        kinds: list[dict[str, Any]] = [{}, {"provider": "ollama"}, {"temperature": 0}, {"model": "anthropic/x"}]
        return from_mapping(
            {
                **BASE,
                "defaults": {"model": f"anthropic/{model}"},
                "agents": {f"a{n}": kinds[n % 4] for n in range(1000)},
                "purposes": {f"p{n}": {} for n in range(20)},
                "clients": {f"c{n}": {} for n in range(10)},
            }
        )

    old, new = large("a"), large("b")
    started = time.process_time()
    found = diff(old, new, {})
    assert time.process_time() - started < 10
    assert found.compared == 1001 * 21 * 11
    assert sum(change.size for change in found.changes) == 501 * 21 * 11


def one_by_one(old: Any, new: Any, environ: dict[str, str]) -> set[tuple[str | None, str | None, str | None]]:
    """The queries of declared names whose answers differ, by comparing every field that is not a place."""
    names = [
        [None, *dict.fromkeys([*getattr(old, group), *getattr(new, group)])]
        for group in ("agents", "purposes", "clients")
    ]
    return {
        (agent, purpose, client)
        for agent in names[0]
        for purpose in names[1]
        for client in names[2]
        if "*" not in (agent, purpose, client) and not _same(old, new, Query(agent, purpose, client), environ)
    }


def _same(old: Any, new: Any, query: Query, environ: dict[str, str]) -> bool:
    answers: list[Any] = []
    for spec in (old, new):
        try:
            found = resolve(spec, query, environ)
        except RoutingError as error:
            unknown = error.rule.startswith("unknown-") and error.rule != "unknown-provider"
            answers.append("unknown" if unknown else (error.rule, [(out.target, out.rule) for out in error.excluded]))
        else:
            answers.append(
                (
                    [_without_places(target) for target in found.route.targets],
                    found.metadata,
                    [(out.target, out.rule) for out in found.excluded],
                )
            )
    return repr(answers[0]) == repr(answers[1])


def _without_places(target: Target) -> list[tuple[str, Any]]:
    shown = {name: getattr(target, name) for name in target.__dataclass_fields__}
    shown |= {"flows": sorted({flow.source for flow in target.flows}), "origin": None, "scope": None}
    shown |= {"credential": (target.credential.source, target.credential.status == "dropped")}
    shown["limits"] = target.limits and asdict(target.limits)
    for name in ("headers", "extra_body", "quirks", "params"):
        shown[name] = sorted(shown[name].items(), key=repr)
    return sorted(shown.items())


@settings(deadline=None, max_examples=60)
@given(governed(), governed(), st.sampled_from(["providers", "defaults", "purposes", "agents", "clients", "policies"]))
def test_the_changes_are_those_of_asking_one_by_one(one: Any, other: Any, group: str) -> None:
    old = one.document
    new = {name: value for name, value in {**old, group: other.document.get(group)}.items() if value is not None}
    specs = from_mapping(old), from_mapping(new)
    told_of = {query for query in asked(diff(*specs, one.environ)) if _declared(query, *specs)}
    assert told_of == one_by_one(*specs, one.environ)


def _declared(query: tuple[str | None, str | None, str | None], old: Any, new: Any) -> bool:
    groups = ("agents", "purposes", "clients")
    return all(
        name is None or name in getattr(old, group) or name in getattr(new, group)
        for name, group in zip(query, groups, strict=True)
    )


@settings(deadline=None, max_examples=80)
@given(governed(), policies())
def test_what_is_not_weaker_admits_no_new_target(world: Any, other: Any) -> None:
    old, new = from_mapping(world.document), from_mapping({**world.document, "policies": other})
    if weaker(old, new):
        return
    for agent in (None, "a", "b"):
        for purpose in (None, "plan", "do", "other-one"):
            query = Query(agent, purpose, None)
            assert _targets(new, query, world.environ) <= _targets(old, query, world.environ)


def _targets(spec: Any, query: Query, environ: dict[str, str]) -> set[tuple[str, str]]:
    try:
        return {(target.name, target.base_url) for target in resolve(spec, query, environ).route.targets}
    except RoutingError:
        return set()
