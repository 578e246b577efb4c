"""`llmroute validate`."""

from __future__ import annotations

import sys

import click

from llmroute.cli.failures import FAILED
from llmroute.cli.options import FilePath
from llmroute.cli.specs import Judged, found_path, judge

FORMATS = ("text", "json", "github", "sarif")


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...", type=FilePath(allow_dash=True))
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="How to say it.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("--allow-inline-secrets", is_flag=True, help="Say nothing of keys that stand in the file.")
@click.option(
    "--spec", "specs", type=FilePath(allow_dash=True), multiple=True, metavar="PATH", help="The same as FILE."
)
def validate(
    files: tuple[str, ...], form: str, specs: tuple[str, ...], *, strict: bool, allow_inline_secrets: bool
) -> None:
    """Say everything that is wrong with a routing.yaml, each with its place and the way out.

    Without FILE it is the spec that is found. PATH#/a/b checks a part of a larger file, - is standard input.
    Nothing is sent anywhere; the environment is looked at for variables that the spec asks for.

    Exit status: 0 no errors; 1 errors (with --strict also warnings); 2 wrong usage.
    """
    paths = (*files, *specs) or (found_path(),)
    judged = [_as_asked(judge(path), strict=strict, secrets=not allow_inline_secrets) for path in dict.fromkeys(paths)]
    click.echo(_written(judged, form), nl=False, color=sys.stdout.isatty())
    if any(one.count("error") for one in judged):
        click.get_current_context().exit(FAILED)


def _as_asked(judged: Judged, *, strict: bool, secrets: bool) -> Judged:
    kept = [item for item in judged.diagnostics if secrets or item.rule != "inline-secret"]
    return judged._replace(diagnostics=tuple(item._replace(severity="error") if strict else item for item in kept))


def _written(judged: list[Judged], form: str) -> str:
    if form == "text":
        from llmroute.cli.report.text import report_text

        return report_text(judged)
    if form == "sarif":
        from llmroute.cli.report.sarif import report_sarif

        return report_sarif(judged)
    from llmroute.cli.report.machine import report_github, report_json

    return report_json(judged) if form == "json" else report_github(judged)
