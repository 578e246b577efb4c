"""Requests as OpenTelemetry shows them, by the semantic conventions for generative AI.

A request is a span `chat MODEL` of the kind CLIENT, each attempt a span below it. No prompt, no answer and no key
is on them, unless the program asks for the first two.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from opentelemetry import context, metrics, trace
from opentelemetry.trace import SpanKind, StatusCode

from llmroute.dispatch.telemetry_attributes import answer, asked, error_type, names, place
from llmroute.dispatch.telemetry_content import reply_content, request_content
from llmroute.errors import CallError
from llmroute.wire.chat import ErrorEvent, Finish, UsageEvent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from llmroute.adapters.base import Adapter, Call
    from llmroute.routing.route import Resolution, Target
    from llmroute.wire.chat import Event, Reply

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4**power for power in range(14))
OPERATION = "gen_ai.operation.name"
"""Stands on the span of the request alone, so that nobody counts its attempts as further ones."""
LEFT = (GeneratorExit, asyncio.CancelledError, KeyboardInterrupt)
"""How a request is given up from outside, which is no error of its own."""


class Telemetry:
    """The tracer and the instruments of one router."""

    def __init__(self, clock: Callable[[], float], *, content: bool) -> None:
        """Ask the API for them; without an SDK behind it they do nothing."""
        self.clock = clock
        self.content = content
        self.tracer = trace.get_tracer("llmroute")
        meter = metrics.get_meter("llmroute")
        self.duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self.first_chunk = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            unit="s",
            description="Time to receive the first chunk.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self.tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )

    def watch(self, resolution: Resolution) -> Watched:
        """Watch one request; its parent is the span that is current now."""
        return Watched(self, resolution)


class Watched:
    """One request: its span begins with the first attempt and ends with the outcome."""

    def __init__(self, telemetry: Telemetry, resolution: Resolution) -> None:
        self.telemetry = telemetry
        self._resolution = resolution
        self._parent = context.get_current()
        self._target = resolution.target
        self._span: Span | None = None
        self._ended = False
        self._began = 0.0
        self._first_chunk_s: float | None = None
        self._attempts = 0

    def adapter(self, adapter: Adapter, target: Target) -> Traced:
        """The adapter for the next attempt."""
        self._target = target
        self._attempts += 1
        return Traced(adapter, self)

    def attempt(self, call: Call, *, streamed: bool) -> tuple[Span, Context]:
        """The span of an attempt, and the context in which it is made; what was asked stands on the request's."""
        root, target = self._begin(), self._target
        if root.is_recording():
            root.set_attributes(dict(asked(call, streamed=streamed)))
            if self.telemetry.content:
                root.set_attributes(dict(request_content(call.request)))
        span = self.telemetry.tracer.start_span(
            f"attempt {target.name}",
            trace.set_span_in_context(root, self._parent),
            attributes={
                **place(target),
                "llmroute.target": target.name,
                "llmroute.attempt": self._attempts,
            },
        )
        return span, trace.set_span_in_context(span, self._parent)

    def chunk(self) -> None:
        """The first content of a stream has arrived."""
        self._first_chunk_s = self.telemetry.clock() - self._began

    def answered(self, reply: Reply) -> None:
        """The request has its answer."""
        span, common = self._begin(), {OPERATION: "chat", **place(self._target)}
        if span.is_recording():
            span.set_attributes(dict(answer(reply)))
            if self._first_chunk_s is not None:
                span.set_attribute("gen_ai.response.time_to_first_chunk", self._first_chunk_s)
            if self.telemetry.content:
                span.set_attribute("gen_ai.output.messages", reply_content(reply))
        if reply.model:
            common["gen_ai.response.model"] = reply.model
        if self._first_chunk_s is not None:
            self.telemetry.first_chunk.record(self._first_chunk_s, common)
        for kind in ("input", "output") if reply.usage is not None else ():
            count = getattr(reply.usage, f"{kind}_tokens")
            if count is not None:
                self.telemetry.tokens.record(count, {**common, "gen_ai.token.type": kind})
        self._end(common)

    def failed(self, failure: BaseException) -> None:
        """The request has failed, or was given up from outside."""
        span, common = self._begin(), {OPERATION: "chat", **place(self._target)}
        if isinstance(failure, LEFT):
            span.set_attribute("llmroute.cancelled", value=True)
        else:
            _mark(span, failure)
            common["error.type"] = error_type(failure)
        self._end(common)

    def close(self, failure: BaseException | None) -> None:
        """Nobody waits for the request any more."""
        if not self._ended:
            self.failed(GeneratorExit() if failure is None else failure)

    def _begin(self) -> Span:
        if self._span is None:
            self._began = self.telemetry.clock()
            attributes = {OPERATION: "chat", **place(self._target), **names(self._resolution)}
            name = f"chat {self._target.model}"
            self._span = self.telemetry.tracer.start_span(name, self._parent, SpanKind.CLIENT, attributes)
        return self._span

    def _end(self, common: dict[str, Any]) -> None:
        """End the span and measure it; both say who was asked last."""
        span = self._begin()
        span.update_name(f"chat {self._target.model}")
        span.set_attributes({**place(self._target), "llmroute.attempts": self._attempts})
        span.end()
        self._ended = True
        self.telemetry.duration.record(max(0.0, self.telemetry.clock() - self._began), common)


