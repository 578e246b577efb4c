"""Values are written over others, and everything else in a text stays as it is."""

from __future__ import annotations

from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.load.rewriting import rewritten
from llmroute.load.spans import nodes
from llmroute.load.yaml_reader import read
from llmroute.load.yaml_writer import flow, scalar

TEXT = """\
# é ü 😀
a: b   # keep
flow: {p: 'q', r: [1, 2], s: "t", 'u': v}   # this too
list:
  - one   # first
  - two
plain:
- a
- b

block:
  k: v
  z: w
  deep: {x: [ {y: 1} ]}
multi: {
  a: 1, # one
  b: 2 }
text: |
  text
folded: >-
  folded
anchored: &h foo
alias: *h
tagged: !!str 1
empty:
shared: &s {a: 1}
inside: {x: *s, y: 1}
last: end"""


def changed(path: tuple[str | int, ...], value: Any, text: str = TEXT) -> list[str]:
    """The lines that go (-) and come (+)."""
    new, refused = rewritten(text, {path: value})
    assert refused == {}
    lines = list(ndiff(text.split("\n"), new.split("\n")))
    return [line for sign in "-+" for line in lines if line[0] == sign]


def reason(path: tuple[str | int, ...], value: Any, text: str = TEXT) -> str:
    new, refused = rewritten(text, {path: value})
    assert new == text
    return refused[path]


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (("a",), "c", "a: c   # keep"),
        (("a",), "c:d", "a: c:d   # keep"),
        (("a",), "no", 'a: "no"   # keep'),
        (("a",), 1.5, "a: 1.5   # keep"),
        (("a",), True, "a: true   # keep"),
        (("flow", "p"), "it's", """flow: {p: 'it''s', r: [1, 2], s: "t", 'u': v}   # this too"""),
        (("flow", "p"), "two\nlines", """flow: {p: "two\\nlines", r: [1, 2], s: "t", 'u': v}   # this too"""),
        (("flow", "p"), 3, """flow: {p: 3, r: [1, 2], s: "t", 'u': v}   # this too"""),
        (("flow", "s"), "é", """flow: {p: 'q', r: [1, 2], s: "é", 'u': v}   # this too"""),
        (("flow", "u"), "x: y", """flow: {p: 'q', r: [1, 2], s: "t", 'u': "x: y"}   # this too"""),
        (("flow", "r"), [], """flow: {p: 'q', r: [], s: "t", 'u': v}   # this too"""),
        (("flow", "r"), [1, 3], """flow: {p: 'q', r: [1, 3], s: "t", 'u': v}   # this too"""),
        (("flow", "r"), "x", """flow: {p: 'q', r: x, s: "t", 'u': v}   # this too"""),
        (("flow",), {"error": "no-model"}, "flow: {error: no-model}   # this too"),
        (("list",), ["one", "three"], "  - three"),
        (("block", "z"), "v", "  z: v"),
        (("block",), {"k": "v", "z": "q", "deep": {"x": [{"y": 1}]}}, "  z: q"),
        (("block", "deep", "x", 0, "y"), 2, "  deep: {x: [ {y: 2} ]}"),
        (("multi", "b"), 3, "  b: 3 }"),
        (("last",), "the end", 'last: "the end"'),
    ],
)
def test_a_value_is_written_in_the_place_and_style_of_the_old_one(
    path: tuple[str | int, ...], value: Any, line: str
) -> None:
    lines = changed(path, value)
    assert [row[2:] for row in lines if row[0] == "+"] == [line]
    assert len(lines) == 2


def test_a_block_list_becomes_another() -> None:
    assert changed(("plain",), ["b", "c d", "e"]) == ["- - a", '+ - "c d"', "+ - e"]
    assert changed(("plain",), []) == ["- plain:", "- - a", "- - b", "+ plain: []"]
    assert reason(("plain",), "x") == "something else in the file would change too"


