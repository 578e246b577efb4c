"""`llmroute test`: the routing tests of a spec."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmroute.cli.failures import FAILED
from llmroute.cli.options import FilePath, Number, spec_option
from llmroute.cli.output import error, note, visible

if TYPE_CHECKING:
    from llmroute.proof.routing_tests.cases import Case
    from llmroute.proof.routing_tests.coverage import Coverage
    from llmroute.proof.routing_tests.expect import Result
    from llmroute.routing.spec import RoutingSpec


@click.command()
@click.argument("places", nargs=-1, metavar="[PATH]...", type=FilePath(exists=True))
@spec_option
@click.option("-k", "word", metavar="TEXT", help="Only the tests that have this in their name.")
@click.option("--failures", is_flag=True, help="Show the tests that fail, and no others.")
@click.option("--fail-under", type=Number(0, 100), metavar="PERCENT", help="Fail below this coverage.")
@click.option("--junit", type=FilePath(dir_okay=False), metavar="FILE", help="Write the results as JUnit's XML too.")
@click.option("--update", is_flag=True, help="Write what came into the tests that fail, in their files.")
@click.option("--suggest", is_flag=True, help="Print tests for what no test has shown, as a file of tests.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="How to print it.")  # fmt: skip
def test(  # noqa: PLR0913, PLR0917 - one for each option
    places: tuple[str, ...],
    spec: str | None,
    word: str | None,
    fail_under: float | None,
    junit: str | None,
    form: str,
    *,
    failures: bool,
    update: bool,
    suggest: bool,
) -> None:
    """Run the routing tests of a spec.

    They stand under `tests:` in the spec, in *.routing-test.yaml beside it, and in the files and folders named by
    PATH. Nothing is sent, nothing is waited for, and no variable is read but those of the test itself.

    Exit status: 0 all hold; 1 one does not, or the coverage is too low; 2 wrong usage.
    """
    if word is not None and (fail_under is not None or suggest):
        raise click.UsageError("coverage is that of all tests: leave -k out")
    from llmroute.cli.test_files import chosen, opened
    from llmroute.proof.routing_tests.coverage import coverage

    routing, every = opened(spec, places)
    results = _run(routing, chosen(every, word))
    if update and not all(result.passed for result in results):
        from llmroute.cli.test_update import update as bring_up_to_date

        if bring_up_to_date([row for row in results if not row.passed], _run(routing, every)):
            routing, every = opened(spec, places)
            results = _run(routing, chosen(every, word))
    covered = coverage(routing, results)
    if junit is not None:
        _write_junit(results, Path(junit))
    if suggest:
        _suggest(routing, results, covered)
    else:
        _print(results, covered, form, only_failures=failures, whole=word is None)
    if not every and not suggest:
        note("no tests: write some under tests:, or begin with llmroute test --suggest")
    if fail_under is not None and covered.percent < fail_under:
        error(f"coverage {covered.percent:.1f} % is below {fail_under:g} %")
        raise click.exceptions.Exit(FAILED)
    if any(not result.passed for result in results):
        raise click.exceptions.Exit(FAILED)


def _run(spec: RoutingSpec, cases: list[Case]) -> list[Result]:
    from llmroute.dispatch.routing_tests import run

    return [run(spec, case) for case in cases]


def _print(results: list[Result], covered: Coverage, form: str, *, only_failures: bool, whole: bool) -> None:
    from llmroute.cli.test_view import as_json, text

    if form == "json":
        click.echo(as_json(results, covered, only_failures=only_failures))
    else:
        click.echo(text(results, covered if whole else None, only_failures=only_failures))


def _write_junit(results: list[Result], path: Path) -> None:
    from llmroute.cli.output import write_file
    from llmroute.cli.test_junit import junit

    try:
        write_file(path, junit(results), replace=True)
    except OSError as failure:
        raise click.UsageError(f"can't write {path}: {failure.strerror}") from None


def _suggest(spec: RoutingSpec, results: list[Result], covered: Coverage) -> None:
    from llmroute.cli.test_view import suggested
    from llmroute.dispatch.routing_tests import run
    from llmroute.proof.routing_tests.suggest import suggestions

    tests, left = suggestions(spec, covered.uncovered, lambda case: run(spec, case))
    if tests:
        click.echo(visible(suggested(tests)))
    elif not left:
        note("every part of the spec has a test that shows it")
    for part in left:
        note(visible(f"no query was found by which {part.name} decides ({part.origin})"))
    failed = sum(not result.passed for result in results)
    if failed:
        note(f"{failed} of the tests that are there {'fails' if failed == 1 else 'fail'}")
