"""Explanations: nothing is decided in them, no value is broken, no key is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.errors import RoutingError
from llmroute.load import from_file, from_mapping, from_str
from llmroute.routing import explain, explain_data
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Credential, Query, Secret
from tests.properties.strategies import World, worlds
from tests.routing.asking import LOCAL, ask, refused

DATA = Path(__file__).parents[1] / "data" / "explain"
ENVIRON = {"LLMROUTE_MODEL": "openai/gpt-6-sol", "OPENAI_API_KEY": "CANARY"}
QUERIES = {
    "file-picker": Query("file-picker", "generation"),
    "reviewer": Query("reviewer", client="ci"),
    "mover": Query("mover"),
    "hybrid": Query("hybrid"),
    "orchestrator": Query("orchestrator", "planning"),
    "silent": Query("silent"),
    "nobody": Query(args={"provider": "ollama", "model": "m", "seed": 7, "api_key": "CANARY"}),
}


def rendered(name: str, width: int) -> str:
    query = QUERIES[name]
    try:
        lines = explain.text(resolve(spec(), query, ENVIRON), width)
    except RoutingError as error:
        lines = explain.error_text(query, error, width)
    return explain.plain(lines) + "\n"


def spec() -> Any:
    loaded = from_str((DATA / "spec.yaml").read_text(encoding="utf-8"), "routing.yaml")
    assert loaded == from_file(DATA / "spec.yaml")
    return loaded


@pytest.mark.parametrize("width", [100, 80])
@pytest.mark.parametrize("name", QUERIES)
def test_the_text_is_the_one_that_was_looked_at(name: str, width: int) -> None:
    assert rendered(name, width) == (DATA / f"{name}-{width}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [100, 80, 60])
@pytest.mark.parametrize("name", QUERIES)
def test_no_line_is_wider_than_the_terminal_but_for_one_long_value(name: str, width: int) -> None:
    for line in rendered(name, width).splitlines():
        # What is too long stands alone, or behind the name of its field.
        assert len(line) <= width or len(line.split("  ")[-1]) > width - 40, line


def values(resolution: Any) -> list[str]:
    """Every value that the trace of a resolution holds, as people read it."""
    found = [explain.destination(target) for target in resolution.route.targets]
    for field in resolution.fields:
        found += [explain.shown(field.value), *(explain.shown(item.value) for item in field.candidates)]
    return found


def outcome(world: World) -> Any:
    try:
        return resolve(from_mapping(world.document), Query(**world.query), world.environ)
    except RoutingError as error:
        return error


@given(worlds(), st.integers(40, 160))
def test_every_value_stands_in_one_line(world: World, width: int) -> None:
    found = outcome(world)
    if isinstance(found, RoutingError):
        text = explain.plain(explain.error_text(Query(**world.query), found, width))
        assert found.rule in text
        json.dumps(explain_data.error_json(Query(**world.query), found))
        return
    text = explain.plain(explain.text(found, width))
    for value in values(found):
        assert any(value in line for line in text.splitlines()), value
    assert all(line == line.rstrip() for line in text.splitlines())


@given(worlds())
def test_the_json_has_the_shape_of_the_documentation(world: World) -> None:
    found = outcome(world)
    if isinstance(found, RoutingError):
        return
    said = json.loads(json.dumps(explain_data.as_json(found)))
    assert list(said) == ["query", "targets", "params", "metadata", "fields", "excluded", "diagnostics"]
    assert set(said["query"]) == {"agent", "purpose", "client"}
    for target in said["targets"]:
        assert list(target) == ["provider", "api", "base_url", "model", "locality", "credential"]
        assert list(target["credential"]) == ["source", "status"]
    for field in said["fields"]:
        assert list(field) == ["field", "value", "layer", "scope", "origin", "candidates"]
        for candidate in field["candidates"]:
            assert set(candidate) - {"reason"} == {"scope", "layer", "value", "verdict", "origin"}
            assert candidate["origin"]["kind"] in {"file", "env", "argument", "preset", "mapping"}
    assert [field["field"] for field in said["fields"]][:2] == ["endpoint", "model"]
    for field in said["fields"]:
        assert sum(candidate["verdict"] == "won" for candidate in field["candidates"]) <= 1
    assert [out["rule"] for out in said["excluded"]] == ["require.locality"] * len(said["excluded"])


@given(worlds())
def test_a_flowchart_names_every_scope_and_target(world: World) -> None:
    found = outcome(world)
    if isinstance(found, RoutingError):
        return
    lines = explain_data.mermaid(found).splitlines()
    assert lines[0] == "flowchart LR"
    assert sum(line.startswith(f"  target{index}(") for index in range(9) for line in lines) == len(found.route.targets)
    assert sum("|won|" in line or '|"won"|' in line for line in lines) == 1
    for line in lines:
        assert line.count('"') % 2 == 0


def test_a_flowchart() -> None:
    found = resolve(spec(), QUERIES["hybrid"], ENVIRON)
    assert explain_data.mermaid(found) == (DATA / "hybrid.mermaid").read_text(encoding="utf-8").rstrip("\n")


def test_a_flowchart_escapes_what_would_break_it() -> None:
    chart = explain_data.mermaid(ask("defaults: {provider: ollama, model: 'a\"b<c>'}"))
    assert "a#quot;b#lt;c#gt;" in chart


# -- Pieces


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(), "no agent, no purpose"),
        (Query("a", "p", "c"), "a · p · client c"),
        (Query(client="c"), "client c"),
    ],
)
def test_who_asks(query: Query, expected: str) -> None:
    assert explain.asked(query) == expected


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        (Credential(), "no key"),
        (Credential("env:K", "set", Secret("CANARY")), "key env:K (set)"),
        (Credential("env:K", "missing"), "key env:K (missing)"),
        (Credential("none", "dropped"), "the provider's key is dropped: its URL was moved"),
        (Credential("file:/k", "unread"), "key file:/k"),
    ],
)
def test_what_is_said_of_a_key(credential: Credential, expected: str) -> None:
    assert explain.key_text(credential) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "nothing usable"),
        ({}, "{}"),
        ((), "none"),
        (("a", "b"), "a, b"),
        (False, "false"),
        (0, "0"),
        ({"a": {"b": [1, True]}}, "a: {b: 1, true}"),
    ],
)
def test_values_for_people(value: Any, expected: str) -> None:
    assert explain.shown(value) == expected


def test_an_error_without_a_hint_or_a_trace() -> None:
    error = RoutingError("it can't be")
    text = explain.plain(explain.error_text(Query("a"), error))
    assert text == "a  →  no route  [routing]\n\n  it can't be"


def test_an_error_as_json() -> None:
    error = refused("no-model", "defaults: {model: anthropic/x}\nagents: {a: {provider: openai}}", agent="a")
    said = json.loads(json.dumps(explain_data.error_json(Query("a"), error)))
    assert list(said) == ["query", "error"]
    assert list(said["error"]) == ["rule", "message", "hint", "fields"]
    assert [field["field"] for field in said["error"]["fields"]] == ["endpoint", "model"]
    assert (said["error"]["fields"][1]["layer"], said["error"]["fields"][1]["origin"]) == (None, None)


# -- Secrets

SECRETS = "api_key: '%s', headers: {X: '%s'}, extra_body: {k: [{j: '%s'}]}"
PLACES = {
    "provider": "providers: {openai: {" + SECRETS + "}}\ndefaults: {model: openai/x}",
    "scope": "defaults: {model: openai/x, " + SECRETS + "}",
    "fallback": LOCAL[:-2] + ", allow_remote_fallback: true, fallbacks: [{model: openai/x, " + SECRETS + "}]}",
    "orphan": "agents: {a: {" + SECRETS + "}}\n" + LOCAL,
    "moved": "providers: {work: {preset: openai, "
    + SECRETS
    + "}}\ndefaults: {provider: work, base_url: 'http://localhost:1', model: m}",
    "test": LOCAL + "tests: [{name: n, environ: {A: '%s'}, query: {args: {api_key: '%s', x: '%s'}}, expect: {}}]",
}


@pytest.mark.parametrize("written", ["CANARY", "${SECRET}"])
@pytest.mark.parametrize("place", PLACES)
def test_12_no_key_in_any_form_of_anything(place: str, written: str) -> None:
    environ = {
        **dict.fromkeys(["SECRET", "LLMROUTE_API_KEY", "OPENAI_API_KEY"], "CANARY"),
        "LLMROUTE_PROVIDER": "ollama",
    }
    loaded = from_str("version: 1\n" + PLACES[place] % (written, written, written), "routing.yaml")
    args = {"provider": "ollama", "model": "m", "api_key": "CANARY", "headers": {"X": "CANARY"}}
    queries = [Query(), Query(args=args)]
    queries += [Query("a")] if place == "orphan" else []
    said = [repr(loaded)]
    for variables in (environ, {"SECRET": "CANARY"}, {}):
        for query in queries:
            try:
                found = resolve(loaded, query, variables)
            except RoutingError as error:
                said += [repr(error), str(error), repr(error.fields), json.dumps(explain_data.error_json(query, error))]
                said += [explain.plain(explain.error_text(query, error))]
            else:
                said += [repr(found), json.dumps(explain_data.as_json(found)), explain_data.mermaid(found)]
                said += [explain.as_text(found), explain.as_text(found, 40)]
                said += [repr(target) + str(target.credential) + repr(target.name) for target in found.route.targets]
            said.append(repr(query))
    assert len(said) > 10
    assert not [text for text in said if "CANARY" in text]
