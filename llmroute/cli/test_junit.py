"""The results of routing tests in JUnit's XML, as continuous integration reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from llmroute.cli.output import visible
from llmroute.cli.report.redact import redacted
from llmroute.cli.test_view import without_keys
from llmroute.proof.routing_tests.told import counted, told
from llmroute.routing.explain import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmroute.proof.routing_tests.expect import Result


def junit(results: Sequence[Result]) -> str:
    """One suite; each test with its file, its line and, where it fails, all that differs."""
    failed = counted(results)[1]
    counts = f'tests="{len(results)}" failures="{failed}" errors="0" skipped="0"'
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<testsuites name="llmroute" {counts}>',
        f'  <testsuite name="llmroute" {counts}>',
        *(line for result in results for line in _case(result)),
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _case(result: Result) -> Iterator[str]:
    origin = result.case.origin
    attributes = {"classname": origin.path, "name": result.case.name, "file": origin.path, "line": str(origin.line)}
    # XML has no words for most control characters, not even escaped ones.
    head = " ".join(f"{name}={quoteattr(visible(redacted(value)))}" for name, value in attributes.items())
    if result.passed:
        yield f'    <testcase {head} time="0"/>'
        return
    text = visible(plain(without_keys(told(result))))
    fields = ", ".join(dict.fromkeys(mismatch.field for mismatch in result.mismatches))
    yield f'    <testcase {head} time="0">'
    yield f"      <failure message={quoteattr(f'not as expected: {fields}')}>{escape(text)}</failure>"
    yield "    </testcase>"
