"""What OpenTelemetry gets to see of a request: spans, metrics, and no content unless it was asked for."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from opentelemetry import context, metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from llmroute.adapters.mock import MockReply
from llmroute.dispatch.router import Router
from llmroute.dispatch.telemetry_attributes import place
from llmroute.dispatch.telemetry_content import reply_content, request_content
from llmroute.errors import CallError, ConversionError, RateLimitError, ServerError, TruncatedStreamError
from llmroute.routing.canonical import short_hash
from llmroute.routing.route import Target
from llmroute.wire.chat import (
    ChatRequest,
    Document,
    ErrorEvent,
    Finish,
    Image,
    Message,
    Opaque,
    Reply,
    ResponseFormat,
    Text,
    TextDelta,
    Thinking,
    Tool,
    ToolCall,
    Usage,
    UsageEvent,
    system,
    tool_result,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.metrics.export import HistogramDataPoint
    from opentelemetry.sdk.trace import ReadableSpan

    from llmroute.adapters.base import Call
    from llmroute.adapters.mock import MockAdapter
    from llmroute.wire.chat import Event

KEY = "sk-canary-0123456789abcdef"
PROMPT = "the prompt that nobody may export"
ANSWER = "the answer that nobody may export"
SPEC = """
version: 1
providers:
  one: {preset: mock, model: m1, max_retries: 0, api_key: "${ONE_KEY}"}
  two: {api: mock, base_url: "mock://mock", model: m2}
defaults: {provider: one}
purposes: {planning: {temperature: 0, max_tokens: 9}}
agents:
  chain: {provider: one, fallbacks: [two]}
  again: {provider: one, fallbacks: [two], on_stream_break: restart}
