"""`pytest --llmroute routing.yaml`: the routing tests of a spec, each an item of the suite that they are run with.

Every pytest of an environment that has this package loads this module, so it imports nothing of the package itself
until the option is given.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmroute.proof.routing_tests.cases import Case
    from llmroute.proof.routing_tests.expect import Result
    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.spec import RoutingSpec

_SPEC: pytest.StashKey[str] = pytest.StashKey()
"""The path of the spec, absolute, with the pointer that was given."""


class NotAsExpectedError(AssertionError):
    """A routing test fails."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.case.name)
        self.result = result


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--llmroute`."""
    group = parser.getgroup("llmroute", "routing tests of llmroute")
    group.addoption(
        "--llmroute",
        metavar="FILE",
        help="Run the tests of this routing.yaml, and those in *.routing-test.yaml beside it and in what is collected.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Have the spec, and the files of tests beside it, collected with all else that is asked for."""
    named = config.getoption("--llmroute")
    if named is None:
        return
    from llmroute.load.files import split_pointer
    from llmroute.load.routing_tests import beside

    file, part = split_pointer(named)
    path = (config.invocation_params.dir / file).resolve()
    if not path.is_file():
        raise pytest.UsageError(f"--llmroute: there is no file {file}")
    config.stash[_SPEC] = f"{path}#{part}" if part else str(path)
    asked = {(config.invocation_params.dir / arg).resolve() for arg in config.args}
    for one in map(Path, (str(path), *beside(str(path)))):
        if not any(one == place or place in one.parents for place in asked):
            config.args.append(str(one))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take the spec, and files of tests that are not another spec's."""
    spec = parent.config.stash.get(_SPEC, None)
    if spec is None:
        return None
    from llmroute.load.files import TESTS_SUFFIX, split_pointer
    from llmroute.load.routing_tests import is_about

    own = split_pointer(spec)[0]
    is_tests = file_path.name.endswith(TESTS_SUFFIX) and is_about(file_path, own)
    return RoutingFile.from_parent(parent, path=file_path) if is_tests or file_path.resolve() == Path(own) else None


class RoutingFile(pytest.File):
    """A spec with tests, or a file of tests."""

    def collect(self) -> Iterable[RoutingItem]:
        """One item for each test.

        Raises:
            CollectError: the spec or the file of tests has errors.
        """
        spec = _spec_of(self)
        for case in _cases(self, spec):
            yield RoutingItem.from_parent(self, name=case.name, case=case, spec=spec)


def _spec_of(collector: RoutingFile) -> RoutingSpec:
    from llmroute.load import read_file
    from llmroute.routing.checks import check

    loaded = read_file(_as_shown(collector.config, collector.config.stash[_SPEC]))
    _stop_for_errors(collector, (*loaded.diagnostics, *(check(loaded.spec) if loaded.spec is not None else ())))
    assert loaded.spec is not None  # noqa: S101 - there is a spec where there is no error
    return loaded.spec


def _as_shown(config: pytest.Config, path: str) -> str:
    """A path from the folder that pytest was started in, where it is below it."""
    return path.removeprefix(f"{config.invocation_params.dir}{os.sep}")


def _cases(collector: RoutingFile, spec: RoutingSpec) -> Sequence[Case]:
    from llmroute.load.files import TESTS_SUFFIX
    from llmroute.load.routing_tests import read_tests
    from llmroute.proof.routing_tests.cases import unrolled
    from llmroute.routing.check_tests import tests

    if not collector.path.name.endswith(TESTS_SUFFIX):
        return unrolled(spec.tests, spec.source)
    found = read_tests(_as_shown(collector.config, str(collector.path)))
    _stop_for_errors(collector, (*found.diagnostics, *tests(spec, found.tests, found.source)))
    return unrolled(found.tests, found.source)


def _stop_for_errors(collector: RoutingFile, diagnostics: tuple[Diagnostic, ...]) -> None:
    if any(item.severity == "error" for item in diagnostics):
        from llmroute.cli.report.redact import redacted
        from llmroute.load import summary

        raise collector.CollectError(redacted(summary(diagnostics)))


class RoutingItem(pytest.Item):
    """One routing test."""

    def __init__(self, *, case: Case, spec: RoutingSpec, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._case = case
        self._spec = spec

    def runtest(self) -> None:
        """Run it.

        Raises:
            NotAsExpectedError: something else came than it expects.
        """
        from llmroute.dispatch.routing_tests import run

        result = run(self._spec, self._case)
        if not result.passed:
            raise NotAsExpectedError(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What was expected, what came, and the lines behind both."""
        if not isinstance(excinfo.value, NotAsExpectedError):
            return super().repr_failure(excinfo, style)
        from llmroute.cli.test_view import without_keys
        from llmroute.proof.routing_tests.told import told
        from llmroute.routing.explain import plain

        return plain(without_keys(told(excinfo.value.result)))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """File and line, counted from 0, and the name."""
        return self.path, max(0, self._case.origin.line - 1), self.name
