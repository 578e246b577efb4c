"""`llmroute explain`: which provider wins for a call, and why, down to the line."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from llmroute.cli.options import WhatIf, query_options, what_if_options
from llmroute.cli.output import note, one_line, visible
from llmroute.cli.report.machine import without_keys
from llmroute.cli.report.redact import redacted
from llmroute.cli.specs import is_found, open_spec, showing_gate
from llmroute.errors import RoutingError
from llmroute.routing.route import Query

if TYPE_CHECKING:
    from llmroute.cli.explain_view import Cell
    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.looked_at import Heard
    from llmroute.routing.route import Resolution
    from llmroute.routing.spec import RoutingSpec


@click.command()
@query_options
@what_if_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "mermaid"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
@click.option(
    "--why-not",
    "wanted",
    metavar="TARGET",
    help="Say what keeps PROVIDER/MODEL, PROVIDER, URL or 'URL MODEL' from winning, and the smallest change for it.",
)
@click.option("--trace", is_flag=True, help="Show every scope that was looked at, silent ones too.")
@click.option("--expect-hash", metavar="HASH", help="Say so where the spec is another one (see llmroute render).")
def explain(  # noqa: PLR0913 - one parameter an option
    *,
    agent: str | None,
    purpose: str | None,
    what_if: WhatIf,
    form: str,
    wanted: str | None,
    trace: bool,
    expect_hash: str | None,
) -> None:
    """Say which provider wins for a call, and why.

    Without --agent and --purpose: the table of all agents and purposes. Nothing is sent, and no key is needed.

    Exit status: 0 there is a route, in the table for every row; 1 there is none, or the spec has errors; 2 wrong usage.
    """
    from llmroute.routing.checks import check

    spec = open_spec(what_if.spec, checked=False)
    if expect_hash is not None:
        _expect(spec, expect_hash)
    query = Query(agent, purpose, what_if.client, what_if.args, what_if.override)
    diagnostics = check(spec, environ=what_if.environ, asker=query)
    if wanted is not None:
        _explain_why_not(spec, query, what_if, wanted, form)
    elif agent is None and purpose is None and (spec.agents or spec.purposes) and not trace:
        _explain_all(spec, query, what_if, form, diagnostics)
    else:
        _explain_one(spec, query, what_if, form, diagnostics, trace=trace)


def _expect(spec: RoutingSpec, expected: str) -> None:
    """Say that the spec is another one than the one that a call went by."""
    from llmroute.routing.canonical import SHORT, spec_hash

    found, given = spec_hash(spec), expected.strip().lower()
    if len(given) < SHORT or set(given) - set("0123456789abcdef"):
        raise click.UsageError(f"--expect-hash wants {SHORT} hexadecimal digits or more: see llmroute render --hash")
    if not found.startswith(given):
        note(f"this is another spec: its hash is {found[:SHORT]}, and {given[:SHORT]} was expected")


def _explain_one(  # noqa: PLR0913 - the flags of the command
    spec: RoutingSpec, query: Query, what_if: WhatIf, form: str, diagnostics: list[Diagnostic], *, trace: bool
) -> None:
    from llmroute.routing import explain_data as render
    from llmroute.routing.resolve import resolve

    if trace and form == "mermaid":
        raise click.UsageError("--trace prints text or json")
    try:
        resolution = _judged(spec, resolve(spec, query, what_if.environ), what_if)
    except RoutingError as error:
        _no_route(query, error, form, diagnostics, _scopes(spec, query, what_if) if trace else None)
        raise click.exceptions.Exit(1) from None
    heard = _scopes(spec, query, what_if, resolution.target.provider) if trace else None
    if form == "json":
        told = [*diagnostics, *(item for item in resolution.diagnostics if item not in diagnostics)]
        shown = {
            **render.as_json(resolution),
            **_scopes_json(heard),
            "diagnostics": [without_keys(item).to_json() for item in told],
        }
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False, default=str))
    elif form == "mermaid":
        click.echo(visible(render.mermaid(resolution)))
    else:
        _print_text(resolution)
        _print_scopes(heard)
        _beside(diagnostics)


def _scopes(spec: RoutingSpec, query: Query, what_if: WhatIf, provider: str | None = None) -> list[Heard]:
    """Everything that was listened to; nothing where a name of the query is unknown."""
    from llmroute.routing.looked_at import looked_at

    try:
        return looked_at(spec, query, what_if.environ, provider)
    except RoutingError:
        # The answer has said it: nothing was looked at.
        return []


def _scopes_json(heard: list[Heard] | None) -> dict[str, Any]:
    return {} if heard is None else {"scopes": [scope.to_json() for scope in heard]}


def _print_scopes(heard: list[Heard] | None) -> None:
    if heard:
        from llmroute.cli.explain_view import show
        from llmroute.routing.looked_at import text

        click.echo(f"\n{show(text(heard))}")


def _judged(spec: RoutingSpec, resolution: Resolution, what_if: WhatIf) -> Resolution:
    """The resolution with the status of its keys, and with what would stop a call that nothing stops here."""
    from llmroute.dispatch.credentials import clear_text, with_read_credentials

    found: list[Diagnostic] = []
    unread: set[str] = set()
    if is_found(what_if.spec):
        gate = showing_gate(spec)
        rows = gate.held_back(resolution, what_if.environ)
        found, unread = gate.diagnostics(rows), {row.flow.source for row in rows}
    resolution = with_read_credentials(resolution, unread)
    found += clear_text(resolution)
    return replace(resolution, diagnostics=(*resolution.diagnostics, *found))


def _print_text(resolution: Resolution) -> None:
    from llmroute.cli.explain_view import show, terminal_width
    from llmroute.routing.explain import text

    click.echo(show(text(resolution, terminal_width())))


def _no_route(
    query: Query, error: RoutingError, form: str, diagnostics: list[Diagnostic], heard: list[Heard] | None
) -> None:
    from llmroute.cli.explain_view import show, terminal_width
    from llmroute.routing.explain import error_text
    from llmroute.routing.explain_data import error_json

    # The same error, seen by the checks, is not said twice.
    diagnostics = [item for item in diagnostics if not (item.rule == error.rule and error.message in item.message)]
    if form == "json":
        told = [without_keys(item).to_json() for item in diagnostics]
        shown = {**error_json(query, error), **_scopes_json(heard), "diagnostics": told}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False, default=str))
    else:
        click.echo(show(error_text(query, error, terminal_width())), err=form == "mermaid")
        _print_scopes(heard)
        _beside(diagnostics)


def _beside(diagnostics: list[Diagnostic]) -> None:
    """The errors of the spec, which concern other queries; the warnings are `validate`'s to say."""
    errors = [item for item in diagnostics if item.severity == "error"]
    for item in errors[:5]:
        note(visible(f"{item.origin}: error[{item.code}]: {redacted(item.message)}"))
    if errors:
        note(f"the spec has {len(errors)} error{'s' if len(errors) > 1 else ''}: llmroute validate shows them all")


