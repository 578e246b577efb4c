"""`llmroute doctor`: whether what the spec says can work, before a token is spent on it."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from llmroute.cli.failures import FAILED
from llmroute.cli.options import SECONDS, WhatIf, query_options, what_if_options
from llmroute.cli.specs import is_found, open_spec, showing_gate, stop
from llmroute.routing.route import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llmroute.dispatch.checkup import Subject
    from llmroute.dispatch.trust import Gate
    from llmroute.routing.spec import RoutingSpec

DECISIONS = "LR2"
"""Codes of what stops single queries, which are shown among the targets."""


@click.command()
@query_options
@what_if_options
@click.option(
    "--timeout",
    type=SECONDS,
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="For all servers, which are asked at the same time.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(agent: str | None, purpose: str | None, what_if: WhatIf, timeout: float, *, as_json: bool) -> None:
    """Look at every target that the spec can reach, fallbacks included, and say what to do about each that fails.

    Checked are: the key is there, its origin is trusted, the server answers, the key is taken, the model is there, it
    can do what is required, and the way goes through the right proxy. No token is spent: servers are asked for their
    list of models; what only a call would tell is "not checked". Without --agent and --purpose it is all of them.

    Exit status: 0 every first target is well; 1 one is not, or a query has no route; 2 wrong usage.
    """
    spec = _spec(what_if)
    from llmroute.cli.doctor_view import as_json as in_json
    from llmroute.cli.doctor_view import lines
    from llmroute.dispatch.checkup import Asking, examine, subjects_of

    subjects, lost = subjects_of(
        spec, _queries(spec, Query(agent, purpose, what_if.client, what_if.args, what_if.override)), what_if.environ
    )
    with _progress(subjects) as done:
        found = examine(spec, subjects, Asking(what_if.environ, timeout, _gate(spec, what_if), done))
    well = not lost and not any(one.failed and one.subject.first_for for one in found)
    if as_json:
        click.echo(json.dumps(in_json(found, lost, well=well), indent=2, ensure_ascii=False))
    else:
        from llmroute.cli.explain_view import show, terminal_width

        click.echo(show(lines(found, lost, terminal_width())))
    if not well:
        click.get_current_context().exit(FAILED)


def _spec(what_if: WhatIf) -> RoutingSpec:
    """The spec; what is wrong with it as a whole stops here, as it stops every call."""
    from llmroute.routing.checks import check

    spec = open_spec(what_if.spec, checked=False)
    errors = [item for item in check(spec) if item.severity == "error" and not item.code.startswith(DECISIONS)]
    if errors:
        stop(spec.source, errors)
    return spec


def _gate(spec: RoutingSpec, what_if: WhatIf) -> Gate | None:
    return showing_gate(spec) if is_found(what_if.spec) else None


def _queries(spec: RoutingSpec, asker: Query) -> Iterable[Query]:
    from llmroute.routing.check_answers import named_queries

    return [asker] if asker.agent is not None or asker.purpose is not None else named_queries(spec, asker)


@contextmanager
def _progress(subjects: list[Subject]) -> Iterator[Callable[[], object]]:
    """A bar on a terminal; nothing elsewhere."""
    from llmroute.dispatch.checkup import count_servers

    total = count_servers(subjects)
    if not total or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as progress:
        bar = progress.add_task("asking servers", total=total)
        yield lambda: progress.advance(bar)
