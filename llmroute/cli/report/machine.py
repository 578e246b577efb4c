"""Diagnostics for programs: JSON, and the workflow commands of GitHub Actions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmroute.cli.report.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.cli.specs import Judged
    from llmroute.routing.diagnostics import Diagnostic


def without_keys(diagnostic: Diagnostic) -> Diagnostic:
    """The diagnostic with whatever looks like a key cut out of its texts."""
    return diagnostic._replace(
        message=redacted(diagnostic.message),
        hint=redacted(diagnostic.hint),
        pointer=redacted(diagnostic.pointer),
        related=tuple(related._replace(message=redacted(related.message)) for related in diagnostic.related),
    )


def report_json(judged: Sequence[Judged]) -> str:
    """One JSON object: the files with their diagnostics, and how many errors and warnings there are."""
    files = [
        {"path": one.path, "diagnostics": [without_keys(item).to_json() for item in one.diagnostics]} for one in judged
    ]
    summary = {
        "errors": sum(one.count("error") for one in judged),
        "warnings": sum(one.count("warning") for one in judged),
    }
    # ASCII, so that no encoding of a pipe can break it.
    return json.dumps({"files": files, "summary": summary}, indent=2) + "\n"


def report_github(judged: Sequence[Judged]) -> str:
    """One workflow command a line, which GitHub shows beside the line of the file."""
    commands = [_command(without_keys(item), one) for one in judged for item in one.diagnostics]
    return "".join(f"{command}\n" for command in commands)


def _command(diagnostic: Diagnostic, judged: Judged) -> str:
    properties: dict[str, Any] = {}
    if diagnostic.origin.kind == "file":
        properties["file"] = diagnostic.origin.path
        properties["line"] = diagnostic.origin.line or 1
        properties["col"] = diagnostic.origin.column or 1
    else:
        properties["file"] = judged.source.path
    properties["title"] = f"{diagnostic.code} {diagnostic.rule}"
    shown = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    message = f"{diagnostic.message}\n{diagnostic.hint}" if diagnostic.hint else diagnostic.message
    return f"::{diagnostic.severity} {shown}::{_data(message)}"


def _data(text: str) -> str:
    r"""Text as the message of a workflow command (@actions/core, `escapeData`).

    >>> _data("50 %\nof it")
    '50 %25%0Aof it'
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Text as a property of a workflow command (@actions/core, `escapeProperty`).

    >>> _property("a,b:c")
    'a%2Cb%3Ac'
    """
    return _data(text).replace(":", "%3A").replace(",", "%2C")