def _explain_all(spec: RoutingSpec, asker: Query, what_if: WhatIf, form: str, diagnostics: list[Diagnostic]) -> None:
    from llmroute.cli.explain_view import cells
    from llmroute.routing.explain_data import error_json

    if form == "mermaid":
        raise click.UsageError("a chart shows one query: name --agent or --purpose")
    found = cells(spec, asker, what_if.environ)
    if form == "json":
        rows: list[dict[str, Any]] = [
            {"query": cell.query.to_json(), "error": error_json(cell.query, cell.answer)["error"]}
            if isinstance(cell.answer, RoutingError)
            else {
                "query": cell.query.to_json(),
                "targets": [target.to_json() for target in cell.answer.route.targets],
            }
            for cell in found
        ]
        shown = {"table": rows, "diagnostics": [without_keys(item).to_json() for item in diagnostics]}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False, default=str))
    else:
        _print_table(spec, found, what_if, diagnostics)
    if any(isinstance(cell.answer, RoutingError) for cell in found):
        raise click.exceptions.Exit(1)


def _print_table(spec: RoutingSpec, found: list[Cell], what_if: WhatIf, diagnostics: list[Diagnostic]) -> None:
    from llmroute.cli.explain_view import MAX_QUERIES, table, terminal_width

    click.echo(table(found, terminal_width()))
    _waiting(spec, [cell.answer for cell in found if not isinstance(cell.answer, RoutingError)], what_if)
    if len(found) == MAX_QUERIES:
        note(f"the first {MAX_QUERIES:,} queries; name --agent or --purpose for another")
    # What the environment or an argument does stands at no line of the spec: the queries themselves say it.
    of_the_file = [item for item in diagnostics if item.pointer]
    _refused([cell.answer for cell in found if isinstance(cell.answer, RoutingError)], of_the_file)
    _beside(of_the_file)


def _refused(errors: list[RoutingError], told: list[Diagnostic]) -> None:
    """Why queries have no route, each reason once, and not what is told with its line."""
    reasons = {
        f"no route [{error.rule}]: {error.message}" + (f"\n  {error.hint}" if error.hint else ""): None
        for error in errors
        if not any(item.rule == error.rule and error.message in item.message for item in told)
    }
    for reason in reasons:
        note(visible(redacted(reason)))


def _waiting(spec: RoutingSpec, found: list[Resolution], what_if: WhatIf) -> None:
    """What a call would be stopped for, of all that the table shows."""
    from llmroute.dispatch.trust import HINT, complaint

    if is_found(what_if.spec):
        gate = showing_gate(spec)
        lines = dict.fromkeys(complaint(row) for answer in found for row in gate.held_back(answer, what_if.environ))
        for line in lines:
            note(visible(line))
        if lines:
            note(HINT)


def _explain_why_not(spec: RoutingSpec, query: Query, what_if: WhatIf, wanted: str, form: str) -> None:
    from llmroute.routing.why_not import why_not

    answer = why_not(spec, query, what_if.environ, wanted)
    if form == "json":
        click.echo(json.dumps({"query": query.to_json(), "target": wanted, **answer._asdict()}, indent=2))
        return
    if form == "mermaid":
        raise click.UsageError("--why-not prints text or json")
    lines = [*(f"  {reason}" for reason in answer.reasons)]
    if answer.remedies:
        lines += [
            "the smallest changes that would make it win, each tried:",
            *(f"  {remedy}" for remedy in answer.remedies),
        ]
    elif not answer.wins:
        lines.append("no change of the environment, the arguments or two scopes was found that would make it win")
    click.echo(visible("\n".join([f"{one_line(wanted)} {'wins' if answer.wins else 'does not win'}:", *lines])))
