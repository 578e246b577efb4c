"""How routing tests look on a terminal, and to programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmroute.cli.explain_view import show
from llmroute.cli.report.redact import redacted
from llmroute.proof.routing_tests.told import counted, result_json, told, uncovered
from llmroute.routing.explain import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmroute.proof.routing_tests.coverage import Coverage
    from llmroute.proof.routing_tests.expect import Result
    from llmroute.routing.explain import Line


def text(results: Sequence[Result], coverage: Coverage | None, *, only_failures: bool) -> str:
    """The results one after another, the count, and what no test has shown; without coverage where it is None."""
    lines: list[Line] = []
    for result in results:
        if not (only_failures and result.passed):
            lines += told(result)
    if lines:
        lines.append(())
    lines.append(_summary(results, coverage))
    if coverage is not None and not only_failures:
        lines += uncovered(coverage)
    return show(without_keys(lines))


def _summary(results: Sequence[Result], coverage: Coverage | None) -> Line:
    passed, failed = counted(results)
    verdict = Span(f"{passed} passed", "winner" if passed and not failed else "plain")
    failures = (Span(f", {failed} failed", "bad"),) if failed else ()
    if coverage is None:
        return verdict, *failures
    count, total = len(coverage.parts) - len(coverage.uncovered), len(coverage.parts)
    # Rounded down: a hundred is nothing less than all.
    return verdict, *failures, Span(f"; coverage {int(coverage.percent)} % ({count} of {total})")


def without_keys(lines: Iterable[Line]) -> list[Line]:
    """Lines with whatever looks like a key cut out."""
    return [tuple(span._replace(text=redacted(span.text)) for span in line) for line in lines]


def as_json(results: Sequence[Result], coverage: Coverage, *, only_failures: bool) -> str:
    """One JSON object with the results."""
    passed, failed = counted(results)
    shown = {
        "passed": passed,
        "failed": failed,
        "coverage": coverage.to_json(),
        "results": [result_json(result) for result in results if not (only_failures and result.passed)],
    }
    return json.dumps(_redacted(shown), indent=2, ensure_ascii=False)


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _redacted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_redacted(inner) for inner in value]
    return redacted(value) if isinstance(value, str) else value


def suggested(tests: Iterable[dict[str, Any]]) -> str:
    """Tests as a file of tests, complete in itself."""
    from llmroute.load.yaml_writer import flow, scalar

    lines = ["version: 1", "tests:"]
    for test in tests:
        lines.append(f"  - name: {scalar(test['name'])}")
        lines += [f"    {key}: {flow(value)}" for key, value in test.items() if key != "name"]
    return "\n".join(lines)
