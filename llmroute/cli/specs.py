"""Which spec a command works on, read and judged."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import click

from llmroute.cli.failures import FAILED
from llmroute.load import from_mapping, read_file, rest
from llmroute.load.files import SPEC_NAME, SPEC_VARIABLE, TESTS_SUFFIX, discover, find
from llmroute.routing.check_ollama import of_servers
from llmroute.routing.checks import check, check_rest, unknown_variables, unset_variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmroute.dispatch.trust import Gate
    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.source import Source
    from llmroute.routing.spec import RoutingSpec


class Judged(NamedTuple):
    """A spec, and everything there is to say about it."""

    path: str
    """As the user named it, `#/pointer` included."""
    source: Source
    spec: RoutingSpec | None
    """None where an error of reading stands in the way."""
    diagnostics: tuple[Diagnostic, ...]

    def count(self, severity: str) -> int:
        """How many diagnostics are of a severity."""
        return sum(item.severity == severity for item in self.diagnostics)


def found_path(named: str | None = None) -> str:
    """The path of the spec: the one that was named, else the one that is found.

    Raises:
        UsageError: there is none.
    """
    path = named or discover(os.environ)
    if path is None:
        raise click.UsageError(
            f"no {SPEC_NAME} here or in a folder above, and {SPEC_VARIABLE} is not set: "
            "name one with --spec PATH, or write one with llmroute init"
        )
    return path


def is_found(named: str | None) -> bool:
    """Whether the spec is one that lies in a folder, and that nobody named: it may be somebody else's."""
    found = None if named else find(os.environ)
    return found is not None and not found.is_own


def judge(path: str, environ: Mapping[str, str] | None = None) -> Judged:
    """Read a spec and say everything about it; `environ` stands for the process's environment."""
    if path.endswith(TESTS_SUFFIX):
        return _judge_tests(path)
    environ = os.environ if environ is None else environ
    loaded = read_file(path)
    diagnostics = loaded.diagnostics
    if loaded.spec is not None:
        # One snapshot: reading os.environ decodes it each time.
        variables = dict(environ)
        diagnostics = (
            *diagnostics,
            *check(loaded.spec, environ=of_servers(variables)),
            *unset_variables(loaded.spec, variables),
            *unknown_variables(loaded.spec, variables),
        )
    elif (left := rest(loaded)) is not None:
        told = {item.origin for item in diagnostics}
        diagnostics = (*diagnostics, *(item for item in check_rest(left) if item.origin not in told))
    ordered = sorted(diagnostics, key=lambda item: (item.origin.kind == "env", item.origin.line, item.origin.column))
    return Judged(path if path != "-" else "<stdin>", loaded.source, loaded.spec, tuple(ordered))


def _judge_tests(path: str) -> Judged:
    """A file of tests, which is no spec: judged beside the spec that it is about."""
    from llmroute.load.routing_tests import judged_tests

    found = judged_tests(path)
    ordered = sorted(found.diagnostics, key=lambda item: (item.origin.line, item.origin.column))
    return Judged(path, found.source, None, tuple(ordered))


def open_spec(named: str | None = None, *, checked: bool = True) -> RoutingSpec:
    """The spec for a command that works with it; its warnings are left to `validate`.

    Where it has errors they are printed on standard error as `validate` prints them, and the command exits with 1.
    `checked=False` looks only for what makes the file unreadable as a spec.

    Raises:
        UsageError: there is no spec.
    """
    path = found_path(named)
    loaded = read_file(path)
    found = (*loaded.diagnostics, *(check(loaded.spec) if loaded.spec is not None and checked else ()))
    if loaded.spec is None or any(item.severity == "error" for item in found):
        stop(loaded.source, found)
    return loaded.spec


def spec_or_empty(named: str | None, *, needed: bool) -> RoutingSpec:
    """The spec, unchecked; where none is found and none is `needed`, one that declares nothing: presets still hold.

    Raises:
        UsageError: there is none, and one is needed.
    """
    if needed or named or discover(os.environ) is not None:
        return open_spec(named, checked=False)
    return from_mapping({"version": 1})


def gate_before(spec: RoutingSpec, named: str | None) -> Gate | None:
    """What keeps a spec that was found from sending what nobody has trusted; None before the user's own."""
    from llmroute.dispatch.trust import gate_of

    return gate_of(spec, "ask" if is_found(named) else "own")


def showing_gate(spec: RoutingSpec) -> Gate:
    """The gate for a command that shows what it holds back: a broken list of what is trusted is one line more."""
    from llmroute.cli.next_step import in_one_line
    from llmroute.cli.output import note, visible
    from llmroute.dispatch.trust import Gate

    return Gate(spec, lambda error: note(visible(f"nothing is trusted: {in_one_line(error)}")))


def stop(source: Source, diagnostics: Iterable[Diagnostic]) -> NoReturn:
    """Print the errors among some diagnostics on standard error, and exit with 1."""
    from llmroute.cli.report.text import report_text

    errors = tuple(item for item in diagnostics if item.severity == "error")
    click.echo(report_text([Judged(source.path, source, None, errors)], err=True), err=True, nl=False)
    click.get_current_context().exit(FAILED)
