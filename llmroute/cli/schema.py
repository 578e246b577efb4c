"""`llmroute schema`."""

from __future__ import annotations

from pathlib import Path

import click

from llmroute.cli.failures import FAILED
from llmroute.cli.options import FilePath
from llmroute.cli.output import error, note, write_file
from llmroute.load.validation import schema_text


@click.command()
@click.option(
    "--output",
    "-o",
    type=FilePath(dir_okay=False, allow_dash=True),
    metavar="FILE",
    default="-",
    show_default=True,
    help="Where to write; - prints it.",
)
def schema(output: str) -> None:
    """Print the JSON Schema of routing.yaml, for an editor: completion, and help while you type.

    Put this line at the top of routing.yaml:

    # yaml-language-server: $schema=FILE
    """
    text = schema_text()
    if output == "-":
        click.echo(text.rstrip("\n"))
        return
    try:
        write_file(Path(output), text, replace=True)
    except OSError as problem:
        error(f"can't write {output}: {problem.strerror}")
        click.get_current_context().exit(FAILED)
    note(f"wrote {output}")
