"""Streams that break after content: an error, the text written on by another target, or a new beginning."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.adapters.mock import MockReply
from llmroute.dispatch.router import Router
from llmroute.errors import (
    CallError,
    ConnectError,
    DeadlineError,
    OverloadedError,
    RequestError,
    TruncatedStreamError,
)
from llmroute.testing import Hang, sse, stream
from llmroute.wire.chat import (
    ErrorEvent,
    Finish,
    Message,
    Reply,
    ResponseFormat,
    Restart,
    TextDelta,
    Thinking,
    Tool,
    ToolCall,
    Usage,
    assistant,
)
from tests.adapters.samples import OPENAI, piece

if TYPE_CHECKING:
    from llmroute.adapters.mock import MockAdapter, Scripted
    from llmroute.testing import FaultServer
    from llmroute.wire.chat import Event

SPEC = """
version: 1
providers:
  one: {preset: mock, model: m1, max_retries: 2}
  two: {preset: mock, model: m2, max_retries: 0}
  three: {preset: mock, model: m3, max_retries: 0}
  plain: {preset: mock, model: m4, max_retries: 0, capabilities: {prefill: false}}
defaults: {provider: one, fallbacks: [two, three], on_stream_break: continue}
agents:
  restarts: {on_stream_break: restart}
  fails: {on_stream_break: error}
  alone: {provider: one, fallbacks: []}
  picky: {provider: one, fallbacks: [plain, two]}
  helpless: {provider: one, fallbacks: [plain]}
  once: {max_attempts: 1}
  strict: {fallback_on: [connect]}
"""
CUT = TruncatedStreamError("cut")
USAGE = Usage(input_tokens=7, output_tokens=2)


class Lab:
    """A router on the mock, driven in both ways."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.router = Router.from_str(SPEC, environ={})
        self.router._sleep = lambda _: None
        mock: Any = self.router.adapter("mock")
        self.mock: MockAdapter = mock
        self.events: list[Event] = []

    def play(self, *answers: Scripted, **asked: Any) -> tuple[list[Event], CallError | None]:
        """The events that these answers lead to, and the exception at the end."""
        self.mock.script(*answers)
        self.events = []
        try:
            if self.way == "async":
                asyncio.run(self._astream(asked))
            else:
                with self.router.stream("Count.", **asked) as events:
                    for event in events:
                        self.events.append(event)
        except CallError as exc:
            return self.events, exc
        return self.events, None

    async def _astream(self, asked: dict[str, Any]) -> None:
        async with self.router.astream("Count.", **asked) as events:
            async for event in events:
                self.events.append(event)

    @property
    def text(self) -> str:
        """What a reader has on the screen in the end."""
        shown = ""
        for event in self.events:
            if isinstance(event, Restart):
                shown = ""
            elif isinstance(event, TextDelta):
                shown += event.text
                assert event.snapshot == shown
        return shown

    @property
    def reply(self) -> Reply:
        last = self.events[-1]
        assert isinstance(last, Finish)
        return last.reply

    def calls(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """The model and the messages of each call."""
        return [
            (row.call.endpoint.model, [(message.role, message.text) for message in row.call.request.messages])
            for row in self.mock.calls
        ]


@pytest.fixture(params=["sync", "async"])
def lab(request: pytest.FixtureRequest) -> Lab:
    return Lab(str(request.param))


def broken(*chunks: str, error: CallError = CUT, **more: Any) -> MockReply:
    """A stream that breaks after its first piece."""
    return MockReply(chunks=chunks, error=error, **more)


def kinds(rows: Any) -> list[tuple[str, str | None]]:
    return [(row.provider, row.kind) for row in rows]


# -- continue


def test_the_next_target_writes_on(lab: Lab) -> None:
    whole = Reply(assistant("two, three."), usage=USAGE, model="m2-real")
    _, error = lab.play(broken("One, ", "never"), whole)
    assert error is None
    assert lab.text == lab.reply.text == "One, two, three."
    assert lab.calls()[1] == ("m2", [("user", "Count."), ("assistant", "One,")])
    assert (lab.reply.usage, kinds(lab.reply.attempts)) == (USAGE, [("one", "truncated"), ("two", None)])
    assert "m2" in lab.reply.model
    assert any("one/m1" in warning and "two/m2 wrote on" in warning for warning in lab.reply.warnings)
    assert not any(isinstance(event, Restart | ErrorEvent) for event in lab.events)


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("One, ", " two.", "One, two."),
        ("One, ", "two.", "One, two."),
        ("One,", " two.", "One, two."),
        ("One\n\n", "\ntwo", "One\n\ntwo"),
        ("One \n", "\ntwo", "One \n\ntwo"),
        ("One ", "   two", "One   two"),
    ],
)
def test_white_space_at_the_break_stands_once(lab: Lab, first: str, second: str, whole: str) -> None:
    lab.play(broken(first), MockReply(chunks=tuple(second)))
    assert lab.text == lab.reply.text == whole
    assert lab.calls()[1][1][-1] == ("assistant", first.rstrip())


