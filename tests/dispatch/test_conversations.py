"""`sticky: conversation` keeps a conversation where it was answered; `fallback_on: [context]` looks for more room."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmroute.dispatch import conversations
from llmroute.dispatch.router import Router
from llmroute.errors import CallError, ConnectError, ContextLengthError, RequestError, ServerError
from llmroute.wire.chat import ChatRequest, Image, Message, assistant, system, user

SPEC = """
version: 1
providers:
  one: {preset: mock, model: m1, max_retries: 0}
  two: {preset: mock, model: m2, max_retries: 0}
  three: {preset: mock, model: m3, max_retries: 0}
defaults: {provider: one, fallbacks: [two, three], sticky: conversation}
agents:
  loose: {sticky: none}
  other: {}
"""
TALK = [system("Be brief."), user("Where is the parser?"), assistant("There."), user("And the lexer?")]


class Lab:
    """A router on the mock, whose targets stay up whatever happens to them."""

    def __init__(self, spec: str = SPEC) -> None:
        self.router = Router.from_str(spec, environ={})
        self.router._sleep = lambda _: None
        mock: Any = self.router.adapter("mock")
        self.mock = mock

    def asked(self, messages: Any = "Hello", *failures: CallError, **asked: Any) -> list[str | None]:
        """The providers that a request goes to, when the first of them fail."""
        self.mock.script(*failures)
        return [row.provider for row in self.router.complete(messages, **asked).attempts]


def test_a_conversation_stays_where_it_was_answered() -> None:
    lab = Lab()
    assert lab.asked(TALK[:2], ServerError("x")) == ["one", "two"]
    assert lab.asked(TALK) == ["two"]
    assert lab.asked([*TALK, assistant("Here."), user("Thanks.")]) == ["two"]
    assert lab.asked("Something else") == ["one"]


def test_it_moves_when_its_target_fails_and_stays_there() -> None:
    lab = Lab()
    assert lab.asked(TALK[:2], ServerError("x")) == ["one", "two"]
    assert lab.asked(TALK, ConnectError("x")) == ["two", "one"]
    assert lab.asked(TALK) == ["one"]


def test_a_target_that_is_down_is_passed_over() -> None:
    lab = Lab()
    assert lab.asked(TALK, ServerError("x")) == ["one", "two"]
    second = lab.router.resolve().route.targets[1]
    for _ in range(3):
        lab.router._ways.health.failed(second, ServerError("x"))
    assert lab.asked(TALK) == ["one"]


def test_a_name_says_what_belongs_together() -> None:
    lab = Lab()
    assert lab.asked("Good morning", ServerError("x"), conversation="a") == ["one", "two"]
    assert lab.asked("Something else", conversation="a") == ["two"]
    assert lab.asked("Good morning", conversation="b") == ["one"]
    assert lab.asked("Good morning") == ["one"]


def test_each_agent_has_its_own() -> None:
    lab = Lab()
    assert lab.asked(TALK, ServerError("x")) == ["one", "two"]
    assert lab.asked(TALK, agent="other") == ["one"]
    assert lab.asked(TALK, agent="loose") == ["one"]
    assert lab.asked(TALK, ServerError("x"), agent="loose") == ["one", "two"]
    assert lab.asked(TALK, agent="loose") == ["one"]


@pytest.mark.parametrize(
    "other",
    [
        [system("Be long."), *TALK[1:]],
        TALK[1:],
        [system("Be brief."), user([Image(url="https://example.org/a.png")])],
    ],
)
def test_another_beginning_is_another_conversation(other: list[Message]) -> None:
    lab = Lab()
    lab.asked(TALK, ServerError("x"))
    assert lab.asked(other) == ["one"]
    assert lab.asked(ChatRequest(tuple(TALK))) == ["two"]


def test_the_last_ones_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "REMEMBERED", 2)
    lab = Lab()
    for name in "abc":
        lab.asked("x", ServerError("x"), conversation=name)
        lab.router._ways.health.answered(lab.router.resolve().target)
    assert [lab.asked("x", conversation=name)[0] for name in "cba"] == ["two", "two", "one"]


def test_no_text_is_kept() -> None:
    lab = Lab()
    lab.asked(TALK)
    assert "parser" not in repr(vars(lab.router._ways.conversations))


def test_streams_and_asynchronous_calls_stay_too() -> None:
    lab = Lab()

    async def main() -> list[str | None]:
        reply = await lab.router.acomplete(TALK)
        async with lab.router.astream(TALK) as events:
            async for _ in events:
                pass
        assert events.reply is not None
        return [row.provider for one in (reply, events.reply) for row in one.attempts]

    lab.mock.script(ServerError("x"))
    with lab.router.stream(TALK[:2]) as events:
        list(events)
    assert asyncio.run(main()) == ["two", "two"]


# -- fallback_on: [context]

WINDOWS = """
version: 1
providers:
  small: {preset: mock, model: s, capabilities: {context_window: 1000}}
  same: {preset: mock, model: t, capabilities: {context_window: 1000}}
  unknown: {preset: mock, model: u}
  large: {preset: mock, model: l, capabilities: {context_window: 9000}}
defaults: {provider: small, fallbacks: [same, large, small], fallback_on: [context, connect]}
agents:
  guess: {fallbacks: [same, unknown]}
  usual: {fallback_on: []}
  stuck: {fallbacks: [same]}
  first-unknown: {provider: unknown, fallbacks: [small]}
"""
LONG = ContextLengthError("too long", status=400)


def test_targets_whose_window_is_no_larger_are_left_out() -> None:
    assert Lab(WINDOWS).asked("x", LONG) == ["small", "large"]
    assert Lab(WINDOWS).asked("x", LONG, agent="guess") == ["small", "unknown"]
    assert Lab(WINDOWS).asked("x", LONG, agent="first-unknown") == ["unknown", "small"]


def test_other_failures_leave_none_out() -> None:
    assert Lab(WINDOWS).asked("x", ConnectError("x"), ConnectError("x"))[-1] == "same"


def test_what_was_too_long_stays_so() -> None:
    lab = Lab(WINDOWS)
    with pytest.raises(ConnectError) as caught:
        lab.asked("x", LONG, ConnectError("x"), ConnectError("x"), ConnectError("x"))
    assert {row.provider for row in caught.value.attempts} == {"small", "large"}


@pytest.mark.parametrize("agent", ["usual", "stuck"])
def test_where_none_has_room_the_error_says_so(agent: str) -> None:
    with pytest.raises(ContextLengthError, match="shorten the conversation") as caught:
        Lab(WINDOWS).asked("x", LONG, agent=agent)
    assert isinstance(caught.value, RequestError)
    assert len(caught.value.attempts) == 1
