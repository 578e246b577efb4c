"""Specs from plain values, as a program hands them over: whatever it hands over."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
from collections import UserDict
from types import MappingProxyType
from typing import Any

import pytest

from llmroute.errors import SpecError
from llmroute.load import from_mapping, mappings, read_mapping
from llmroute.routing.route import Secret


class Vendor(enum.StrEnum):
    OLLAMA = "ollama"


class OldVendor(str, enum.Enum):  # noqa: UP042 - what programs wrote before StrEnum; str() of one is its name
    OLLAMA = "ollama"


class One(enum.IntEnum):
    ONE = 1


class Half(float):
    pass


class Odd:
    def __repr__(self) -> str:
        return "CANARY"


def spec(**groups: Any) -> dict[str, Any]:
    return {"version": 1, **groups}


def said(document: Any) -> list[tuple[str, str]]:
    loaded = read_mapping(document)
    assert loaded.spec is None
    assert "CANARY" not in " ".join(item.message for item in loaded.diagnostics)
    return [(item.rule, item.pointer) for item in loaded.diagnostics]


@pytest.mark.parametrize("document", [None, {}, [], "version: 1", 5, True, Odd()])
def test_what_is_no_mapping(document: Any) -> None:
    assert said(document)


def test_a_spec_error_names_the_pointer() -> None:
    with pytest.raises(SpecError, match="mapping /agents/a/provder: unknown key 'provder'"):
        from_mapping(spec(agents={"a": {"provder": "x"}}))


@pytest.mark.parametrize(
    ("written", "expected"),
    [(Vendor.OLLAMA, "ollama"), (OldVendor.OLLAMA, "ollama"), ("ollama", "ollama")],
)
def test_enumerations_are_what_they_hold(written: str, expected: str) -> None:
    provider = from_mapping(spec(agents={written: {"provider": written}})).agents[expected].provider
    assert provider == expected
    assert type(provider) is str


def test_numbers_are_what_they_hold() -> None:
    loaded = from_mapping({"version": One.ONE, "defaults": {"top_k": One.ONE, "temperature": Half(0.5)}})
    assert type(loaded.defaults.top_k) is int
    assert type(loaded.defaults.temperature) is float


@pytest.mark.parametrize("kind", [MappingProxyType, UserDict, dict])
def test_any_mapping_is_one(kind: Any) -> None:
    assert from_mapping(kind(spec(agents=kind({"a": kind({"stop": ("x", "y")})})))).agents["a"].stop == ("x", "y")


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (decimal.Decimal(1), "invalid-value"),
        (dt.datetime.now(tz=dt.UTC).date(), "invalid-value"),
        (b"x", "invalid-value"),
        ({1, 2}, "invalid-value"),
        ((char for char in "x"), "invalid-value"),
        (Odd(), "invalid-value"),
        (Secret("CANARY"), "invalid-value"),
        (1j, "invalid-value"),
        (float("nan"), "number-not-finite"),
        (float("-inf"), "number-not-finite"),
        (10**5000, "number-range"),
        (-(2**63) - 1, "number-range"),
        (2**64, "number-range"),
        ("\ud800", "bad-encoding"),
        ("é\udfff", "bad-encoding"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else type(value).__name__,
)
def test_what_no_file_could_hold(value: Any, rule: str) -> None:
    assert said(spec(defaults={"metadata": {"x": [value]}})) == [(rule, "/defaults/metadata/x/0")]


@pytest.mark.parametrize(
    ("key", "rule"),
    [(1, "key-type"), (None, "key-type"), (True, "key-type"), ((1,), "key-type"), ("\ud800", "bad-encoding")],
)
def test_29_keys_that_are_no_texts(key: Any, rule: str) -> None:
    assert (rule, "/agents") in said(spec(agents={key: {}}))


def test_27_true_is_no_number_and_a_float_may_be_whole() -> None:
    assert said({"version": True}) == [("unsupported-version", "/version")]
    assert said(spec(defaults={"max_tokens": True})) == [("invalid-value", "/defaults/max_tokens")]
    assert type(from_mapping(spec(defaults={"max_tokens": 4096.0})).defaults.max_tokens) is int


def test_19_20_a_mapping_that_holds_itself() -> None:
    document = spec()
    document["agents"] = document
    assert ("too-deep", "/agents" * 8) in said(document)


def test_20_lists_that_hold_themselves_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mappings, "MAX_NODES", 1_000)
    inner: list[Any] = []
    inner += [inner, inner]
    found = said(spec(defaults={"metadata": {"x": inner}}))
    assert [rule for rule, _ in found].count("too-many-aliases") == 1


def test_17_laughs_without_yaml() -> None:
    value: Any = "ha"
    for _ in range(40):
        value = [value] * 2
    assert "too-many-aliases" in [rule for rule, _ in said(spec(defaults={"metadata": {"x": value}}))]


def test_the_program_s_values_are_copied() -> None:
    headers = {"X-Team": "a"}
    loaded = from_mapping(spec(providers={"openai": {"headers": headers}}))
    headers["X-Team"] = "b"
    assert loaded.providers["openai"].headers == {"X-Team": "a"}
