"""`llmroute rule` and `llmroute schema`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llmroute.routing.rule_pages import page_markdown
from llmroute.routing.rules import RULES, Rule

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Invoke


@pytest.mark.parametrize("name", ["LR103", "lr103", "unknown-provider", "Unknown-Provider"])
def test_a_rule_is_found_by_code_and_slug(invoke: Invoke, name: str) -> None:
    result = invoke("rule", name)
    assert result.exit_code == 0
    assert result.stdout == page_markdown("unknown-provider").rstrip("\n") + "\n"


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.slug)
def test_every_rule_has_its_page(invoke: Invoke, rule: Rule) -> None:
    assert invoke("rule", rule.code).stdout.startswith(f"# {rule.code} {rule.slug}\n")


def test_all_rules_are_listed_one_a_line(invoke: Invoke) -> None:
    lines = invoke("rule").stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [[rule.code, rule.slug, rule.severity] for rule in RULES.values()]


@pytest.mark.parametrize(
    ("name", "guess"), [("unknown-provder", "unknown-provider"), ("LR10", "LR310"), ("???", "all")]
)
def test_an_unknown_rule_is_wrong_usage_with_a_guess(invoke: Invoke, name: str, guess: str) -> None:
    result = invoke("rule", name)
    assert result.exit_code == 2
    assert guess in result.stderr


def test_the_schema_is_the_shipped_one(invoke: Invoke, folder: Path) -> None:
    printed = invoke("schema")
    assert printed.exit_code == 0
    assert json.loads(printed.stdout)["title"].startswith("llmroute")
    written = invoke("schema", "-o", "a.json")
    assert (written.exit_code, written.stdout) == (0, "")
    assert (folder / "a.json").read_text(encoding="utf-8") == printed.stdout
    assert invoke("schema", "--output", "a.json").exit_code == 0
    refused = invoke("schema", "-o", "no/such/a.json")
    assert refused.exit_code == 1
    assert "can't write" in refused.stderr
