"""What is written as YAML is read as the same values."""

from __future__ import annotations

import doctest
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from llmroute.load import yaml_writer
from llmroute.load.yaml_reader import read
from llmroute.load.yaml_writer import block

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["no", "1.10", "22:30", "0x1f", "- a", "a: b", "#", "~", "*", "&a", "${X:-y}", "x" * 120, "http://a.example/b"]
)
SCALARS = TEXTS | st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, width=32)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS.filter(lambda value: value not in (float("inf"), float("-inf"))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_a_block_is_read_as_it_was(document: dict[str, Any]) -> None:
    reading = read(block(document), "written.yaml")
    assert [item.message for item in reading.diagnostics] == []
    assert reading.value == document


def test_a_mapping_in_a_list_begins_beside_its_dash() -> None:
    assert block({"a": [{"b": "x" * 60, "c": {"d": "y" * 60}}]}).splitlines() == [
        "a:",
        f"  - b: {'x' * 60}",
        f"    c: {{d: {'y' * 60}}}",
    ]


def test_the_examples_hold() -> None:
    assert doctest.testmod(yaml_writer).failed == 0
