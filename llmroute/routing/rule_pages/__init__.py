"""A page for every rule: shown by `llmroute rule CODE`, and written to `docs/rules/`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from llmroute.routing.rule_pages.checks import CHECKS
from llmroute.routing.rule_pages.decisions import DECISIONS
from llmroute.routing.rule_pages.page import Example, Page, render
from llmroute.routing.rule_pages.reading import READING
from llmroute.routing.rule_pages.servers import SERVERS
from llmroute.routing.rule_pages.shape import SHAPE
from llmroute.routing.rules import RULES, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PAGES", "Example", "Page", "page_markdown", "page_name"]

PAGES: Mapping[str, Page] = MappingProxyType({**READING, **SHAPE, **DECISIONS, **CHECKS, **SERVERS})
"""The pages by the slug of their rule."""


def page_markdown(rule: Rule | str) -> str:
    """The page of a rule (or of its slug) in Markdown."""
    rule = RULES[rule] if isinstance(rule, str) else rule
    return render(rule, PAGES[rule.slug])


def page_name(rule: Rule) -> str:
    """The file name of a rule's page.

    >>> page_name(RULES["unknown-provider"])
    'LR103-unknown-provider.md'
    """
    return f"{rule.code}-{rule.slug}.md"
