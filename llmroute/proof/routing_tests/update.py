"""What is to be written into the files of tests, so that they expect what comes today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.proof.routing_tests.expect import came
from llmroute.routing.check_tests import BESIDE_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmroute.proof.routing_tests.cases import Case, Path
    from llmroute.proof.routing_tests.expect import Mismatch, Outcome, Result
    from llmroute.routing.source import Source


class Change(NamedTuple):
    """A value that belongs into a file."""

    case: Case
    path: Path
    """Its place in the part of the file that is the document."""
    value: Any

    @property
    def source(self) -> Source:
        """The file."""
        return self.case.source


class Refusal(NamedTuple):
    """A test that can't be brought up to date by itself."""

    case: Case
    reason: str


def changes(failed: Sequence[Result], every: Iterable[Result]) -> tuple[list[Change], list[Refusal]]:
    """The changes that some failed tests ask for; none that `every` other test would suffer from."""
    wanted: list[Change] = []
    refused: list[Refusal] = []
    for result in failed:
        for mismatch in result.mismatches:
            found = _change(result, mismatch)
            if isinstance(found, Refusal):
                refused.append(found)
            else:
                wanted.append(found)
    kept: dict[tuple[int, Path], Change] = {}
    expectations = _Expectations(every)
    for change in wanted:
        other = expectations.harmed(change)
        if other is None:
            kept[id(change.source), change.path] = change
        else:
            reason = f"{change.path[-1]} is shared with {other!r}, which expects it as it is; say it in the rows"
            refused.append(Refusal(change.case, reason))
    # What is written anew as a whole holds the parts too.
    return [row for key, row in kept.items() if (key[0], _expect_of(key[1])) not in kept.keys() - {key}], refused


def _change(result: Result, mismatch: Mismatch) -> Change | Refusal:
    case, outcome = result.case, result.outcomes[mismatch.call]
    claim = mismatch.claim
    if mismatch.field == "error" and (claim is None or mismatch.came.value is None):
        return Change(case, _expect_path(case, mismatch), _anew(case, mismatch, outcome))
    if claim is None or mismatch.came.value is None:
        return Refusal(case, f"nothing came in the place of {mismatch.field}; take it out of the test")
    return Change(case, claim.path, mismatch.came.value)


def _expect_path(case: Case, mismatch: Mismatch) -> Path:
    """The place of what is expected of a call: the test's own, where it has one."""
    if mismatch.claim is not None:
        return mismatch.claim.path[:-1]
    paths = [_expect_of(claim.path) for claim in case.calls[mismatch.call].claims]
    return max(paths, key=len, default=(*case.path, "expect"))


def _expect_of(path: Path) -> Path:
    return path[: path.index("expect") + 1]


def _anew(case: Case, mismatch: Mismatch, outcome: Outcome) -> dict[str, Any]:
    """An error in the place of a target, or a target in the place of an error."""
    place, target = _expect_path(case, mismatch), outcome.answered
    if target is None:
        found: dict[str, Any] = {"error": mismatch.came.value}
    else:
        where = {"provider": target.provider} if target.provider else {"base_url": target.base_url}
        found = {**where, "model": target.model}
    beside = [claim for claim in case.calls[mismatch.call].claims if claim.field in BESIDE_ERRORS - {"error"}]
    return found | {
        claim.field: came(claim.field, outcome, claim.value).value for claim in beside if claim.path[:-1] == place
    }


class _Row(NamedTuple):
    """An expectation of some test, and what it is to be, where it does not hold."""

    case: Case
    change: Change | Refusal | None


class _Expectations:
    """What all tests expect, by place: several may share one."""

    def __init__(self, every: Iterable[Result]) -> None:
        self._rows: dict[tuple[int, Path], list[_Row]] = {}
        for result in every:
            for number, call in enumerate(result.case.calls):
                found = [_change(result, mismatch) for mismatch in result.mismatches if mismatch.call == number]
                for claim in call.claims:
                    self._add(result.case, claim.path, found)

    def _add(self, case: Case, path: Path, found: Sequence[Change | Refusal]) -> None:
        own = next((row for row in found if isinstance(row, Change) and row.path == path[: len(row.path)]), None)
        for place in {path, _expect_of(path)}:
            self._rows.setdefault((id(case.source), place), []).append(_Row(case, own))

    def harmed(self, change: Change) -> str | None:
        """The name of another test that expects something else at a place that is to change."""
        for case, other in self._rows.get((id(change.source), change.path), ()):
            agrees = isinstance(other, Change) and (other.path, other.value) == (change.path, change.value)
            if case is not change.case and not agrees:
                return case.name
        return None