@pytest.mark.parametrize("second", ["Word.", "  Word."])
def test_white_space_alone_is_begun_behind(lab: Lab, second: str) -> None:
    lab.play(broken("  "), second)
    assert lab.reply.text == lab.text == "  Word."
    assert lab.calls()[-1] == ("m2", [("user", "Count.")])


def test_it_may_break_again(lab: Lab) -> None:
    lab.play(broken("One, "), broken("two, "), "three.")
    assert lab.text == lab.reply.text == "One, two, three."
    assert lab.calls()[2] == ("m3", [("user", "Count."), ("assistant", "One, two,")])
    assert kinds(lab.reply.attempts) == [("one", "truncated"), ("two", "truncated"), ("three", None)]


def test_when_all_break_the_error_has_the_whole_text(lab: Lab) -> None:
    events, error = lab.play(broken("One, "), broken("two, "), broken("three, "))
    assert isinstance(error, TruncatedStreamError)
    assert error.partial.text == lab.text == "One, two, three, "
    assert isinstance(events[-1], ErrorEvent)
    assert kinds(error.attempts) == [("one", "truncated"), ("two", "truncated"), ("three", "truncated")]


def test_a_target_that_takes_no_prefill_is_left_out(lab: Lab) -> None:
    lab.play(broken("One, "), "two.", agent="picky")
    assert [model for model, _ in lab.calls()] == ["m1", "m2"]
    assert lab.text == "One, two."


def test_where_none_takes_one_the_break_is_the_error(lab: Lab) -> None:
    _, error = lab.play(broken("One, "), agent="helpless")
    assert isinstance(error, TruncatedStreamError)
    assert [model for model, _ in lab.calls()] == ["m1"]
    assert lab.text == "One, "


def test_a_refused_prefill_is_not_what_the_caller_sees(lab: Lab) -> None:
    lab.play(broken("One, "), RequestError("no prefill, please"), "two.")
    assert lab.text == "One, two."
    assert kinds(lab.reply.attempts) == [("one", "truncated"), ("two", "request"), ("three", None)]
    _, error = lab.play(broken("One, "), RequestError("no"), RequestError("no"))
    assert isinstance(error, TruncatedStreamError)
    assert kinds(error.attempts) == [("one", "truncated"), ("two", "request"), ("three", "request")]


def test_a_target_that_fails_before_its_first_word_is_followed_by_the_next(lab: Lab) -> None:
    lab.play(broken("One, "), OverloadedError("busy"), "two.")
    assert lab.text == "One, two."
    assert lab.calls()[2] == ("m3", [("user", "Count."), ("assistant", "One,")])


def test_only_text_is_continued(lab: Lab) -> None:
    calls = (ToolCall("c1", "look", "{}"),)
    tools = [Tool("look")]
    _, error = lab.play(broken(error=CUT, tool_calls=calls), "never", tools=tools)
    assert isinstance(error, TruncatedStreamError)
    lab.mock.reset()
    _, error = lab.play(broken("{"), "never", response_format=ResponseFormat("json_object"))
    assert isinstance(error, TruncatedStreamError)
    lab.mock.reset()
    _, error = lab.play(broken("One, "), "two.", response_format=ResponseFormat("text"))
    assert error is None


