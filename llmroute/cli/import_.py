"""`llmroute import`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import click

from llmroute.cli.failures import FAILED
from llmroute.cli.options import FilePath
from llmroute.cli.output import error, note, visible, write_file

SYSTEMS = ("codeframe", "flux", "codebuff", "hive", "coda")
"""Those of `llmroute.importers`, which is loaded when one of them is asked for."""


@click.command("import")
@click.argument("system", type=click.Choice(SYSTEMS))
@click.argument("file", type=FilePath(allow_dash=True))
@click.option(
    "--output",
    "-o",
    type=FilePath(dir_okay=False, allow_dash=True),
    metavar="FILE",
    default="-",
    show_default=True,
    help="Where to write; - prints it.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def import_(system: str, file: str, output: str, *, force: bool) -> None:
    """Write a routing.yaml that says what another program's configuration says.

    FILE is .codeframe/config.yaml (its block llm:) of codeframe, the environment file of flux, the environment file or
    agent definitions or client options as JSON of codebuff, ~/.hive/configuration.json of hive, or
    ~/.config/coda/config.toml of coda; - is standard input.

    What can't be carried over is a comment, with its line and the reason. No key is copied:
    where one stands, the spec names a variable. Nothing of FILE is changed, and nothing is sent.

    Exit status: 0 written; 1 FILE is no such configuration, or can't be read or written; 2 wrong usage.
    """
    if output != "-" and not force and os.path.lexists(output):
        _stop(f"{output} is there already", "--force replaces it, -o FILE writes another")
    from llmroute.importers import ImportProblem, imported
    from llmroute.load.files import FileProblemError, read_text

    name = "<stdin>" if file == "-" else file
    try:
        found = imported(system, read_text(file), name)
    except FileProblemError as problem:
        unread = problem.rule in {"unreadable-file", "file-too-large"}
        _stop(str(problem) if unread else f"{name}:{problem.mark.line + 1}: {problem}", "" if unread else problem.hint)
    except ImportProblem as problem:
        _stop(f"{name}:{problem.line}: {problem.message}", problem.hint)
    if output == "-":
        click.echo(found.text, nl=False)
    else:
        _write(Path(output), found.text, force=force)
    if found.left_out:
        count = len(found.left_out)
        note(f"{count} setting{'s' * (count > 1)} not carried over: the comments say which, and why")


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        write_file(path, text, replace=force)
    except FileExistsError:
        _stop(f"{path} is there already", "--force replaces it, -o FILE writes another")
    except OSError as problem:
        _stop(f"can't write {path}: {problem.strerror}", "")
    note(visible(f"wrote {path}; next: llmroute explain --spec {path}"))


def _stop(message: str, hint: str) -> NoReturn:
    error(message, hint)
    click.get_current_context().exit(FAILED)
