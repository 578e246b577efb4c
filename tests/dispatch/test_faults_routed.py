"""Every row of the catalogue of faults, through a router: attempts, waits, messages, and what the next target does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmroute.dispatch.router import Router
from llmroute.errors import CallError
from llmroute.testing import FaultServer, good_answer, good_stream
from llmroute.wire.chat import ErrorEvent, Finish
from tests.testing import faults_of_one_api, faults_stream, faults_whole
from tests.testing.catalogue import KINDS_PASSED_ON, Fault, requests_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.testing import Script, Seen
    from llmroute.wire.chat import Event, Reply

FAULTS = [*faults_whole.faults(), *faults_stream.faults(), *faults_of_one_api.faults()]
ROWS = [pytest.param(fault, api, id=f"{fault.id}-{api}") for fault in FAULTS for api in fault.apis]
KEY = "sk-canary-0123456789abcdef"
PROMPT = "the prompt that must never show up in any message"
PATHS = {"openai-chat": "/v1", "anthropic-messages": ""}


class Lab:
    """A router of two targets on one server: what is asked of `first` meets the fault, `second` is well."""

    def __init__(self, fault: Fault, api: str, agent: str) -> None:
        self.fault, self.api, self.agent = fault, api, agent
        self.server = FaultServer(self.script)
        timeout = 0.1 if fault.waits else 10.0
        self.router = Router(
            {
                "version": 1,
                "providers": {
                    name: {
                        "base_url": f"{self.server.url}/{name}{PATHS[api]}",
                        "api": api,
                        "model": "m-1",
                        "api_key": "${KEY}",
                    }
                    for name in ("first", "second")
                },
                "defaults": {"provider": "first", "max_retries": 1, "timeout": timeout},
                "agents": {"alone": {}, "chain": {"fallbacks": ["second/m-1"]}},
            },
            environ={"KEY": KEY},
        )
        self.waits: list[float] = []
        self.router._sleep = self.waits.append
        self.router._ways = self.router._ways._replace(random=lambda: 0.5)

    def script(self, seen: Seen) -> Script:
        if seen.path.startswith("/first"):
            return self.fault.of(self.api)
        return (good_stream if self.fault.streamed else good_answer)(self.api, "Spare.")

    def ask(self) -> tuple[Sequence[Event], CallError | None]:
        events: list[Event] = []
        with self.router, self.server:
            try:
                if not self.fault.streamed:
                    return [Finish(self.router.complete(PROMPT, agent=self.agent))], None
                with self.router.stream(PROMPT, agent=self.agent) as running:
                    for event in running:
                        events.append(event)  # noqa: PERF402 - those before an exception count
            except CallError as exc:
                return events, exc
        return events, None

    def asked(self, name: str) -> int:
        return sum(seen.path.startswith(f"/{name}") for seen in self.server.requests)


def reply_of(events: Sequence[Event]) -> Reply:
    last = events[-1]
    assert isinstance(last, Finish)
    return last.reply


@pytest.mark.parametrize(("fault", "api"), ROWS)
def test_one_target(fault: Fault, api: str) -> None:
    lab = Lab(fault, api, "alone")
    events, failure = lab.ask()
    requests = requests_of(fault)
    assert lab.asked("first") == requests == len(lab.server.requests)
    assert lab.server.connections == (1 if fault.kept else requests)
    if failure is None:
        assert fault.kind is None
        assert [row.kind for row in reply_of(events).attempts] == [None]
        assert reply_of(events).text == fault.text
        return
    assert [row.kind for row in failure.attempts] == [fault.kind] * requests
    assert [row.status for row in failure.attempts] == [fault.status] * requests
    assert all(fault.says in row.message for row in failure.attempts)
    assert "chosen by defaults" in failure.hint
    assert [event.type for event in events if event.type == "error"] == ["error"] * fault.began
    assert not fault.began or isinstance(events[-1], ErrorEvent)
    pause = 0.25 if fault.retry_after_s is None else fault.retry_after_s
    assert lab.waits == [pause] * (requests > 1 and pause > 0)
    assert KEY not in str(failure)
    assert PROMPT not in str(failure)


@pytest.mark.parametrize(("fault", "api"), ROWS)
def test_the_next_target(fault: Fault, api: str) -> None:
    lab = Lab(fault, api, "chain")
    events, failure = lab.ask()
    requests = requests_of(fault)
    goes_on = fault.kind in KINDS_PASSED_ON and not fault.began
    assert (lab.asked("first"), lab.asked("second")) == (requests, int(goes_on))
    if goes_on:
        assert failure is None
        reply = reply_of(events)
        assert reply.text == "Spare."
        assert [(row.provider, row.kind) for row in reply.attempts] == [
            *[("first", fault.kind)] * requests,
            ("second", None),
        ]
    else:
        assert (failure.kind if failure else None) == fault.kind
