"""`llmroute fmt`: a spec in one layout, with its comments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmroute.cli.failures import FAILED
from llmroute.cli.options import FilePath
from llmroute.cli.output import error, one_line, write_file
from llmroute.cli.specs import found_path

if TYPE_CHECKING:
    from llmroute.load import Loaded


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...", type=FilePath(allow_dash=True))
@click.option("--check", is_flag=True, help="Write nothing; say which files would change.")
def fmt(files: tuple[str, ...], *, check: bool) -> None:
    """Write specs in one layout: keys in order, two spaces a level, quotes where they are needed.

    Comments stay, and so does the order of what you have named. A file whose meaning would change is left alone.
    Without FILE it is the spec that is found; - reads standard input and prints the result.

    Exit status: 0 fine; 1 a file has errors or can't be formatted, or with --check would change; 2 wrong usage.
    """
    done = [_format(name, check=check) for name in dict.fromkeys(files or (found_path(),))]
    if not all(done):
        click.get_current_context().exit(FAILED)


def _format(name: str, *, check: bool) -> bool:
    """Whether all is well with a file."""
    from llmroute.load import read_file
    from llmroute.load.files import split_pointer
    from llmroute.load.formatting import formatted
    from llmroute.load.yaml_tree import CantFormatError

    if split_pointer(name)[1]:
        raise click.UsageError(f"fmt writes whole files, and {one_line(name)} is a part of one")
    loaded = read_file(name)
    if loaded.spec is None:
        _complain(loaded)
        return False
    text = loaded.source.text or ""
    try:
        new = formatted(text)
    except CantFormatError as problem:
        error(f"{name} is left as it is: {problem}")
        return False
    if name == "-" and not check:
        click.echo(new, nl=False)
        return True
    shown = one_line(loaded.source.path)
    if new == text:
        click.echo(f"{shown}: fine")
        return True
    if check:
        click.echo(f"{shown}: would change")
        return False
    return _write(name, new)


def _write(name: str, new: str) -> bool:
    # A link stays a link, and who may read the file stays as it is.
    place = Path(name).resolve()
    try:
        mode = place.stat().st_mode
        write_file(place, new, replace=True)
        place.chmod(mode)
    except OSError as problem:
        error(f"can't write {name}: {problem.strerror}")
        return False
    click.echo(f"{one_line(name)}: formatted")
    return True


def _complain(loaded: Loaded) -> None:
    from llmroute.cli.report.text import report_text
    from llmroute.cli.specs import Judged

    errors = tuple(item for item in loaded.diagnostics if item.severity == "error")
    click.echo(report_text([Judged(loaded.source.path, loaded.source, None, errors)], err=True), err=True, nl=False)
