"""`llmroute verify`: what holds for every query, whatever the environment holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmroute.cli.failures import FAILED
from llmroute.cli.options import Number, spec_option

if TYPE_CHECKING:
    from llmroute.proof.exploration.assertions import Assertion
    from llmroute.proof.findings.bounds import Tokens
    from llmroute.routing.route import Target
    from llmroute.routing.spec import RoutingSpec


@click.command()
@spec_option
@click.option("--never", multiple=True, metavar="'KEY=VALUE …'", help="No target is so; repeatable.")
@click.option("--always", multiple=True, metavar="'KEY=VALUE …'", help="Every target is so; repeatable.")
@click.option("--any-client-arguments", "arguments", is_flag=True, help="Whatever arguments the program passes, too.")
@click.option("--no-env", is_flag=True, help="As if no variable were ever set.")
@click.option("--strict", is_flag=True, help="Wherever a policy or requirement strikes is a violation.")
@click.option("--max-seconds", type=Number(min=0), metavar="N", help="No call may take longer.")
@click.option("--max-attempts", type=click.IntRange(min=0), metavar="N", help="No call may make more attempts.")
@click.option("--max-dollars", type=Number(min=0), metavar="N", help="No call may cost more; wants --tokens.")
@click.option("--tokens", metavar="IN,OUT", help="The tokens of one attempt, to reckon with dollars.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to say it."
)
def verify(  # noqa: PLR0913 - one parameter an option
    *,
    spec: str | None,
    never: tuple[str, ...],
    always: tuple[str, ...],
    max_seconds: float | None,
    max_attempts: int | None,
    max_dollars: float | None,
    tokens: str | None,
    form: str,
    arguments: bool,
    no_env: bool,
    strict: bool,
) -> None:
    """Prove what holds for every agent, purpose and client, whatever the environment holds.

    A policy that only warns, an assertion or a bound that can be broken is a violation, and so is a policy or
    requirement that leaves a query without a route while no variable is set. Each comes with the smallest query and
    environment that show it, as a command. Nothing is sent, and the process's environment is not looked at.

    An assertion is about the queries of its agent, purpose and client (globs; all where absent) and says something of
    their targets: provider, model, api, host, locality, layer, region. Values are separated by commas:
    --never 'agent=file-picker locality=lan,remote'.

    Exit status: 0 all holds; 1 something is violated, or the spec has errors; 2 wrong usage.
    """
    from llmroute.cli.specs import found_path, open_spec
    from llmroute.proof.exploration.groups import Premises
    from llmroute.proof.verification.limits import Limits
    from llmroute.proof.verification.report import Asked, report

    counts = _tokens(tokens)
    if max_dollars is not None and counts is None:
        raise click.UsageError("--max-dollars wants --tokens IN,OUT: what one attempt reads and writes")
    opened = open_spec(spec, checked=False)
    asked = Asked(
        _assertions(opened, never, always),
        Limits(max_seconds, max_attempts, max_dollars),
        Premises(not no_env, arguments),
        strict,
        counts,
        _price if counts is not None else None,
    )
    found = report(opened, asked)
    path = found_path(spec)
    if form == "json":
        from llmroute.cli.verify_view import as_json

        click.echo(as_json(found, path))
    else:
        from llmroute.cli.explain_view import terminal_width
        from llmroute.cli.verify_view import text

        click.echo(text(found, path, terminal_width()))
    if not found.holds:
        click.get_current_context().exit(FAILED)


def _assertions(spec: RoutingSpec, never: tuple[str, ...], always: tuple[str, ...]) -> tuple[Assertion, ...]:
    from llmroute.proof.exploration.assertions import read, unmatched
    from llmroute.proof.exploration.groups import classes_of

    try:
        found = (*(read("never", text) for text in never), *(read("always", text) for text in always))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    classes = classes_of(spec, found) if found else []
    for assertion in found:
        if complaint := unmatched(assertion, classes):
            raise click.UsageError(complaint)
    return found


def _tokens(written: str | None) -> Tokens | None:
    from llmroute.proof.findings.bounds import Tokens

    if written is None:
        return None
    read, _, made = written.replace("_", "").partition(",")
    if not (read.strip().isdecimal() and made.strip().isdecimal()):
        raise click.UsageError("--tokens wants two whole numbers, such as 8000,1000")
    return Tokens(int(read), int(made))


def _price(target: Target, tokens: Tokens) -> float | None:
    from time import time

    from llmroute.dispatch.ledger import list_price_usd
    from llmroute.wire.chat import Usage

    return list_price_usd(target, Usage(input_tokens=tokens.input, output_tokens=tokens.output), time())
