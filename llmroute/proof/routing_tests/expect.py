"""What a test expects beside what came: where they differ, and who is behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import CallError, RoutingError
from llmroute.routing.check_tests import BESIDE_ERRORS
from llmroute.routing.expectations import ExpectedExclusion, seconds
from llmroute.routing.scopes import written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llmroute.proof.routing_tests.cases import Case, Claim
    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.route import Candidate, Excluded, Field, Resolution, Target

_OF_A_TARGET = ("provider", "model", "base_url", "locality", "api")


class Step(NamedTuple):
    """A request that a played call made."""

    target: Target
    began_s: float
    """Seconds since the call began, waits before it included."""
    kind: str | None
    """The kind of its failure; None: it was answered."""


class Outcome(NamedTuple):
    """What came of one call of a test."""

    resolution: Resolution | None = None
    """None where there is no route."""
    failure: RoutingError | CallError | None = None
    answered: Target | None = None
    """The target that answered, or would be tried first where nothing was played."""
    steps: tuple[Step, ...] = ()
    elapsed_s: float = 0.0

    @property
    def error(self) -> str | None:
        """The rule of a decision that failed, or the kind of a call that failed."""
        if self.failure is None:
            return None
        return self.failure.rule if isinstance(self.failure, RoutingError) else self.failure.kind

    @property
    def target(self) -> Target | None:
        """The target that answered, else the one that was asked last."""
        return self.answered or (self.steps[-1].target if self.steps else None)

    @property
    def excluded(self) -> Sequence[Excluded]:
        """What was left out."""
        if isinstance(self.failure, RoutingError):
            return self.failure.excluded
        return self.resolution.excluded if self.resolution is not None else ()


class Came(NamedTuple):
    """What came in the place of an expectation, and who is behind it."""

    value: Any
    scope: str = ""
    origin: Origin | None = None
    note: str = ""
    """The message of an error, or the target that came in the place of one."""
    lost: Candidate | None = None
    """A scope that would have had it otherwise."""


class Mismatch(NamedTuple):
    """An expectation that does not hold."""

    field: str
    expected: Any
    """None: no error was expected."""
    came: Came
    claim: Claim | None = None
    """None where the test only expects that there is a route."""
    call: int = 0
    """Which call of the test, counted from 0."""


class Result(NamedTuple):
    """A test that was run."""

    case: Case
    outcomes: tuple[Outcome, ...]
    mismatches: tuple[Mismatch, ...]

    @property
    def passed(self) -> bool:
        """Whether all that was expected came."""
        return not self.mismatches


def judged(case: Case, outcomes: Sequence[Outcome]) -> Result:
    """The verdict on what came of a test."""
    found = [
        mismatch._replace(call=number)
        for number, (call, outcome) in enumerate(zip(case.calls, outcomes, strict=True))
        if call.is_judged
        for mismatch in _mismatches(call.claims, outcome)
    ]
    return Result(case, tuple(outcomes), tuple(found))


def _mismatches(claims: Iterable[Claim], outcome: Outcome) -> Iterator[Mismatch]:
    wanted = {claim.field: claim for claim in claims}
    error = wanted.pop("error", None)
    if outcome.error != (None if error is None else error.value):
        yield Mismatch("error", None if error is None else error.value, came("error", outcome), error)
        if outcome.failure is not None:
            # Of a target that is not there all else would differ too.
            wanted = {field: claim for field, claim in wanted.items() if field in BESIDE_ERRORS}
    for field, claim in wanted.items():
        there = came(field, outcome, claim.value)
        if not _holds(field, claim.value, there.value, outcome):
            yield Mismatch(field, plain(claim.value), there, claim)


def _holds(field: str, expected: Any, value: Any, outcome: Outcome) -> bool:
    if field == "within":
        return outcome.elapsed_s <= seconds(expected)
    if field == "excluded":
        return _same_exclusions(expected, outcome.excluded)
    return bool(plain(expected) == value) and isinstance(expected, bool) == isinstance(value, bool)


def _same_exclusions(expected: Sequence[str | ExpectedExclusion], rows: Sequence[Excluded]) -> bool:
    named = {entry if isinstance(entry, str) else entry.target for entry in expected}
    ruled = {(entry.target, entry.rule) for entry in expected if isinstance(entry, ExpectedExclusion) and entry.rule}
    return named == {row.target for row in rows} and ruled <= {(row.target, row.rule) for row in rows}


def came(field: str, outcome: Outcome, like: Any = None) -> Came:  # noqa: PLR0911 - one for each kind of field
    """What came of a field; `like` is what was expected of it, whose form it takes."""
    kind, _, key = field.partition(".")
    target, resolution = outcome.target, outcome.resolution
    if kind == "error":
        return _error(outcome)
    if kind == "excluded":
        return _excluded(outcome, like)
    if kind in ("attempts", "tried", "within"):
        tried = [step.target.name for step in outcome.steps]
        return Came({"attempts": len(tried), "tried": tried, "within": _round(outcome.elapsed_s)}[kind])
    if target is None or resolution is None:
        return Came(None)
    if kind == "fallbacks":
        return _won(resolution, "fallbacks", [hop.name for hop in resolution.route.targets[1:]], like)
    if kind in ("layer", "scope"):
        return _won(resolution, "endpoint", next(getattr(f, kind) for f in resolution.fields if f.field == "endpoint"))
    if kind == "metadata":
        return _won(resolution, "metadata", plain(resolution.metadata.get(key)))
    value = _of_target(target, kind, key)
    if target is not resolution.target:
        return Came(value, target.scope, target.origin)
    return _won(resolution, key if kind == "params" else "model" if kind == "model" else "endpoint", value, like)


def _of_target(target: Target, kind: str, key: str) -> Any:
    if kind == "params":
        return plain(target.params.get(key))
    return getattr(target, kind) if kind in _OF_A_TARGET else getattr(target.credential, key)


def _won(resolution: Resolution, name: str, value: Any, like: Any = None) -> Came:
    """A value, with the scope that won a field; and the one that had what was expected, or anything, and lost."""
    field: Field | None = next((field for field in resolution.fields if field.field == name), None)
    if field is None:
        return Came(value)
    losers = [row for row in field.candidates if row.verdict not in ("won", "adds-up") and row.reason]
    lost = next((row for row in losers if not field.scope or _is_alike(plain(row.value), plain(like))), None)
    return Came(value, field.scope, field.origin, lost=lost)


def _is_alike(value: Any, like: Any) -> bool:
    """Whether a scope has what was expected: as a text where it is a variable's, with its provider where a model is."""
    return str(value) == str(like) or (isinstance(value, str) and value.endswith(f"/{like}"))


def _error(outcome: Outcome) -> Came:
    failure = outcome.failure
    if failure is None:
        return Came(None, note=outcome.answered.name if outcome.answered is not None else "")
    origin = failure.origin if isinstance(failure, RoutingError) else None
    return Came(outcome.error, origin=origin, note=failure.message)


def _excluded(outcome: Outcome, like: Any) -> Came:
    rows = outcome.excluded
    origin, rule = (rows[0].origin, rows[0].rule) if rows else (None, "")
    if any(isinstance(entry, ExpectedExclusion) and entry.rule for entry in like or ()):
        return Came([{"target": row.target, "rule": row.rule} for row in rows], rule, origin)
    return Came([*dict.fromkeys(row.target for row in rows)], rule, origin)


def _round(elapsed_s: float) -> str:
    """Seconds as they are written in a test, never fewer than they are."""
    return f"{-(-elapsed_s * 1000 // 1) / 1000:g}s"


def plain(value: Any) -> Any:
    """A value as YAML would hold it.

    >>> plain(("a", {"b": ()}))
    ['a', {'b': []}]
    """
    if isinstance(value, ExpectedExclusion):
        return written(value)
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value
