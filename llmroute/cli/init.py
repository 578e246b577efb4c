"""`llmroute init`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from llmroute.cli.failures import FAILED
from llmroute.cli.found import LOCAL_PORTS, Found, local_servers, vendors
from llmroute.cli.options import FilePath
from llmroute.cli.output import error, note, visible, write_file
from llmroute.cli.starter import starter
from llmroute.load.files import SPEC_NAME


@click.command()
@click.option(
    "--output",
    "-o",
    type=FilePath(dir_okay=False, allow_dash=True),
    metavar="FILE",
    default=SPEC_NAME,
    show_default=True,
    help="Where to write; - prints it.",
)
@click.option("--yes", "-y", is_flag=True, help="Look for local servers without asking.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def init(output: str, *, yes: bool, force: bool) -> None:
    """Write a commented routing.yaml for what is found on this machine.

    Found are key variables that are set (their names; no value is read into the file) and, if you agree, servers
    on this machine's ports 11434, 1234, 8080 and 8000. With neither, the spec uses the provider mock, so that
    explain and run work without a key.
    """
    path = Path(output)
    if output != "-" and not force and os.path.lexists(path):
        _stop(f"{output} is there already", "--force replaces it, --output FILE writes another")
    found = [*_servers(yes=yes), *vendors(os.environ)]
    text = starter(found)
    if output == "-":
        click.echo(text, nl=False)
        return
    try:
        write_file(path, text, replace=force)
    except FileExistsError:
        _stop(f"{output} is there already", "--force replaces it, --output FILE writes another")
    except OSError as problem:
        _stop(f"can't write {output}: {problem.strerror}", "")
    for one in found:
        note(f"{one.preset}: {one.reason}" + ("" if one.model else "; it has no model yet"))
    note(visible(f"wrote {output}; next: llmroute explain"))


def _servers(*, yes: bool) -> list[Found]:
    ports = ", ".join(map(str, LOCAL_PORTS.values()))
    if not yes and not _is_terminal():
        note(f"not looking for local servers (ports {ports}): --yes does")
        return []
    if not yes and not click.confirm(f"Look for servers on this machine (ports {ports})?", default=True, err=True):
        return []
    return list(local_servers())


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _stop(message: str, hint: str) -> NoReturn:
    error(message, hint)
    click.get_current_context().exit(FAILED)
