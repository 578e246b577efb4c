"""Routing tests that can't show what they are meant to: mistyped names, nothing expected, faults that befall nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.catalog.presets import PRESETS
from llmroute.errors import KINDS
from llmroute.routing.check_variables import unread
from llmroute.routing.endpoints import is_known
from llmroute.routing.names import near, nearest
from llmroute.routing.report import report
from llmroute.routing.scopes import WILDCARD, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.expectations import Expect, Test, TestCase, TestQuery
    from llmroute.routing.source import Source
    from llmroute.routing.spec import RoutingSpec

    Path = tuple[str | int, ...]

BESIDE_ERRORS = frozenset({"error", "excluded", "attempts", "tried", "within"})
"""What may be expected where there is no route; all else is about a target."""


def tests(spec: RoutingSpec, found: Sequence[Test], source: Source) -> Iterator[Diagnostic]:
    """What there is to say about tests of a spec; `source` is the file that they stand in."""
    for index, test in enumerate(found):
        path = ("tests", index)
        yield from _case(spec, test, None, source, path)
        for row, case in enumerate(test.cases or ()):
            yield from _case(spec, case, test, source, (*path, "cases", row))


def _case(spec: RoutingSpec, case: TestCase, shared: Test | None, source: Source, path: Path) -> Iterator[Diagnostic]:
    """One test, or a row of its table; `shared` is the test around a row."""
    if case.query is not None:
        meant = _expected_error(case) or _expected_error(shared)
        yield from _names(spec, case.query, meant, source, (*path, "query"))
    for name, hint in unread(spec, case.environ or ()):
        yield report(
            source, "unknown-variable", f"no setting reads {name}", (*path, "environ", name), hint=hint, key=True
        )
    for index, fault in enumerate(case.given or ()):
        place = (*path, "given", index)
        if fault.provider is not None and not is_known(spec, fault.provider):
            yield _nobody(spec, fault.provider, source, (*place, "provider"))
        if fault.target is not None and not is_known(spec, fault.target.partition("/")[0]):
            yield _nobody(spec, fault.target.partition("/")[0], source, (*place, "target"))
    for expect, place in _expectations(case, path):
        yield from _at_odds(expect, source, place)
    if not getattr(case, "cases", None) and not any(_expectations(case, path)) and not (shared and shared.expect):
        yield report(source, "missing-field", "'expect' is missing here", path, hint="write expect: …", key=True)


def _expected_error(case: TestCase | None) -> str | None:
    return case.expect.error if case is not None and case.expect is not None else None


def _expectations(case: TestCase, path: Path) -> Iterator[tuple[Expect, Path]]:
    if case.expect is not None:
        yield case.expect, (*path, "expect")
    for index, call in enumerate(case.at if isinstance(case.at, tuple) else ()):
        expect = getattr(call, "expect", None)
        if expect is not None:
            yield expect, (*path, "at", index, "expect")


def _at_odds(expect: Expect, source: Source, path: Path) -> Iterator[Diagnostic]:
    """No route, and something of a target, which is not there then; a call that fails has asked one."""
    if expect.error is not None and expect.error not in KINDS:
        for name in written(expect):
            if name not in BESIDE_ERRORS:
                message = f"{name} can't be expected where there is no route ({expect.error})"
                yield report(source, "invalid-value", message, (*path, name), hint="leave one of them out", key=True)


def _names(spec: RoutingSpec, query: TestQuery, meant: str | None, source: Source, path: Path) -> Iterator[Diagnostic]:
    for kind, group in (("agent", spec.agents), ("purpose", spec.purposes), ("client", spec.clients)):
        name = getattr(query, kind)
        if name is not None and name not in group and meant != f"unknown-{kind}":
            yield from _name(kind, name, group, source, (*path, kind))


def _name(kind: str, name: str, group: Mapping[str, Any], source: Source, path: Path) -> Iterator[Diagnostic]:
    if WILDCARD not in group:
        hint = near(name, group, otherwise=f"the spec declares no {kind}s")
        yield report(source, f"unknown-{kind}", f"unknown {kind} {name!r}", path, hint=hint)
    elif guess := nearest(name, [known for known in group if known != WILDCARD]):
        message = f'{kind} {name!r} is near {guess!r}, and "*" takes it in as another'
        yield report(source, "wildcard-swallows", message, path, hint=f"did you mean {guess!r}?")


def _nobody(spec: RoutingSpec, name: str, source: Source, path: Path) -> Diagnostic:
    hint = near(name, (*spec.providers, *PRESETS), otherwise="")
    return report(source, "unknown-provider", f"unknown provider {name!r}", path, hint=hint)
