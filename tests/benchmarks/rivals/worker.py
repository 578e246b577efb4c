"""Measures one module of rivals in the environment that it runs in: `python -m tests.benchmarks.rivals.worker NAME`.

Prints a JSON object a line, one for each contender. The baseline, a bare httpx2 client, runs in the same process,
and takes turns with it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tests.benchmarks.bare import AsyncBare, Bare
from tests.benchmarks.measure import drained, ratio, repeated, seconds
from tests.benchmarks.rivals.contender import Contender, counted
from tests.benchmarks.server import serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.benchmarks.measure import Work

CALLS = 10
TASKS = 64
EACH = 2
"""Calls of each task."""
BUDGET_S = 3.0
"""About as long as one ratio is measured."""
FEWEST, MOST = 5, 21
RSS = """
try:
    print(int(open("/proc/self/statm").read().split()[1]) * __import__("os").sysconf("SC_PAGE_SIZE") / 2**20)
except OSError:  # not Linux: the most that there was, in bytes
    print(__import__("resource").getrusage(0).ru_maxrss / 2**20)
"""


@dataclass(frozen=True)
class Row:
    """What one contender took; times relative to bare httpx2, what it can't do is None."""

    name: str
    api: str
    call: float | None
    acall: float | None
    chunk: float | None
    achunk: float | None
    concurrent: float | None
    memory_mib: float
    start: float
    """From nothing to a client, relative to `python -c pass`."""


def paired(work: Work, baseline: Work) -> float:
    """The ratio, of as many pairs as the budget allows."""
    work()
    baseline()
    pairs = int(BUDGET_S / (seconds(work) + seconds(baseline)))
    return ratio(work, baseline, max(FEWEST, min(MOST, pairs)))


def at_rest(setup: str) -> tuple[float, float]:
    """Memory in MiB, and the time to get there, of the imports and a client in a process of their own."""

    def python(code: str) -> Callable[[], str]:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    return float(python(setup + RSS)().split()[-1]), ratio(python(setup), python("pass"), 3)


class Measuring:
    """The measurements of one contender, and the clients that it is compared with."""

    def __init__(self, root: str, contender: Contender) -> None:
        self.contender = contender
        self.bare = Bare(root, contender.api)
        self.loop = asyncio.new_event_loop()
        self.abare = AsyncBare(root, contender.api)

    def run(self, made: Callable[[], Awaitable[object]], calls: int = 1, tasks: int = 1) -> Work:
        """So many tasks at once, of so many calls each."""

        async def task() -> None:
            for _ in range(calls):
                await made()

        async def main() -> None:
            await asyncio.gather(*(task() for _ in range(tasks)))

        return lambda: self.loop.run_until_complete(main())

    def row(self) -> Row:
        """All of them."""
        one, bare, abare = self.contender, self.bare, self.abare
        call = acall = chunk = achunk = concurrent = None
        if one.complete:
            call = paired(repeated(one.complete, CALLS), repeated(bare.complete, CALLS))
        if one.stream:
            chunk = paired(drained(one.stream), bare.stream)
        if one.acomplete:
            acall = paired(self.run(one.acomplete, CALLS), self.run(abare.complete, CALLS))
            concurrent = paired(self.run(one.acomplete, EACH, TASKS), self.run(abare.complete, EACH, TASKS))
        if (astream := one.astream) is not None:
            achunk = paired(self.run(lambda: counted(astream())), self.run(abare.stream))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        return Row(one.name, one.api, call, acall, chunk, achunk, concurrent, *at_rest(one.setup))


def main(name: str) -> None:
    """Measure, and print what each contender took."""
    module: Any = import_module(f"tests.benchmarks.rivals.{name}")
    with serving() as root:
        for contender in module.contenders(root):
            print(json.dumps(asdict(Measuring(root, contender).row())), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
