"""The queue before a provider: its order, over threads and event loops, and that no place is ever lost."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import pytest

from llmroute.dispatch.turns import NOW, UNFORESEEN, Ask, NoRoomError, Place, Room, StorageFailedError, Turns


def turns(slots: int | None = None, windows: Any = None) -> Turns:
    return Turns(time.monotonic, slots, windows)


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


class Counter:
    """Windows that the test fills: `full_s` says for how long they are."""

    is_slow = False

    def __init__(self, full_s: float = 0.0) -> None:
        self.free_at = time.monotonic() + full_s
        self.asked: list[Ask] = []
        self.spent: list[int] = []
        self.owed: list[int] = []
        self.ahead_s = 0.0
        self.fails = False

    def parts(self, tokens: int) -> int:
        return tokens

    def foresee(self, ask: Ask) -> Room:
        self.asked.append(ask)
        return Room(self.ahead_s, "requests_per_minute")

    def take(self, ask: Ask) -> Room:
        self.asked.append(ask)
        if self.fails:
            raise StorageFailedError("OSError")
        left = self.free_at - time.monotonic()
        return Room(left, "requests_per_minute") if left > 0 else NOW

    def spend(self, parts: int) -> None:
        self.spent.append(parts)
        if self.fails:
            raise StorageFailedError("OSError")

    def owe(self, parts: int) -> None:
        self.owed.append(parts)


def line_up(queue: Turns, count: int, before: int = 0) -> tuple[list[int], list[threading.Thread]]:
    """Threads that come one after the other and each keep their place for a moment."""
    order: list[int] = []

    def work(number: int) -> None:
        place = queue.enter(0, soon())
        order.append(number)
        time.sleep(0.001)
        place.leave()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for number, thread in enumerate(threads):
        thread.start()
        wait_for(queue, before + number + 1)
    return order, threads


def wait_for(queue: Turns, waiting: int) -> None:
    ends_at = soon()
    while len(queue._queue) < waiting:
        assert time.monotonic() < ends_at
        time.sleep(0.001)


# -- Slots


def test_a_place_is_there_at_once() -> None:
    assert turns(1).enter(0, soon()).waited_s == 0.0


def test_first_come_first_served() -> None:
    queue = turns(1)
    first = queue.enter(0, soon())
    order, threads = line_up(queue, 8)
    assert order == []
    first.leave()
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_never_more_than_the_slots() -> None:
    queue, inside, most = turns(3), 0, 0
    lock = threading.Lock()

    def busy(change: int) -> None:
        nonlocal inside, most
        with lock:
            inside += change
            most = max(most, inside)

    def work() -> None:
        for _ in range(20):
            place = queue.enter(0, soon(20))
            busy(1)
            time.sleep(0.0002)
            busy(-1)
            place.leave()

    async def awork() -> None:
        async def one() -> None:
            for _ in range(10):
                place = await queue.aenter(0, soon(20))
                busy(1)
                await asyncio.sleep(0.0002)
                busy(-1)
                place.leave()

        await asyncio.gather(*[one() for _ in range(10)])

    threads = [threading.Thread(target=work) for _ in range(6)]
    threads += [threading.Thread(target=asyncio.run, args=(awork(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 3
    assert (queue._taken, len(queue._queue)) == (0, 0)


def test_threads_and_loops_stand_in_one_line() -> None:
    queue = turns(1)
    first = queue.enter(0, soon())
    order: list[str] = []

    def blocking() -> None:
        place = queue.enter(0, soon())
        order.append("thread")
        place.leave()

    async def awaiting() -> None:
        place = await queue.aenter(0, soon())
        order.append("loop")
        place.leave()

    threads = [threading.Thread(target=asyncio.run, args=(awaiting(),)), threading.Thread(target=blocking)]
    for number, thread in enumerate(threads):
        thread.start()
        wait_for(queue, number + 1)
    first.leave()
    for thread in threads:
        thread.join()
    assert order == ["loop", "thread"]


def test_who_gets_no_place_in_time_is_told_and_leaves_the_queue() -> None:
    queue = turns(1)
    held = queue.enter(0, soon())
    with pytest.raises(NoRoomError) as caught:
        queue.enter(0, soon(0.05))
    assert caught.value.room == Room(UNFORESEEN, "concurrency")
    assert 0.04 < caught.value.waited_s < 1.0
    assert not queue._queue
    held.leave()
    queue.enter(0, soon(0.05)).leave()


def test_the_same_on_an_event_loop_which_goes_on_meanwhile() -> None:
    async def work() -> int:
        queue = turns(1)
        held = await queue.aenter(0, soon())
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.001)
                ticks += 1

        ticking = asyncio.create_task(tick())
        with pytest.raises(NoRoomError):
            await queue.aenter(0, soon(0.05))
        ticking.cancel()
        held.leave()
        return ticks

    assert asyncio.run(work()) > 5


def test_a_cancelled_wait_leaves_the_queue() -> None:
    async def work() -> Turns:
        queue = turns(1)
        held = await queue.aenter(0, soon())
        waiting = asyncio.create_task(queue.aenter(0, soon()))
        last = asyncio.create_task(queue.aenter(0, soon()))
        await asyncio.sleep(0.01)
        waiting.cancel()
        held.leave()
        (await last).leave()
        return queue

    queue = asyncio.run(work())
    assert (queue._taken, len(queue._queue)) == (0, 0)


# -- Nothing is lost


def test_a_place_is_given_back_once() -> None:
    queue = turns(2)
    place = queue.enter(0, soon())
    place.leave()
    place.leave()
    del place
    assert queue._taken == 0


def test_a_dropped_place_is_given_back_and_its_tokens_are_owed() -> None:
    windows = Counter()
    queue = turns(1, windows)
    place: Place | None = queue.enter(7, soon())
    assert (queue._taken, queue._reserved) == (1, 7)
    del place
    gc.collect()
    assert (queue._taken, queue._reserved, windows.owed, windows.spent) == (0, 0, [7], [])


def test_a_dropped_place_wakes_who_waits() -> None:
    queue = turns(1)
    kept = [queue.enter(0, soon())]
    order, threads = line_up(queue, 1)
    kept.clear()
    threads[0].join()
    assert order == [0]


def abandoned(queue: Turns, until: float) -> tuple[asyncio.AbstractEventLoop, asyncio.Task[Place]]:
    """A task of a loop that stands still waits at the head of the queue."""
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(queue.aenter(0, until))
    loop.run_until_complete(asyncio.sleep(0.01))
    assert len(queue._queue) == 1
    return loop, waiting


def bury(waiting: asyncio.Task[Place]) -> None:
    """What the interpreter does with a task whose loop is gone, without its complaint."""
    waiting._log_destroy_pending = False  # type: ignore[attr-defined]
    waiting.get_coro().close()  # type: ignore[union-attr]


def test_a_loop_that_was_closed_holds_nobody_up() -> None:
    queue = turns(1)
    held = queue.enter(0, soon())
    loop, waiting = abandoned(queue, soon())
    loop.close()
    order, threads = line_up(queue, 1, before=1)
    held.leave()
    threads[0].join()
    assert order == [0]
    bury(waiting)


def test_a_loop_that_stands_still_is_passed_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmroute.dispatch.turns.GRACE_S", 0.0)
    queue = turns(1)
    held = queue.enter(0, soon())
    loop, waiting = abandoned(queue, soon(0.05))
    held.leave()
    time.sleep(0.06)
    place = queue.enter(0, soon())
    place.leave()
    with pytest.raises(NoRoomError):
        loop.run_until_complete(waiting)
    loop.close()
    assert (queue._taken, len(queue._queue)) == (0, 0)


# -- Windows


def test_a_wait_that_is_foreseen_is_waited() -> None:
    windows = Counter(full_s=0.05)
    place = turns(windows=windows).enter(3, soon())
    assert 0.04 < place.waited_s < 1.0
    assert windows.asked[-1] == Ask(3)


def test_a_wait_that_would_be_too_long_is_not_begun() -> None:
    queue = turns(windows=Counter(full_s=60.0))
    with pytest.raises(NoRoomError) as caught:
        queue.enter(3, soon())
    assert caught.value.waited_s < 0.5
    assert caught.value.room.wait_s > 50.0
    assert (queue._taken, queue._reserved, len(queue._queue)) == (0, 0, 0)


def test_who_comes_later_foresees_those_before() -> None:
    windows = Counter()
    queue = turns(1, windows)
    held = queue.enter(5, soon())
    _, threads = line_up(queue, 1)
    windows.ahead_s = 60.0
    with pytest.raises(NoRoomError):
        queue.enter(3, soon())
    assert windows.asked[-1] == Ask(3, requests=2)
    held.leave()
    threads[0].join()


def test_attempts_under_way_keep_their_tokens() -> None:
    windows = Counter()
    queue = turns(windows=windows)
    held = [queue.enter(5, soon()), queue.enter(6, soon())]
    queue.enter(3, soon())
    assert windows.asked[-1] == Ask(3, reserved=11)
    for place in held:
        place.leave(2)
    assert windows.spent == [2, 2]
    assert windows.owed == [3]


def test_what_waits_for_others_names_what_they_wait_for() -> None:
    windows = Counter(full_s=0.5)
    queue = turns(windows=windows)
    order, threads = line_up(queue, 1)
    with pytest.raises(NoRoomError) as caught:
        queue.enter(0, soon(0.05))
    assert caught.value.room.limit == "requests_per_minute"
    threads[0].join()
    assert order == [0]


def test_a_storage_that_fails_loses_no_place() -> None:
    windows = Counter()
    queue = turns(1, windows)
    place = queue.enter(2, soon())
    windows.fails = True
    with pytest.raises(StorageFailedError):
        place.leave(1)
    with pytest.raises(StorageFailedError):
        queue.enter(2, soon())
    assert (queue._taken, queue._reserved, len(queue._queue)) == (0, 0, 0)


def test_a_slow_storage_does_not_hold_the_loop_up() -> None:
    class Slow(Counter):
        is_slow = True

        def take(self, ask: Ask) -> Room:
            time.sleep(0.4)
            return super().take(ask)

    async def work() -> float:
        queue = turns(windows=Slow())
        entering = asyncio.create_task(queue.aenter(0, soon()))
        await asyncio.sleep(0.01)
        longest, last = 0.0, time.monotonic()
        while not entering.done():
            await asyncio.sleep(0.001)
            now = time.monotonic()
            longest, last = max(longest, now - last), now
        (await entering).leave()
        cancelled = asyncio.create_task(queue.aenter(0, soon()))
        await asyncio.sleep(0.01)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        assert (queue._taken, len(queue._queue)) == (0, 0)
        return longest

    assert asyncio.run(work()) < 0.35
