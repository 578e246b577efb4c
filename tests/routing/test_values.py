"""Values of the environment and of programs, each read where the decision needs it."""

from __future__ import annotations

from typing import Any

import pytest

from llmroute.errors import RoutingError
from llmroute.routing.policies import Requirements
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query, Secret
from llmroute.routing.spec import Endpoint, KeyFile, KeyRing, KeyVariable, Scope
from llmroute.routing.values import RANGES, described
from tests.routing.asking import LOCAL, ask, refused, spec_of

# -- Parameters


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("temperature", "0", 0.0),
        ("temperature", " 1.5 ", 1.5),
        ("top_p", "1e-1", 0.1),
        ("max_tokens", "64", 64),
        ("max_tokens", " 64\n", 64),
        ("seed", "-9223372036854775808", -(2**63)),
        ("seed", "9223372036854775807", 2**63 - 1),
        ("max_retries", "0", 0),
        ("timeout", "86400", 86_400.0),
        ("reasoning_effort", "high", "high"),
    ],
)
def test_a_parameter_from_the_environment(name: str, text: str, expected: object) -> None:
    value = ask(LOCAL, {f"LLMROUTE_{name.upper()}": text}).target.params[name]
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("temperature", text) for text in ("warm", "2.1", "-0.1", "nan", "inf", "1_0x", "true", "9" * 5_000)),
        *(("max_tokens", text) for text in ("0", "1.5", "many", "1e3", "9" * 5_000, "10000000000")),
        *(("seed", text) for text in ("9223372036854775808", "-9223372036854775809", "0x10")),
        *(("timeout", text) for text in ("0", "-1", "86401", "1e400")),
        ("reasoning_effort", "hard"),
    ],
)
def test_a_bad_value_names_the_variable(name: str, text: str) -> None:
    variable = f"LLMROUTE_{name.upper()}"
    error = refused("bad-environment", LOCAL, {variable: text})
    assert variable in error.message
    assert error.hint.startswith("write ")
    assert error.origin.name == variable


@pytest.mark.parametrize("name", RANGES)
def test_both_ends_of_a_range_are_in_it_and_what_is_beyond_is_not(name: str) -> None:
    kind, low, high = RANGES[name]
    for value in (kind(low), kind(high)):
        assert ask(LOCAL, args={name: value}).target.params[name] == value
    for value in (low - 1, high * 2 + 1):
        refused("bad-argument", LOCAL, args={name: kind(value)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", True),
        ("temperature", False),
        ("temperature", [0]),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("seed", float("inf")),
        ("seed", 1.5),
        ("seed", 10**400),
        ("max_tokens", "many"),
        ("stop", 5),
        ("stop", ["a", ""]),
        ("stop", ["a", 5]),
        ("reasoning_effort", 5),
        ("max_attempts", 0),
        ("deadline", 0),
        ("idle_timeout", "never"),
        ("sticky", "yes"),
        ("on_unsupported", "raise"),
        ("on_stream_break", ["restart"]),
        ("retry_on", ["auth"]),
        ("retry_on", 5),
        ("fallback_on", "request"),
    ],
)
def test_a_bad_argument_is_named(name: str, value: object) -> None:
    error = refused("bad-argument", LOCAL, args={name: value})
    assert name in error.message
    assert error.origin.kind == "argument"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("stop", "END", ("END",)),
        ("stop", ["a", "b"], ("a", "b")),
        ("retry_on", "rate", ("rate",)),
        ("retry_on", [], ()),
        ("sticky", "conversation", "conversation"),
        ("on_stream_break", "restart", "restart"),
        ("on_unsupported", "error", "error"),
        ("first_event_timeout", "2", 2.0),
        ("fallback_on", ["auth", "refusal"], ("auth", "refusal")),
        ("deadline", "9.5", 9.5),
        ("max_tokens", 64.0, 64),
        ("max_tokens", "64", 64),
        ("temperature", 1, 1.0),
    ],
)
def test_an_argument_may_be_written_in_several_ways(name: str, value: object, expected: object) -> None:
    found = ask(LOCAL, args={name: value}).target.params[name]
    assert found == expected
    assert type(found) is type(expected)


