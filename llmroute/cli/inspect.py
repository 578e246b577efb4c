"""`llmroute inspect`: a page on which a person sees where every call goes, and why."""

from __future__ import annotations

import io
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from llmroute.cli.failures import FAILED
from llmroute.cli.options import FilePath, WhatIf, what_if_options
from llmroute.cli.output import error, note, visible, write_file

if TYPE_CHECKING:
    from collections.abc import Hashable

    from llmroute.inspection.data import Subject
    from llmroute.inspection.server import Reading
    from llmroute.load import Loaded
    from llmroute.routing.spec import RoutingSpec

_OURS = '<meta name="generator" content="llmroute inspect">'
_BEGINNING = 2_000


@click.command()
@what_if_options
@click.option(
    "--output",
    "-o",
    type=FilePath(dir_okay=False, allow_dash=True),
    metavar="FILE.html",
    help="Where to write; - prints it. Unless named, the name of the spec with .html, in this folder.",
)
@click.option("--force", is_flag=True, help="Replace a file that this command has not written.")
@click.option(
    "--serve",
    type=click.IntRange(0, 65_535),
    is_flag=False,
    flag_value=0,
    metavar="[PORT]",
    help="Serve the page to this machine alone, and follow the file; without a port, on any that is free.",
)
def inspect(what_if: WhatIf, output: str | None, serve: int | None, *, force: bool) -> None:
    """Write a page on which to see where every call goes, and why.

    One HTML file that loads nothing: the answers to all agents and purposes, the scopes and lines behind each, and
    what changes where one variable or argument does. No key is in it. With --serve the page follows the file as you
    edit it, and any changes may be tried at once; Ctrl-C ends it.
    """
    if serve is not None and output is not None:
        raise click.UsageError("--serve writes no file: leave --output out")
    if serve is not None and what_if.spec == "-":
        raise click.UsageError("--serve follows a file, and standard input is none")
    if serve is not None:
        _serve(what_if, serve)
    else:
        _write(what_if, output, force=force)


def _write(what_if: WhatIf, output: str | None, *, force: bool) -> None:
    from llmroute.cli.specs import found_path, stop
    from llmroute.inspection.data import page_data
    from llmroute.inspection.page import page
    from llmroute.load import read_file

    loaded = read_file(found_path(what_if.spec))
    if loaded.spec is None:
        stop(loaded.source, loaded.diagnostics)
    text = page(page_data(_subject(loaded, what_if)))
    if output == "-":
        click.echo(text, nl=False)
        return
    path = Path(output or f"{Path(_title(loaded)).stem}.html")
    try:
        write_file(path, text, replace=force or _is_ours(path))
    except FileExistsError:
        _stop(f"{path} is there already, and no page of llmroute", "--force replaces it, --output FILE writes another")
    except OSError as problem:
        _stop(f"can't write {path}: {problem.strerror}", "")
    note(visible(f"wrote {path} ({len(text.encode()) / 1024:,.0f} kB): open it in a browser"))


def _is_ours(path: Path) -> bool:
    """Whether a file is a page of this command, which may be written anew."""
    try:
        with path.open("rb") as file:
            return _OURS.encode() in file.read(_BEGINNING)
    except OSError:
        return False


def _subject(loaded: Loaded, what_if: WhatIf) -> Subject:
    """A spec that was read, as the page shows it."""
    from llmroute.cli.report.redact import redacted
    from llmroute.cli.report.whole import shown_lines, without_keys_in_text
    from llmroute.inspection.answers import Veil
    from llmroute.inspection.data import Subject
    from llmroute.routing.checks import check
    from llmroute.routing.route import Query

    if loaded.spec is None:
        raise ValueError("a spec that can't be read is not shown")
    asker = Query(None, None, what_if.client, what_if.args, what_if.override)
    return Subject(
        spec=loaded.spec,
        title=_title(loaded),
        asker=asker,
        environ=dict(what_if.environ),
        lines=shown_lines(loaded.source),
        problems=_problems(loaded, check(loaded.spec, environ=what_if.environ, asker=asker)),
        veil=Veil(prose=lambda text: redacted(visible(text)), value=lambda text: without_keys_in_text(visible(text))),
        command=redacted(visible(_command(loaded.spec, what_if))),
    )


def _title(loaded: Loaded) -> str:
    name = Path(loaded.source.path).name
    return "routing.yaml" if name == "<stdin>" else name


def _problems(loaded: Loaded, checked: object = ()) -> str:
    """The errors of a spec, as `validate` says them, without colours."""
    from llmroute.cli.report.drawing import drawn
    from llmroute.cli.specs import Judged

    judged = Judged(loaded.source.path, loaded.source, loaded.spec, (*loaded.diagnostics, *checked))  # type: ignore[misc]
    errors = [item for item in judged.diagnostics if item.severity == "error"]
    return "\n".join(line for item in errors for line in drawn(item, judged, io.StringIO()))


def _command(spec: RoutingSpec, what_if: WhatIf) -> str:
    """What explains a query as the page does, up to its agent, purpose and client; what may be a key is left out."""
    from llmroute.inspection.offers import variables

    known = set(variables(spec))
    given = click.get_current_context().params
    flags = [flag for flag, name in (("--no-env", "no_env"), ("--no-local", "no_local")) if given[name]]
    for flag, value in (
        ("--spec", what_if.spec),
        ("--env-file", given["env_file"]),
        *(("--set-env", _shown(setting, known)) for setting in given["set_env"]),
        *((f"--{name.replace('_', '-')}", given[name]) for name in ("provider", "model", "base_url", "api_key_env")),
    ):
        flags += [flag, shlex.quote(value)] if value is not None else []
    return " ".join(["llmroute explain", *flags])


def _shown(setting: str, known: set[str]) -> str:
    name, _, value = setting.partition("=")
    return f"{name}={value if name.strip() in known else '…'}"


def _serve(what_if: WhatIf, port: int) -> None:
    from llmroute.cli.specs import found_path, stop
    from llmroute.inspection.server import Reading, Server, Watched
    from llmroute.load import read_file
    from llmroute.load.files import split_pointer

    named = found_path(what_if.spec)
    file = split_pointer(named)[0]
    first = read_file(named)
    if first.spec is None:
        stop(first.source, first.diagnostics)
    context = click.get_current_context()

    def read() -> Reading:
        # The thread that looks at the file has no context of its own.
        with context.scope(cleanup=False):
            loaded = read_file(named)
            return Reading(_subject(loaded, what_if)) if loaded.spec is not None else Reading(None, _problems(loaded))

    try:
        server = Server(Watched(read, lambda: _stamp(file)), port)
    except OSError as problem:
        _stop(f"can't listen on 127.0.0.1:{port}: {problem.strerror}", "--serve alone takes any port that is free")
    note(visible(f"{named} is shown at {server.url} until Ctrl-C"))
    try:
        server.run()
    except KeyboardInterrupt:
        note("stopped")


def _stamp(path: str) -> Hashable:
    """What tells a file from what it was; None while it is away, as between the two steps of an editor's save."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _stop(message: str, hint: str) -> NoReturn:
    error(message, hint)
    click.get_current_context().exit(FAILED)
