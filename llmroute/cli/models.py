"""`llmroute models`: what each provider offers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from llmroute.cli.completion import providers
from llmroute.cli.failures import FAILED
from llmroute.cli.options import SECONDS, spec_option
from llmroute.cli.output import error, note, visible
from llmroute.cli.specs import gate_before, spec_or_empty

if TYPE_CHECKING:
    from llmroute.dispatch.model_lists import Listing
    from llmroute.errors import RoutingError
    from llmroute.routing.route import Target
    from llmroute.routing.spec import RoutingSpec


@click.command()
@click.argument("provider", required=False, metavar="[PROVIDER]", shell_complete=providers)
@spec_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
@click.option("--refresh", is_flag=True, help="Ask, even where the list is less than a day old.")
@click.option(
    "--timeout",
    type=SECONDS,
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a provider may take.",
)
def models(provider: str | None, spec: str | None, form: str, timeout: float, *, refresh: bool) -> None:
    """List the models that the providers of the spec offer, or one PROVIDER: of the spec, or a preset.

    The lists of vendors are kept for a day; servers on this machine and in your network are asked each time. Where
    nobody answers, the last list is shown and marked as stale. Requirements and policies hold here too: what may not
    be called is not asked.

    Exit status: 0 fine; 1 the named provider, or every one, can't be asked and nothing is kept.
    """
    read = spec_or_empty(spec, needed=provider is None)
    targets = _targets(read, provider)
    from llmroute.dispatch.model_lists import Asking, listings
    from llmroute.routing.route import Target

    asking = Asking(dict(os.environ), timeout, refresh, gate_before(read, spec))
    reached = {name: target for name, target in targets.items() if isinstance(target, Target)}
    refused = {name: target for name, target in targets.items() if not isinstance(target, Target)}
    found = dict(zip(reached, listings(read, list(reached.values()), asking), strict=True))
    if form == "json":
        from llmroute.cli.models_view import as_json

        click.echo(json.dumps(as_json(found, refused), indent=2, ensure_ascii=False))
    else:
        _print(found)
    _say(found, refused, named=provider is not None)
    if not any(one.asked_at is not None or one.error is None for one in found.values()):
        click.get_current_context().exit(FAILED)


def _targets(spec: RoutingSpec, provider: str | None) -> dict[str, Target | RoutingError]:
    from llmroute.dispatch.overrides import active
    from llmroute.routing.provider_targets import provider_target, provider_targets
    from llmroute.routing.route import Query

    environ = dict(os.environ)
    if provider is not None:
        return {provider: provider_target(spec, provider, environ)}
    return provider_targets(spec, environ, Query(override=active(environ)))


def _print(found: dict[str, Listing]) -> None:
    import time

    from llmroute.cli.explain_view import show
    from llmroute.cli.models_view import table

    lines = table(found, time.time())
    if lines:
        click.echo(show(lines))


def _say(found: dict[str, Listing], refused: dict[str, RoutingError], *, named: bool) -> None:
    """What could not be asked, one line each: as an error where nothing else was wanted."""
    from llmroute.cli.next_step import in_one_line

    for name, one in found.items():
        if one.error is not None:
            line = in_one_line(one.error, one.target, one.preset)
            line += "; the list is an old one" if one.stale else ""
            if named and not one.stale:
                error(line)
            else:
                note(visible(f"{name}: {line}"))
    for name, problem in refused.items():
        note(visible(f"{name}: {in_one_line(problem)}"))
