"""A conversation: what it keeps, what it sends, what it came to."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.adapters.mock import MockReply
from llmroute.conversation import Conversation, Pruned
from llmroute.errors import ContextLengthError, ConversationError, ConversionError, ServerError, TruncatedStreamError
from llmroute.wire.chat import (
    ErrorEvent,
    Finish,
    Image,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
    assistant,
    user,
)

if TYPE_CHECKING:
    from llmroute.dispatch.router import Router

ADD = ToolCall("c1", "add", '{"a": 1, "b": 2}')
SUB = ToolCall("c2", "sub", '{"a": 1, "b": 2}')
LONG = "x" * 200
"""Fifty tokens, as they are estimated."""
SECRET = "the text that must never show up in any log"


def mock(router: Router) -> Any:
    return router.adapter("mock")


def sent(router: Router) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in mock(router).last_call.request.messages]


def test_every_turn_sends_what_was_said_before(router: Router) -> None:
    talk = Conversation(router, system="Be brief.", temperature=0)
    mock(router).script("Four.", "Five.")
    assert talk.complete("What is 2 + 2?").text == "Four."
    assert talk.complete("And 2 + 3?").text == "Five."
    assert sent(router) == [
        ("system", "Be brief."),
        ("user", "What is 2 + 2?"),
        ("assistant", "Four."),
        ("user", "And 2 + 3?"),
    ]
    assert mock(router).last_call.request.params.temperature == 0
    assert [message.role for message in talk.messages] == ["user", "assistant", "user", "assistant"]


def test_the_user_says_texts_parts_and_messages(talk: Conversation) -> None:
    picture = Image("https://example.org/a.png")
    for said in ("a", Text("b"), [Text("c"), picture], user("d", pinned=True)):
        talk.complete(said)
    assert [message.content for message in talk.messages[::2]] == [
        (Text("a"),),
        (Text("b"),),
        (Text("c"), picture),
        (Text("d", pinned=True),),
    ]


def test_a_stream_gives_events_and_then_the_history_has_the_answer(talk: Conversation) -> None:
    with talk.send("Good morning to you") as events:
        assert events.resolution.target.name == "vague/any"
        assert events.reply is None
        pieces = [event.text for event in events if isinstance(event, TextDelta)]
    assert "".join(pieces) == "Good morning to you"
    assert events.reply is not None
    assert talk.messages == (user("Good morning to you"), events.reply.message)


def test_asynchronous(talk: Conversation) -> None:
    async def run() -> list[Any]:
        first = await talk.acomplete("One")
        async with talk.asend("Two") as events:
            assert events.resolution.target.name == "vague/any"
            seen = [event async for event in events]
        assert isinstance(seen[-1], Finish)
        assert events.reply is seen[-1].reply
        return [first.message, seen[-1].reply.message]

    first, second = asyncio.run(run())
    assert talk.messages == (user("One"), first, user("Two"), second)


def test_a_stream_that_is_left_leaves_the_history_as_it_was(talk: Conversation) -> None:
    with talk.send("Good morning to you") as events:
        next(events)
    assert talk.messages == ()
    assert talk.usage().total.calls == 0


def test_a_failed_turn_leaves_the_history_as_it_was(router: Router) -> None:
    talk = Conversation(router, agent="tight")
    talk.complete("One")
    before = talk.messages
    mock(router).script(ServerError("x"))
    with pytest.raises(ServerError):
        talk.complete("Two")
    mock(router).script(MockReply(chunks=("T", "hree"), error=TruncatedStreamError("x")))
    seen: list[Any] = []
    with pytest.raises(TruncatedStreamError), talk.send("Three") as events:
        seen.extend(iter(lambda: next(events), None))
    assert isinstance(seen[-1], ErrorEvent)
    assert talk.messages is before


def test_an_answer_that_comes_too_late_is_not_mixed_in(talk: Conversation) -> None:
    with talk.send("One") as late:
        next(late)
        talk.complete("Two")
        with pytest.raises(ConversationError, match="went on elsewhere"):
            list(late)
    assert [message.text for message in talk.messages] == ["Two", "Two"]


# -- Tools


def test_results_go_back_and_the_model_goes_on(router: Router) -> None:
    talk = Conversation(router, tools=[Tool("add"), Tool("sub")])
    mock(router).script(MockReply(tool_calls=(ADD, SUB)), "Three, and minus one.")
    talk.complete("Compute.")
    assert talk.tool_calls == (ADD, SUB)
    talk.add_tool_result("c2", "no minus here", is_error=True)
    assert talk.tool_calls == (ADD,)
    talk.add_tool_result(ADD, {"sum": 3}, pinned=True)
    assert talk.tool_calls == ()
    assert talk.complete().text == "Three, and minus one."
    results = [part for message in talk.messages if message.role == "tool" for part in message.content]
    assert results == [
        ToolResult("c2", (Text("no minus here"),), is_error=True),
        ToolResult("c1", (Text('{"sum": 3}'),), pinned=True),
    ]
    assert [tool.name for tool in mock(router).last_call.request.tools] == ["add", "sub"]


@pytest.mark.parametrize(
    ("given", "content"),
    [
        ("x", (Text("x"),)),
        (None, ()),
        (3, (Text("3"),)),
        ([], (Text("[]"),)),
        (["ä"], (Text('["ä"]'),)),
        (Image("https://example.org"), (Image("https://example.org"),)),
        ([Text("a"), Image("https://example.org")], (Text("a"), Image("https://example.org"))),
        (ToolResult("other", (Text("a"),)), (Text("a"),)),
    ],
)
def test_what_a_result_may_be(router: Router, given: Any, content: Any) -> None:
    talk = Conversation(router, [user("x"), assistant(tool_calls=[ADD])])
    talk.add_tool_result(ADD, given)
    (result,) = talk.messages[-1].content
    assert isinstance(result, ToolResult)
    assert (result.tool_call_id, result.content, result.is_error) == ("c1", content, False)


def test_a_whole_result_keeps_what_it_says_of_itself(router: Router) -> None:
    talk = Conversation(router, [user("x"), assistant(tool_calls=[ADD])])
    talk.add_tool_result(ADD, ToolResult("", (), is_error=True, pinned=True))
    assert talk.messages[-1].content == (ToolResult("c1", (), is_error=True, pinned=True),)


def test_what_is_no_result_is_refused_without_its_text(router: Router) -> None:
    talk = Conversation(router, [user("x"), assistant(tool_calls=[ADD])])
    with pytest.raises(TypeError, match="not dict") as caught:
        talk.add_tool_result(ADD, {SECRET: object()})
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None
    with pytest.raises(ConversationError, match="no tool call 'c9' awaits a result"):
        talk.add_tool_result("c9", "x")
    talk.add_tool_result(ADD, "3")
    with pytest.raises(ConversationError, match="no tool call 'c1'"):
        talk.add_tool_result(ADD, "3")


def test_nothing_is_asked_before_the_calls_have_their_results(router: Router) -> None:
    talk = Conversation(router, [user("x"), assistant(tool_calls=[ADD, SUB])])
    for ask in (talk.send, talk.asend, talk.complete):
        with pytest.raises(ConversationError, match="'c1', 'c2' await their results"):
            ask("And?")
    assert mock(router).calls == []


def test_there_must_be_something_to_answer(talk: Conversation) -> None:
    with pytest.raises(ConversationError, match="nothing to answer"):
        talk.complete()
    talk.complete("Hello")
    with pytest.raises(ConversationError, match="nothing to answer"):
        talk.send()
    assert Conversation(talk._router, [user("Hello")]).complete().text == "Hello"


def test_broken_arguments_go_back_in_a_form_that_every_api_takes(router: Router) -> None:
    broken, cut = ToolCall("c1", "add", '{"a": '), ToolCall("c2", "sub", '{"a": 1}', complete=False)
    talk = Conversation(router, [user("x"), assistant(tool_calls=[broken, cut, ToolCall("c3", "f", "{}")])])
    for call in talk.tool_calls:
        talk.add_tool_result(call, "bad", is_error=True)
    before = talk.messages
    talk.complete()
    calls = mock(router).last_call.request.messages[1].tool_calls
    assert [call.parsed() for call in calls] == [{"INVALID_JSON": '{"a": '}, {"INVALID_JSON": '{"a": 1}'}, {}]
    assert talk.messages[: len(before)] == before, "the history has what the model wrote"


# -- Pruning


def filled(router: Router, agent: str, **asked: Any) -> Conversation:
    """Two hundred tokens of history, of which the middle hundred may go."""
    first = [user(LONG), assistant(f"{LONG[:-1]}y"), user(LONG), assistant(LONG)]
    return Conversation(router, first, agent=agent, max_tokens=8, **asked)


def test_what_does_not_fit_is_left_out_of_what_is_sent(router: Router, caplog: pytest.LogCaptureFixture) -> None:
    talk = filled(router, "tight", system=SECRET)
    with caplog.at_level(logging.INFO, "llmroute"):
        talk.complete("Hello")
    assert [role for role, _ in sent(router)] == ["system", "user", "user", "assistant", "user"]
    assert len(talk.messages) == 6, "the history stays whole"
    assert talk.pruned == Pruned(target="fake/small", window=200, tokens_before=213, tokens_after=163, dropped=(1,))
    lines = [record.getMessage() for record in caplog.records if record.module == "fitting"]
    assert lines == ["1 of 6 messages are left out for fake/small: about 50 tokens of 213, in a window of 200"]
    assert talk.messages[1].role == "assistant"


def test_the_places_are_those_of_the_history_without_a_system_prompt_too(router: Router) -> None:
    talk = filled(router, "tight")
    talk.complete("Hello")
    assert talk.pruned is not None
    assert talk.pruned.dropped == (1,)
    mock(router).script("a")
    talk.complete("Hello", system="And now one")
    assert talk.pruned is not None
    assert talk.pruned.dropped[0] == 1


def test_each_target_is_sent_what_fits_it(router: Router) -> None:
    talk = filled(router, "narrow")
    assert talk.complete("Hello").attempts[-1].target == "roomy/large"
    assert talk.pruned is None
    assert len(sent(router)) == 5
    mock(router).script(ServerError("x"))
    assert talk.complete("Hello").attempts[-1].target == "fake/small"
    assert talk.pruned is not None
    assert talk.pruned.target == "fake/small"
    assert len(sent(router)) < 7


def test_what_must_stay_and_does_not_fit_is_an_error(router: Router) -> None:
    talk = Conversation(router, agent="tight", system=SECRET)
    with pytest.raises(ContextLengthError, match="what must stay of the conversation comes to about 2") as caught:
        talk.complete("y" * 800)
    assert "shorten the conversation" in caught.value.hint
    assert [(row.target, row.kind) for row in caught.value.attempts] == [("fake/small", "context")]
    assert SECRET not in str(caught.value)
    assert mock(router).calls == [], "nothing was sent"
    assert talk.messages == ()


@pytest.mark.parametrize("streamed", [False, True])
def test_a_target_with_more_room_is_asked_where_the_spec_says_so(router: Router, *, streamed: bool) -> None:
    talk = Conversation(router, agent="wide")
    if streamed:
        with talk.send("y" * 900) as events:
            list(events)
        reply = events.reply
    else:
        reply = talk.complete("y" * 900)
    assert reply is not None
    assert [(row.target, row.kind) for row in reply.attempts] == [("fake/small", "context"), ("roomy/large", None)]
    assert talk.pruned is None


def test_a_stream_is_fitted_too_blocking_and_not(router: Router) -> None:
    talk = filled(router, "tight")
    with talk.send("Hello") as events:
        list(events)
    assert len(sent(router)) == 4

    async def run() -> None:
        async with talk.asend("Hello") as events:
            assert [event async for event in events]
        assert len(sent(router)) < 7
        await talk.acomplete("Hello")

    asyncio.run(run())
    assert len(sent(router)) < 9


def test_an_unknown_window_leaves_nothing_out_and_says_so_once(
    router: Router, caplog: pytest.LogCaptureFixture
) -> None:
    talk = Conversation(router)
    with caplog.at_level(logging.INFO, "llmroute"):
        talk.complete("y" * 100_000)
        talk.complete("Hello")
    assert len(sent(router)) == 3
    (line,) = [record.getMessage() for record in caplog.records if record.module == "fitting"]
    assert line.startswith("the window of vague/any is not known")


def test_the_provider_s_count_corrects_the_estimate(router: Router) -> None:
    talk = Conversation(router, agent="tight", max_tokens=8)
    usage = Usage(input_tokens=20, output_tokens=1)
    mock(router).script(MockReply(chunks=("x",), usage=usage), MockReply(chunks=("x",), usage=usage))
    talk.complete("y" * 40)
    assert talk.to_json()["scale"] == 2.0
    with pytest.raises(ContextLengthError):
        talk.complete("y" * 400)
    talk.complete([Text("y"), Image("https://example.org")])
    assert talk.to_json()["scale"] == 2.0, "nobody can estimate a picture"


def test_a_fit_of_one_s_own_takes_the_place_of_pruning(router: Router) -> None:
    talk = filled(router, "tight", fit=lambda request, _: request)
    talk.complete("Hello")
    assert len(sent(router)) == 5


# -- Usage, names, files


def test_usage_is_that_of_the_conversation(router: Router) -> None:
    counted = MockReply(chunks=("x",), usage=Usage(input_tokens=7, output_tokens=2))
    mock(router).script(counted, counted, counted)
    router.complete("somebody else")
    talk = Conversation(router, purpose="planning")
    talk.complete("a")
    talk.complete("b")
    total = talk.usage().total
    assert (total.calls, total.input_tokens, total.output_tokens, total.cost_usd) == (2, 14, 4, 0.0)
    assert list(talk.usage().by_purpose) == ["planning"]
    talk.clear()
    assert talk.messages == ()
    assert talk.usage().total == total


def test_the_router_is_told_which_conversation_it_is(router: Router) -> None:
    """`narrow` is sticky: after a fallback the conversation stays there, although each begins in the same words."""
    talk, other = Conversation(router, agent="narrow"), Conversation(router, agent="narrow")
    mock(router).script(ServerError("x"))
    assert talk.complete("Hello").attempts[-1].target == "fake/small"
    assert talk.complete("Hello").attempts[-1].target == "fake/small"
    assert other.complete("Hello").attempts[-1].target == "roomy/large"
    assert Conversation(router, conversation="mine").id == "mine"


def test_what_a_turn_asks_for_goes_over_what_the_conversation_asks_for(router: Router) -> None:
    talk = Conversation(router, temperature=0, agent="tight")
    reply = talk.complete("Hello", temperature=1, agent="narrow")
    assert mock(router).last_call.request.params.temperature == 1
    assert reply.attempts[-1].target == "roomy/large"
    assert talk.complete("Hello").attempts[-1].target == "fake/small"


def test_no_endpoint_can_be_asked_for(router: Router) -> None:
    with pytest.raises(TypeError, match="can't set 'model'"):
        Conversation(router, model="x")


def test_the_current_file_is_not_sent(router: Router) -> None:
    talk = filled(router, "tight")
    talk.set_current_file_context("y")
    talk.complete("Hello")
    assert talk.pruned is not None
    assert talk.pruned.dropped == (2,), "the answer that speaks of it stays"
    assert all(text != "y" for _, text in sent(router))
    talk.set_current_file_context(None)
    assert "current_file" not in talk.to_json()


# -- Saved


def test_a_conversation_is_read_back_as_it_was_saved(router: Router) -> None:
    counted = MockReply(tool_calls=(ADD,), usage=Usage(input_tokens=7, output_tokens=2))
    mock(router).script(counted, "Three.")
    talk = Conversation(
        router, agent="narrow", system="Be brief.", tools=[Tool("add")], tool_choice="auto", stop=("a", "b"), timeout=9
    )
    talk.set_current_file_context("src/a.py")
    talk.complete("Compute.")
    data = json.loads(json.dumps(talk.to_json()))
    back = Conversation.from_json(data, router)
    assert back.to_json() == talk.to_json()
    assert (back.id, back.messages, back.tool_calls) == (talk.id, talk.messages, (ADD,))
    assert back.usage().total == talk.usage().total
    back.add_tool_result(ADD, "3")
    assert back.complete().text == "Three."
    request = mock(router).last_call.request
    assert request.tools == (Tool("add"),)
    assert request.params.stop == ("a", "b")
    assert back.usage().total.calls == 2


def test_what_is_given_on_reading_goes_over_what_was_saved(router: Router) -> None:
    data = Conversation(router, agent="tight", stop="a").to_json()
    assert Conversation.from_json(data, router, agent="narrow").to_json()["settings"] == {
        "agent": "narrow",
        "stop": "a",
    }


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"version": 2}, "/version"),
        ({"id": 3}, "/id"),
        ({"settings": {"base_url": "https://example.org"}}, "/settings/base_url"),
        ({"settings": {"agent": 3}}, "/settings/agent"),
        ({"request": {"messages": [{}]}}, "/request/messages/0/role"),
        ({"usage": None}, "/usage"),
        ({"usage": {"accounts": [{"provider": "p", "model": "m", "calls": "many"}]}}, "/usage/accounts/0/calls"),
        ({"current_file": 3}, "/current_file"),
        ({"scale": "wide"}, "/scale"),
    ],
)
def test_what_is_no_conversation_is_refused(router: Router, changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ConversionError) as caught:
        Conversation.from_json({**Conversation(router).to_json(), **changes}, router)
    assert caught.value.pointer == pointer


def test_a_conversation_shows_no_text(router: Router) -> None:
    talk = Conversation(router, [user(SECRET)], system=SECRET)
    assert SECRET not in repr(talk)
    assert SECRET not in repr(talk.messages)
