"""The ledger: thousands of requests over three failing targets, and every one of them accounted for on both sides."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llmroute import load
from llmroute.dispatch.router import Router
from llmroute.errors import CallError
from llmroute.testing import Close, Hang, Reset, answer
from tests.testing.catalogue import KINDS_PASSED_ON, Fault
from tests.testing.traffic import Request, Upstream, drawn, under_way, waited_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmroute.wire.chat import Attempt, Event

# Hundreds of threads that begin at once now and then collide in CPython 3.11's `sys.settrace`, which coverage calls.
pytestmark = pytest.mark.no_cover

THOROUGH = os.environ.get("CI", "").lower() == "true" or os.environ.get("HYPOTHESIS_PROFILE") in {"ci", "nightly"}
REQUESTS = 20_000 if THOROUGH else 2_000
BATCH = 50
"""So many requests make one router: a wrong key or a missing model stays down for as long as it lives."""
AT_ONCE = 24
TIMEOUT_S = 1.0
SEED = 20_260
APIS = {"one": "openai-chat", "two": "anthropic-messages", "three": "openai-chat"}


# -- What is left behind


def held() -> tuple[int, int]:
    """Open files and threads."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    before = held()
    yield
    assert waited_for(lambda: held() <= before), f"{before} files and threads before, {held()} afterwards"


# -- Callers


def spec_of(targets: Sequence[Upstream], **more: Any) -> Any:
    providers = {
        target.name: {
            "base_url": target.server.url + ("/v1" if target.api == "openai-chat" else ""),
            "api": target.api,
            "model": "m",
            **more,
        }
        for target in targets
    }
    first, *others = (f"{target.name}/m" for target in targets)
    return load.from_mapping({"version": 1, "providers": providers, "defaults": {"model": first, "fallbacks": others}})


def router_of(spec: Any) -> Router:
    made = Router(spec, environ={}, on_attempt=tell)
    made._ways = made._ways._replace(random=lambda: 0.0)  # backoff waits are no part of what is counted
    return made


def tell(attempt: Attempt) -> None:
    under_way.get().told.append(attempt)


def ask(router: Router, request: Request) -> None:
    under_way.set(request)
    began = time.monotonic()
    try:
        if request.streamed:
            with router.stream(request.prompt, timeout=TIMEOUT_S, deadline_s=request.deadline_s) as events:
                if not any(took(request, event) for event in events):
                    completed(request, events.reply)
        else:
            completed(request, router.complete(request.prompt, timeout=TIMEOUT_S, deadline_s=request.deadline_s))
    except CallError as exc:
        failed(request, exc)
    request.elapsed_s = time.monotonic() - began


async def aask(router: Router, request: Request) -> None:
    under_way.set(request)
    began = time.monotonic()
    asked: dict[str, Any] = {"timeout": TIMEOUT_S, "deadline_s": request.deadline_s}
    try:
        if request.streamed:
            async with router.astream(request.prompt, **asked) as events:
                async for event in events:
                    if took(request, event):
                        break
                else:
                    completed(request, events.reply)
        else:
            # A few are given up while they wait.
            async with asyncio.timeout(0.002 if request.number % 50 == 1 else None):
                completed(request, await router.acomplete(request.prompt, **asked))
    except TimeoutError:
        request.end("cancelled")
    except CallError as exc:
        failed(request, exc)
    request.elapsed_s = time.monotonic() - began


def took(request: Request, event: Event) -> bool:
    """Read an event; whether the caller leaves at it."""
    if event.type == "text_delta":
        request.text += event.text
        if request.leaves:
            request.end("cancelled")
            return True
    return False


def completed(request: Request, reply: Any) -> None:
    assert not request.streamed or request.text == reply.text
    request.text, request.attempts = reply.text, reply.attempts
    request.end("completed")


def failed(request: Request, failure: CallError) -> None:
    request.kind, request.attempts = failure.kind, failure.attempts
    request.end("failed")


def all_in_threads(spec: Any, requests: Sequence[Request], workers: int = AT_ONCE, batch: int = BATCH) -> None:
    def work(start: int) -> None:
        with router_of(spec) as router:
            for request in requests[start : start + batch]:
                ask(router, request)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(0, len(requests), batch)))


async def all_in_tasks(spec: Any, requests: Sequence[Request]) -> None:
    batches = iter(range(0, len(requests), BATCH))

    async def work() -> None:
        for start in batches:
            async with router_of(spec) as router:
                for request in requests[start : start + BATCH]:
                    await aask(router, request)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
    assert asyncio.all_tasks() == {asyncio.current_task()}


# -- The books


