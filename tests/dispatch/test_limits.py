"""The limits of a spec: who waits, who is refused without being sent, and what is counted."""

from __future__ import annotations

import asyncio
import gc
import re
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from limits.storage import MemoryStorage, Storage

from llmroute.adapters.mock import MockReply
from llmroute.dispatch import windows
from llmroute.dispatch.limits import Limiters
from llmroute.dispatch.router import Router
from llmroute.dispatch.token_estimate import estimated_tokens
from llmroute.errors import (
    CallError,
    ConversionError,
    MissingExtraError,
    RateLimitError,
    RequestError,
    ServerError,
    TruncatedStreamError,
)
from llmroute.load import from_str
from llmroute.wire.chat import (
    ChatRequest,
    Document,
    Finish,
    Image,
    Message,
    Params,
    Reply,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
    system,
    user,
)

if TYPE_CHECKING:
    from llmroute.adapters.mock import MockAdapter
    from llmroute.dispatch.turns import Turns
    from llmroute.wire.chat import Attempt

CANARY = "the prompt that must never show up in any message"


def spec(limits: str) -> str:
    return f"""
version: 1
providers:
  one: {{preset: mock, model: m1, limits: {{{limits}}}}}
  two: {{preset: mock, model: m2}}
defaults: {{provider: one}}
agents:
  other: {{model: one/m9}}
  chain: {{provider: one, fallbacks: [two]}}
  stubborn: {{provider: one, fallbacks: [two], fallback_on: []}}
"""


class Lab:
    """A router whose provider `one` has limits, and the mock behind it."""

    def __init__(self, limits: str, **more: Any) -> None:
        self.router = Router.from_str(spec(limits), environ={}, **more)
        mock: Any = self.router.adapter("mock")
        self.mock: MockAdapter = mock

    def turns(self) -> Turns:
        (found,) = self.router._ways.limiters._turns.values()
        return found

    def sent(self) -> int:
        return len(self.mock.calls)

    def refused(self, cls: type[CallError] = RateLimitError, text: str = CANARY, **names: Any) -> CallError:
        """The failure of a request that our own limit refused, before anything was sent to `one`."""
        before = self.sent()
        with pytest.raises(cls) as caught:
            self.router.complete(text, **names)
        assert caught.value.own_limit
        assert self.sent() == before
        row: Attempt = caught.value.attempts[-1]
        assert (row.kind, row.status, row.message) == (cls.kind, None, caught.value.message)
        assert CANARY not in f"{caught.value} {caught.value!r} {row}"
        return caught.value


class Elsewhere(MemoryStorage):
    """A storage that can be out of reach."""

    STORAGE_SCHEME: ClassVar = ["elsewhere"]
    reachable = True

    @property
    def base_exceptions(self) -> type[Exception]:
        return OSError

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        if not self.reachable:
            raise OSError(CANARY)
        return super().get_moving_window(key, limit, expiry)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        if not self.reachable:
            raise OSError(CANARY)
        return super().acquire_entry(key, limit, expiry, amount)


class NoWindow(Storage):
    """A storage that can't count a moving window, as that of memcached."""

    STORAGE_SCHEME: ClassVar = ["no-window"]
    base_exceptions = OSError  # type: ignore[assignment]

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError

    def get(self, key: str) -> int:
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        raise NotImplementedError

    def check(self) -> bool:
        raise NotImplementedError

    def reset(self) -> int | None:
        raise NotImplementedError

    def clear(self, key: str) -> None:
        raise NotImplementedError


