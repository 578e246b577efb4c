"""Every rule has a page, its bad example breaks the rule and its good one is without fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmroute.dispatch.credentials import key_of
from llmroute.dispatch.trust import Gate
from llmroute.errors import RoutingError
from llmroute.load import read_str
from llmroute.routing.checks import check, unknown_variables, unset_variables
from llmroute.routing.resolve import resolve
from llmroute.routing.rule_pages import PAGES, Example, page_markdown
from llmroute.routing.rules import RULES
from tests.docs.shell import run

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = sorted(slug for slug, page in PAGES.items() if not page.bad.command)
COMMANDS = sorted(slug for slug, page in PAGES.items() if page.bad.command)
WARNINGS = {rule.slug for rule in RULES.values() if rule.severity == "warning"}


def met(example: Example) -> set[str]:
    """The rules that an example breaks."""
    spec, source, found, *_ = read_str(example.text, "routing.yaml")
    rules = {item.rule for item in found}
    if spec is None:
        return rules
    environ, query = example.environ, example.query
    assert spec.source is source
    rules |= {item.rule for item in check(spec, environ=environ, asker=query)}
    rules |= {item.rule for item in (*unset_variables(spec, environ), *unknown_variables(spec, environ))}
    try:
        if example.ask != "validate":
            resolution = resolve(spec, query, environ)
        if example.ask == "run":
            key_of(resolution.target)
            Gate(spec).check(resolution, environ)
    except RoutingError as error:
        rules.add(error.rule)
    return rules


def test_every_rule_has_a_page_in_the_order_of_the_codes() -> None:
    assert list(PAGES) == list(RULES)


@pytest.mark.parametrize("slug", TEXTS)
def test_the_bad_example_breaks_its_rule_and_no_other(slug: str) -> None:
    assert met(PAGES[slug].bad) - {"unset-variable"} == {slug} - {"unset-variable"}
    assert slug in met(PAGES[slug].bad)


@pytest.mark.parametrize("slug", TEXTS)
def test_the_good_example_breaks_none(slug: str) -> None:
    found = met(PAGES[slug].good)
    assert slug not in found
    assert found <= {"unset-variable"}


@pytest.mark.parametrize("slug", COMMANDS)
def test_a_command_shows_the_rule(slug: str, tmp_path: Path) -> None:
    status, output = shell(PAGES[slug].bad, tmp_path)
    assert (status, RULES[slug].code in output) == (1, True), output
    _, output = shell(PAGES[slug].good, tmp_path)
    assert RULES[slug].code not in output


def shell(example: Example, folder: Path) -> tuple[int, str]:
    (folder / "routing.yaml").write_text(example.text, encoding="utf-8")
    return run(example.command, folder)


def test_a_page_says_all_there_is_to_say() -> None:
    page = page_markdown("bad-environment")
    assert page.startswith("# LR208 bad-environment\n\n**Error.** A variable holds no usable value.\n")
    for part in ("## Breaks it", "## Keeps it", "## How to mend it"):
        assert part in page
    assert "LLMROUTE_TEMPERATURE=warm llmroute explain\n" in page


def test_a_page_shows_flags_and_prompt_as_they_are_typed() -> None:
    assert "llmroute explain --base-url localhost:8000 --model llama3.1:8b\n" in page_markdown("bad-argument")
    assert 'llmroute run "Hello"\n' in page_markdown("missing-key")


@pytest.mark.parametrize("slug", list(RULES))
def test_lines_of_a_page_fit_a_terminal(slug: str) -> None:
    assert max(map(len, page_markdown(slug).splitlines())) <= 120