def test_a_bad_value_that_is_shadowed_changes_nothing() -> None:
    text = f"{LOCAL}agents: {{a: {{provider: ollama, model: n, temperature: 0}}}}"
    found = ask(
        text, {"LLMROUTE_TEMPERATURE": "warm", "LLMROUTE_BASE_URL": "::", "LLMROUTE_PROVIDER": "x\n"}, agent="a"
    )
    assert found.target.name == "ollama/n"
    invalid = [item for field in found.fields for item in field.candidates if item.verdict == "invalid"]
    assert [item.origin.name for item in invalid] == ["LLMROUTE_PROVIDER"]


# -- Texts


@pytest.mark.parametrize("value", ["x\n", "a\x00", "\udce9", "a\u202eb"])
@pytest.mark.parametrize("setting", ["PROVIDER", "MODEL", "BASE_URL"])
def test_38_48_a_variable_with_what_no_text_has(value: str, setting: str) -> None:
    error = refused("bad-environment", LOCAL, {f"LLMROUTE_{setting}": value})
    assert f"LLMROUTE_{setting} holds" in error.message
    assert value not in str(error)


@pytest.mark.parametrize("value", ["", "  ", 5, ["x"], "a\nb", True])
@pytest.mark.parametrize("name", ["provider", "model", "base_url"])
def test_an_argument_that_is_no_text(name: str, value: object) -> None:
    assert name in refused("bad-argument", LOCAL, args={name: value}).message


def test_none_says_nothing() -> None:
    names = ("provider", "model", "base_url", "api_key", "temperature", "stop", "headers")
    assert ask(LOCAL, args=dict.fromkeys(names)).target == ask(LOCAL).target


# -- Kinds of arguments


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        ({"modle": "x"}, "did you mean 'model'?"),
        ({"zzzz": "x"}, "known here: "),
        ({"headers": "X: CANARY"}, "pass Mapping, not str"),
        ({"headers": {"X": "CANARY\n"}}, "one line of text"),
        ({"headers": {"X": 5}}, "one line of text"),
        ({"headers": {5: "CANARY"}}, "one line of text"),
        ({"extra_body": ["CANARY"]}, "pass Mapping, not list"),
        ({"metadata": "CANARY"}, "pass Mapping, not str"),
        ({"fallbacks": "openai/x"}, "pass list or tuple, not str"),
        ({"fallbacks": [{"model": "x"}]}, "provider/model, or Endpoint"),
        ({"allow_remote_fallback": 1}, "pass bool, not int"),
        ({"require": {"locality": "local"}}, "pass Requirements, not dict"),
        ({"api": 5}, "pass str, not int"),
        ({"auth": "basic"}, "pass one of bearer, "),
        ({"transport": "smoke"}, "pass one of http, sdk"),
    ],
)
def test_a_wrong_kind_of_argument(args: dict[str, Any], hint: str) -> None:
    error = refused("bad-argument", LOCAL, args=args)
    assert hint in error.hint
    assert "CANARY" not in f"{error!r} {error}"
    assert error.origin.name == next(iter(args))


def test_every_setting_of_a_scope_may_be_an_argument() -> None:
    args = {
        "provider": "openai",
        "model": "x",
        "headers": {"X": "y"},
        "extra_body": {"a": 1},
        "fallbacks": ["ollama/m", Endpoint(base_url="http://localhost:1", model="n")],
        "allow_remote_fallback": True,
        "require": Requirements(locality="remote"),
        "metadata": {"b": 2},
        "auth": "x-api-key",
        "transport": "http",
        "api_version": "1",
        "api": "anthropic-messages",
    }
    found = ask(LOCAL, args=args)
    assert [target.name for target in found.route.targets] == ["openai/x", "ollama/m", "http://localhost:1 n"]
    assert (found.target.headers, found.target.extra_body, found.metadata) == ({"X": "y"}, {"a": 1}, {"b": 2})
    assert (found.target.auth, found.target.transport, found.target.api_version) == ("x-api-key", "http", "1")
    assert found.target.api == "anthropic-messages"
    require = next(field for field in found.fields if field.field == "require")
    assert str(require.origin) == "argument require"


def test_fallbacks_of_a_program_have_no_place_in_the_spec() -> None:
    error = refused("remote-fallback", LOCAL, args={"provider": "ollama", "fallbacks": ["openai/x"]})
    assert str(error.origin) == "argument fallbacks"
    error = refused("unknown-provider", LOCAL, args={"provider": "ollama", "fallbacks": ["opnai/x"]})
    assert str(error.origin) == "argument fallbacks"
    error = refused("no-endpoint", LOCAL, args={"provider": "ollama", "fallbacks": [Endpoint(model="x")]})
    assert error.origin is None
    error = refused("no-model", LOCAL, args={"provider": "ollama", "fallbacks": [Endpoint(provider="openai")]})
    assert error.origin is None


