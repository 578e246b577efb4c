"""`llmroute rule`."""

from __future__ import annotations

import sys
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from llmroute.cli.output import has_colour, paint
from llmroute.routing.names import nearest
from llmroute.routing.rules import BY_CODE, RULES

if TYPE_CHECKING:
    from llmroute.routing.rules import Rule


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Codes and slugs that begin so."""
    del ctx, param
    known = (*BY_CODE, *RULES) if incomplete else RULES
    return [name for name in known if name.lower().startswith(incomplete.lower())]


@click.command()
@click.argument("name", metavar="[CODE|SLUG]", required=False, shell_complete=_names)
def rule(name: str | None) -> None:
    """Print the page of a rule, such as LR103 or unknown-provider; without a name, list all rules."""
    if name is None:
        click.echo(_table())
        return
    found = BY_CODE.get(name.upper()) or RULES.get(name.lower())
    if found is None:
        guess = nearest(name, (*RULES, *BY_CODE))
        hint = f"did you mean {guess!r}?" if guess else "llmroute rule lists them all"
        raise click.UsageError(f"there is no rule {name!r}: {hint}")
    _show(found)


def _table() -> str:
    slug = max(map(len, RULES))
    before = " " * (len("LR000") + slug + 13)
    # A pipe gets one line a rule; a terminal gets lines that fit.
    room = max(30, get_terminal_size().columns - len(before)) if sys.stdout.isatty() else 1000
    lines = []
    for row in RULES.values():
        code = paint(row.code, "red" if row.severity == "error" else "yellow")
        first, *others = wrap(row.summary, room)
        lines.append(f"{code}  {row.slug:<{slug}}  {row.severity:<7}  {first}")
        lines += [before + other for other in others]
    return "\n".join(lines)


def _show(found: Rule) -> None:
    from llmroute.routing.rule_pages import page_markdown

    page = page_markdown(found)
    if not has_colour(sys.stdout):
        click.echo(page.rstrip("\n"))
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(page.replace("```yaml invalid", "```yaml"), code_theme="ansi_dark"))
