"""The page of a rule: why it is there, what breaks it, what does not, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import dedent, fill
from typing import TYPE_CHECKING, Literal

from llmroute.routing.route import EMPTY, Query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.routing.rules import Rule

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Example:
    """A `routing.yaml`, and what is done with it."""

    text: str
    """The file."""
    ask: Literal["validate", "explain", "run"] = "validate"
    """The command that meets the rule."""
    query: Query = field(default_factory=Query)
    """What `explain` or `run` is asked."""
    environ: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """Variables that are set."""
    command: str = ""
    """A whole shell command in place of `ask`, where no text can show the rule."""

    @property
    def shell(self) -> str:
        """The shell command that shows the example; empty where a plain `llmroute validate` does."""
        if self.command or (self.ask == "validate" and not self.environ):
            return self.command
        query = self.query
        named = {"agent": query.agent, "purpose": query.purpose, "client": query.client, **query.args}
        flags = [f"--{name.replace('_', '-')} {value}" for name, value in named.items() if value is not None]
        prompt = ['"Hello"'] if self.ask == "run" else []
        variables = [f"{name}={value}" for name, value in self.environ.items()]
        return " ".join((*variables, "llmroute", self.ask, *flags, *prompt))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What there is to say about a rule."""

    why: str
    bad: Example
    """Breaks the rule."""
    good: Example
    """The same, mended: `validate` has nothing to say about it."""
    fix: str


def example(text: str, ask: Literal["validate", "explain", "run"] = "validate", **query: str | None) -> Example:
    """An example of an indented text; `query` holds `agent`, `purpose`, `client` and client arguments."""
    agent, purpose, client = (query.pop(name, None) for name in ("agent", "purpose", "client"))
    return Example(dedent(text).lstrip("\n"), ask, Query(agent, purpose, client, query))


def render(rule: Rule, page: Page) -> str:
    """The page in Markdown."""
    return "\n".join(
        (
            f"# {rule.code} {rule.slug}",
            "",
            f"**{rule.severity.capitalize()}.** {rule.summary}",
            "",
            fill(page.why, _WIDTH),
            "",
            "## Breaks it",
            "",
            *_blocks(page.bad, "yaml invalid"),
            "## Keeps it",
            "",
            *_blocks(page.good, "yaml"),
            "## How to mend it",
            "",
            fill(page.fix, _WIDTH),
            "",
        )
    )


def _blocks(shown: Example, info: str) -> list[str]:
    blocks = []
    if shown.text:
        blocks += [f"```{info}", shown.text.rstrip("\n"), "```", ""]
    if shown.shell:
        blocks += ["```sh", shown.shell, "```", ""]
    return blocks
