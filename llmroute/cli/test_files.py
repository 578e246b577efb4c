"""Which routing tests a command works on: those of the spec, and those of files of tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmroute.cli.specs import Judged, found_path, open_spec, stop
from llmroute.load.files import TESTS_SUFFIX
from llmroute.load.routing_tests import beside, read_tests, within
from llmroute.proof.routing_tests.cases import unrolled
from llmroute.routing.check_tests import tests as check_tests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.proof.routing_tests.cases import Case
    from llmroute.routing.spec import RoutingSpec


def opened(named: str | None, places: Sequence[str]) -> tuple[RoutingSpec, list[Case]]:
    """The spec, and its tests: in itself, in the files beside it, and in the files and folders that were named.

    What is wrong is printed on standard error; errors end the command with 1.

    Raises:
        UsageError: there is no spec, or a file that was named is none of tests.
    """
    path = found_path(named)
    spec = open_spec(named)
    cases = unrolled(spec.tests, spec.source)
    files = dict.fromkeys([*beside(path), *(file for place in places for file in _files(place, path))])
    seen: set[Path] = set()
    for file in files:
        if (real := Path(file).resolve()) not in seen:
            seen.add(real)
            cases += _of_file(spec, file)
    return spec, cases


def _files(place: str, spec_path: str) -> list[str]:
    if Path(place).is_dir():
        return within(place, spec_path)
    if not place.endswith(TESTS_SUFFIX):
        raise click.UsageError(f"{place} is no folder and no *{TESTS_SUFFIX}: a spec is named with --spec")
    return [place]


def _of_file(spec: RoutingSpec, file: str) -> list[Case]:
    found = read_tests(file)
    diagnostics = (*found.diagnostics, *check_tests(spec, found.tests, found.source))
    if any(item.severity == "error" for item in diagnostics):
        stop(found.source, diagnostics)
    if diagnostics:
        from llmroute.cli.report.text import report_text

        click.echo(report_text([Judged(file, found.source, None, diagnostics)], err=True), err=True, nl=False)
    return unrolled(found.tests, found.source)


def chosen(cases: Sequence[Case], word: str | None) -> list[Case]:
    """The tests whose name holds a text, in any case of its letters.

    Raises:
        UsageError: there are tests, and none has it.
    """
    if word is None:
        return list(cases)
    found = [case for case in cases if word.casefold() in case.name.casefold()]
    if cases and not found:
        raise click.UsageError(f"no test has {word!r} in its name")
    return found
