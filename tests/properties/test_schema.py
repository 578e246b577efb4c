"""The JSON Schema, the spec's types and both validators say the same of every document."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter
from referencing import Registry

from llmroute.load import read_file, read_mapping
from llmroute.load.validation import failures, is_valid, schema
from llmroute.routing import expectations, policies, quirks, shapes, spec
from llmroute.routing.build import build
from llmroute.routing.schema import DIALECT, SCHEMA_ID, attribute_docstrings, json_schema
from llmroute.routing.source import Source
from llmroute.routing.spec import LISTS, PARAMS, Document, RoutingSpec
from llmroute.routing.values import CHOICES, RANGES
from tests.properties.schema_values import ODD, damaged, values

DATA = Path(__file__).parents[1] / "data" / "specs"
SCHEMA = schema()
DOCUMENTS = values(SCHEMA, SCHEMA)
relaxed = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
)


@cache
def slow() -> Draft202012Validator:
    return Draft202012Validator(SCHEMA, registry=Registry())


@cache
def types() -> TypeAdapter[Document]:
    return TypeAdapter(Document)


def definitions() -> dict[str, dict[str, Any]]:
    return {"Document": SCHEMA, **SCHEMA["$defs"]}


# -- The committed schema


def test_the_committed_schema_is_made_of_the_types() -> None:
    assert json_schema() == SCHEMA, "run: make generated"


def test_it_says_what_it_is() -> None:
    assert (SCHEMA["$schema"], SCHEMA["$id"]) == (DIALECT, SCHEMA_ID)
    assert SCHEMA["title"]
    Draft202012Validator.check_schema(SCHEMA)


def test_every_setting_is_described() -> None:
    missing = [
        f"{name}.{setting}"
        for name, definition in definitions().items()
        for setting, says in definition.get("properties", {}).items()
        if not says.get("description", "").strip()
    ]
    assert missing == []


def test_every_class_of_the_spec_is_in_it() -> None:
    modules = (shapes, quirks, policies, expectations, spec)
    written = {name for module in modules for name in attribute_docstrings(module)}
    bases = {"Shape", "Connection", "Params", "KeyVariable", "Requirements", "RoutingSpec"}
    assert written - bases == set(definitions())


def test_no_setting_may_be_null_and_no_key_is_unknown() -> None:
    assert '"null"' not in json.dumps(SCHEMA)
    for name, definition in definitions().items():
        assert definition["additionalProperties"] is False, name


def test_nothing_is_fetched() -> None:
    refs = [line for line in json.dumps(SCHEMA, indent=1).splitlines() if '"$ref"' in line]
    assert refs
    assert all('"#/$defs/' in line for line in refs)


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("place", ["Scope", "NamedScope", "Endpoint", "Provider"])
def test_the_ranges_of_arguments_are_those_of_the_spec(name: str, place: str) -> None:
    says, limits = SCHEMA["$defs"][place]["properties"][name], RANGES[name]
    assert says["type"] == {int: "integer", float: "number"}[limits.kind]
    assert says["maximum"] == limits.high
    if "exclusiveMinimum" in says:
        assert says["exclusiveMinimum"] < limits.low < 1e-300
    else:
        assert says["minimum"] == limits.low


def test_the_other_parameters() -> None:
    assert set(PARAMS) == {*RANGES, *LISTS, *CHOICES}
    for name, choices in CHOICES.items():
        assert SCHEMA["$defs"]["Scope"]["properties"][name]["enum"] == list(choices)


# -- Documents that pass


@relaxed
@given(DOCUMENTS)
def test_what_the_schema_accepts_is_a_spec(document: dict[str, Any]) -> None:
    assert is_valid(document)
    found = build(document)
    assert isinstance(found, RoutingSpec)
    assert set(found.agents) == set(document.get("agents", {}))
    for name in ("top_k", "max_tokens", "seed", "max_retries", "max_attempts"):
        assert type(getattr(found.defaults, name)) in (int, type(None))


@relaxed
@given(DOCUMENTS)
def test_what_the_schema_accepts_the_types_accept(document: dict[str, Any]) -> None:
    accepted = types().validate_python(document)
    built = build(document)
    for name in Document.__dataclass_fields__:
        assert getattr(accepted, name) == getattr(built, name), name


@relaxed
@given(DOCUMENTS)
def test_what_the_schema_accepts_loads(document: dict[str, Any]) -> None:
    # JSON Schema does not see half of a surrogate pair; loading does.
    loaded = read_mapping(document)
    assert {item.rule for item in loaded.diagnostics} <= {"bad-encoding"}
    assert (loaded.spec is None) == bool(loaded.diagnostics)


@pytest.mark.parametrize("path", sorted(DATA.glob("*.yaml")), ids=lambda path: path.stem)
def test_specs_that_people_write(path: Path) -> None:
    assert read_file(path).diagnostics == ()


# -- One verdict


def same_verdict(document: Any) -> None:
    assert slow().is_valid(document) == is_valid(document), document
    assert bool(failures(document, Source("<mapping>"))) != is_valid(document)


@relaxed
@given(DOCUMENTS)
def test_both_validators_accept_the_same(document: dict[str, Any]) -> None:
    same_verdict(document)


@relaxed
@given(DOCUMENTS, st.integers(0, 2**32))
def test_both_validators_refuse_the_same(document: dict[str, Any], seed: int) -> None:
    luck = Random(seed)  # noqa: S311 - a seeded example, no secret
    for _ in range(4):
        same_verdict(damaged(document, luck))


def settings_of(definition: str) -> list[str]:
    return list(SCHEMA["$defs"][definition]["properties"])


@pytest.mark.parametrize("setting", settings_of("NamedScope"))
def test_odd_values_for_each_setting_of_a_scope(setting: str) -> None:
    for odd in ODD:
        same_verdict({"version": 1, "agents": {"a": {setting: odd}}})


@pytest.mark.parametrize("setting", settings_of("Provider"))
def test_odd_values_for_each_setting_of_a_provider(setting: str) -> None:
    for odd in ODD:
        same_verdict({"version": 1, "providers": {"a": {setting: odd}}})


@pytest.mark.parametrize("setting", SCHEMA["properties"])
def test_odd_values_and_names_at_the_top(setting: str) -> None:
    for odd in ODD:
        same_verdict({"version": 1, setting: odd})
        if isinstance(odd, str):
            same_verdict({"version": 1, setting: {odd: {}}})
            same_verdict({"version": 1, "env": {"prefix": odd, "names": {odd: [odd]}}})
            same_verdict({"version": 1, "defaults": {"headers": {odd: "x"}, "provider": odd}})
            same_verdict({"version": 1, "defaults": {"headers": {"x": odd}, "provider": odd}})


@pytest.mark.parametrize("name", ["a\n", "a b", "٣", "a\u200b", "é", "", "*a", ".a", "a" * 129])
def test_32_names_that_are_none(name: str) -> None:
    for group in ("agents", "purposes", "clients", "providers"):
        assert not is_valid({"version": 1, group: {name: {}}}), group
