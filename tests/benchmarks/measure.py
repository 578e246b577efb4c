"""Paired measurements: the two things that are compared take turns, so that a busy moment hits both."""

from __future__ import annotations

import gc
from statistics import median
from time import perf_counter, process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Work = Callable[[], object]
    Clock = Callable[[], float]


def seconds(work: Work, clock: Clock = perf_counter) -> float:
    """How long one run takes. Garbage of the run before is collected first."""
    gc.collect()
    began = clock()
    work()
    return clock() - began


def ratio(work: Work, baseline: Work, pairs: int, clock: Clock = perf_counter) -> float:
    """The median of `work / baseline` over pairs of runs, after one run of each that does not count."""
    baseline()
    work()
    ratios = []
    for number in range(pairs):
        # Who goes first changes, so that being second costs nobody.
        if number % 2:
            own, other = seconds(work, clock), seconds(baseline, clock)
        else:
            other, own = seconds(baseline, clock), seconds(work, clock)
        ratios.append(own / other)
    return median(ratios)


def effort(work: Work, baseline: Work, pairs: int) -> float:
    """The same by the processor time of this process: for work that mostly waits for another one."""
    return ratio(work, baseline, pairs, process_time)


def repeated(work: Work, calls: int) -> Work:
    """The same work, several times in one run: for what is over too fast to be timed alone."""

    def run() -> None:
        for _ in range(calls):
            work()

    return run


def drained(stream: Callable[[], Iterable[object]]) -> Callable[[], int]:
    """Opens a stream and reads it to its end; the number of its events."""
    return lambda: sum(1 for _ in stream())


def per_call_us(works: Sequence[Work], calls: int, runs: int = 15) -> list[float]:
    """Of each work the median processor time of one call, in microseconds, out of runs of `calls` calls in turns."""
    all_runs = [repeated(work, calls) for work in works]
    for run in all_runs:
        run()
    rounds = [[seconds(run, process_time) for run in all_runs] for _ in range(runs)]
    return [median(times) / calls * 1e6 for times in zip(*rounds, strict=True)]


def show(label: str, value: float, goal: float | None = None, unit: str = "x") -> None:
    """One line: what, how much, and the goal where there is one."""
    aim = "" if goal is None else f"   goal ≤ {goal:g} {unit}"
    print(f"  {label:<64} {value:8.2f} {unit}{aim}", flush=True)
