"""A spec with errors of shape is told its other errors too, and none that only the missing parts make."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.load import read_str, rest
from llmroute.load.remains import remains
from llmroute.load.validation import is_valid
from llmroute.routing.checks import check_rest

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab "), inner, max_size=2),
    max_leaves=4,
)
SETTINGS = st.dictionaries(
    st.sampled_from(
        ["provider", "model", "base_url", "fallbacks", "require", "purposes", "api_key", "headers", "temperature", "x"]
    ),
    PLAIN,
    max_size=4,
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "version": PLAIN,
        "defaults": SETTINGS | PLAIN,
        "env": PLAIN,
        "policies": st.lists(PLAIN, max_size=2),
        "tests": st.lists(PLAIN, max_size=2),
        **{
            group: st.dictionaries(st.sampled_from(["a", "b c", ""]), SETTINGS | PLAIN, max_size=2) | PLAIN
            for group in ("providers", "agents", "purposes", "clients")
        },
    },
)


@given(DOCUMENTS)
def test_what_is_left_is_a_spec_and_nothing_is_changed(document: dict[str, Any]) -> None:
    before = repr(document)
    left = remains(document)
    assert left is None or is_valid(left)
    assert repr(document) == before


@given(DOCUMENTS)
def test_of_a_document_that_is_fine_everything_is_left(document: dict[str, Any]) -> None:
    if is_valid(document):
        assert remains(document) == document


def more(text: str) -> list[tuple[str, int]]:
    loaded = read_str(text)
    assert loaded.spec is None
    left = rest(loaded)
    return [] if left is None else [(item.rule, item.origin.line) for item in check_rest(left)]


def test_a_wrong_setting_hides_no_other() -> None:
    text = """\
version: 1
colour: blue
providers:
  box: {base_url: "ftp://x", timeout: -1}
  ring: {aliases: {a: b, b: a}, modell: x}
agents:
  picker: {provider: bx, temperature: 9}
  "b c": {provider: box}
  coder: {base_url: "http://a b", fallbacks: [3, {provider: bux}]}
  tester: {model: "${", purposes: {x: {headers: {Cookie: x}}}}
"""
    assert more(text) == [
        ("bad-url", 4),
        ("unknown-provider", 7),
        ("bad-url", 9),
        ("bad-interpolation", 10),
        ("credential-header", 10),
        ("alias-cycle", 5),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nproviders: [box]\nagents: {a: {provider: box}}\n",
        "version: 1\nproviders: {box: 3}\nagents: {a: {provider: box}}\n",
        "version: 1\nproviders: {box: {base_url: 3}}\nagents: {a: {model: box/m, api_key: '${K}'}}\n",
        "version: 1\nproviders: {box: {base_url: 'http://a'}}\nagents: {a: {provider: 3, model: m, timeout: 3}}\n",
        "version: 1\npurposes: 3\nagents: {a: {purposes: {p: {}}}}\n",
        "version: 3\n",
        "- 1\n",
        "a: [\n",
        "",
    ],
)
def test_what_is_missing_is_not_complained_about(text: str) -> None:
    assert more(text) == []
