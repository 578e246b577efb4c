"""`${VAR}` in values: one small grammar, applied once. Numbers are those of the catalogue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.routing.interpolation import interpolate, syntax_error, variables
from tests.routing.asking import ask, refused

ENVIRON = {"A": "a", "B": "b c", "EMPTY": "", "BLANK": " \t", "NESTED": "${A}", "DOLLARS": "$$", "YAML": "a: [b]"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("${A}", "a"),
        ("x${A}y${B}z", "xayb cz"),
        ("${A:-other}", "a"),
        ("${NO:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${BLANK:-other}", "other"),
        ("${NO:-}", ""),
        ("${NO:-a:-b}", "a:-b"),
        ("$$", "$"),
        ("$$$$", "$$"),
        ("$${A}", "${A}"),
        ("$$${A}", "$a"),
        ("${NESTED}", "${A}"),
        ("${DOLLARS}", "$$"),
        ("${YAML}", "a: [b]"),
        ("${NO:-a b}", "a b"),
    ],
)
def test_39_40_the_grammar(text: str, expected: str) -> None:
    result = interpolate(text, ENVIRON)
    assert result.text == expected
    assert result.missing == ()
    assert syntax_error(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "$",
        "a$",
        "$X",
        "${}",
        "${X",
        "${X:}",
        "${X-y}",
        "${1}",
        "${A B}",
        "${X:-${Y}}",
        "${X:-$}",
        "$ {A}",
        "${é}",
        "$$$",
    ],
)
def test_39_the_rest_is_no_variable(text: str) -> None:
    assert "begins no variable" in syntax_error(text)


@pytest.mark.parametrize("unset", [{}, {"X": ""}, {"X": "  "}, {"X": "\n"}])
def test_37_38_unset_and_blank_are_the_same(unset: dict[str, str]) -> None:
    result = interpolate("${X}/${Y}/${A}", {**unset, "A": "a"})
    assert result.missing == ("X", "Y")
    assert result.variables == ("A",)


def test_a_blank_result_without_a_missing_variable() -> None:
    assert interpolate("${X:-}", {}).blank
    assert not interpolate("${X:-y}", {}).blank
    assert not interpolate("${X}", {}).blank


def test_the_names_of_the_variables() -> None:
    assert variables("${A}${B:-c}$$ $X ${D}") == ("A", "B", "D")


@given(st.text().filter(lambda text: "$" not in text), st.dictionaries(st.text(), st.text()))
def test_without_a_dollar_nothing_changes(text: str, environ: dict[str, str]) -> None:
    assert interpolate(text, environ).text == text
    assert syntax_error(text) == ""


@given(st.text().filter(str.strip))
def test_40_values_are_never_expanded_again(value: str) -> None:
    assert interpolate("<${X}>", {"X": value}).text == f"<{value}>"
    assert interpolate("${X}${X}", {"X": value}).variables == ("X", "X")


@given(st.text())
def test_dollars_that_are_doubled_are_dollars(text: str) -> None:
    assert interpolate(text.replace("$", "$$"), {}).text == text


@given(st.text(alphabet="${}AX:-_1 "), st.dictionaries(st.sampled_from(["A", "X", "AX"]), st.text()))
def test_any_text_is_a_text_or_a_complaint(text: str, environ: dict[str, str]) -> None:
    assert isinstance(interpolate(text, environ).text, str)
    assert isinstance(syntax_error(text), str)


# -- In a spec

MODEL = "defaults: {provider: ollama, model: '%s'}"


def test_40_a_value_is_no_yaml() -> None:
    environ = {"X": "a: {b: c}", "NESTED": "${X}"}
    assert ask(MODEL % "${X}", environ).target.model == "a: {b: c}"
    assert ask(MODEL % "${NESTED}", environ).target.model == "${X}"


def test_37_all_that_is_unset_is_named() -> None:
    error = refused("bad-environment", MODEL % "${X}-${Y}-${Z}", {"Y": "y"})
    assert "X, Z are not set, and routing.yaml:2 needs it" in error.message
    assert "${X:-…}" in error.hint
    assert "X is not set" in refused("bad-environment", MODEL % "${X}").message


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("x\n", "control character"),
        ("a\x00b", "control character"),
        ("a\x1bb", "control character"),
        ("\udce9", "not UTF-8"),
        ("a\u202eb", "control character"),
    ],
)
@pytest.mark.parametrize("text", [MODEL % "${X}", "defaults: {model: m, provider: '${X}'}"])
def test_38_48_what_no_header_may_hold(value: str, fault: str, text: str) -> None:
    error = refused("bad-environment", text, {"X": value})
    assert fault in error.message
    assert "X" in error.message
    assert value not in str(error)


def test_38_a_default_that_is_blank_is_said() -> None:
    assert "is blank" in refused("bad-environment", MODEL % "${X:-}").message


def test_headers_and_body_are_filled_in_at_every_depth() -> None:
    text = """\
providers:
  ollama: {headers: {X-Team: "${TEAM}"}, extra_body: {a: [{b: "${TEAM}", c: 1}, "$$"]}}
defaults: {provider: ollama, model: m}
"""
    target = ask(text, {"TEAM": "compilers"}).target
    assert target.headers == {"X-Team": "compilers"}
    assert target.extra_body == {"a": [{"b": "compilers", "c": 1}, "$"]}
