"""`llmroute diff`: which queries a change of a spec moves, and where to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmroute.cli.failures import FAILED
from llmroute.cli.options import environment
from llmroute.cli.output import error, note, one_line

if TYPE_CHECKING:
    from llmroute.load import Loaded
    from llmroute.proof.differences.diff import Difference, Price
    from llmroute.routing.route import Target
    from llmroute.routing.spec import RoutingSpec

_SAMPLE = 1_000
"""Tokens of the call whose price is told for a million: so few that no price for long inputs applies."""


@click.command()
@click.argument("old", metavar="OLD", type=click.Path(allow_dash=True))
@click.argument("new", metavar="NEW", type=click.Path(allow_dash=True))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
@click.option("--fail-on-weaker", is_flag=True, help="A policy or requirement that holds less than it did is an error.")
@click.option("--exit-zero", is_flag=True, help="Changed queries alone are no failure.")
@click.option("--prices/--no-prices", default=True, help="List prices of first targets that changed; on by default.")
@click.option("--any-env", is_flag=True, help="Say too where agents can get, whatever variables are set.")
@click.option("--with-env", is_flag=True, help="As the variables are set here, and not as if none were.")
@click.option("--no-env", is_flag=True, help="As if no variable were set: the default.")
@click.option("--set-env", metavar="NAME=VALUE", multiple=True, help="As if the variable were set; repeatable.")
@click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=False),
    metavar="FILE",
    help="As if the variables of the file were set: NAME=VALUE lines.",
)
def diff(  # noqa: PLR0913 - the flags of the command
    old: str,
    new: str,
    form: str,
    set_env: tuple[str, ...],
    env_file: str | None,
    *,
    fail_on_weaker: bool,
    exit_zero: bool,
    prices: bool,
    any_env: bool,
    with_env: bool,
    no_env: bool,
) -> None:
    """Say which queries get another route, and what follows from that.

    OLD and NEW are files, or files in git: REVISION:PATH, where PATH counts from the repository's root, or from this
    folder with ./ before it; without a revision (:PATH) it is the index. - is standard input.

    Exit status: 0 no query changes; 1 some do, a spec has errors, or with --fail-on-weaker something got weaker;
    2 wrong usage. With --exit-zero changed queries alone are 0.
    """
    from llmroute.proof.differences.diff import diff as compare

    if with_env and no_env:
        raise click.UsageError("--with-env and --no-env contradict each other")
    if old == new == "-":
        raise click.UsageError("only one of both can be standard input")
    environ = environment(set_env, env_file, no_env=not with_env)
    specs = _specs(old, new)
    found = compare(*specs, environ, _price if prices else None)
    if any_env:
        from llmroute.proof.differences.diff_reach import possible

        found = found._replace(possible=tuple(possible(*specs)))
    click.echo(_written(found, form, old, new), nl=False)
    if fail_on_weaker and found.weaker:
        count = len(found.weaker)
        error(f"{count} polic{'y or requirement holds' if count == 1 else 'ies or requirements hold'} less than before")
        click.get_current_context().exit(FAILED)
    if found.changes and not exit_zero:
        click.get_current_context().exit(FAILED)


def _specs(old: str, new: str) -> tuple[RoutingSpec, RoutingSpec]:
    """Both specs; where one has errors they are printed, and the command exits with 1."""
    from llmroute.cli.revisions import read_version

    loaded = (read_version(old), read_version(new))
    for label, name, each in zip(("OLD", "NEW"), (old, new), loaded, strict=True):
        if each.spec is None:
            _complain(f"{label}, which is {one_line(name)}", each)
    if loaded[0].spec is None or loaded[1].spec is None:
        click.get_current_context().exit(FAILED)
    return loaded[0].spec, loaded[1].spec


def _complain(which: str, loaded: Loaded) -> None:
    from llmroute.cli.report.text import report_text
    from llmroute.cli.specs import Judged

    note(f"{which}, has errors:")
    errors = tuple(item for item in loaded.diagnostics if item.severity == "error")
    click.echo(report_text([Judged(loaded.source.path, loaded.source, None, errors)], err=True), err=True, nl=False)


def _price(target: Target) -> Price:
    """What a million tokens cost, in and out."""
    from time import time

    from llmroute.dispatch.ledger import list_price_usd
    from llmroute.proof.differences.diff import Price
    from llmroute.wire.chat import Usage

    now = time()
    one_in = list_price_usd(target, Usage(input_tokens=_SAMPLE, output_tokens=0), now)
    one_out = list_price_usd(target, Usage(input_tokens=0, output_tokens=_SAMPLE), now)
    return Price(*(None if usd is None else usd * 1_000_000 / _SAMPLE for usd in (one_in, one_out)))


def _written(found: Difference, form: str, old: str, new: str) -> str:
    if form == "json":
        from llmroute.cli.diff_json import as_json

        return as_json(found)
    if form == "markdown":
        from llmroute.cli.diff_markdown import markdown

        return markdown(found, old, new)
    from llmroute.cli.diff_view import text

    return text(found, old, new)
