"""Diagnostics as SARIF 2.1.0 (OASIS), the format of code scanning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from llmroute import __version__
from llmroute.cli.report.machine import without_keys
from llmroute.routing.rule_pages import PAGES, page_markdown
from llmroute.routing.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.cli.specs import Judged
    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.rules import Rule

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def report_sarif(judged: Sequence[Judged]) -> str:
    """One SARIF log with one run; columns count characters from 1."""
    found = [(without_keys(item), one) for one in judged for item in one.diagnostics]
    rules = [rule for rule in RULES.values() if any(item.rule == rule.slug for item, _ in found)]
    index = {rule.slug: number for number, rule in enumerate(rules)}
    driver = {
        "name": "llmroute",
        "semanticVersion": __version__,
        "rules": [_rule(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(item, one, index[item.rule]) for item, one in found],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    page = PAGES[rule.slug]
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.slug.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": page.why},
        "help": {"text": page.fix, "markdown": page_markdown(rule)},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(diagnostic: Diagnostic, judged: Judged, rule_index: int) -> dict[str, Any]:
    text = f"{diagnostic.message}\n{diagnostic.hint}" if diagnostic.hint else diagnostic.message
    location = _location(judged, diagnostic)
    if diagnostic.pointer:
        location["logicalLocations"] = [{"fullyQualifiedName": diagnostic.pointer}]
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule_index,
        "level": diagnostic.severity,
        "message": {"text": text},
        "locations": [location],
    }
    if diagnostic.related:
        result["relatedLocations"] = [
            {
                "physicalLocation": {
                    "artifactLocation": _artifact(judged.source.path),
                    "region": {"startLine": related.line, "startColumn": related.column},
                },
                "message": {"text": related.message},
            }
            for related in diagnostic.related
        ]
    return result


def _location(judged: Judged, diagnostic: Diagnostic) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(judged.source.path)}
    origin = diagnostic.origin
    if origin.kind == "file" and judged.source.lines:
        line, column = max(1, origin.line), max(1, origin.column)
        physical["region"] = {"startLine": line, "startColumn": column, "endColumn": column + diagnostic.length}
    return {"physicalLocation": physical}


def _artifact(path: str) -> dict[str, str]:
    """Where a file is, as a URI: relative to the folder of the run, or absolute."""
    uri = quote(path.replace("\\", "/"), errors="replace")
    return {"uri": f"file://{uri}"} if uri.startswith("/") else {"uri": uri}