# -- Keys of a program


@pytest.mark.parametrize(
    ("key", "source", "status"),
    [
        ("CANARY", "inline", "set"),
        ("CANARY${X}$", "inline", "set"),
        (Secret("CANARY"), "inline", "set"),
        (KeyVariable(name="X"), "env:X", "set"),
        (KeyVariable(name="Y"), "env:Y", "missing"),
        (KeyFile(file="/x"), "file:/x", "unread"),
        (KeyRing(keyring="a/b"), "keyring:a/b", "unread"),
    ],
)
def test_the_key_of_a_program(key: Any, source: str, status: str) -> None:
    found = ask(LOCAL, {"X": "CANARY"}, args={"provider": "openai", "model": "m", "api_key": key})
    credential = found.target.credential
    assert (credential.source, credential.status) == (source, status)
    if isinstance(key, str):
        assert credential.secret is not None
        assert credential.secret.reveal() == key
    assert "CANARY" not in repr(found)


@pytest.mark.parametrize(
    "key", ["", "  ", "CANARY\n", "CANARY\r\nX: y", "CANARY\x00", 5, b"CANARY", Secret(""), Secret("CANARY\n")]
)
def test_what_is_no_key(key: Any) -> None:
    error = refused("bad-argument", LOCAL, args={"provider": "openai", "model": "m", "api_key": key})
    assert "api_key is no key" in error.message
    assert "CANARY" not in f"{error!r} {error}"


# -- URLs


def test_a_url_says_where_it_stands() -> None:
    error = refused("bad-url", "defaults: {base_url: localhost, model: m}")
    assert "routing.yaml:2 can't be used: it has no scheme" in error.message
    assert "argument base_url" in refused("bad-argument", LOCAL, args={"base_url": "localhost"}).message
    assert "LLMROUTE_BASE_URL" in refused("bad-environment", LOCAL, {"LLMROUTE_BASE_URL": "localhost"}).message


def test_41_a_url_made_with_variables_names_them() -> None:
    text = "defaults: {base_url: 'http://${HOST}:${PORT:-1}', model: m}"
    error = refused("bad-environment", text, {"HOST": "localhost@evil.com"})
    assert "made with HOST" in error.message
    assert refused("bad-environment", "providers: {box: {base_url: '${U}'}}\ndefaults: {model: box/m}", {"U": "x"}).hint


@pytest.mark.parametrize("cls", [Endpoint, Scope])
def test_a_spec_object_never_shows_a_key(cls: type) -> None:
    said = cls(api_key="CANARY", headers={"X": "CANARY"}, extra_body={"k": "CANARY"})
    assert "CANARY" not in repr(said)


def test_47_a_decision_keeps_the_environment_it_was_made_with() -> None:
    spec, environ = spec_of(LOCAL), {"LLMROUTE_MODEL": "a"}
    first = resolve(spec, Query(), environ)
    environ["LLMROUTE_MODEL"] = "b"
    assert resolve(spec, Query(), environ).target.model == "b"
    assert first.target.model == "a"
    del environ["LLMROUTE_MODEL"]
    assert resolve(spec, Query(), environ).target.model == "m"


def test_any_mapping_is_an_environment() -> None:
    from types import MappingProxyType

    assert ask(LOCAL, MappingProxyType({"LLMROUTE_MODEL": "a"})).target.model == "a"


def test_an_error_is_of_one_class() -> None:
    assert isinstance(refused("bad-argument", LOCAL, args={"seed": "x"}), RoutingError)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("temperature", "a number from 0 to 2"),
        ("frequency_penalty", "a number from -2 to 2"),
        ("max_tokens", "a whole number from 1 to 1,000,000,000"),
        ("timeout", "a number above 0, up to 86,400"),
        ("max_retries", "a whole number from 0 to 100"),
    ],
)
def test_a_range_is_said_as_people_write_numbers(name: str, words: str) -> None:
    assert described(RANGES[name]) == words
    assert refused("bad-environment", LOCAL, {f"LLMROUTE_{name.upper()}": "many"}).hint == f"write {words}"