def test_thinking_of_the_second_target_stands_before_the_text(lab: Lab) -> None:
    second = Reply(Message("assistant", (Thinking("hm"), *assistant("two.").content)))
    lab.play(broken("One, "), second)
    assert [type(part).__name__ for part in lab.reply.content] == ["Thinking", "Text"]
    assert lab.reply.text == "One, two."


def test_a_second_target_that_adds_nothing(lab: Lab) -> None:
    lab.play(broken("One."), Reply(assistant()))
    assert lab.text == lab.reply.text == "One."


# -- restart


def test_a_new_beginning_says_so_first(lab: Lab) -> None:
    events, error = lab.play(broken("One, "), "Uno, dos.", agent="restarts")
    assert error is None
    restart = next(event for event in events if isinstance(event, Restart))
    assert (restart.error.kind, restart.target) == ("truncated", "two/m2")
    assert isinstance(events[events.index(restart) - 1], TextDelta)
    assert lab.text == lab.reply.text == "Uno, dos."
    assert lab.calls()[1] == ("m2", [("user", "Count.")])
    assert not lab.reply.warnings


def test_the_text_is_void_only_when_there_is_another(lab: Lab) -> None:
    events, error = lab.play(broken("One, "), ConnectError("down"), ConnectError("down"), agent="restarts")
    assert isinstance(error, TruncatedStreamError)
    assert [type(event).__name__ for event in events] == ["TextDelta", "ErrorEvent"]
    assert error.partial.text == "One, "
    assert kinds(error.attempts) == [("one", "truncated"), ("two", "connect"), ("three", "connect")]


def test_tool_calls_begin_anew(lab: Lab) -> None:
    calls = (ToolCall("c1", "look", "{}"),)
    lab.play(
        MockReply(error=CUT, tool_calls=calls), MockReply(tool_calls=calls), agent="restarts", tools=[Tool("look")]
    )
    assert [call.id for call in lab.reply.tool_calls] == ["c1"]
    assert sum(isinstance(event, Restart) for event in lab.events) == 1


# -- neither


@pytest.mark.parametrize("agent", ["fails", "alone", "once", "strict"])
def test_what_the_spec_does_not_allow_is_an_error(lab: Lab, agent: str) -> None:
    events, error = lab.play(broken("One, "), agent=agent)
    assert isinstance(error, TruncatedStreamError)
    assert isinstance(events[-1], ErrorEvent)
    assert events[-1].error is error
    assert [model for model, _ in lab.calls()] == ["m1"]


@pytest.mark.parametrize("how", ["continue", "restart"])
def test_a_deadline_is_never_taken_over(server: FaultServer, how: str) -> None:
    server.default = stream(sse(piece(OPENAI, "One, ")), Hang(), end=())
    spec = f"""
        version: 1
        providers: {{first: {{base_url: "{server.url}/v1", model: m}}, second: {{preset: mock, model: m}}}}
        defaults: {{provider: first, fallbacks: [second], on_stream_break: {how}}}
    """
    with Router.from_str(spec, environ={}) as router, router.stream("Count.", deadline_s=0.3) as events:
        assert isinstance(next(events), TextDelta)
        assert isinstance(next(events), ErrorEvent)
        with pytest.raises(DeadlineError):
            next(events)


@pytest.mark.parametrize("agent", [None, "restarts"])
def test_streams_that_do_not_break_are_as_they_were(lab: Lab, agent: str | None) -> None:
    lab.play(MockReply(chunks=("One, ", "two.")), agent=agent)
    assert [type(event).__name__ for event in lab.events] == ["TextDelta", "TextDelta", "Finish"]
    assert lab.text == lab.reply.text == "One, two."
    events, error = lab.play(OverloadedError("x"), OverloadedError("x"), "Three.", agent=agent)
    assert error is None
    assert not any(isinstance(event, Restart) for event in events)
    assert lab.reply.text == "Three."


def test_usage_counts_the_one_that_answered(lab: Lab) -> None:
    lab.play(broken("One, "), Reply(assistant("two."), usage=USAGE))
    report = lab.router.usage()
    assert list(report.by_provider) == ["two"]
    assert (report.total.calls, report.total.output_tokens) == (1, 2)
