"""What is left out of a conversation that does not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.conversation.pruning import Window, prune
from llmroute.dispatch.token_estimate import estimated_tokens
from llmroute.errors import ContextLengthError
from llmroute.wire.chat import (
    ChatRequest,
    Message,
    Params,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    assistant,
    system,
    tool_result,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

TEN = "x" * 40
"""Ten tokens, as they are estimated."""


def calls(call_id: str, arguments: str = TEN, result: str = TEN, *, pinned: bool = False) -> list[Message]:
    """An exchange of twenty tokens."""
    call = ToolCall(call_id, "", arguments)
    return [assistant(tool_calls=[call]), tool_result(call, result, pinned=pinned)]


def left_out(messages: Sequence[Message], tokens: int, **window: Any) -> tuple[int, ...]:
    request = ChatRequest(tuple(messages), params=Params(max_tokens=window.pop("max_tokens", 0)))
    return prune(request, Window(tokens=tokens, **window)).dropped


LONG = [system(TEN), user(TEN), *calls("1"), assistant(TEN), user(TEN), *calls("2"), assistant(TEN), user(TEN)]
"""100 tokens; places 0, 1 and 9 must stay."""


@pytest.mark.parametrize(
    ("room", "gone"),
    [
        (100, ()),
        (99, (2, 3)),
        (80, (2, 3)),
        (79, (2, 3, 6, 7)),
        (59, (2, 3, 4, 6, 7)),
        (49, (2, 3, 4, 5, 6, 7)),
        (39, (2, 3, 4, 5, 6, 7, 8)),
        (30, (2, 3, 4, 5, 6, 7, 8)),
    ],
)
def test_tool_calls_go_first_then_the_rest_each_the_oldest_first(room: int, gone: tuple[int, ...]) -> None:
    assert left_out(LONG, room) == gone


def test_what_must_stay_and_does_not_fit_is_an_error_that_shows_no_text() -> None:
    with pytest.raises(ContextLengthError, match="about 30 tokens, more than the 29 that fit") as caught:
        left_out(LONG, 29)
    assert TEN not in str(caught.value)
    assert caught.value.own_limit


def test_room_is_kept_for_the_answer() -> None:
    assert left_out(LONG, 110, max_tokens=10) == ()
    assert left_out(LONG, 110, max_tokens=11) == (2, 3)
    unsaid = replace(ChatRequest(tuple(LONG)), params=Params())
    assert prune(unsaid, Window(tokens=130)).dropped == (2, 3), "a fourth of the window"
    assert prune(unsaid, Window(tokens=130, max_output=30)).dropped == (), "all that the model can write"
    assert left_out(LONG, 110, max_tokens=9999, max_output=10) == ()


def test_a_limit_as_large_as_the_window_is_no_reason_to_refuse() -> None:
    """Servers on this machine stop where the window ends."""
    assert left_out(LONG, 110, max_tokens=110) == (2, 3, 4, 5, 6, 7, 8)


def test_tools_count() -> None:
    request = ChatRequest(tuple(LONG), tools=(Tool("t", TEN),), params=Params(max_tokens=0))
    assert prune(request, Window(tokens=111)).dropped == ()
    assert prune(request, Window(tokens=110)).dropped == (2, 3)


def test_what_the_provider_counts_is_believed() -> None:
    assert left_out(LONG, 200, scale=2.0) == ()
    assert left_out(LONG, 199, scale=2.0) == (2, 3)


def test_pinned_parts_stay_with_their_calls() -> None:
    pinned = [*LONG[:2], *calls("1", pinned=True), *LONG[4:]]
    assert left_out(pinned, 50) == (4, 5, 6, 7, 8)
    inner = ToolResult("1", (Text(TEN, pinned=True),))
    assert left_out([*LONG[:3], Message("tool", (inner,)), *LONG[4:]], 50) == (4, 5, 6, 7, 8)
    assert left_out([*LONG[:4], assistant(Text(TEN, pinned=True)), *LONG[5:]], 40) == (2, 3, 5, 6, 7, 8)


@pytest.mark.parametrize(
    "speaks", [calls("1", arguments=f'{{"path": "src\\\\a.py"}}{TEN}'), calls("1", result="src\\a.py")]
)
def test_what_speaks_of_the_current_file_goes_last(speaks: list[Message]) -> None:
    talk = [*LONG[:2], *speaks, *LONG[4:]]
    assert left_out(talk, 90)[:2] == (2, 3)
    assert left_out(talk, 90, current_file="src\\a.py")[:2] == (6, 7)


def test_the_end_of_a_round_of_tools_stays() -> None:
    talk = [user(TEN), *calls("1"), *calls("2"), *calls("3")]
    assert left_out(talk, 30) == (1, 2, 3, 4)
    with pytest.raises(ContextLengthError):
        left_out(talk, 29)


def test_nothing_at_all_fits_anywhere() -> None:
    assert left_out([], 0) == ()


# -- Laws

WORDS = st.text("ab ", max_size=60)


@st.composite
def exchanges(draw: st.DrawFn) -> list[Message]:
    ids = draw(st.lists(st.uuids().map(str), min_size=1, max_size=3, unique=True))
    made = [ToolCall(each, "t", draw(WORDS)) for each in ids]
    found = [tool_result(each, draw(WORDS), pinned=draw(st.integers(0, 5)) == 0) for each in made]
    return [assistant(draw(WORDS), tool_calls=made), *found]


TEXTS = st.builds(Text, WORDS, st.integers(0, 5).map(lambda n: n == 0))
PLAIN = st.one_of(st.builds(user, TEXTS), st.builds(assistant, TEXTS), st.builds(system, st.lists(TEXTS, max_size=1)))
TALKS = st.lists(st.one_of(PLAIN.map(lambda message: [message]), exchanges()), max_size=12).map(
    lambda groups: tuple(message for group in groups for message in group)
)
WINDOWS = st.builds(
    Window,
    tokens=st.integers(0, 300),
    max_output=st.none() | st.integers(1, 100),
    scale=st.floats(1.0, 2.0),
    current_file=st.none() | st.sampled_from(["ab", "b a"]),
)
REQUESTS = st.builds(ChatRequest, TALKS, params=st.builds(Params, max_tokens=st.none() | st.integers(0, 200)))


def pairs(messages: Sequence[Message]) -> tuple[set[str], set[str]]:
    parts = [part for message in messages for part in message.content]
    called = {part.id for part in parts if isinstance(part, ToolCall)}
    return called, {part.tool_call_id for part in parts if isinstance(part, ToolResult)}


def is_pinned(message: Message) -> bool:
    return any(getattr(part, "pinned", False) for part in message.content)


@given(REQUESTS, WINDOWS)
def test_pruning_keeps_its_word(request: ChatRequest, window: Window) -> None:
    before = request.to_json()
    try:
        done = prune(request, window)
    except ContextLengthError:
        greedy = replace(request, params=Params(max_tokens=10**9))
        least = prune(greedy, replace(window, tokens=10**6, max_output=None))
        assert least.tokens_after > window.tokens, "even the least does not fit"
        return
    finally:
        assert request.to_json() == before, "what the caller holds is as it was"
    kept = [m for i, m in enumerate(request.messages) if i not in done.dropped]
    assert list(done.request.messages) == kept, "a subset, in order"
    assert list(done.dropped) == sorted(set(done.dropped))
    called, answered = pairs(kept)
    assert called == answered, "no call without its result, no result without its call"
    gone = [request.messages[i] for i in done.dropped]
    assert not any(m.role == "system" or is_pinned(m) for m in gone)
    assert window.scale * estimated_tokens(ChatRequest(tuple(kept))) <= window.tokens + 1e-6
    assert done.tokens_after <= min(window.tokens, done.tokens_before)
    users = [i for i, m in enumerate(request.messages) if m.role == "user"]
    assert not {*users[:1], *users[-1:], len(request.messages) - 1} & set(done.dropped)
    again = prune(done.request, window)
    assert (again.request, again.dropped) == (done.request, ()), "once is enough"


@given(REQUESTS, WINDOWS)
def test_more_room_never_leaves_out_more(request: ChatRequest, window: Window) -> None:
    try:
        tight = prune(request, window).dropped
    except ContextLengthError:
        return
    assert set(prune(request, replace(window, tokens=window.tokens * 2)).dropped) <= set(tight)
