"""Servers that fail at random, the same in every run, and the books that are kept of each request on both sides."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from llmroute.testing import FaultServer, good_answer, good_stream
from tests.testing import faults_of_one_api, faults_stream, faults_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmroute.testing import Script, Seen
    from llmroute.wire.chat import Attempt
    from tests.testing.catalogue import Fault

FAULTS = [
    fault for fault in (*faults_whole.faults(), *faults_stream.faults(), *faults_of_one_api.faults()) if not fault.large
]
NUMBER = re.compile(rb"request (\d+)")
under_way: ContextVar[Request] = ContextVar("the request under way")


@dataclass
class Request:
    """One request, as its caller sees it."""

    number: int
    streamed: bool
    leaves: bool
    """Whether the caller leaves in the middle of the answer."""
    deadline_s: float
    outcome: str = ""
    """`completed`, `failed` or `cancelled`; set once."""
    kind: str | None = None
    """Of the failure."""
    text: str = ""
    attempts: Sequence[Attempt] = ()
    """On the reply or the error."""
    told: list[Attempt] = field(default_factory=list)
    """By `on_attempt`."""
    elapsed_s: float = 0.0

    @property
    def prompt(self) -> str:
        """The number, so that the servers know it."""
        return f"request {self.number}."

    def end(self, outcome: str) -> None:
        """Its one outcome."""
        assert not self.outcome, f"{self.number} was {self.outcome} and is {outcome}"
        self.outcome = outcome


def drawn(count: int, seed: int, leaving: float = 0.1, hurried: float = 0.01) -> list[Request]:
    """Requests: half of them streams, of which a part is left by its caller; a part of all has very little time."""
    random = Random(seed)  # noqa: S311 - the same in every run
    return [
        Request(
            number=number,
            streamed=number % 2 == 0,
            leaves=number % 2 == 0 and random.random() < leaving,
            deadline_s=0.2 if random.random() < hurried else 20.0,
        )
        for number in range(count)
    ]


class Upstream:
    """One target: a server, what it does with each request, and its log."""

    def __init__(
        self, name: str, api: str, seed: int, share: float, may: Callable[[Fault], bool] = lambda _: True
    ) -> None:
        self.name, self.api = name, api
        self.log: defaultdict[int, int] = defaultdict(int)
        """How often each request came."""
        self.always: Fault | None = None
        """What happens to every request."""
        self._seed, self._share = seed, share
        self._lock = threading.Lock()
        rows = [fault for fault in FAULTS if api in fault.apis and may(fault)]
        self._rows = {flag: [fault for fault in rows if fault.streamed == flag] for flag in (False, True)}
        self.server = FaultServer(self._script)

    def fault(self, number: int, nth: int, *, streamed: bool) -> Fault | None:
        """What happens to a request when it comes for the nth time."""
        if self.always is not None:
            return self.always
        random = Random(f"{self._seed}/{self.name}/{number}/{nth}")  # noqa: S311 - the same in every run
        return random.choice(self._rows[streamed]) if random.random() < self._share else None

    def text(self, number: int, nth: int, *, streamed: bool) -> str | None:
        """What a caller must have read then; None: no whole answer."""
        fault = self.fault(number, nth, streamed=streamed)
        if fault is None:
            return f"answer {number}"
        return None if fault.kind else fault.text

    def _script(self, seen: Seen) -> Script:
        found = NUMBER.search(seen.body)
        assert found is not None
        number, streamed = int(found[1]), b'"stream":true' in seen.body
        with self._lock:
            self.log[number] += 1
            nth = self.log[number]
        seen.body = seen.raw = b""  # a log of twenty thousand bodies is of no use
        fault = self.fault(number, nth, streamed=streamed)
        if fault is not None:
            return fault.of(self.api)
        return good_stream(self.api, "answer ", str(number)) if streamed else good_answer(self.api, f"answer {number}")


def waited_for(condition: Callable[[], bool], seconds: float = 2.0) -> bool:
    """Whether it comes true within that time."""
    ends_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends_at:
            return False
        time.sleep(0.01)
    return True
