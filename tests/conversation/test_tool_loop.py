"""`run_tools`: the model asks, the handlers answer, until the model is done."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.adapters.mock import MockReply
from llmroute.conversation import Conversation
from llmroute.errors import ConversationError, ToolLoopError, TruncatedStreamError
from llmroute.wire.chat import Image, Reply, Text, ToolCall, ToolResult, assistant, user

if TYPE_CHECKING:
    from llmroute.dispatch.router import Router

SECRET = "the text that must never be run or shown"
ADD = ToolCall("c1", "add", '{"a": 1, "b": 2}')


def asks(*calls: ToolCall) -> MockReply:
    return MockReply(tool_calls=calls)


def script(router: Router, *answers: Any) -> None:
    mock: Any = router.adapter("mock")
    mock.script(*answers)


def run_blocking(talk: Conversation, *given: Any, **options: Any) -> Reply:
    return talk.run_tools(*given, **options)


def run_async(talk: Conversation, *given: Any, **options: Any) -> Reply:
    return asyncio.run(talk.arun_tools(*given, **options))


both = pytest.mark.parametrize("run", [run_blocking, run_async])
Run = Any


def results(talk: Conversation) -> list[tuple[str, str, bool]]:
    parts = [part for message in talk.messages for part in message.content]
    return [(part.tool_call_id, part.text, part.is_error) for part in parts if isinstance(part, ToolResult)]


@both
def test_the_handler_of_a_custom_tool_gets_the_text(run: Run, router: Router) -> None:
    script(router, asks(ToolCall("c1", "shell", "{ls -l", custom=True)), "Done.")
    talk = Conversation(router)
    run(talk, {"shell": lambda text: f"ran {text}"}, "List.")
    assert results(talk) == [("c1", "ran {ls -l", False)]


def add(a: int, b: int) -> int:
    return a + b


@both
def test_the_loop_ends_with_the_answer(run: Run, router: Router) -> None:
    script(router, asks(ADD), asks(ToolCall("c2", "add", '{"a": 3, "b": 4}')), "Ten.")
    talk = Conversation(router)
    reply = run(talk, {"add": add}, "Compute.")
    assert reply.text == "Ten."
    assert results(talk) == [("c1", "3", False), ("c2", "7", False)]
    assert [message.role for message in talk.messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "assistant",
    ]


@both
def test_an_answer_without_calls_is_the_answer(run: Run, talk: Conversation) -> None:
    assert run(talk, {}, "Hello", max_iterations=0).text == "Hello"


@both
def test_without_a_message_the_open_calls_are_made(run: Run, router: Router) -> None:
    script(router, "Three.")
    talk = Conversation(router, [user("x"), assistant(tool_calls=[ADD])])
    assert run(talk, {"add": add}).text == "Three."
    with pytest.raises(ConversationError, match="nothing to answer"):
        run(talk, {"add": add})
    unanswered = Conversation(router, [user("Hello")])
    assert run(unanswered, {}).text == "Hello"


@both
def test_a_message_waits_for_the_open_calls(run: Run, router: Router) -> None:
    talk = Conversation(router, [user("x"), assistant(tool_calls=[ADD])])
    with pytest.raises(ConversationError, match="await their results"):
        run(talk, {"add": add}, "And?")


@both
def test_what_goes_wrong_with_a_tool_is_its_result(run: Run, router: Router) -> None:
    def fail(**_: Any) -> None:
        raise KeyError("gone")

    calls = (
        ToolCall("c1", "fail", "{}"),
        ToolCall("c2", "nobody", "{}"),
        ToolCall("c3", "add", f'{{"a": "{SECRET}'),
        ToolCall("c4", "add", "[1, 2]"),
        ToolCall("c5", "add", '{"a": 1}', complete=False),
        ToolCall("c6", "add", '{"a": 1}'),
        ToolCall("c7", "odd", ""),
    )
    script(router, asks(*calls), "I see.")
    talk = Conversation(router)
    assert run(talk, {"fail": fail, "add": add, "odd": object}, "Go").text == "I see."
    assert results(talk) == [
        ("c1", "KeyError: 'gone'", True),
        ("c2", "there is no tool 'nobody'; there are: fail, add, odd", True),
        ("c3", "the arguments of the call to 'add' are no valid JSON", True),
        ("c4", "the arguments of the call to 'add' must be an object, not an array", True),
        ("c5", "the arguments of the call to 'add' were cut", True),
        ("c6", "TypeError: add() missing 1 required positional argument: 'b'", True),
        ("c7", "TypeError: a tool gives a text, parts, a ToolResult or JSON data, not object", True),
    ]
    assert SECRET not in str(results(talk))


@both
def test_a_handler_may_give_parts_or_a_whole_result(run: Run, router: Router) -> None:
    picture = Image("https://example.org/a.png")
    script(router, asks(ToolCall("c1", "look", "{}"), ToolCall("c2", "skill", "{}")), "ok")
    talk = Conversation(router)
    skill = ToolResult("", (Text("Do it so."),), is_error=False, pinned=True)
    run(talk, {"look": lambda: picture, "skill": lambda: skill}, "Go")
    parts = [message.content[0] for message in talk.messages if message.role == "tool"]
    assert parts == [ToolResult("c1", (picture,)), ToolResult("c2", (Text("Do it so."),), pinned=True)]


@both
def test_a_model_that_never_ends_is_stopped(run: Run, router: Router) -> None:
    script(router, asks(ADD), asks(ADD), asks(ADD), "Enough.")
    talk = Conversation(router)
    with pytest.raises(ToolLoopError, match=r"still calls tools \(add\) after 2 rounds") as caught:
        run(talk, {"add": add}, "Go", max_iterations=2)
    assert caught.value.conversation is talk
    assert talk.tool_calls == (ADD,)
    assert run(talk, {"add": add}).text == "Enough.", "it goes on from there"


@both
def test_concurrent_calls_run_at_the_same_time_and_answer_in_order(run: Run, router: Router) -> None:
    together = threading.Barrier(2, timeout=10)

    def meet(name: str) -> str:
        together.wait()
        time.sleep(0.05 if name == "a" else 0)
        return name

    script(router, asks(ToolCall("c1", "meet", '{"name": "a"}'), ToolCall("c2", "meet", '{"name": "b"}')), "ok")
    talk = Conversation(router)
    run(talk, {"meet": meet}, "Go", concurrent=True)
    assert results(talk) == [("c1", "a", False), ("c2", "b", False)]


@both
def test_otherwise_one_follows_the_other_and_keeps_its_result(run: Run, router: Router) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    script(router, asks(ToolCall("c1", "add", ADD.arguments), ToolCall("c2", "stop", "{}")))
    talk = Conversation(router)
    with pytest.raises(KeyboardInterrupt):
        run(talk, {"add": add, "stop": stop}, "Go")
    assert results(talk) == [("c1", "3", False)]
    assert [call.id for call in talk.tool_calls] == ["c2"]


def test_coroutine_functions_are_awaited_and_others_leave_the_loop_free(router: Router) -> None:
    async def sleepy(text: str) -> str:
        await asyncio.sleep(0)
        return text

    loops: list[int] = []

    def plain() -> str:
        loops.append(threading.get_ident())
        return "plain"

    calls = asks(ToolCall("c1", "sleepy", '{"text": "x"}'), ToolCall("c2", "plain", "{}"))
    script(router, calls, "ok", calls, "ok")
    talk = Conversation(router)
    run_async(talk, {"sleepy": sleepy, "plain": plain}, "Go")
    run_async(talk, {"sleepy": sleepy, "plain": plain}, "Go", concurrent=True)
    assert results(talk) == 2 * [("c1", "x", False), ("c2", "plain", False)]
    assert threading.get_ident() not in loops


def test_the_blocking_loop_takes_no_coroutine_functions(router: Router) -> None:
    async def sleepy() -> None: ...

    talk = Conversation(router)
    with pytest.raises(TypeError, match="'sleepy' is asynchronous: use arun_tools"):
        talk.run_tools({"sleepy": sleepy}, "Go")
    assert talk.messages == ()


# -- Streamed


def stream_blocking(talk: Conversation, *given: Any, **options: Any) -> list[Any]:
    return list(talk.stream_tools(*given, **options))


def stream_async(talk: Conversation, *given: Any, **options: Any) -> list[Any]:
    async def all_of() -> list[Any]:
        return [event async for event in talk.astream_tools(*given, **options)]

    return asyncio.run(all_of())


streamed = pytest.mark.parametrize("stream", [stream_blocking, stream_async])


@streamed
def test_each_answer_is_streamed_and_the_tools_run_between(stream: Run, router: Router) -> None:
    script(router, asks(ADD), asks(ToolCall("c2", "add", '{"a": 3, "b": 4}')), "Ten.")
    talk = Conversation(router)
    events = stream(talk, {"add": add}, "Compute.")
    ends = [event.reply for event in events if event.type == "finish"]
    assert [reply.stop_reason for reply in ends] == ["tool_calls", "tool_calls", "stop"]
    assert events[-1].reply.text == "Ten."
    assert results(talk) == [("c1", "3", False), ("c2", "7", False)]


@streamed
def test_a_stream_goes_on_with_the_calls_that_wait(stream: Run, router: Router) -> None:
    script(router, asks(ADD), "Three.")
    talk = Conversation(router)
    talk.complete("Compute.")
    assert [event.type for event in stream(talk, {"add": add})][-1] == "finish"
    assert talk.messages[-1].text == "Three."


@streamed
def test_a_streamed_loop_has_its_limit(stream: Run, router: Router) -> None:
    script(router, *[asks(ToolCall(f"c{i}", "add", '{"a": 1, "b": 2}')) for i in range(3)])
    talk = Conversation(router)
    with pytest.raises(ToolLoopError, match="after 2 rounds"):
        stream(talk, {"add": add}, "Compute.", max_iterations=2)
    assert [call.id for call in talk.tool_calls] == ["c2"]


@streamed
def test_an_answer_that_fails_ends_the_stream(stream: Run, router: Router) -> None:
    script(router, asks(ADD), MockReply(chunks=("It", " is"), error=TruncatedStreamError("cut")))
    talk = Conversation(router)
    with pytest.raises(TruncatedStreamError):
        stream(talk, {"add": add}, "Compute.")
    assert results(talk) == [("c1", "3", False)]
    assert talk.messages[-1].role == "tool"


def test_a_streamed_loop_refuses_coroutine_functions(router: Router) -> None:
    async def later() -> None: ...

    with pytest.raises(TypeError, match="arun_tools"):
        list(Conversation(router).stream_tools({"later": later}, "Compute."))