class Traced:
    """An adapter whose one call is a span.

    While a whole answer is awaited the span is current. While a stream is read it is not: what happens between its
    pieces is the caller's own.
    """

    def __init__(self, adapter: Adapter, watched: Watched) -> None:
        self._adapter = adapter
        self._watched = watched

    def complete(self, call: Call) -> Reply:
        """Make the call and wait for the whole answer."""
        with _Attempt(self._watched, call):
            return self._adapter.complete(call)

    async def acomplete(self, call: Call) -> Reply:
        """The same, asynchronous."""
        with _Attempt(self._watched, call):
            return await self._adapter.acomplete(call)

    def stream(self, call: Call) -> Generator[Event, None, None]:
        """Make the call and give the answer piece by piece."""
        with _Attempt(self._watched, call, streamed=True) as attempt:
            source = self._adapter.stream(call)
            try:
                for event in source:
                    attempt.saw(event)
                    yield event
            finally:
                source.close()

    async def astream(self, call: Call) -> AsyncGenerator[Event, None]:
        """The same, asynchronous."""
        with _Attempt(self._watched, call, streamed=True) as attempt:
            source = self._adapter.astream(call)
            try:
                async for event in source:
                    attempt.saw(event)
                    yield event
            finally:
                await source.aclose()

    def close(self) -> None:
        """Close the adapter's connections of blocking calls."""
        self._adapter.close()

    async def aclose(self) -> None:
        """Close all of the adapter's connections."""
        await self._adapter.aclose()


class _Attempt:
    """The span of one attempt, from its beginning to its end."""

    def __init__(self, watched: Watched, call: Call, *, streamed: bool = False) -> None:
        self._watched = watched
        self._streamed = streamed
        self._began = self._ended = False
        self._span, self._context = watched.attempt(call, streamed=streamed)

    def saw(self, event: Event) -> None:
        """A piece of the stream has arrived."""
        if isinstance(event, Finish):
            self._end(None)
        elif isinstance(event, ErrorEvent):
            self._end(event.error)
        elif not self._began and not isinstance(event, UsageEvent):
            self._began = True
            self._watched.chunk()

    def __enter__(self) -> Self:
        if not self._streamed:
            self._token = context.attach(self._context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace_: TracebackType | None
    ) -> None:
        if not self._streamed:
            context.detach(self._token)
        self._end(value)

    def _end(self, failure: BaseException | None) -> None:
        if self._ended:
            return
        self._ended = True
        if isinstance(failure, LEFT):
            self._span.set_attribute("llmroute.cancelled", value=True)
        elif failure is not None:
            _mark(self._span, failure)
        self._span.end()


def _mark(span: Span, failure: BaseException) -> None:
    """Say on a span what went wrong; the message of a failed call holds neither prompt nor key."""
    span.set_attribute("error.type", error_type(failure))
    if not isinstance(failure, CallError):
        span.set_status(StatusCode.ERROR)
        return
    span.set_status(StatusCode.ERROR, failure.message)
    if failure.status is not None:
        span.set_attribute("http.response.status_code", failure.status)
