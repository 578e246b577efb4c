"""`llmroute reach`: what a query could ever get, and who could ever get somewhere."""

from __future__ import annotations

import json

import click

from llmroute.cli.completion import clients, providers
from llmroute.cli.options import query_options, spec_option
from llmroute.cli.verify_view import without_keys


@click.command()
@spec_option
@query_options
@click.option("--client", metavar="NAME", shell_complete=clients, help="The program that asks, as under clients.")
@click.option("--provider", metavar="GLOB", shell_complete=providers, help="Only targets of these providers.")
@click.option("--model", metavar="GLOB", help="Only targets with these models.")
@click.option("--locality", type=click.Choice(["local", "lan", "remote"]), help="Only targets as far away as this.")
@click.option("--any-client-arguments", "arguments", is_flag=True, help="Whatever arguments the program passes, too.")
@click.option("--no-env", is_flag=True, help="As if no variable were ever set.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to say it."
)
def reach(  # noqa: PLR0913 - one parameter an option
    *,
    spec: str | None,
    agent: str | None,
    purpose: str | None,
    client: str | None,
    provider: str | None,
    model: str | None,
    locality: str | None,
    form: str,
    arguments: bool,
    no_env: bool,
) -> None:
    """List every target that a query could ever get, and what has to be so for it.

    With --agent, --purpose or --client: what these queries could get, fallbacks included. With --provider, --model or
    --locality: who could ever get there. The process's environment is not looked at, and nothing is sent.
    """
    from llmroute.cli.specs import open_spec
    from llmroute.proof.exploration.groups import Premises, explore
    from llmroute.proof.verification.reach import Wanted
    from llmroute.proof.verification.reach import reach as rows_of

    opened = open_spec(spec, checked=False)
    wanted = Wanted(provider, model, locality)
    chosen = {kind: name for kind, name in (("agent", agent), ("purpose", purpose), ("client", client)) if name}
    explored = explore(opened, Premises(not no_env, arguments), chosen=chosen, told=wanted.told())
    rows = rows_of(explored, wanted)
    if form == "json":
        click.echo(json.dumps({"targets": without_keys([row for each in rows for row in each.to_json()])}, indent=2))
    else:
        from llmroute.cli.explain_view import terminal_width
        from llmroute.cli.reach_view import text

        click.echo(text(rows, explored, chosen, terminal_width()))