def audit(requests: Sequence[Request], targets: Sequence[Upstream]) -> Counter[str]:
    """Compare both sides, request by request; the sum of all outcomes."""
    outcomes = Counter(request.outcome for request in requests)
    assert outcomes.keys() <= {"completed", "failed", "cancelled"}
    assert outcomes.total() == len(requests)
    for request in requests:
        on_the_wire = sum(target.log[request.number] for target in targets)
        if request.outcome == "cancelled":  # the attempt under way is not told
            assert on_the_wire - len(request.told) in {0, 1}, request
        else:
            # An attempt that was cut off may have ended before anything was sent.
            unsent = sum(is_late(row) for row in request.attempts) + (request.kind == "deadline")
            assert 0 <= len(request.attempts) - on_the_wire <= unsent, request
            assert list(request.attempts) == request.told
        audit_attempts(request, {target.name: target for target in targets})
        assert request.elapsed_s <= request.deadline_s + 1.0, request
    told = [row for request in requests for row in request.told]
    assert sum(is_late(row) for row in told) <= len(told) // 10
    return outcomes


def is_late(row: Attempt) -> bool:
    """Whether the time limit of an attempt had passed: on a machine that stands still, that is nobody's fault."""
    return row.kind in {"connect", "ambiguous"} and row.elapsed_s >= TIMEOUT_S


def audit_attempts(request: Request, targets: dict[str, Upstream]) -> None:
    """Each attempt came to what the server did, and only a whole answer is a success."""
    count: Counter[str] = Counter()
    for row in request.told:
        name = row.provider or ""
        count[name] += 1
        fault = targets[name].fault(request.number, count[name], streamed=request.streamed)
        if row.kind is None:
            assert request.outcome == "completed", request
            assert row is request.told[-1]
            assert request.text == targets[name].text(request.number, count[name], streamed=request.streamed)
        elif row.kind == "deadline":
            assert request.deadline_s < TIMEOUT_S or (fault and fault.waits), request
        elif fault is None and is_late(row):
            continue
        elif row.kind == "connect":  # a kept connection that ends at once has not been heard
            assert fault
            assert fault.name.startswith(("reset", "close")), request
        else:
            assert fault, request
            assert row.kind == fault.kind, (row, fault)
    if request.outcome == "failed":
        assert request.kind in {request.told[-1].kind, "deadline"}


@pytest.mark.parametrize("way", ["threads", "tasks"])
@pytest.mark.usefixtures("nothing_is_left")
def test_every_request_has_one_outcome_and_every_attempt_is_told(way: str) -> None:
    requests = drawn(REQUESTS // 2, SEED + len(way))
    with ExitStack() as stack:
        targets = [Upstream(name, api, SEED, 0.3) for name, api in APIS.items()]
        for target in targets:
            stack.enter_context(target.server)
        # A router asks for one thing at a time here: a slot that is not given back would stop it.
        spec = spec_of(targets, limits={"concurrency": 1})
        if way == "threads":
            all_in_threads(spec, requests)
        else:
            asyncio.run(all_in_tasks(spec, requests))
        assert waited_for(lambda: not any(target.server.open_connections for target in targets))
    outcomes = audit(requests, targets)
    assert all(outcomes[name] > REQUESTS // 200 for name in ("completed", "failed", "cancelled"))


# -- What a caller notices of it


def failing(fault: Fault) -> bool:
    """Whether a fault is one after which the next target is asked."""
    return fault.kind in KINDS_PASSED_ON and not fault.began and not fault.waits


@pytest.mark.usefixtures("nothing_is_left")
def test_one_healthy_fallback_is_enough() -> None:
    requests = drawn(REQUESTS // 4, SEED, leaving=0.0, hurried=0.0)
    primary = Upstream("one", "openai-chat", SEED, 1.0, failing)
    spare = Upstream("two", "anthropic-messages", SEED, 0.0)
    with primary.server, spare.server:
        all_in_threads(spec_of([primary, spare]), requests)
    assert audit(requests, [primary, spare])["completed"] >= 0.999 * len(requests)


DOWN = {
    "500": ("server", answer(500)),
    "503": ("overload", answer(503)),
    "429": ("rate", answer(429)),
    "404": ("model", answer(404)),
    "reset": ("ambiguous", [Reset()]),
    "closed": ("ambiguous", [Close()]),
    "html": ("malformed", answer(200, "<html>", {"content-type": "text/html"})),
    "silence": ("ambiguous", [Hang()]),
}


@pytest.mark.parametrize("case", DOWN)
@pytest.mark.usefixtures("nothing_is_left")
def test_two_of_three_targets_down(case: str) -> None:
    """Requests on the wire for each that was accepted, with one router for all of them."""
    kind, script = DOWN[case]
    fault = Fault(item=0, name=f"{case}-always", kind=kind, script=script, waits=case == "silence")
    requests = drawn(500, SEED, leaving=0.0, hurried=0.0)
    targets = [Upstream(name, api, SEED, 0.0) for name, api in APIS.items()]
    with ExitStack() as stack:
        for target in targets:
            stack.enter_context(target.server)
        for target in targets[:2]:
            target.always = fault
        with router_of(spec_of(targets)) as router, ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda request: ask(router, request), requests))
    assert audit(requests, targets)["completed"] == len(requests)
    amplification = sum(sum(target.log.values()) for target in targets) / len(requests)
    assert amplification <= 1.2
