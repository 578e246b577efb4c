"""The small parts: secrets, names, places, diagnostics."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.routing.diagnostics import Diagnostic, Origin, Related
from llmroute.routing.names import listed, near, nearest
from llmroute.routing.report import report, report_at
from llmroute.routing.route import Secret
from llmroute.routing.rules import BY_CODE, RULES
from llmroute.routing.secrets import looks_like_a_key
from llmroute.routing.source import Entry, Mark, Source, mark_at, pointer
from tests.routing.asking import spec_of

# -- Secrets


def test_a_secret_is_never_shown() -> None:
    secret = Secret("CANARY")
    assert secret.reveal() == "CANARY"
    assert "CANARY" not in f"{secret} {secret!r} {[secret]}"
    assert not hasattr(secret, "__dict__")


def test_a_secret_is_never_written_down() -> None:
    for attempt in (pickle.dumps, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError):
            attempt(Secret("CANARY"))


def test_secrets_are_compared_by_what_they_hold() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), "a"}) == 2


@pytest.mark.parametrize(
    "text",
    [
        "sk-ant-api03-0123456789abcdef",
        "sk-proj-abcdefgh",
        "AIzaSyA0123456789",
        "gsk_0123456789",
        "xai-0123456789",
        "hf_abcdefghij",
        "ghp_0123456789abcdef",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.e30.abc",
        "0123456789abcdef0123456789abcdef",
        "aB3dE6gH9jK2mN5pQ8sT1vW4",
    ],
)
def test_12_what_looks_like_a_key(text: str) -> None:
    assert looks_like_a_key(text)


@pytest.mark.parametrize(
    "text",
    [
        *["", "none", "ollama", "${OPENAI_API_KEY}", "claude-sonnet-5-5", "sk-", "anthropic/claude-opus-5-5-20260101"],
        *["qwen2.5-coder:32b-instruct-q4_K_M", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "Aa1" * 10, "http://localhost:1"],
        *["meta-llama/Llama-3.3-70B-Instruct-Turbo-Free", "0123456789abcdef", "a sentence of several words"],
    ],
)
def test_12_what_is_no_key(text: str) -> None:
    assert not looks_like_a_key(text)


# -- Names


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("olama", ["ollama", "openai"], "ollama"),
        ("OLLAMA", ["ollama"], "ollama"),
        ("Olama", ["OLLAMA"], "OLLAMA"),
        ("zzz", ["ollama"], None),
        ("", ["ollama"], None),
        ("x", [], None),
        ("ab", ["AB", "ab"], "AB"),
    ],
)
def test_the_nearest_name(name: str, known: list[str], expected: str | None) -> None:
    assert nearest(name, known) == expected
    assert nearest(name, reversed(known)) == expected


def test_names_in_a_message() -> None:
    assert listed([]) == ""
    assert listed([f"n{i:02}" for i in range(12)]).endswith("n11")
    assert listed([f"n{i:02}" for i in range(15)]).endswith("n11 and 3 more")


def test_a_hint_out_of_names() -> None:
    assert near("x", ["*"], otherwise="nothing there") == "nothing there"
    assert near("olama", ["*", "ollama"], otherwise="") == "did you mean 'ollama'?"
    assert near("zzz", ["*", "ollama"], otherwise="") == "known here: ollama"


# -- Places


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x85", "\u2028", "\u2029"])
def test_31_a_place_counts_every_line_break_of_yaml(end: str) -> None:
    assert mark_at(f"é{end}{end}ab", len(f"é{end}{end}a")) == Mark(2, 1)
    assert Source(text=f"a{end}b").lines == ["a", "b"]


@given(st.text(alphabet="ab\n\r\x85é"), st.integers(0, 20))
def test_the_character_at_a_place_is_that_character(text: str, index: int) -> None:
    place = mark_at(text, index)
    lines = Source(text=text).lines or [""]
    assert place.line < len(lines)
    assert place.column <= len(lines[place.line])


def test_pointers() -> None:
    assert pointer([]) == ""
    assert pointer(["a/b", "~", 0, ""]) == "/a~1b/~0/0/"


def test_a_source_without_a_text() -> None:
    assert Source().lines == []
    assert str(Source("<mapping>").origin(("a", 0))) == "mapping /a/0"
    assert Source("x", {}).origin(("a",)) == Origin("file", "x", 1, 1)


def test_the_nearest_place_that_is_there() -> None:
    source = spec_of("agents: {a: {model: x/y}}").source
    assert source.origin(("agents", "a", "model")).column == 21
    assert source.origin(("agents", "a", "model"), key=True).column == 14
    assert source.origin(("agents", "a", "provider")).column == 13
    assert source.origin(("agents", "a", "model", "deeper")).column == 21
    assert source.origin(("clients",)) == Origin("file", "routing.yaml", 1, 1)


def test_the_pointer_of_a_place() -> None:
    source = spec_of("agents: {a: &x {model: m}, b: *x}\ndefaults: {stop: [x, y]}").source
    for path in (("agents",), ("agents", "a", "model"), ("defaults", "stop", 1), ("version",), ("agents", "b")):
        assert source.pointer_at(source.origin(path)) == pointer(path)
    assert source.pointer_at(source.origin(("agents", "b", "model"))) == "/agents/a/model"
    assert source.pointer_at(Origin("file", "routing.yaml", 1, 5)) == ""
    assert source.pointer_at(Origin("env", name="X")) == ""
    assert Source().pointer_at(Origin("mapping", name="/a")) == "/a"
    assert Source("x", None).pointer_at(Origin("file", "x", 1, 1)) == ""


@pytest.mark.parametrize(
    ("origin", "text", "as_json"),
    [
        (Origin("file", "r.yaml", 3, 7), "r.yaml:3", {"kind": "file", "path": "r.yaml", "line": 3, "column": 7}),
        (Origin("file", "r.yaml"), "r.yaml", {"kind": "file", "path": "r.yaml", "line": 0, "column": 0}),
        (Origin("env", name="X"), "env X", {"kind": "env", "name": "X"}),
        (Origin("argument", name="model"), "argument model", {"kind": "argument", "name": "model"}),
        (Origin("preset", name="openai"), "preset openai", {"kind": "preset", "name": "openai"}),
    ],
)
def test_origins(origin: Origin, text: str, as_json: dict[str, object]) -> None:
    assert str(origin) == text
    assert origin.to_json() == as_json


# -- Diagnostics


def test_codes_and_slugs() -> None:
    assert set(BY_CODE) == {rule.code for rule in RULES.values()}
    assert len(BY_CODE) == len(RULES)
    assert all(BY_CODE[rule.code] is rule for rule in RULES.values())


@pytest.mark.parametrize(
    ("text", "column", "length"),
    [
        ("a: 'it''s'", 4, 7),
        ('a: "q\\"q" # x', 4, 6),
        ("a: plain text", 4, 5),
        ("key: v", 1, 3),
        ("{a: b}", 5, 1),
        ("a: ", 4, 1),
        ("a", 99, 1),
        ('a: "open', 4, 5),
    ],
)
def test_the_caret_covers_the_token(text: str, column: int, length: int) -> None:
    found = report(Source("x", {}, text=text), "unknown-key", "m", mark=Mark(0, column - 1))
    assert found.length == length
    assert found.origin.column == column


def test_a_diagnostic_at_a_place_of_a_trace() -> None:
    source = Source("x", {"a": Entry(Mark(0, 0), Mark(0, 3), None)}, text="a: bcd")
    found = report_at(source, "no-model", "m", Origin("file", "x", 1, 4), "h")
    assert (found.pointer, found.length, found.hint) == ("/a", 3, "h")
    for origin in (None, Origin("env", name="X"), Origin("argument", name="model")):
        assert report_at(source, "no-model", "m", origin).origin == Origin("file", "x", 1, 1)


def test_a_diagnostic_as_json() -> None:
    found = Diagnostic("LR1", "r", "error", "m", Origin("file", "x", 2, 3), "h", "/a", 1, (Related(1, 1, "there"),))
    assert found.to_json() == {
        "code": "LR1",
        "rule": "r",
        "severity": "error",
        "message": "m",
        "hint": "h",
        "path": "x",
        "line": 2,
        "column": 3,
        "pointer": "/a",
        "related": [{"line": 1, "column": 1, "message": "there"}],
    }
    nowhere = found._replace(origin=Origin("mapping", name="/a")).to_json()
    assert (nowhere["path"], nowhere["line"], nowhere["column"]) == ("/a", 1, 1)


def test_a_part_of_what_has_no_text_has_its_own_paths() -> None:
    source = Source("<mapping>")
    source.narrow(("llm",))
    assert str(source.origin(("defaults", "model"))) == "mapping /llm/defaults/model"
