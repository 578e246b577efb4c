"""`llmroute trust`: what a spec sends where, and the user's word for it."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from llmroute.cli.failures import FAILED, was_interrupted
from llmroute.cli.options import FilePath
from llmroute.cli.output import error, note, paint, visible_character
from llmroute.cli.specs import found_path, open_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmroute.dispatch.trust import Pair
    from llmroute.errors import RoutingError
    from llmroute.routing.flows import Sent


@click.command()
@click.argument("file", required=False, metavar="[FILE]", type=FilePath())
@click.option("--yes", "-y", is_flag=True, help="Trust all that is shown, without asking.")
@click.option("--list", "lists", is_flag=True, help="Print what was trusted, of all specs.")
@click.option("--forget", is_flag=True, help="Trust the spec no more.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; nothing is asked.")
def trust(file: str | None, *, yes: bool, lists: bool, forget: bool, as_json: bool) -> None:
    """Show what a spec sends to which origin, and remember that you want it so.

    Without FILE it is the spec that is found. Each line is a source, where it goes, and the line that says so: a
    variable, a file, an entry of the keyring, a header or field of the body. What a preset pairs by itself (a vendor's
    own key and host) needs no trust, nor does a server on this machine that gets no key. The answer is kept in your
    state folder, with the file's path; whatever is new or changed is asked again.

    Exit status: 0 all of it is trusted; 1 it is not, or the spec has errors; 2 wrong usage.
    """
    if sum((yes, lists, forget)) > 1:
        raise click.UsageError("--yes, --list and --forget are three different things")
    if lists:
        _list(as_json=as_json)
    elif forget:
        _forget(found_path(file))
    else:
        _trust(found_path(file), yes=yes, as_json=as_json)


def _trust(path: str, *, yes: bool, as_json: bool) -> None:
    from llmroute.dispatch.trust import Gate, pair_of
    from llmroute.routing.pairs import everything

    spec = open_spec(path, checked=False)
    rows, problems = everything(spec, dict(os.environ))
    waiting = {pair_of(row) for row in Gate(spec).untrusted(rows)}
    if waiting and yes:
        _keep(path, waiting)
    if as_json:
        click.echo(json.dumps(_as_json(path, rows, set() if yes else waiting, problems), indent=2, ensure_ascii=False))
    else:
        _show(path, rows, waiting)
        _unsaid(problems)
    if not waiting or yes:
        _say_trusted(len(waiting), quiet=as_json)
    elif as_json or not _agreed(len(waiting)):
        note("nothing was trusted")
        raise click.exceptions.Exit(1)
    else:
        _keep(path, waiting)
        _say_trusted(len(waiting), quiet=False)


def _keep(path: str, pairs: set[Pair]) -> None:
    from llmroute.dispatch.trust import key_of_spec, remember

    with _writing():
        remember(key_of_spec(path), pairs)


@contextmanager
def _writing() -> Iterator[None]:
    """Say why the list of what is trusted can't be written."""
    from llmroute.dispatch.trust import trust_path

    try:
        yield
    except OSError as problem:
        error(f"can't write {_line(str(trust_path()))}: {problem.strerror}")
        click.get_current_context().exit(FAILED)


def _agreed(count: int) -> bool:
    what = "this" if count == 1 else f"these {count}"
    try:
        return click.confirm(f"Do you trust {what}?", default=False, err=True)
    except click.Abort as end:
        note("")
        if was_interrupted(end):
            raise
        return False


def _say_trusted(count: int, *, quiet: bool) -> None:
    if not quiet:
        note("trusted" if count else "there is nothing here that needs your trust")


def _show(path: str, rows: Sequence[Sent], waiting: set[Pair]) -> None:
    """One line each, never cut: the end of a host's name is what matters."""
    from llmroute.dispatch.trust import described, pair_of
    from llmroute.routing.flows import origin_text

    click.echo(paint(_line(path), bold=True))
    shown: dict[tuple[str, str], tuple[str, str, str]] = {}
    for row in rows:
        pair = pair_of(row)
        state = "asks" if pair in waiting else "vendor" if row.free else "trusted"
        what = described(row.flow.source)
        if pair.source.startswith("file:") and pair.source != row.flow.source:
            what += f" ({pair.source.removeprefix('file:')})"
        shown.setdefault((what, origin_text(row.url)), (state, str(row.flow.place), pair.source))
    width = max((len(what) for what, _ in shown), default=0)
    for (what, origin), (state, place, _) in shown.items():
        mark = paint(f"{_STATES[state]:9}", _COLOURS[state], bold=state == "asks")
        click.echo(f"  {mark}{_line(what):{min(width, 40)}}  → {_line(origin)}   {_line(place)}")


_STATES = {"asks": "NEW", "vendor": "known", "trusted": "trusted"}
_COLOURS = {"asks": "yellow", "vendor": None, "trusted": "green"}


def _line(text: str) -> str:
    """A text of the spec on one line: no character of it can make another, or hide one."""
    return "".join(visible_character(character) for character in text)


def _unsaid(problems: Sequence[RoutingError]) -> None:
    for text in dict.fromkeys(problem.message for problem in problems):
        note(f"  not known yet: {_line(text)}")


def _as_json(path: str, rows: Sequence[Sent], waiting: set[Pair], problems: Sequence[RoutingError]) -> dict[str, Any]:
    from llmroute.dispatch.trust import pair_of

    return {
        "path": path,
        "pairs": [
            {
                **pair_of(row)._asdict(),
                "trusted": pair_of(row) not in waiting,
                "free": row.free,
                "place": row.flow.place.to_json(),
            }
            for row in rows
        ],
        "unknown": list(dict.fromkeys(problem.message for problem in problems)),
    }


def _list(*, as_json: bool) -> None:
    from llmroute.dispatch.trust import remembered

    files = {name: sorted(pairs) for name, pairs in sorted(remembered().items())}
    if as_json:
        shown = {name: [pair._asdict() for pair in pairs] for name, pairs in files.items()}
        click.echo(json.dumps({"files": shown}, indent=2, ensure_ascii=False))
        return
    for name, pairs in files.items():
        click.echo(paint(_line(name), bold=True))
        for pair in pairs:
            click.echo(f"  {_line(pair.source)}  → {_line(pair.origin)}")
    if not files:
        note("nothing was trusted yet")


def _forget(path: str) -> None:
    from llmroute.dispatch.trust import forget, key_of_spec

    with _writing():
        known = forget(key_of_spec(path))
    if known:
        note("forgotten")
    else:
        note(f"{_line(path)} was not trusted")
