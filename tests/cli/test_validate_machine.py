"""The formats for programs: JSON, GitHub, SARIF."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from llmroute.cli.report.sarif import report_sarif
from llmroute.cli.specs import judge

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Invoke

BAD = """\
version: 1
providers:
  ollama: {model: llama3.1:8b}
agents:
  picker:
    provider: olama
  reviewer: {provider: ollama, model: "${REVIEW_MODEL}"}
"""


@pytest.fixture
def spec(folder: Path) -> Path:
    path = folder / "routing.yaml"
    path.write_text(BAD, encoding="utf-8")
    return path


@pytest.mark.usefixtures("spec")
def test_json_is_as_documented(invoke: Invoke) -> None:
    result = invoke("validate", "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "files": [
            {
                "path": "routing.yaml",
                "diagnostics": [
                    {
                        "code": "LR103",
                        "rule": "unknown-provider",
                        "severity": "error",
                        "message": "unknown provider 'olama'",
                        "hint": "did you mean 'ollama'?",
                        "path": "routing.yaml",
                        "line": 6,
                        "column": 15,
                        "pointer": "/agents/picker/provider",
                        "related": [],
                    },
                    {
                        "code": "LR307",
                        "rule": "unset-variable",
                        "severity": "warning",
                        "message": "REVIEW_MODEL is not set",
                        "hint": "set it, or write a default: ${REVIEW_MODEL:-…}",
                        "path": "routing.yaml",
                        "line": 7,
                        "column": 39,
                        "pointer": "/agents/reviewer/model",
                        "related": [],
                    },
                ],
            }
        ],
        "summary": {"errors": 1, "warnings": 1},
    }


def test_json_of_a_fine_spec_has_no_diagnostics(invoke: Invoke) -> None:
    result = invoke("validate", "-", "--format", "json", stdin="version: 1\ndefaults: {model: mock/m}\n")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "files": [{"path": "<stdin>", "diagnostics": []}],
        "summary": {"errors": 0, "warnings": 0},
    }


def test_json_counts_as_strict_counts(invoke: Invoke, spec: Path) -> None:
    result = invoke("validate", str(spec), "--strict", "--format", "json")
    assert json.loads(result.stdout)["summary"] == {"errors": 2, "warnings": 0}


@pytest.mark.usefixtures("spec")
def test_github_commands_name_file_line_and_rule(invoke: Invoke) -> None:
    result = invoke("validate", "--format", "github")
    assert result.exit_code == 1
    assert result.stdout == (
        "::error file=routing.yaml,line=6,col=15,title=LR103 unknown-provider::"
        "unknown provider 'olama'%0Adid you mean 'ollama'?\n"
        "::warning file=routing.yaml,line=7,col=39,title=LR307 unset-variable::"
        "REVIEW_MODEL is not set%0Aset it, or write a default: ${REVIEW_MODEL:-…}\n"
    )


def test_github_commands_escape_what_would_end_them(invoke: Invoke, folder: Path) -> None:
    (folder / "a,b:c%.yaml").write_text('version: 1\n"x%0A::error::y": 1\n', encoding="utf-8")
    result = invoke("validate", "a,b:c%.yaml", "--format", "github")
    (command,) = result.stdout.splitlines()
    assert command.startswith("::error file=a%2Cb%3Ac%25.yaml,line=2,col=1,title=LR100 unknown-key::")
    assert "x%250A::error::y" in command


def test_a_variable_is_reported_at_the_file_that_reads_it(
    invoke: Invoke, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec.write_text("version: 1\ndefaults: {model: mock/m}\n", encoding="utf-8")
    monkeypatch.setenv("LLMROUTE_MODL", "x")
    assert "::warning file=routing.yaml,title=LR315 unknown-variable::" in invoke("validate", "--format=github").stdout
    log = json.loads(invoke("validate", "--format=sarif").stdout)
    (location,) = log["runs"][0]["results"][0]["locations"]
    assert location == {"physicalLocation": {"artifactLocation": {"uri": "routing.yaml"}}}


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """The schema of an object that has these properties and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


COUNT = {"type": "integer", "minimum": 1}
TEXT = {"type": "string", "minLength": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
MESSAGE = closed(("text",), text=TEXT, markdown=TEXT)
REGION = closed(startLine=COUNT, startColumn=COUNT, endColumn=COUNT)
LOCATION = closed(
    physicalLocation=closed(
        artifactLocation=closed(uri={"type": "string", "pattern": r"^(file:///)?[A-Za-z0-9._~/%-]+$"}), region=REGION
    ),
    logicalLocations={"type": "array", "items": closed(fullyQualifiedName=TEXT)},
    message=MESSAGE,
)
RULE = closed(
    ("id",),
    id=TEXT,
    name={"type": "string", "pattern": "^([A-Z][a-z0-9]*)+$"},
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=closed(level=LEVEL),
)
RESULT = closed(
    ("message",),
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations={"type": "array", "items": LOCATION},
    relatedLocations={"type": "array", "items": LOCATION, "uniqueItems": True},
)
DRIVER = closed(("name",), name=TEXT, semanticVersion=TEXT, rules={"type": "array", "items": RULE, "uniqueItems": True})
RUN = closed(
    ("tool",),
    tool=closed(("driver",), driver=DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": RESULT},
)
SARIF = closed(
    ("version", "runs"), **{"$schema": TEXT}, version={"const": "2.1.0"}, runs={"type": "array", "items": RUN}
)
"""The part of the OASIS schema of SARIF 2.1.0 that a report of ours may use."""


def sarif(*paths: str) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(report_sarif([judge(path, {}) for path in paths]))
    Draft202012Validator(SARIF).validate(log)
    return log


def test_sarif_holds_the_results_and_their_rules(spec: Path) -> None:
    (run,) = sarif("routing.yaml", "nope.yaml", str(spec))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert {rule["id"]: rule["name"] for rule in rules} == {
        "LR001": "UnreadableFile",
        "LR103": "UnknownProvider",
        "LR307": "UnsetVariable",
    }
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    physical = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert physical[0]["artifactLocation"] == {"uri": "routing.yaml"}
    assert physical[0]["region"] == {"startLine": 6, "startColumn": 15, "endColumn": 20}
    assert physical[-1]["artifactLocation"]["uri"].startswith("file:///")


def test_sarif_has_related_places_and_odd_names(folder: Path) -> None:
    (folder / "a b").write_text("version: 1\nagents: {}\nagents: {}\n", encoding="utf-8")
    (result,) = sarif("a b")["runs"][0]["results"]
    (related,) = result["relatedLocations"]
    assert related["physicalLocation"]["region"]["startLine"] == 2
    assert related["physicalLocation"]["artifactLocation"] == {"uri": "a%20b"}


def test_sarif_of_a_fine_spec_has_no_results(folder: Path) -> None:
    (folder / "routing.yaml").write_text("version: 1\ndefaults: {model: mock/m}\n", encoding="utf-8")
    assert sarif("routing.yaml")["runs"][0]["results"] == []