def of_tokens(count: int) -> Reply:
    """An answer for which the provider counts so many tokens."""
    return Reply(Message("assistant", (Text("ok"),)), usage=Usage(input_tokens=count - 1, output_tokens=1))


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute passes in a second."""
    monkeypatch.setattr(windows, "WINDOW_S", 1)


# -- Requests per minute


def test_requests_beyond_the_limit_are_refused_without_being_sent() -> None:
    lab = Lab("requests_per_minute: 2")
    lab.router.complete("Hi")
    lab.router.complete("Hi", agent="other")
    failure = lab.refused()
    assert failure.retry_after_s is not None
    assert 55.0 < failure.retry_after_s <= 60.0
    assert "the limit `requests_per_minute: 2` of the provider 'one' leaves no room for another " in failure.message
    assert "`providers.one.limits` says so" in failure.hint


@pytest.mark.usefixtures("second")
def test_requests_wait_until_there_is_room() -> None:
    lab = Lab("requests_per_minute: 2")
    began = time.monotonic()
    rows = [lab.router.complete("Hi").attempts[-1] for _ in range(3)]
    assert time.monotonic() - began > 0.9
    assert [row.wait_s > 0.5 for row in rows] == [False, False, True]
    assert rows[-1].elapsed_s < 0.5


@pytest.mark.usefixtures("second")
def test_requests_wait_on_an_event_loop_too() -> None:
    lab = Lab("requests_per_minute: 2")

    async def work() -> float:
        began = time.monotonic()
        await asyncio.gather(*[lab.router.acomplete("Hi") for _ in range(4)])
        return time.monotonic() - began

    assert asyncio.run(work()) > 0.9


def test_a_wait_beyond_the_deadline_leads_to_the_next_target() -> None:
    lab = Lab("requests_per_minute: 1")
    lab.router.complete("Hi")
    reply = lab.router.complete("Hi", agent="chain", deadline_s=5)
    assert [(row.target, row.kind, row.status) for row in reply.attempts] == [
        ("one/m1", "rate", None),
        ("two/m2", None, 200),
    ]
    assert sum(row.elapsed_s + row.wait_s for row in reply.attempts) < 1.0


def test_our_own_limit_says_nothing_against_the_provider() -> None:
    lab = Lab("requests_per_minute: 1")
    lab.router.complete("Hi")
    for _ in range(4):
        assert len(lab.router.complete("Hi", agent="chain").attempts) == 2
    assert lab.router._ways.health.down(lab.router.resolve().target) is None


def test_fallback_on_decides_for_our_own_limit_too() -> None:
    lab = Lab("requests_per_minute: 1")
    lab.router.complete("Hi")
    assert len(lab.refused(agent="stubborn").attempts) == 1


def test_every_attempt_counts() -> None:
    lab = Lab("requests_per_minute: 2")
    lab.mock.script(ServerError("x"), ServerError("x"))
    with pytest.raises(CallError) as caught:
        lab.router.complete("Hi", max_retries=2)
    assert [row.kind for row in caught.value.attempts] == ["server", "server", "rate"]
    assert lab.sent() == 2


def test_each_provider_and_each_router_counts_for_itself() -> None:
    labs = [Lab("requests_per_minute: 1") for _ in range(2)]
    for lab in labs:
        lab.router.complete("Hi")
        lab.refused()
    for _ in range(3):
        assert labs[0].router.complete("Hi", agent="chain").attempts[-1].target == "two/m2"


# -- Tokens per minute


def test_tokens_are_estimated_then_counted() -> None:
    lab = Lab("tokens_per_minute: 1000")
    lab.mock.script(of_tokens(600), of_tokens(390))
    lab.router.complete("Hi", max_tokens=900)
    lab.router.complete("Hi", max_tokens=300)
    assert "tokens_per_minute: 1000" in lab.refused(max_tokens=20).message
    lab.mock.script(of_tokens(10))
    lab.router.complete("Hi", max_tokens=8)
    lab.refused(text="Hi")


@pytest.mark.usefixtures("second")
def test_tokens_wait_until_there_is_room() -> None:
    lab = Lab("tokens_per_minute: 100")
    lab.mock.script(of_tokens(90), of_tokens(90))
    lab.router.complete("Hi")
    row = lab.router.complete("Hi", max_tokens=50).attempts[-1]
    assert row.wait_s > 0.5


@pytest.mark.usefixtures("second")
def test_more_tokens_than_the_limit_are_paid_off() -> None:
    lab = Lab("tokens_per_minute: 100")
    lab.mock.script(of_tokens(150), of_tokens(1))
    lab.router.complete("Hi")
    began = time.monotonic()
    lab.router.complete("Hi", max_tokens=60)
    assert 1.5 < time.monotonic() - began < 4.0


def test_an_answer_without_a_count_costs_what_was_estimated() -> None:
    lab = Lab("tokens_per_minute: 1000")
    lab.router.complete("Hi", max_tokens=800)
    lab.refused(max_tokens=300)


@pytest.mark.parametrize(
    ("failure", "fits"),
    [(RateLimitError("x"), True), (ConversionError("x"), True), (TruncatedStreamError("x"), False)],
)
def test_a_failure_costs_what_it_may_have_cost(failure: CallError, fits: bool) -> None:  # noqa: FBT001 - a row
    lab = Lab("tokens_per_minute: 1000")

    def fail(_: Any) -> None:
        raise failure

    lab.mock.handler = fail
    with pytest.raises(type(failure)):
        lab.router.complete("Hi", max_tokens=800, max_retries=0)
    lab.mock.handler = None
    if fits:
        lab.router.complete("Hi", max_tokens=800)
    else:
        lab.refused(max_tokens=800)


def test_what_is_under_way_keeps_its_tokens() -> None:
    lab = Lab("tokens_per_minute: 1000")
    lab.mock.script(of_tokens(10))
    with lab.router.stream("Hi there", max_tokens=800) as events:
        next(events)
        failure = lab.refused(max_tokens=800, deadline_s=0.1)
        assert failure.retry_after_s is None
        assert "left no room for 0." in failure.message
        list(events)
    lab.router.complete("Hi", max_tokens=800)


def test_an_oversized_request_is_an_error_at_once() -> None:
    lab = Lab("tokens_per_minute: 1000")
    failure = lab.refused(RequestError, agent="chain", max_tokens=2000)
    assert failure.message == (
        "the request comes to about 2,013 tokens (13 of the request, max_tokens 2,000), more than the limit "
        "`tokens_per_minute: 1000` of the provider 'one' ever leaves; nothing was sent"
    )
    assert "tokens (" not in lab.refused(RequestError, text="x" * 4001).message
    with pytest.raises(RequestError), lab.router.stream("x" * 4001) as events:
        next(events)
    lab.router.complete("Hi", max_tokens=900)


def test_a_large_limit_is_counted_in_parts() -> None:
    lab = Lab("tokens_per_minute: 1000000000")
    lab.mock.script(of_tokens(999_000_000))
    lab.router.complete("Hi")
    lab.refused(max_tokens=2_000_000)
    lab.router.complete("Hi", max_tokens=500_000)


def test_the_estimate() -> None:
    def tokens(*messages: Message, **more: Any) -> int:
        return estimated_tokens(ChatRequest(messages, **more))

    assert tokens(user("12345678")) == 2
    assert tokens(system("1234"), user("12345")) == 3
    assert tokens(user("日本語")) == 3
    assert tokens(user("\ud800")) == 1
    assert tokens(user("1234"), params=Params(max_tokens=100)) == 101
    assert tokens(Message("user", (Image(url="https://x/" + "y" * 400), Document(text="1234"), Document(url="x")))) == 1
    assert tokens(Message("assistant", (Thinking("1234"), ToolCall("id", "name", "{}  ")))) == 3
    assert tokens(Message("tool", (ToolResult("id", (Text("1234"), Image(url="x"))),))) == 1
    tool = Tool("name", "what", {"type": "object"})
    assert tokens(user("1234"), tools=(tool,)) == 1 + 2 + 5
    form = ResponseFormat("json_schema", "n", {"type": "object"})
    assert tokens(user("1234"), response_format=form) == 1 + 5
    assert tokens(user("1234"), response_format=ResponseFormat("json_object")) == 1


# -- Concurrency


def test_a_stream_keeps_its_slot_until_it_is_closed() -> None:
    lab = Lab("concurrency: 1")
    with lab.router.stream("Hi there") as events:
        next(events)
        failure = lab.refused(deadline_s=0.1)
        assert "the limit `concurrency: 1` of the provider 'one' left no room for 0." in failure.message
    lab.router.complete("Hi")


@pytest.mark.parametrize("end", ["whole", "early", "dropped", "broken", "failed"])
def test_the_slot_is_free_again(end: str) -> None:
    lab = Lab("concurrency: 1")
    if end in {"broken", "failed"}:
        error = TruncatedStreamError("x") if end == "broken" else ServerError("x")
        lab.mock.script(MockReply(chunks=("a", "b"), error=error))
    events = lab.router.stream("Hi there", max_retries=0)
    if end == "failed":
        with pytest.raises(ServerError):
            next(events)
    else:
        next(events)
    if end == "whole":
        list(events)
    elif end == "early":
        events.close()
    elif end == "broken":
        with pytest.raises(TruncatedStreamError):
            list(events)
    if end == "dropped":
        del events
        gc.collect()
    assert (lab.turns()._taken, lab.turns()._reserved) == (0, 0)
    assert lab.router.complete("Hi", deadline_s=1).text == "Hi"


@pytest.mark.parametrize("end", ["whole", "early", "dropped", "broken", "cancelled"])
def test_the_slot_is_free_again_on_an_event_loop(end: str) -> None:
    lab = Lab("concurrency: 1")
    if end == "broken":
        lab.mock.script(MockReply(chunks=("a", "b"), error=TruncatedStreamError("x")))
    if end == "cancelled":
        lab.mock.script(MockReply(chunks=("a",), latency_s=5.0))

    async def work() -> str:
        events = lab.router.astream("Hi there")
        if end == "cancelled":
            asking = asyncio.create_task(anext(events))  # type: ignore[arg-type]
            await asyncio.sleep(0.02)
            asking.cancel()
            await asyncio.wait([asking])
        else:
            await anext(events)
        if end == "whole":
            assert isinstance([event async for event in events][-1], Finish)
        elif end == "broken":
            with pytest.raises(TruncatedStreamError):
                _ = [event async for event in events]
        elif end == "early":
            await events.aclose()
        del events
        gc.collect()
        return (await lab.router.acomplete("Hi", deadline_s=2)).text

    assert asyncio.run(work()) == "Hi"
    assert lab.turns()._taken == 0


def test_an_asynchronous_stream_that_outlives_its_loop_gives_its_slot_back() -> None:
    lab = Lab("concurrency: 1")
    loop = asyncio.new_event_loop()
    events = lab.router.astream("Hi there")
    loop.run_until_complete(anext(events))  # type: ignore[arg-type]
    loop.close()
    assert lab.turns()._taken == 1
    del events
    gc.collect()
    assert lab.turns()._taken == 0


def test_a_cancelled_request_frees_its_slot_and_its_place_in_the_queue() -> None:
    lab = Lab("concurrency: 1")
    lab.mock.script(MockReply(chunks=("a",), latency_s=5.0))

    async def work() -> str:
        asking = [asyncio.create_task(lab.router.acomplete("Hi")) for _ in range(3)]
        await asyncio.sleep(0.02)
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)
        return (await lab.router.acomplete("Hi", deadline_s=2)).text

    assert asyncio.run(work()) == "Hi"
    assert lab.sent() == 2


def test_half_of_the_time_is_left_for_the_next_target() -> None:
    lab = Lab("concurrency: 1")
    with lab.router.stream("Hi there") as events:
        next(events)
        reply = lab.router.complete("Hi", agent="chain", deadline_s=0.4)
    assert [row.target for row in reply.attempts] == ["one/m1", "two/m2"]
    assert 0.15 < reply.attempts[0].wait_s < 0.35
    assert reply.attempts[0].elapsed_s < 0.1


def test_threads_and_loops_together_never_exceed_the_slots() -> None:
    lab = Lab("concurrency: 3")
    lock, inside, most = threading.Lock(), 0, 0

    def answer(_: Any) -> str:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.002)
        with lock:
            inside -= 1
        return "ok"

    lab.mock.handler = answer

    def work() -> None:
        for _ in range(10):
            assert lab.router.complete("Hi").text == "ok"

    async def awork() -> None:
        replies = await asyncio.gather(*[lab.router.acomplete("Hi") for _ in range(10)])
        assert {reply.text for reply in replies} == {"ok"}

    threads = [threading.Thread(target=work) for _ in range(6)]
    threads += [threading.Thread(target=asyncio.run, args=(awork(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lab.sent() == 80
    assert 1 < most <= 3
    assert lab.turns()._taken == 0


@pytest.mark.usefixtures("second")
def test_who_stands_behind_others_foresees_their_turns() -> None:
    lab = Lab("requests_per_minute: 1, tokens_per_minute: 1000")
    lab.router.complete("Hi")
    waiting = threading.Thread(target=lab.router.complete, args=("Hi",))
    waiting.start()
    while not lab.turns()._queue:
        time.sleep(0.001)
    assert lab.refused(deadline_s=1.5).attempts[-1].wait_s < 0.5
    waiting.join()


@pytest.mark.parametrize("lost", [True, False])
def test_a_queue_for_tokens(lost: bool) -> None:  # noqa: FBT001 - whether the storage is
    storage = Elsewhere()
    lab = Lab("tokens_per_minute: 100, concurrency: 1", limits_storage=storage)
    with lab.router.stream("Hi there", max_tokens=20) as events:
        next(events)
        waiting = threading.Thread(target=lab.router.complete, args=("Hi",))
        waiting.start()
        while not lab.turns()._queue:
            time.sleep(0.001)
        storage.reachable = not lost
        says = "can't be reached" if lost else "left no room for 0."
        assert says in lab.refused(max_tokens=30, deadline_s=0.1).message
        storage.reachable = True
    waiting.join()


def test_another_process_may_take_the_room_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab("tokens_per_minute: 100")
    answers = [False, True]
    take = windows.Window.take
    monkeypatch.setattr(windows.Window, "take", lambda *given: answers.pop(0) and take(*given))
    lab.mock.script(of_tokens(90), of_tokens(5))
    lab.router.complete("Hi")
    failure = lab.refused(max_tokens=20, deadline_s=0.1)
    assert failure.retry_after_s is not None
    assert answers == []


def test_the_connections_of_a_limited_provider_are_the_adapter_s(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    async def aclose() -> None:
        closed.append("loop")

    lab = Lab("concurrency: 1")
    monkeypatch.setattr(lab.mock, "close", lambda: closed.append("thread"))
    monkeypatch.setattr(lab.mock, "aclose", aclose)
    limited = lab.router._ways.limiters.limited(lab.mock, lab.router.resolve().target, 0.0)
    limited.close()
    asyncio.run(limited.aclose())
    assert closed == ["thread", "loop"]


# -- Storages


def test_routers_share_a_storage() -> None:
    storage = MemoryStorage()
    first, other = (Lab("requests_per_minute: 1", limits_storage=storage) for _ in range(2))
    first.router.complete("Hi")
    other.refused()


def test_a_storage_of_a_url() -> None:
    lab = Lab("requests_per_minute: 1", limits_storage="elsewhere://user:password@host")
    assert isinstance(lab.router._ways.limiters._storage, Elsewhere)
    lab.router.complete("Hi")
    lab.refused()


def test_a_storage_out_of_reach_is_our_own_failure(caplog: pytest.LogCaptureFixture) -> None:
    storage = Elsewhere(wrap_exceptions=True)
    lab = Lab("requests_per_minute: 9, tokens_per_minute: 100", limits_storage=storage)

    def answer(_: Any) -> None:
        storage.reachable = False

    lab.mock.handler = answer
    assert lab.router.complete("Hi").text == "Hi"
    assert "the storage of the limits of one can't be reached: StorageError" in caplog.messages
    says = "the storage that counts the limits of the provider 'one' can't be reached (StorageError)"
    assert lab.refused().message == says
    with pytest.raises(RateLimitError, match=re.escape(says)):
        asyncio.run(lab.router.acomplete("Hi"))
    lab.mock.handler = None
    assert lab.router.complete("Hi", agent="chain").attempts[-1].target == "two/m2"
    storage.reachable = True
    assert lab.router.complete("Hi").text == "Hi"


@pytest.mark.usefixtures("second")
def test_a_storage_over_a_network_is_asked_in_a_thread() -> None:
    storage = Elsewhere()
    lab = Lab("requests_per_minute: 1, tokens_per_minute: 10", limits_storage=storage)
    lab.router.complete("Hi")
    lab.turns().windows.is_slow = True  # type: ignore[union-attr]
    asked: list[int] = []
    inner = storage.get_moving_window

    def watched(*arguments: Any) -> tuple[float, int]:
        asked.append(threading.get_ident())
        return inner(*arguments)

    storage.get_moving_window = watched  # type: ignore[method-assign]
    assert asyncio.run(lab.router.acomplete("Hi")).attempts[-1].wait_s > 0.5
    assert len(asked) > 2
    assert threading.get_ident() not in asked


@pytest.mark.parametrize(
    ("storage", "says"),
    [
        ("nope://user:password@host", "'nope' is no storage of the package `limits`, or needs a package"),
        ("memcached://localhost:1", "'memcached' is no storage of the package `limits`, or needs a package"),
        ("async+memory://", "a blocking storage of the package `limits` is needed"),
        (NoWindow(), "NoWindow has no moving window"),
        (7, "a blocking storage of the package `limits` is needed"),
    ],
)
def test_a_storage_that_is_none(storage: Any, says: str) -> None:
    with pytest.raises(ValueError, match=r"^limits_storage: ") as caught:
        Lab("concurrency: 1", limits_storage=storage)
    assert says in str(caught.value)
    assert "password" not in str(caught.value)


# -- What it costs who has none


@pytest.mark.parametrize("limits", ["requests_per_minute: 1", "tokens_per_minute: 1"])
def test_the_extra_is_named_where_it_is_missing(limits: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmroute.dispatch.limits.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError) as caught:
        Lab(limits)
    assert str(caught.value) == (
        "the limits of the provider 'one' are counted by the package `limits`, which is not installed\n"
        "  pip install 'llmroute[limits]'"
    )
    assert caught.value.extra == "limits"
    with pytest.raises(MissingExtraError, match="limits_storage is counted"):
        Lab("concurrency: 1", limits_storage="memory://")


def test_concurrency_needs_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmroute.dispatch.limits.find_spec", lambda _: None)
    assert Lab("concurrency: 1").router.complete("Hi").text == "Hi"


@pytest.mark.parametrize(("limits", "loaded"), [("concurrency: 1", False), ("requests_per_minute: 9", True)])
def test_the_library_is_loaded_for_who_needs_it(limits: str, loaded: bool) -> None:  # noqa: FBT001 - a row
    program = f"""
import sys
from llmroute import Router
router = Router.from_str({spec(limits)!r})
assert "limits" not in sys.modules
router.complete("Hi")
print("limits" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(loaded)]


def test_a_queue_is_made_once() -> None:
    found = from_str(spec("concurrency: 2"))
    limiters = Limiters(time.monotonic, found.providers)
    limits = found.providers["one"].limits
    assert limits is not None
    queues: list[Turns] = []
    threads = [threading.Thread(target=lambda: queues.append(limiters.turns("one", limits))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, queues))) == 1
