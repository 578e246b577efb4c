"""What a query demands of models, and the spec in which all of it is only wished for."""

from __future__ import annotations

import pytest

from llmroute.errors import ConstraintViolatedError
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query
from llmroute.routing.wishes import lenient, wishes
from tests.routing.asking import refused, spec_of

TEXT = """\
defaults: {provider: ollama, model: m, require: {tools: true}}
purposes: {p: {require: {vision: true}}, q: {}}
agents:
  a: {require: {locality: local, context_window: 9}, purposes: {p: {require: {thinking: true, warn: true}}}}
  b: {}
clients: {c: {require: {json_schema: true}}}
policies: [{name: able, purposes: [q], require: {prefill: true}}]
"""
EVERYTHING = Query("a", "p", "c")


def test_every_ability_of_every_scope_and_no_place() -> None:
    found = wishes(spec_of(TEXT), EVERYTHING, {})
    assert [(row.what, row.warn) for row in found] == [
        ("thinking", True),
        ("context_window", False),
        ("json_schema", False),
        ("vision", False),
        ("tools", False),
    ]
    assert [row.what for row in wishes(spec_of(TEXT), Query("b", "q"), {})] == ["tools", "prefill"]


def test_a_lenient_spec_shows_who_lacks_what() -> None:
    refused("constraint-violated", TEXT, agent="a", purpose="p", client="c")
    open_spec = lenient(spec_of(TEXT))
    found = resolve(open_spec, EVERYTHING, {})
    assert found.target.name == "ollama/m"
    assert {note.rule for note in found.diagnostics} == {"not-met"}
    assert resolve(open_spec, Query("b"), {}).target.name == "ollama/m"


def test_places_and_policies_hold_all_the_same() -> None:
    remote = spec_of("defaults: {model: openai/gpt-4o, require: {locality: local, thinking: true}}")
    for spec, query in ((remote, Query()), (spec_of(TEXT), Query("b", "q"))):
        open_spec = lenient(spec)
        assert open_spec.memo is not spec.memo
        with pytest.raises(ConstraintViolatedError):
            resolve(open_spec, query, {})
