"""Routing tests as they are run: tables unrolled, shared parts filled in, every expectation with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.routing.check_tests import BESIDE_ERRORS
from llmroute.routing.expectations import TestCall, TestQuery, seconds
from llmroute.routing.route import EMPTY, Query
from llmroute.routing.scopes import written
from llmroute.routing.secrets import looks_like_a_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.expectations import Expect, Fault, Test, TestCase
    from llmroute.routing.source import Source

Path = tuple[str | int, ...]
_NESTED = frozenset({"params", "metadata", "credential"})
"""What is expected key by key."""
_OF_FAILURES = frozenset({"attempts", "tried", "within"})
_SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD")


class Claim(NamedTuple):
    """One thing that a test expects."""

    field: str
    """Such as `model` or `params.temperature`."""
    value: Any
    path: Path
    """Its place in the file of the test."""


class Planned(NamedTuple):
    """A call that a test makes."""

    at_s: float
    claims: tuple[Claim, ...]
    is_judged: bool = True
    """False: it only prepares the ground for a later one."""


class Case(NamedTuple):
    """One test, complete in itself."""

    name: str
    query: Query
    environ: Mapping[str, str]
    given: tuple[Fault, ...]
    calls: tuple[Planned, ...]
    source: Source
    path: Path
    is_played: bool
    """Whether calls are made, on a clock of their own; else only the decision is looked at."""

    @property
    def origin(self) -> Origin:
        """Where the test stands."""
        return self.source.origin(self.path)

    def origin_of(self, claim: Claim) -> Origin:
        """Where an expectation stands."""
        return self.source.origin(claim.path)


def unrolled(tests: Sequence[Test], source: Source) -> list[Case]:
    """The tests of a file, each row of a table as a test of its own."""
    found: list[Case] = []
    for index, test in enumerate(tests):
        path = ("tests", index)
        rows = test.cases
        if rows is None:
            found.append(_complete(test, None, test.name, source, (path, path)))
        else:
            names = _numbered([f"{test.name} [{row.name or _difference(row)}]" for row in rows])
            found += [
                _complete(test, row, name, source, (path, (*path, "cases", number)))
                for number, (row, name) in enumerate(zip(rows, names, strict=True))
            ]
    return found


def _complete(test: Test, row: TestCase | None, name: str, source: Source, paths: tuple[Path, Path]) -> Case:
    """A test, or a row over what its table shares; `paths` are those of the table and of the row."""
    shared, own = paths
    said = [(test, shared), *([(row, own)] if row is not None else [])]
    claims: dict[str, Claim] = {}
    for part, path in said:
        claims = _over(claims, claims_of(part.expect, (*path, "expect")))
    given = next((part.given for part, _ in reversed(said) if part.given is not None), ())
    timed = next(((part.at, (*path, "at")) for part, path in reversed(said) if part.at is not None), None)
    calls = _calls(*timed, claims) if timed else (Planned(0.0, (*claims.values(),)),)
    of_failures = any(claim.field in _OF_FAILURES for call in calls for claim in call.claims)
    return Case(
        name,
        _query([part.query for part, _ in said]),
        {variable: text for part, _ in said for variable, text in (part.environ or EMPTY).items()},
        given,
        calls,
        source,
        own,
        bool(given) or timed is not None or of_failures,
    )


def _query(parts: Iterable[TestQuery | None]) -> Query:
    query = TestQuery()
    args: Mapping[str, Any] = {}
    for part in parts:
        if part is not None:
            args = _merged(args, part.args or EMPTY)
            query = TestQuery(**{**written(query), **written(part)})
    return Query(query.agent, query.purpose, query.client, args)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Two mappings as one, and so on inside of them."""
    found = dict(under)
    for name, value in over.items():
        below = found.get(name)
        found[name] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return found


def _calls(at: Any, path: Path, claims: Mapping[str, Claim]) -> tuple[Planned, ...]:
    """The calls of a test; what the test expects is about the last."""
    times = at if isinstance(at, tuple) else (at,)
    found: list[Planned] = []
    for index, entry in enumerate(times):
        is_last = index == len(times) - 1
        when, expect = (entry.at, entry.expect) if isinstance(entry, TestCall) else (entry, None)
        wanted = _over(claims if is_last else EMPTY, claims_of(expect, (*path, index, "expect")))
        found.append(Planned(seconds(when), (*wanted.values(),), is_last or expect is not None))
    return tuple(found)


def claims_of(expect: Expect | None, path: Path) -> dict[str, Claim]:
    """What is expected, by field."""
    found: dict[str, Claim] = {}
    for name, value in (written(expect) if expect is not None else {}).items():
        if name not in _NESTED:
            found[name] = Claim(name, value, (*path, name))
            continue
        for key, inner in (written(value) if name == "credential" else value).items():
            found[f"{name}.{key}"] = Claim(f"{name}.{key}", inner, (*path, name, key))
    return found


def _over(under: Mapping[str, Claim], over: Mapping[str, Claim]) -> dict[str, Claim]:
    """Expectations over others; an error and a target shut each other out."""
    if "error" in over:
        under = {field: claim for field, claim in under.items() if field in BESIDE_ERRORS}
    elif any(field not in BESIDE_ERRORS for field in over):
        under = {field: claim for field, claim in under.items() if field != "error"}
    return {**under, **over}


def _difference(row: TestCase) -> str:
    """What a row changes, in a few words."""
    query = written(row.query) if row.query is not None else {}
    args = query.pop("args", EMPTY)
    words = [f"{kind} {name}" for kind, name in query.items()]
    words += [_setting(name, value) for name, value in (*args.items(), *(row.environ or EMPTY).items())]
    if isinstance(row.at, float | int | str):
        words.append(f"at {row.at}")
    return ", ".join(words)


def _setting(name: str, value: Any) -> str:
    is_secret = any(word in name.upper() for word in _SECRET) or (isinstance(value, str) and looks_like_a_key(value))
    return name if is_secret or isinstance(value, dict | list) else f"{name}={value}"


def _numbered(names: Sequence[str]) -> Iterator[str]:
    """The names; those that say nothing, or the same as another, with their number."""
    for number, name in enumerate(names, start=1):
        if name.endswith("[]"):
            yield f"{name[:-1]}{number}]"
        else:
            yield f"{name[:-1]}, {number}]" if names.count(name) > 1 else name
