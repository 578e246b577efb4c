"""An adapter that asks no model: scripted replies, echo, streams, tool calls and declared faults.

A provider with `preset: mock` works without code. It echoes the last user message, or does what its `extra_body`
declares:

    providers:
      fake:
        preset: mock
        model: any-name
        extra_body:
          reply: "Four."                     # the text of the answer
          chunks: ["Fo", "ur."]              # the same, in the pieces of a stream
          tool_calls: [{name: add, arguments: {a: 2, b: 2}}]
          fault: overload                    # fail with this kind (`CallError.kind`); `truncated` breaks a stream
          latency_s: 0.2

Code decides through the router's own instance: `router.adapter("mock").script("Four.", RateLimitError("slow"))`.
Every reply has `mock=True`, and its model is `mock:` and the name.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from llmroute.adapters.failures import context
from llmroute.errors import KINDS, CallError, RequestError, TruncatedStreamError
from llmroute.wire.chat import (
    Finish,
    Message,
    Reply,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
    UsageEvent,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping

    from llmroute.adapters.base import Call
    from llmroute.wire.chat import Event

FAULTS = {kind: cls for kind, cls in KINDS.items() if cls is not CallError}
"""What `fault` may name."""
OPTIONS = ("reply", "chunks", "tool_calls", "fault", "latency_s")
"""The keys of `extra_body` that this adapter knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MockReply:
    """One scripted answer."""

    chunks: tuple[str, ...] = ()
    """The text, in the pieces of a stream."""
    tool_calls: tuple[ToolCall, ...] = ()
    error: CallError | None = None
    """A copy is raised in place of an answer; a `TruncatedStreamError` after the first piece of a stream."""
    latency_s: float = 0.0
    thinking: str = ""
    usage: Usage | None = None


Scripted: TypeAlias = "str | MockReply | Reply | CallError"
"""What can stand for an answer: its text, the whole of it, or the failure to raise."""


class Logged(NamedTuple):
    """A call that the mock got."""

    call: Call
    streamed: bool


class MockAdapter:
    """Answers from a handler, else from the queue of scripts, else as the endpoint declares, else with an echo."""

    def __init__(self) -> None:
        self.handler: Callable[[Call], Scripted | None] | None = None
        """Asked first; None from it passes the call on to the queue."""
        self.calls: list[Logged] = []
        self._queue: deque[Scripted] = deque()
        self._lock = threading.Lock()

    def script(self, *answers: Scripted) -> None:
        """Answer the next calls with these, one each."""
        self._queue.extend(answers)

    def reset(self) -> None:
        """Forget handler, scripts and log."""
        with self._lock:
            self.handler = None
            self._queue.clear()
            self.calls.clear()

    @property
    def last_call(self) -> Call | None:
        """The call that came last."""
        return self.calls[-1].call if self.calls else None

    def complete(self, call: Call) -> Reply:
        """The whole scripted answer."""
        script = self._next(call, streamed=False)
        time.sleep(script.latency_s)
        return _whole(script, call)

    async def acomplete(self, call: Call) -> Reply:
        """The same, asynchronous."""
        script = self._next(call, streamed=False)
        await _asleep(script.latency_s)
        return _whole(script, call)

    def stream(self, call: Call) -> Generator[Event, None, None]:
        """The scripted answer in pieces."""
        script = self._next(call, streamed=True)
        time.sleep(script.latency_s)
        yield from _pieces(script, call)

    async def astream(self, call: Call) -> AsyncGenerator[Event, None]:
        """The same, asynchronous."""
        script = self._next(call, streamed=True)
        await _asleep(script.latency_s)
        for event in _pieces(script, call):
            yield event

    def close(self) -> None:
        """Nothing is open."""

    async def aclose(self) -> None:
        """Nothing is open."""

    def _next(self, call: Call, *, streamed: bool) -> MockReply:
        answer: Scripted | None = None
        with self._lock:
            self.calls.append(Logged(call, streamed))
            handler = self.handler
        if handler is not None:
            answer = handler(call)
        with self._lock:
            if answer is None and self._queue:
                answer = self._queue.popleft()
        return _declared(call) if answer is None else _as_script(answer)


