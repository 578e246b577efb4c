"""What the JSON Schema has for editors alone (examples, choices, meanings, snippets) is right, and changes nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry

from llmroute.catalog.presets import PRESETS
from llmroute.load import read_mapping, read_str
from llmroute.load.validation import is_valid, schema
from llmroute.routing.checks import check
from llmroute.routing.schema_hints import EXAMPLES, MEANINGS, NAMES, PROVIDER_NAMES
from llmroute.routing.schema_snippets import SNIPPETS
from llmroute.routing.shapes import APIS

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = schema()
GROUPS = ("providers", "purposes", "agents", "clients")
NAMED = {"agents": "picker", "purposes": "planning"}
"""What snippets speak of."""
FILLED_IN = [
    pytest.param(name, snippet, id=f"{name}: {snippet['label']}")
    for name, snippets in SNIPPETS.items()
    for snippet in snippets
]


def parts(node: Any = SCHEMA) -> Iterator[dict[str, Any]]:
    """Every mapping in the schema."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from parts(inner)


def settings() -> dict[str, dict[str, Any]]:
    return {
        f"{name}.{setting}": part
        for name, definition in SCHEMA["$defs"].items()
        for setting, part in definition["properties"].items()
    }


def offered(part: dict[str, Any]) -> list[str]:
    """What is offered at a place that takes any text."""
    choice = part.get("items", part)
    free, known = choice["anyOf"]
    assert free["type"] == "string"
    assert "enum" not in free
    return list(known["enum"])


def yaml(value: Any, indent: str = "") -> str:
    """A snippet as text, its places filled in with what is proposed there."""
    if isinstance(value, dict):
        return "".join(f"\n{indent}{yaml(key)}: {yaml(inner, indent + '  ')}" for key, inner in value.items())
    if isinstance(value, list):
        return "".join(f"\n{indent}- {yaml(inner)}" for inner in value)
    text = re.sub(r"\$\{\d+\|([^,|]*)[^|]*\|\}", r"\1", value)
    return re.sub(r"\$\{\d+:([^}]*)\}", r"\1", text).replace(r"\$", "$")


@pytest.mark.parametrize("place", sorted(PROVIDER_NAMES))
def test_where_a_provider_is_named_the_presets_are_offered(place: str) -> None:
    assert offered(settings()[place]) == sorted(PRESETS)


def test_the_wire_formats_are_offered() -> None:
    for place in ("Provider.api", "Scope.api", "PolicyRequire.apis"):
        assert offered(settings()[place]) == list(APIS)


def test_other_names_pass_too() -> None:
    assert is_valid(
        {
            "version": 1,
            "providers": {"mine": {"preset": "no-such", "api": "of-an-adapter"}},
            "defaults": {"provider": "mine", "fallbacks": [{"provider": "yours", "model": "x"}]},
            "policies": [{"name": "p", "require": {"providers": ["mine-*"], "apis": ["of-an-adapter"]}}],
        }
    )


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({"provider": 5}, "provider must be a text, and 5 is a number", "quote it"),
        ({"provider": " "}, "provider is blank", "write a value, or leave it out"),
        ({"provider": None}, "provider is written and left empty", "write a text, or leave it out"),
        ({"provider": "x", "api": "Open AI"}, "api can't be 'Open AI'", "write it like openai-chat"),
    ],
)
def test_errors_speak_of_the_free_form(settings: dict[str, Any], message: str, hint: str) -> None:
    found = read_mapping({"version": 1, "defaults": settings}).diagnostics
    assert [(one.message, one.hint) for one in found] == [(message, hint)]


def test_presets_are_offered_as_providers_and_are_like_any_other() -> None:
    providers = SCHEMA["properties"]["providers"]
    assert list(providers["properties"]) == sorted(PRESETS)
    for name, part in providers["properties"].items():
        assert part["$ref"] == providers["additionalProperties"]["$ref"]
        assert PRESETS[name].title in part["description"]
        assert (PRESETS[name].key_variable or "") in part["description"]


def test_the_keys_of_groups_are_explained() -> None:
    assert set(NAMES) == set(GROUPS)
    for name in GROUPS:
        assert SCHEMA["properties"][name]["propertyNames"]["description"] == NAMES[name]


def test_every_example_is_one() -> None:
    found = 0
    for part in parts():
        if isinstance(part.get("examples"), list):
            validator = Draft202012Validator({**part, "$defs": SCHEMA["$defs"]}, registry=Registry())
            wrong = [example for example in part["examples"] if not validator.is_valid(example)]
            assert wrong == [], part
            found += 1
    assert found > len(EXAMPLES)


def test_every_hint_is_about_a_setting() -> None:
    places = settings()
    names = {place.rpartition(".")[2] for place in places}
    assert {name for name in (*EXAMPLES, *MEANINGS) if name not in names and name not in places} == set()


def test_every_choice_says_what_its_values_mean() -> None:
    explained = [part for part in parts() if "enumDescriptions" in part]
    assert explained
    for part in explained:
        assert len(part["enumDescriptions"]) == len(part["enum"])
        assert all(text.strip() for text in part["enumDescriptions"])


def test_there_are_no_defaults() -> None:
    # The YAML language server would write each of them into every mapping that it completes.
    assert [part for part in parts() if "default" in part and "description" in part] == []


@pytest.mark.parametrize(("name", "snippet"), FILLED_IN)
def test_a_snippet_makes_a_spec(name: str, snippet: dict[str, Any]) -> None:
    body = yaml(snippet["body"], "  ")
    if name in {"policies", "tests"}:
        text = f"{name}:\n- {body.strip()}"
    else:
        text = f"{name if name in GROUPS else 'defaults'}:{body}"
    named = "".join(f"{group}: {{{entry}: {{}}}}\n" for group, entry in NAMED.items() if group != name)
    loaded = read_str(f"version: 1\n{named}{text}\n")
    assert loaded.diagnostics == ()
    assert loaded.spec is not None
    assert [item.message for item in check(loaded.spec) if item.severity == "error"] == []


@pytest.mark.parametrize(("name", "snippet"), FILLED_IN)
def test_a_snippet_is_offered_where_it_belongs(name: str, snippet: dict[str, Any]) -> None:
    place = SCHEMA["properties"].get(name) or SCHEMA["$defs"][name]
    assert snippet in place["defaultSnippets"]
    assert snippet["description"].endswith(".")


def test_no_key_of_a_snippet_has_a_hyphen() -> None:
    def keys(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from value
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from keys(inner)

    assert [key for snippets in SNIPPETS.values() for one in snippets for key in keys(one["body"]) if "-" in key] == []