clients: {program: {}}
"""
USAGE = Usage(input_tokens=7, output_tokens=5, cached_tokens=2, cache_write_tokens=1, reasoning_tokens=3)


class Watch:
    """Everything that was exported."""

    def __init__(self) -> None:
        self.spans = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        self.meters = MeterProvider([self.reader])

    def request(self) -> ReadableSpan:
        """The span of the one request."""
        (found,) = [span for span in self.spans.get_finished_spans() if span.kind is SpanKind.CLIENT]
        return found

    def attempts(self) -> list[ReadableSpan]:
        """The spans of its attempts, which lie below it."""
        root = self.request()
        found = [span for span in self.spans.get_finished_spans() if span.name.startswith("attempt ")]
        for span in found:
            assert span.parent is not None
            assert root.context is not None
            assert span.parent.span_id == root.context.span_id
            assert span.kind is SpanKind.INTERNAL
            assert (root.start_time or 0) <= (span.start_time or 0) <= (span.end_time or 0) <= (root.end_time or 0)
        return found

    def points(self, name: str) -> list[HistogramDataPoint]:
        """The data points of an instrument."""
        data = self.reader.get_metrics_data()
        found: list[Any] = []
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    if metric.name == name:
                        found += metric.data.data_points
        return found

    def everything(self) -> str:
        """All that was exported, as text."""
        data = self.reader.get_metrics_data()
        return "".join(span.to_json() for span in self.spans.get_finished_spans()) + (data.to_json() if data else "")


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    found = Watch()
    monkeypatch.setattr(trace, "get_tracer", found.tracers.get_tracer)
    monkeypatch.setattr(metrics, "get_meter", found.meters.get_meter)
    yield found
    found.tracers.shutdown()
    found.meters.shutdown()


def lab(**more: Any) -> tuple[Router, MockAdapter]:
    router = Router.from_str(SPEC, environ={"ONE_KEY": KEY}, client="program", **more)
    mock: Any = router.adapter("mock")
    return router, mock


def whole(text: str = ANSWER, **more: Any) -> Reply:
    return Reply(Message("assistant", (Text(text),)), usage=USAGE, id="chatcmpl-1", **more)


def ask(router: Router, way: str, **names: Any) -> None:
    """Ask in one of the four ways, to the end."""

    async def aask() -> None:
        if way == "acomplete":
            await router.acomplete(PROMPT, **names)
        else:
            async with router.astream(PROMPT, **names) as events:
                assert [event async for event in events]

    if way == "complete":
        router.complete(PROMPT, **names)
    elif way == "stream":
        with router.stream(PROMPT, **names) as events:
            assert list(events)
    else:
        asyncio.run(aask())


WAYS = ["complete", "acomplete", "stream", "astream"]


# -- One request


@pytest.mark.parametrize("way", WAYS)
def test_a_request_is_a_span_with_one_below(watch: Watch, way: str) -> None:
    router, mock = lab()
    mock.script(whole())
    ask(router, way, agent="chain", purpose="planning", seed=4, stop=["halt"], reasoning_effort="low")
    span = watch.request()
    assert (span.name, span.kind, span.status.status_code) == ("chat m1", SpanKind.CLIENT, StatusCode.UNSET)
    streamed = {"gen_ai.request.stream": True} if "stream" in way else {}
    said = dict(span.attributes or {})
    assert ("gen_ai.response.time_to_first_chunk" in said) == bool(streamed)
    said.pop("gen_ai.response.time_to_first_chunk", None)
    assert said == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "mock",
        "gen_ai.request.model": "m1",
        "gen_ai.request.temperature": 0,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.seed": 4,
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.response.model": "mock:m1",
        "gen_ai.response.id": "mock",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 2,
        "gen_ai.usage.cache_creation.input_tokens": 1,
        "gen_ai.usage.reasoning.output_tokens": 3,
        "server.address": "mock",
        "llmroute.agent": "chain",
        "llmroute.purpose": "planning",
        "llmroute.client": "program",
        "llmroute.route": ("one/m1", "two/m2"),
        "llmroute.spec_hash": short_hash(router.spec),
        "llmroute.attempts": 1,
        **streamed,
    }
    (attempt,) = watch.attempts()
    assert attempt.name == "attempt one/m1"
    assert dict(attempt.attributes or {}) == {
        "gen_ai.provider.name": "mock",
        "gen_ai.request.model": "m1",
        "server.address": "mock",
        "llmroute.target": "one/m1",
        "llmroute.attempt": 1,
    }


@pytest.mark.parametrize("way", WAYS)
def test_a_request_is_measured(watch: Watch, way: str) -> None:
    router, mock = lab()
    mock.script(whole())
    ask(router, way)
    common = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "mock",
        "gen_ai.request.model": "m1",
        "gen_ai.response.model": "mock:m1",
        "server.address": "mock",
    }
    (duration,) = watch.points("gen_ai.client.operation.duration")
    assert (dict(duration.attributes or {}), duration.count) == (common, 1)
    assert 0.0 <= duration.sum < 5.0
    assert duration.explicit_bounds[:3] == (0.01, 0.02, 0.04)
    tokens = {
        (point.attributes or {})["gen_ai.token.type"]: point for point in watch.points("gen_ai.client.token.usage")
    }
    assert {kind: point.sum for kind, point in tokens.items()} == {"input": 7, "output": 5}
    assert dict(tokens["input"].attributes or {}) == {**common, "gen_ai.token.type": "input"}
    assert tokens["input"].explicit_bounds[:4] == (1, 4, 16, 64)
    first = watch.points("gen_ai.client.operation.time_to_first_chunk")
    assert len(first) == ("stream" in way)


@pytest.mark.parametrize("way", WAYS)
def test_a_fallback_is_the_one_who_answered(watch: Watch, way: str) -> None:
    router, mock = lab()
    mock.script(RateLimitError("slow down", status=429), whole())
    ask(router, way, agent="chain")
    span = watch.request()
    said = span.attributes or {}
    assert (span.name, said["gen_ai.request.model"], said["llmroute.attempts"]) == ("chat m2", "m2", 2)
    assert span.status.status_code is StatusCode.UNSET
    assert "error.type" not in said
    first, second = watch.attempts()
    assert (first.name, second.name) == ("attempt one/m1", "attempt two/m2")
    assert (first.status.status_code, first.status.description) == (StatusCode.ERROR, "slow down")
    assert (first.attributes or {})["error.type"] == "rate"
    assert (first.attributes or {})["http.response.status_code"] == 429
    assert second.status.status_code is StatusCode.UNSET
    assert (second.attributes or {})["llmroute.attempt"] == 2
    (duration,) = watch.points("gen_ai.client.operation.duration")
    assert (duration.attributes or {})["gen_ai.request.model"] == "m2"


@pytest.mark.parametrize("way", WAYS)
def test_a_request_that_fails(watch: Watch, way: str) -> None:
    router, mock = lab()
    mock.script(ServerError("broken", status=503))
    with pytest.raises(ServerError):
        ask(router, way)
    span = watch.request()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "broken")
    assert (span.attributes or {})["error.type"] == "server"
    assert len(watch.attempts()) == 1
    (duration,) = watch.points("gen_ai.client.operation.duration")
    assert (duration.attributes or {})["error.type"] == "server"
    assert not watch.points("gen_ai.client.token.usage")


@pytest.mark.parametrize("way", WAYS)
def test_a_foreign_failure_says_its_class_and_nothing_else(watch: Watch, way: str) -> None:
    router, mock = lab()

    def fail(_: Call) -> None:
        raise ConversionError(PROMPT)

    mock.handler = fail
    with pytest.raises(ConversionError):
        ask(router, way)
    span = watch.request()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert (span.attributes or {})["error.type"] == "ConversionError"
    assert (watch.attempts()[0].attributes or {})["error.type"] == "ConversionError"
    assert PROMPT not in watch.everything()


def test_a_request_without_any_time_has_a_span_without_attempts(watch: Watch) -> None:
    router, _ = lab()
    with pytest.raises(CallError):
        router.complete(PROMPT, deadline_s=0)
    assert (watch.request().attributes or {})["error.type"] == "deadline"
    assert watch.attempts() == []


def test_a_stream_that_breaks_and_begins_anew(watch: Watch) -> None:
    router, mock = lab()
    mock.script(MockReply(chunks=("a", "b"), error=TruncatedStreamError("cut")), whole())
    ask(router, "stream", agent="again")
    assert watch.request().status.status_code is StatusCode.UNSET
    first, second = watch.attempts()
    assert (first.attributes or {})["error.type"] == "truncated"
    assert second.status.status_code is StatusCode.UNSET


def test_a_stream_that_breaks(watch: Watch) -> None:
    router, mock = lab()
    mock.script(MockReply(chunks=("a", "b"), error=TruncatedStreamError("cut")))
    with pytest.raises(TruncatedStreamError):
        ask(router, "stream")
    assert (watch.request().attributes or {})["error.type"] == "truncated"


def test_an_adapter_that_tells_its_failure_as_an_event(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    router, mock = lab()

    def stream(_: Call) -> Iterator[Event]:
        yield UsageEvent(USAGE)
        yield TextDelta("a", "a")
        yield ErrorEvent(ServerError("broken"))

    monkeypatch.setattr(mock, "stream", stream)
    with pytest.raises(ServerError):
        ask(router, "stream")
    assert [(span.attributes or {})["error.type"] for span in watch.attempts()] == ["server"]


# -- Left early


def test_a_stream_that_is_closed_early_is_no_error(watch: Watch) -> None:
    router, mock = lab()
    mock.script("several words to say")
    with router.stream(PROMPT) as events:
        next(events)
        assert watch.spans.get_finished_spans() == ()
    span = watch.request()
    assert span.status.status_code is StatusCode.UNSET
    assert (span.attributes or {})["llmroute.cancelled"] is True
    assert [(row.attributes or {})["llmroute.cancelled"] for row in watch.attempts()] == [True]
    (duration,) = watch.points("gen_ai.client.operation.duration")
    assert "error.type" not in (duration.attributes or {})


def test_a_stream_that_is_closed_at_its_last_event_is_whole(watch: Watch) -> None:
    router, _ = lab()
    with router.stream(PROMPT) as events:
        for event in events:
            if isinstance(event, Finish):
                break
    assert "llmroute.cancelled" not in (watch.request().attributes or {})
    assert ["llmroute.cancelled" in (row.attributes or {}) for row in watch.attempts()] == [False]


def test_a_cancelled_request_is_no_error(watch: Watch) -> None:
    router, mock = lab()
    mock.script(MockReply(chunks=("a",), latency_s=9.0))

    async def work() -> None:
        asking = asyncio.create_task(router.acomplete(PROMPT))
        await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.wait([asking])

    asyncio.run(work())
    assert watch.request().status.status_code is StatusCode.UNSET
    assert (watch.request().attributes or {})["llmroute.cancelled"] is True


def test_a_stream_that_nobody_reads_is_no_request(watch: Watch) -> None:
    router, _ = lab()
    router.stream(PROMPT).close()
    assert watch.spans.get_finished_spans() == ()


# -- Context


def test_the_span_of_an_attempt_is_current_while_its_answer_is_awaited(watch: Watch) -> None:
    router, mock = lab()
    seen: list[Any] = []

    def answer(_: Call) -> None:
        seen.append(trace.get_current_span().get_span_context().span_id)

    mock.handler = answer
    before = context.get_current()
    ask(router, "complete")
    assert seen == [watch.attempts()[0].get_span_context().span_id]
    assert context.get_current() is before
    watch.spans.clear()
    ask(router, "acomplete")
    assert seen[1:] == [watch.attempts()[0].get_span_context().span_id]


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_nothing_is_current_between_the_pieces_of_a_stream(watch: Watch, way: str) -> None:
    router, _ = lab()
    tracer = watch.tracers.get_tracer("test")

    def check(parent: Any) -> None:
        assert trace.get_current_span() is parent

    async def aread(parent: Any) -> None:
        async with router.astream("a few words") as events:
            async for _ in events:
                check(parent)
        check(parent)

    with tracer.start_as_current_span("outer") as outer:
        if way == "astream":
            asyncio.run(aread(outer))
        else:
            with router.stream("a few words") as events:
                for _ in events:
                    check(outer)
            check(outer)
    assert watch.request().parent == outer.get_span_context()


def test_the_parent_is_who_asked_not_who_reads(watch: Watch) -> None:
    router, _ = lab()
    tracer = watch.tracers.get_tracer("test")
    with tracer.start_as_current_span("asks") as asks:
        events = router.stream(PROMPT)
    with tracer.start_as_current_span("reads"):
        list(events)
    assert watch.request().parent == asks.get_span_context()


def test_requests_at_once_do_not_mix(watch: Watch) -> None:
    router, mock = lab()
    mock.script(*[MockReply(chunks=("a",), latency_s=0.01 * (5 - number)) for number in range(5)])

    async def one(number: int) -> int:
        with watch.tracers.get_tracer("test").start_as_current_span(f"task {number}") as span:
            await router.acomplete(PROMPT)
            return span.get_span_context().span_id

    async def work() -> list[int]:
        return await asyncio.gather(*[one(number) for number in range(5)])

    parents = asyncio.run(work())
    requests = [span for span in watch.spans.get_finished_spans() if span.kind is SpanKind.CLIENT]
    assert sorted(span.parent.span_id for span in requests if span.parent) == sorted(parents)


# -- Content


def canaries() -> list[str]:
    raw = [KEY, PROMPT, ANSWER, "halt"]
    return raw + [base64.b64encode(text.encode()).decode() for text in raw] + [quote(text) for text in raw[:3]]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("variable", [None, "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"])
def test_neither_prompt_nor_answer_nor_key_is_exported(
    watch: Watch, way: str, variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable:
        monkeypatch.setenv(variable, "true")
    router, mock = lab()
    mock.script(RateLimitError("slow down"), whole(), ServerError("broken"))
    more: dict[str, Any] = {"system": PROMPT, "stop": ["halt"], "tools": [Tool("t", PROMPT)]}
    ask(router, way, agent="chain", **more)
    with pytest.raises(ServerError):
        ask(router, way, **more)
    exported = watch.everything()
    assert [text for text in canaries() if text in exported] == []


@pytest.mark.parametrize("way", WAYS)
def test_content_is_exported_when_it_is_asked_for(watch: Watch, way: str) -> None:
    router, mock = lab(telemetry_content=True)
    mock.script(whole())
    ask(router, way, tools=[Tool("add", "adds")])
    said: Any = watch.request().attributes
    assert json.loads(said["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": PROMPT}]}
    ]
    assert json.loads(said["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": ANSWER}], "finish_reason": "stop"}
    ]
    assert json.loads(said["gen_ai.tool.definitions"]) == [
        {"type": "function", "name": "add", "description": "adds", "parameters": {}}
    ]
    assert KEY not in watch.everything()
    assert all("gen_ai.input.messages" not in (span.attributes or {}) for span in watch.attempts())


def test_content_as_the_conventions_write_it() -> None:
    call = ToolCall("id", "add", '{"a": 1}')
    request = ChatRequest(
        (
            system("Be brief."),
            Message("user", (Image(url="https://x/y.png"), Image(data="AA==", media_type="image/png"))),
            Message("user", (Document(url="https://x/y.pdf"), Document(text="plain"), Opaque("openai-chat", {}))),
            Message("assistant", (Thinking("hm"), call, ToolCall("id2", "add", "{broken"))),
            tool_result("id", "2"),
        )
    )
    ((name, value),) = request_content(request)
    assert name == "gen_ai.input.messages"
    assert [row["parts"] for row in json.loads(value)] == [
        [{"type": "text", "content": "Be brief."}],
        [{"type": "uri", "modality": "image", "uri": "https://x/y.png"}, {"type": "image"}],
        [
            {"type": "uri", "modality": "document", "uri": "https://x/y.pdf"},
            {"type": "text", "content": "plain"},
            {"type": "opaque"},
        ],
        [
            {"type": "reasoning", "content": "hm"},
            {"type": "tool_call", "id": "id", "name": "add", "arguments": {"a": 1}},
            {"type": "tool_call", "id": "id2", "name": "add", "arguments": "{broken"},
        ],
        [{"type": "tool_call_response", "id": "id", "response": "2"}],
    ]
    (answer,) = json.loads(reply_content(Reply(Message("assistant", (call,)), stop_reason="tool_calls")))
    assert answer["finish_reason"] == "tool_call"


# -- Names


@pytest.mark.parametrize(
    ("provider", "base_url", "named", "port"),
    [
        ("openai", "https://api.openai.com/v1", "openai", 443),
        ("work", "https://api.openai.com/v1", "openai", 443),
        ("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "gcp.gemini", 443),
        ("mistral", "https://api.mistral.ai/v1", "mistral_ai", 443),
        ("box", "http://10.0.0.5:8000/v1", "box", 8000),
        (None, "http://10.0.0.5/v1", "openai-chat", 80),
    ],
)
def test_the_names_of_providers(provider: str | None, base_url: str, named: str, port: int) -> None:
    target = Target(provider=provider, api="openai-chat", base_url=base_url, model="m", locality="remote")
    said = place(target)
    assert (said["gen_ai.provider.name"], said["server.port"]) == (named, port)


def test_the_form_of_the_answer(watch: Watch) -> None:
    router, mock = lab()
    mock.script("{}")
    router.complete(PROMPT, response_format=ResponseFormat("json_object"))
    assert (watch.request().attributes or {})["gen_ai.output.type"] == "json"


def test_an_answer_that_says_little(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    router, mock = lab()
    partly = Usage(input_tokens=3)
    monkeypatch.setattr(mock, "complete", lambda _: Reply(Message("assistant", (Text("a"),)), usage=partly))
    ask(router, "complete")
    said = watch.request().attributes or {}
    assert {name for name in said if name.startswith(("gen_ai.response.", "gen_ai.usage."))} == {
        "gen_ai.response.finish_reasons",
        "gen_ai.usage.input_tokens",
    }
    assert [(point.attributes or {})["gen_ai.token.type"] for point in watch.points("gen_ai.client.token.usage")] == [
        "input"
    ]


# -- Who does not watch


def test_without_an_sdk_nothing_happens() -> None:
    router, mock = lab(telemetry_content=True)
    mock.script(whole(), whole())
    assert router.complete(PROMPT).text == ANSWER
    ask(router, "stream")


@pytest.mark.parametrize("used", [False, True])
def test_only_a_program_that_loads_it_has_it(used: bool) -> None:  # noqa: FBT001 - a row
    program = f"""
import sys
{"import opentelemetry.trace" if used else ""}
from llmroute import Router
router = Router.from_mapping({{"version": 1, "defaults": {{"model": "mock/any"}}}})
router.complete("Hi")
print(any(name.startswith("opentelemetry") for name in sys.modules), "llmroute.dispatch.telemetry" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(used), str(used)]


def test_an_adapter_under_watch_closes_as_ever(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    router, mock = lab()
    closed: list[str] = []

    async def aclose() -> None:
        closed.append("loop")

    monkeypatch.setattr(mock, "close", lambda: closed.append("thread"))
    monkeypatch.setattr(mock, "aclose", aclose)
    resolution = router.resolve()
    watched = router._ways.observer.watch(resolution)
    assert watched is not None
    assert watch.spans.get_finished_spans() == ()
    traced = watched.adapter(mock, resolution.target)
    traced.close()
    asyncio.run(traced.aclose())
    assert closed == ["thread", "loop"]
