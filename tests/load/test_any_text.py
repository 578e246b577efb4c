"""Any text at all is a spec or gets diagnostics with places inside of it; places are those of the tokens."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from llmroute.load import Loaded, read_mapping, read_str
from llmroute.load.files import FileProblemError, decode
from llmroute.routing.rules import RULES
from llmroute.routing.source import Entry, Source

SPECS = [path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parents[1] / "data/specs").glob("*.yaml"))]
PIECES = [
    *["agents:", "version: 1", "providers", "model", "a", "*", "&x", "*x", "<<", "!t", "|", ">", "?", "-", ":", "#"],
    *["{", "}", "[", "]", ",", '"', "'", "\\", "\n", "\r", "\x85", "\u2028", "\t", " ", "  ", "%YAML", "---", "..."],
    *["1", "1.0", ".inf", "010", "~", "true", "é", "日本", "\u202e", "\ud800", "\x00", "\ufeff", "$", "${X}", "${"],
]


def judged(loaded: Loaded, text: str) -> None:
    """What every reading keeps to."""
    errors = [item for item in loaded.diagnostics if item.severity == "error"]
    assert (loaded.spec is None) == bool(errors)
    lines = Source(text=text).lines or [""]
    for item in loaded.diagnostics:
        assert RULES[item.rule].code == item.code
        assert item.message
        assert 1 <= item.origin.line <= len(lines), item
        assert 1 <= item.origin.column <= len(lines[item.origin.line - 1]) + 1, item
        assert item.length >= 1
        assert item.origin.column - 1 + item.length <= max(len(lines[item.origin.line - 1]), item.origin.column), item
        json.dumps(item.to_json())


def mutated(text: str, seed: int) -> str:
    """A spec with a few pieces put in, taken out or moved."""
    luck = random.Random(seed)  # noqa: S311 - a seeded example, no secret
    for _ in range(luck.randint(1, 4)):
        start = luck.randrange(len(text) + 1)
        end = min(len(text), start + luck.choice([0, 0, 1, 3, 20]))
        text = text[:start] + luck.choice(["", text[end : end + 10], *luck.sample(PIECES, 3)]) + text[end:]
    return text


@given(st.text(alphabet=st.characters(codec=None)))
def test_any_text(text: str) -> None:
    judged(read_str(text, "x"), text.removeprefix("\ufeff"))


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_pieces_of_yaml(text: str) -> None:
    judged(read_str(text, "x"), text.removeprefix("\ufeff"))


@given(st.sampled_from(SPECS), st.integers(0, 2**32))
def test_any_mutation_of_a_spec(text: str, seed: int) -> None:
    changed = mutated(text, seed)
    judged(read_str(changed, "x"), changed.removeprefix("\ufeff"))


@given(st.binary() | st.sampled_from(SPECS).flatmap(lambda text: st.binary(max_size=4).map(text.encode().__add__)))
def test_any_bytes(data: bytes) -> None:
    try:
        text = decode(data)
    except FileProblemError as error:
        problem = error
    else:
        judged(read_str(text, "x"), text.removeprefix("\ufeff"))
        return
    assert problem.rule in RULES
    assert 0 <= problem.mark.line <= len(data)
    assert 0 <= problem.mark.column <= len(data)


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
_keys = st.sampled_from(["version", "agents", "providers", "defaults", "a", "*", "provider", "model"]) | _scalars
_values = st.recursive(
    _scalars | st.just(1), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=4)
)


@given(_values)
def test_any_value_of_a_program(value: Any) -> None:
    loaded = read_mapping(value)
    assert (loaded.spec is None) == any(item.severity == "error" for item in loaded.diagnostics)
    for item in loaded.diagnostics:
        json.dumps(item.to_json())
        str(item.message).encode()


# -- Places

_plain = st.text(alphabet="abcdefghij é日\u0301-", min_size=1, max_size=8)
_trees = st.recursive(
    _plain | st.integers(0, 99) | st.booleans(),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(_plain, inner, min_size=1, max_size=3),
)


def same_places(entries: Any, node: yaml.Node) -> None:
    """Compare the places of a tree with those that PyYAML's own composer gives."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            entry = entries[key.value]
            assert (entry.key.line, entry.key.column) == (key.start_mark.line, key.start_mark.column)
            same_place(entry, value)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            same_place(entries[index], value)


def same_place(entry: Entry, node: yaml.Node) -> None:
    mark = node.start_mark
    # An alias stands where it is written; PyYAML gives the place of what it stands for.
    if mark.buffer.splitlines()[entry.value.line][entry.value.column :][:1] == "*":
        return
    assert (entry.value.line, entry.value.column) == (mark.line, mark.column)
    same_places(entry.children, node)


@given(_trees.filter(lambda tree: isinstance(tree, dict)), st.booleans(), st.integers(8, 80))
def test_places_are_those_of_the_tokens(tree: dict[str, Any], flow: bool, width: int) -> None:  # noqa: FBT001
    document = {"version": 1, "agents": {"a": {"metadata": tree}}}
    text = yaml.safe_dump(document, allow_unicode=True, default_flow_style=flow, width=width, sort_keys=False)
    spec = read_str(text, "x").spec
    assert spec is not None
    assert spec.agents["a"].metadata == tree
    same_places(spec.source.marks, yaml.compose(text, yaml.SafeLoader))


@pytest.mark.parametrize("text", SPECS)
def test_places_in_a_whole_spec(text: str) -> None:
    spec = read_str(text, "x").spec
    assert spec is not None
    same_places(spec.source.marks, yaml.compose(text, yaml.SafeLoader))
