"""Files that hold routing tests alone, `NAME.routing-test.yaml`: which are meant, and what is in them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llmroute.load import read_file
from llmroute.load.files import SPEC_NAME, TESTS_SUFFIX, split_pointer
from llmroute.routing.check_tests import tests
from llmroute.routing.report import report

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.expectations import Test
    from llmroute.routing.source import Source

_KEYS = ("version", "tests")


class FileOfTests(NamedTuple):
    """What came of reading a file of tests."""

    tests: tuple[Test, ...]
    source: Source
    diagnostics: tuple[Diagnostic, ...]


def read_tests(path: str) -> FileOfTests:
    """Read a file of tests. Never raises for what it holds: `diagnostics` says what is wrong."""
    loaded = read_file(path)
    if all(item.rule == "empty-spec" for item in loaded.diagnostics) and loaded.spec is None:
        # A shell has made the file that a command is about to fill: `llmroute test --suggest > x.routing-test.yaml`.
        return FileOfTests((), loaded.source, ())
    if loaded.spec is None:
        return FileOfTests((), loaded.source, loaded.diagnostics)
    foreign = [
        report(loaded.source, "unknown-key", f"a file of tests holds no {name}", (name,), hint=_HINT, key=True)
        for name in loaded.source.marks or ()
        if name not in _KEYS
    ]
    return FileOfTests(loaded.spec.tests, loaded.source, (*loaded.diagnostics, *foreign))


_HINT = "write it into the spec; here stand version and tests"


def judged_tests(path: str) -> FileOfTests:
    """The same with what can be said of the tests beside their spec, where that is found and can be read."""
    found, spec_path = read_tests(path), spec_of(path)
    spec = read_file(spec_path).spec if os.path.isfile(spec_path) else None  # noqa: PTH113 - Path.is_file raises where a folder may not be looked into
    if spec is None:
        return found
    return found._replace(diagnostics=(*found.diagnostics, *tests(spec, found.tests, found.source)))


def beside(spec_path: str) -> list[str]:
    """The files of tests in the folder of a spec, in the order of their names, without those of another spec there."""
    name = split_pointer(spec_path)[0]
    if name == "-":
        return []
    return _of_spec(sorted(Path(name).parent.glob(f"*{TESTS_SUFFIX}")), name)


def within(folder: str, spec_path: str) -> list[str]:
    """The files of tests in a folder and those below it, without those of another spec."""
    return _of_spec(sorted(Path(folder).rglob(f"*{TESTS_SUFFIX}")), split_pointer(spec_path)[0])


def spec_of(test_file: str) -> str:
    """The spec that a file of tests is about: the one of its name beside it, else `routing.yaml` there."""
    path = Path(test_file)
    own = _own(path)
    return str(own if own.is_file() else path.with_name(SPEC_NAME))


def _own(test_file: Path) -> Path:
    """The spec of the same name: `cost-split.yaml` of `cost-split.routing-test.yaml`."""
    return test_file.with_name(f"{test_file.name.removesuffix(TESTS_SUFFIX)}.yaml")


def _of_spec(files: Iterable[Path], spec: str) -> list[str]:
    return [str(file) for file in files if is_about(file, spec)]


def is_about(test_file: Path, spec: str) -> bool:
    """Whether a file of tests may be about a spec: no other one stands beside it that it is about."""
    own = spec_of(str(test_file))
    return not os.path.isfile(own) or os.path.realpath(own) == os.path.realpath(spec)  # noqa: PTH113 - as above