async def _asleep(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)


def _as_script(answer: Scripted) -> MockReply:
    if isinstance(answer, MockReply):
        return answer
    if isinstance(answer, CallError):
        return MockReply(error=answer)
    if isinstance(answer, Reply):
        chunks = (answer.text,) if answer.text else ()
        return MockReply(chunks=chunks, tool_calls=answer.tool_calls, thinking=answer.thinking, usage=answer.usage)
    return MockReply(chunks=_split(answer))


def _split(text: str) -> tuple[str, ...]:
    """A word a piece, white space kept."""
    return tuple(re.findall(r"\s*\S+\s*$|\s*\S+", text)) or ((text,) if text else ())


def _declared(call: Call) -> MockReply:
    """What the endpoint's `extra_body` says, else an echo of the last user message."""
    options: Mapping[str, Any] = call.endpoint.extra_body
    for name in options:
        if name not in OPTIONS:
            raise _wrong(call, f"unknown option {name!r} in extra_body; a mock knows {', '.join(OPTIONS)}")
    fault = options.get("fault")
    if fault is not None and fault not in FAULTS:
        raise _wrong(call, f"unknown fault {fault!r}; known: {', '.join(FAULTS)}")
    error = FAULTS[fault](f"the declared fault {fault!r}", **context(call.endpoint)) if fault else None
    tools = tuple(_tool(row, i) for i, row in enumerate(options.get("tool_calls", ())))
    if "chunks" in options:
        chunks = tuple(str(piece) for piece in options["chunks"])
    elif "reply" in options:
        chunks = _split(str(options["reply"]))
    else:
        chunks = () if tools else _split(_echo(call))
    return MockReply(chunks=chunks, tool_calls=tools, error=error, latency_s=float(options.get("latency_s", 0.0)))


def _tool(row: Mapping[str, Any], index: int) -> ToolCall:
    arguments = row.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ToolCall(str(row.get("id", f"mock_{index}")), str(row["name"]), text)


def _echo(call: Call) -> str:
    asked = (message.text for message in reversed(call.request.messages) if message.role == "user")
    return next(asked, "")


def _wrong(call: Call, what: str) -> RequestError:
    return RequestError(f"mock provider {call.endpoint.provider}: {what}", **context(call.endpoint))


def _whole(script: MockReply, call: Call) -> Reply:
    if script.error is not None:
        raise copy(script.error)
    return _reply(script, call)


def _reply(script: MockReply, call: Call) -> Reply:
    text = "".join(script.chunks)
    thinking = (Thinking(script.thinking),) if script.thinking else ()
    return Reply(
        Message("assistant", (*thinking, *((Text(text),) if text else ()), *script.tool_calls)),
        stop_reason="tool_calls" if script.tool_calls else "stop",
        usage=script.usage,
        model=f"mock:{call.endpoint.model}",
        id="mock",
        mock=True,
    )


def _pieces(script: MockReply, call: Call) -> Generator[Event, None, None]:
    if isinstance(script.error, TruncatedStreamError):
        yield from _broken(script, script.error, call)
    if script.error is not None:
        raise copy(script.error)
    if script.thinking:
        yield ThinkingDelta.append([], script.thinking)
    said: list[str] = []
    for chunk in script.chunks:
        yield TextDelta.append(said, chunk)
    for index, tool in enumerate(script.tool_calls):
        yield ToolCallStart(index, tool.id, tool.name, tool.custom)
        yield ToolCallDelta(index, tool.id, tool.arguments)
        yield ToolCallEnd(index, tool)
    if script.usage is not None:
        yield UsageEvent(script.usage)
    yield Finish(_reply(script, call))


def _broken(script: MockReply, error: TruncatedStreamError, call: Call) -> Generator[Event, None, None]:
    """The first piece: of the text, else of the first tool call."""
    if script.chunks:
        yield TextDelta.append([], script.chunks[0])
    elif script.tool_calls:
        call_begun = script.tool_calls[0]
        yield ToolCallStart(0, call_begun.id, call_begun.name, call_begun.custom)
    failure = copy(error)
    if failure.partial is None:
        failure.partial = _reply(MockReply(chunks=script.chunks[:1]), call)
    raise failure
