"""The catalogue of wire faults, items 49 to 88, as data: what a server does, and what it must come to.

A `Fault` is a script by API, and what is expected of a call that meets it. The same rows go through the adapters
(`tests/adapters/test_fault_items.py`), through a router (`tests/dispatch/test_faults_routed.py`) and, drawn at random,
through the ledger (`tests/dispatch/test_accounting.py`). The ids of the tests are there to be checked off, as in
`item-61-cut-body-openai-chat`:

- 49 to 56 statuses (49: 400 · 50: 401, 403 · 51: 402 · 52: 404 · 53: 408, 409 · 54: 413, 422 · 55: 429 and its waits ·
  56: 5xx), 57 HTML, 58 nothing, 59 JSON that is no answer, 60 an error inside a 200, 61 cut, 62 encoded wrongly,
  63 no JSON, 65 silence and drip, 66 heads and redirects: `tests/testing/faults_whole.py`
- 67 to 72, 74 to 82, 85 and 86 streams: `tests/testing/faults_stream.py`
- 54 refused while it is written, 62 bombs, 64 no connection and TLS, 65 a server that reads nothing, 66 redirects to
  another origin: `tests/adapters/test_fault_connections.py`
- 66 kept connections: `tests/adapters/test_kept_connections.py`
- 73 every offset, 83 the deadline, 87 callers who leave, 88 slow readers: `tests/adapters/test_fault_streams.py`
- 87 slots given back: `tests/dispatch/test_limits.py`
- 83 the other time limits: `tests/adapters/test_time_limits.py`
- 71 to 75 and 84, the lines alone: `tests/wire/test_sse.py`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from llmroute.testing import Script
from llmroute.testing.answers import ANTHROPIC, OPENAI

APIS = (OPENAI, ANTHROPIC)
ByApi: TypeAlias = Callable[[str], Script]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One row; the defaults are those of an answer that is taken after all."""

    item: int
    name: str
    script: Script | ByApi
    kind: str | None = None
    """The kind of the failure; None: the answer is good in spite of it."""
    says: str = ""
    """A part of the message."""
    status: int | None = 200
    """What stands on the failure."""
    retry_after_s: float | None = None
    streamed: bool = False
    began: bool = False
    """Whether text of a stream reaches the caller before it breaks."""
    kept: bool = False
    """Whether the connection serves the next request too."""
    waits: bool = False
    """Whether a time limit ends it."""
    apis: tuple[str, ...] = APIS
    text: str = "Four."
    """Of the good answer, or what had come of a broken one."""
    calls: tuple[tuple[str, str], ...] = ()
    """Names and arguments of the tool calls of the answer."""
    stop: str = "stop"
    warns: str = ""
    """A part of the only warning on the good answer."""
    large: bool = False
    """Too large to be met a thousand times."""

    @property
    def id(self) -> str:
        """The id of its tests, without the API."""
        return f"item-{self.item}-{self.name}"

    def of(self, api: str) -> Script:
        """The script for an API."""
        return self.script(api) if callable(self.script) else self.script


KINDS_TRIED_AGAIN = frozenset({"rate", "overload", "server", "connect", "malformed", "truncated"})
"""After these the same target is asked again, unless text has been seen: the table, written once more."""
KINDS_PASSED_ON = KINDS_TRIED_AGAIN | {"quota", "ambiguous", "model"}
"""After these the next target is asked."""
LONGEST_WAIT_S = 30.0


def requests_of(fault: Fault, retries: int = 1) -> int:
    """How many requests a route of one target makes when each of them meets the fault."""
    waits_too_long = fault.retry_after_s is not None and fault.retry_after_s > LONGEST_WAIT_S
    return 1 + retries * (fault.kind in KINDS_TRIED_AGAIN and not fault.began and not waits_too_long)


def error(api: str, kind: str = "some_error", **more: Any) -> dict[str, Any]:
    """An error object in the form of the API."""
    inner = {"message": "no luck", "type": kind, **more}
    return {"type": "error", "error": inner} if api == ANTHROPIC else {"error": {"param": None, "code": None, **inner}}
