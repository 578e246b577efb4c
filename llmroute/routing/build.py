"""Making the spec of a document that the JSON Schema accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmroute.routing.expectations import (
    Expect,
    ExpectedExclusion,
    ExpectedKey,
    Fault,
    Test,
    TestCall,
    TestCase,
    TestQuery,
)
from llmroute.routing.policies import Policy, PolicyDeny, PolicyRequire, Require
from llmroute.routing.quirks import Quirks
from llmroute.routing.route import EMPTY
from llmroute.routing.shapes import Limits
from llmroute.routing.source import Source
from llmroute.routing.spec import (
    LISTS,
    Capabilities,
    Endpoint,
    Env,
    KeyFile,
    KeyRing,
    NamedScope,
    Provider,
    ProviderPurpose,
    RoutingSpec,
    Scope,
)

_INTEGERS = (
    "top_k",
    "max_tokens",
    "seed",
    "max_retries",
    "max_attempts",
    "context_window",
    "default_max_tokens",
    "attempts",
)
"""Integer fields: JSON Schema counts 4096.0 as an integer, so it may arrive as a float."""


def _settings(written: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(written)
    for name in _INTEGERS:
        if isinstance(values.get(name), float):
            values[name] = int(values[name])
    for name in LISTS:
        if name in values:
            values[name] = tuple(values[name])
    key = values.get("api_key")
    if isinstance(key, Mapping):
        values["api_key"] = KeyFile(**key) if "file" in key else KeyRing(**key)
    if "require" in values:
        values["require"] = Require(**_settings(values["require"]))
    if "fallbacks" in values:
        values["fallbacks"] = tuple(
            entry if isinstance(entry, str) else Endpoint(**_settings(entry)) for entry in values["fallbacks"]
        )
    return values


def _scope(written: Mapping[str, Any]) -> Scope:
    return Scope(**_settings(written))


def _named_scope(written: Mapping[str, Any]) -> NamedScope:
    values = _settings(written)
    if "purposes" in values:
        values["purposes"] = {name: _scope(scope) for name, scope in values["purposes"].items()}
    return NamedScope(**values)


def _provider(written: Mapping[str, Any]) -> Provider:
    values = _settings(written)
    for name in ("models", "regions"):
        if name in values:
            values[name] = tuple(values[name])
    if "purposes" in values:
        values["purposes"] = {name: ProviderPurpose(**own) for name, own in values["purposes"].items()}
    if "capabilities" in values:
        values["capabilities"] = Capabilities(**_settings(values["capabilities"]))
    if "quirks" in values:
        values["quirks"] = Quirks(**_settings(values["quirks"]))
    if "limits" in values:
        values["limits"] = Limits(**{name: int(value) for name, value in values["limits"].items()})
    return Provider(**values)


def _tuples(written: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in _settings(written).items()}


def _policy(written: Mapping[str, Any]) -> Policy:
    values = dict(written)
    require, deny = values.pop("require", None), values.pop("deny", None)
    return Policy(
        **_tuples(values),
        require=PolicyRequire(**_tuples(require)) if require is not None else None,
        deny=PolicyDeny(**_tuples(deny)) if deny is not None else None,
    )


def _expect(written: Mapping[str, Any]) -> Expect:
    values = _tuples(written)
    if "credential" in values:
        values["credential"] = ExpectedKey(**values["credential"])
    if "excluded" in values:
        values["excluded"] = tuple(
            entry if isinstance(entry, str) else ExpectedExclusion(**entry) for entry in values["excluded"]
        )
    return Expect(**values)


def _call(written: Mapping[str, Any]) -> TestCall:
    return TestCall(at=written["at"], expect=_expect(written["expect"]) if "expect" in written else None)


def _case(written: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(written)
    if "query" in values:
        values["query"] = TestQuery(**values["query"])
    if "given" in values:
        # `from` is a word of Python.
        faults = (
            {"from_" if name == "from" else name: value for name, value in row.items()} for row in values["given"]
        )
        values["given"] = tuple(Fault(**fault) for fault in faults)
    if isinstance(values.get("at"), list):
        values["at"] = tuple(_call(entry) if isinstance(entry, Mapping) else entry for entry in values["at"])
    if "expect" in values:
        values["expect"] = _expect(values["expect"])
    return values


def _test(written: Mapping[str, Any]) -> Test:
    values = _case(written)
    if "cases" in values:
        values["cases"] = tuple(TestCase(**_case(row)) for row in values["cases"])
    return Test(**values)


def build(document: Mapping[str, Any], source: Source | None = None) -> RoutingSpec:
    """Make the spec of a document that passes the JSON Schema; shares no mutable container that it changes."""
    env = document.get("env", EMPTY)
    return RoutingSpec(
        version=1,
        providers={name: _provider(value) for name, value in document.get("providers", EMPTY).items()},
        defaults=_scope(document.get("defaults", EMPTY)),
        purposes={name: _scope(value) for name, value in document.get("purposes", EMPTY).items()},
        agents={name: _named_scope(value) for name, value in document.get("agents", EMPTY).items()},
        clients={name: _named_scope(value) for name, value in document.get("clients", EMPTY).items()},
        env=Env(
            prefix=env.get("prefix"),
            names={name: tuple(variables) for name, variables in env["names"].items()} if "names" in env else None,
        ),
        policies=tuple(_policy(value) for value in document.get("policies", ())),
        tests=tuple(_test(value) for value in document.get("tests", ())),
        source=source or Source(),
    )