def test_a_block_mapping_becomes_another() -> None:
    assert changed(("block",), {"error": "no-model", "x": [1]}) == [
        *("-   k: v", "-   z: w", "-   deep: {x: [ {y: 1} ]}"),
        *("+   error: no-model", "+   x: [1]"),
    ]
    assert changed(("block",), {})[-1] == "+ block: {}"


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("list",), ["one"], "there is a comment in it"),
        (("multi",), {"a": 1}, "there is a comment in it"),
        (("text",), "x", "it is a block of text"),
        (("folded",), "x", "it is a block of text"),
        (("anchored",), "x", "it has an anchor or a tag"),
        (("shared", "a"), 2, "it has an anchor or a tag"),
        (("tagged",), "2", "it has an anchor or a tag"),
        (("alias",), "x", "it stands behind an alias"),
        (("inside", "x", "a"), 2, "it stands behind an alias"),
        (("inside",), {"z": 1}, "there is an anchor or an alias in it"),
        (("empty",), "x", "a value of another kind belongs there"),
        (("a",), ["x"], "a value of another kind belongs there"),
        (("nothing", "there"), 1, "nothing stands there"),
        (("a", "b"), 1, "nothing stands there"),
        (("list", 9), 1, "nothing stands there"),
    ],
)
def test_what_would_harm_something_else_is_refused(path: tuple[str | int, ...], value: Any, why: str) -> None:
    assert reason(path, value) == why


def test_a_value_that_is_there_already_changes_nothing() -> None:
    assert rewritten(TEXT, {("anchored",): "foo", ("a",): "b"}) == (TEXT, {})


def test_some_are_written_where_others_are_refused() -> None:
    new, refused = rewritten(TEXT, {("alias",): "x", ("a",): "z", ("last",): "v"})
    assert refused == {("alias",): "it stands behind an alias"}
    assert new == TEXT.replace("a: b ", "a: z ").replace("last: end", "last: v")


def test_line_breaks_stay_as_they_are() -> None:
    text = "a:\r\n- b\r\n- c\r\nd: e\r\n"
    assert rewritten(text, {("a",): ["t", "u", "v"]})[0] == "a:\r\n- t\r\n- u\r\n- v\r\nd: e\r\n"


def test_a_text_of_one_value_and_one_of_none() -> None:
    assert rewritten("[1, 2]", {(0,): 3}) == ("[3, 2]", {})
    assert nodes("# nothing\n") == {}


def test_what_reads_otherwise_than_it_was_meant_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmroute.load.rewriting.scalar", lambda _: "x: y: z")
    assert reason(("a",), "c") == "something else in the file would change too"


# -- For any text


values = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab#:", max_size=2), inner, max_size=3),
    max_leaves=6,
)


def block(value: Any, indent: str) -> str:
    """A value as YAML in block style, with comments."""
    if isinstance(value, dict) and value:
        return "".join(f"\n{indent}{scalar(key)}: # {key}{block(inner, indent + '  ')}" for key, inner in value.items())
    if isinstance(value, list) and value:
        return "".join(f"\n{indent}- # é{block(inner, indent + '  ')}" for inner in value)
    return f"\n{indent}{flow(value)}"


@given(st.dictionaries(st.sampled_from("abc"), values, min_size=1), st.data())
def test_a_text_with_another_value_reads_as_such(document: dict[str, Any], data: st.DataObject) -> None:
    style = data.draw(st.sampled_from(["flow", "block"]))
    text = flow(document) if style == "flow" else "# begins" + block(document, "") + "\n# ends\n"
    assert read(text, "").value == document
    path = data.draw(st.sampled_from(sorted(nodes(text), key=repr)))
    if not path:
        return
    value = data.draw(values)
    new, refused = rewritten(text, {path: value})
    expected = inside = read(text, "").value
    for step in path[:-1]:
        inside = inside[step]
    if not refused:
        inside[path[-1]] = value
    assert repr(read(new, "").value) == repr(expected)
    assert new == text or not refused


def test_the_examples_keep_their_comments() -> None:
    text = (Path(__file__).parents[2] / "examples/cost-split.yaml").read_text(encoding="utf-8")
    new, refused = rewritten(text, {("tests", 0, "expect", "model"): "another"})
    assert refused == {}
    assert [line for line in ndiff(text.splitlines(), new.splitlines()) if line[0] == "+"] == [
        "+     expect: {provider: ollama, model: another, locality: local, fallbacks: [], params: {temperature: 0}}"
    ]
