"""Several slow things at once, none of them waited for longer than a limit."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def concurrently(tasks: Sequence[Callable[[], T]], limit_s: float) -> list[T | None]:
    """What each task returns, in the order of the tasks; None for one that was not done in time.

    A name that does not resolve can't be given up, so the threads are left behind rather than waited for. What a
    task raises is raised here.
    """
    done: queue.SimpleQueue[tuple[int, T | None, BaseException | None]] = queue.SimpleQueue()

    def run(index: int, task: Callable[[], T]) -> None:
        try:
            done.put((index, task(), None))
        except BaseException as exc:  # noqa: BLE001 - raised where it is waited for
            done.put((index, None, exc))

    for index, task in enumerate(tasks):
        threading.Thread(target=run, args=(index, task), name=f"llmroute-{index}", daemon=True).start()
    found: list[T | None] = [None] * len(tasks)
    ends_at = time.monotonic() + limit_s
    for _ in tasks:
        try:
            index, value, problem = done.get(timeout=max(0.0, ends_at - time.monotonic()))
        except queue.Empty:
            break
        if problem is not None:
            raise problem
        found[index] = value
    return found
