"""Programs written against Hive's `LLMProvider` run on `HiveProvider`."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import FrozenInstanceError, dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.adapters.mock import MockReply
from llmroute.compat import hive
from llmroute.compat.hive import HiveProvider, LLMResponse, Tool, ToolResult, ToolUse
from llmroute.compat.hive_data import fit, tool_message
from llmroute.compat.hive_stream import is_empty
from llmroute.dispatch.router import Router
from llmroute.errors import (
    AuthenticationError,
    ConnectError,
    ConversionError,
    RateLimitError,
    ServerError,
    TruncatedStreamError,
)
from llmroute.testing import answer, good_answer
from llmroute.wire.chat import (
    ChatRequest,
    Image,
    Message,
    Reply,
    ResponseFormat,
    Text,
    ToolCall,
    Usage,
    assistant,
    user,
)
from llmroute.wire.chat import ToolResult as Result
from tests.compat.interfaces import NEEDED, defaults_of, parameters_of

if TYPE_CHECKING:
    from llmroute.testing import FaultServer

SEARCH = Tool("search", "Find.", {"properties": {"q": {"type": "string"}}, "required": ["q"]})
CALL = ToolCall("call_1", "search", '{"q": "x"}')
COUNTED = Usage(input_tokens=9, output_tokens=4, cached_tokens=3, cache_write_tokens=2, reasoning_tokens=1)
HELLO = [{"role": "user", "content": "Hello there"}]
EMPTY = MockReply(chunks=())


@pytest.fixture
def provider(router: Router) -> HiveProvider:
    made = HiveProvider(router, purpose="correction")
    made.empty_wait_s = 0.0
    return made


def mock(router: Router) -> Any:
    return router.adapter("mock")


def script(router: Router, *answers: Any) -> None:
    mock(router).script(*answers)


async def events_of(stream: Any) -> list[Any]:
    return [event async for event in stream]


# -- The interface, field by field

COUNTS = {"input_tokens": 0, "output_tokens": 0, "cached_tokens": 0, "cache_creation_tokens": 0}
COSTS = {"cost_usd": 0.0, "credits": None}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "LLMResponse",
            {"content": NEEDED, "model": NEEDED, **COUNTS, **COSTS, "stop_reason": "", "raw_response": None},
        ),
        (
            "Tool",
            {"name": NEEDED, "description": NEEDED, "parameters": {}}
            | {"produces_image": False, "concurrency_safe": False},
        ),
        ("ToolUse", {"id": NEEDED, "name": NEEDED, "input": NEEDED}),
        (
            "ToolResult",
            {"tool_use_id": NEEDED, "content": NEEDED, "is_error": False, "image_content": None}
            | {"is_skill_content": False, "spillover_path": None},
        ),
        ("TextDeltaEvent", {"type": "text_delta", "content": "", "snapshot": ""}),
        ("TextEndEvent", {"type": "text_end", "full_text": ""}),
        ("ToolCallEvent", {"type": "tool_call", "tool_use_id": "", "tool_name": "", "tool_input": {}}),
        ("ToolResultEvent", {"type": "tool_result", "tool_use_id": "", "content": "", "is_error": False}),
        ("ReasoningStartEvent", {"type": "reasoning_start"}),
        ("ReasoningDeltaEvent", {"type": "reasoning_delta", "content": ""}),
        ("FinishEvent", {"type": "finish", "stop_reason": "", **COUNTS, **COSTS, "model": ""}),
        ("StreamErrorEvent", {"type": "error", "error": "", "recoverable": False}),
    ],
)
def test_the_data_is_theirs_field_by_field(name: str, expected: dict[str, Any]) -> None:
    cls = getattr(hive, name)
    assert list(defaults_of(cls).items()) == list(expected.items())
    if name.endswith("Event"):
        with pytest.raises(FrozenInstanceError):
            cls().type = "x"


ASKED = {"messages": NEEDED, "system": "", "tools": None, "max_tokens": None}
FORMED = {**ASKED, "response_format": None, "json_mode": False, "max_retries": None}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("complete", FORMED),
        ("acomplete", {**FORMED, "system_dynamic_suffix": None}),
        (
            "stream",
            {**ASKED, "system_dynamic_suffix": None, "response_format": None, "json_mode": False, "max_retries": None},
        ),
        (
            "complete_with_tools",
            {"messages": NEEDED, "system": NEEDED, "tools": NEEDED, "tool_executor": NEEDED, "max_iterations": 10},
        ),
    ],
)
def test_the_signatures_are_theirs(name: str, expected: dict[str, Any]) -> None:
    assert list(parameters_of(getattr(HiveProvider, name)).items()) == list(expected.items())


# -- Programs


async def event_loop_node(provider: HiveProvider, task: str) -> tuple[str, list[dict[str, Any]]]:
    """A node of Hive's: the stream is read to its end, then the tools run, then it goes on."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": task}]
    while True:
        text, uses = "", []
        async for event in provider.stream(messages, system="You are a node.", tools=[SEARCH], max_tokens=100):
            if isinstance(event, hive.TextDeltaEvent):
                text = event.snapshot
            elif isinstance(event, hive.ToolCallEvent):
                uses.append(ToolUse(event.tool_use_id, event.tool_name, event.tool_input))
            elif isinstance(event, hive.StreamErrorEvent):
                raise RuntimeError(event.error)  # noqa: TRY004 - as Hive does it
        if not uses:
            return text, messages
        function = [{"name": use.name, "arguments": json.dumps(use.input)} for use in uses]
        calls = [{"id": u.id, "type": "function", "function": f} for u, f in zip(uses, function, strict=True)]
        messages.append({"role": "assistant", "content": text or None, "tool_calls": calls})
        messages += [{"role": "tool", "tool_call_id": use.id, "content": f"ERROR: no {use.input['q']}"} for use in uses]


def test_a_node_runs(router: Router, provider: HiveProvider) -> None:
    script(router, MockReply(chunks=("I ", "look."), tool_calls=(CALL,)), "Nothing.")
    text, messages = asyncio.run(event_loop_node(provider, "Find x."))
    assert text == "Nothing."
    assert [row["role"] for row in messages] == ["user", "assistant", "tool"]
    request = mock(router).last_call.request
    assert [message.role for message in request.messages] == ["system", "user", "assistant", "tool"]
    assert request.messages[3].content[0].text == "ERROR: no x", "the text is Hive's own"
    assert request.tools[0].parameters == {"type": "object", **SEARCH.parameters}
    assert request.params.max_tokens == 100


def test_events_map_one_to_one(router: Router, provider: HiveProvider) -> None:
    script(router, MockReply(thinking="hm", chunks=("Let", " me."), tool_calls=(CALL,), usage=COUNTED))
    finish = hive.FinishEvent(
        stop_reason="tool_calls",
        input_tokens=9,
        output_tokens=4,
        cached_tokens=3,
        cache_creation_tokens=2,
        model="mock:big",
    )
    assert asyncio.run(events_of(provider.stream(HELLO))) == [
        hive.ReasoningStartEvent(),
        hive.ReasoningDeltaEvent(content="hm"),
        hive.TextDeltaEvent(content="Let", snapshot="Let"),
        hive.TextDeltaEvent(content=" me.", snapshot="Let me."),
        hive.ToolCallEvent(tool_use_id="call_1", tool_name="search", tool_input={"q": "x"}),
        hive.TextEndEvent(full_text="Let me."),
        finish,
    ]


def test_whole_answers_blocking_and_not(router: Router, provider: HiveProvider) -> None:
    scripted = MockReply(chunks=("ok",), tool_calls=(CALL,), usage=COUNTED)
    script(router, scripted, scripted)
    assert provider.model == "big"
    for response in (provider.complete(HELLO, "s"), asyncio.run(provider.acomplete(HELLO, "s"))):
        raw = response.raw_response
        assert response == LLMResponse("ok", "mock:big", 9, 4, 3, 2, 0.0, None, "tool_calls", raw)
        assert raw["tool_calls"] == [{"id": "call_1", "name": "search", "input": {"q": "x"}}]
        assert isinstance(raw["reply"], Reply)
    assert "tool_calls" not in provider.complete(HELLO).raw_response


def test_the_suffix_is_a_part_of_the_prompt_of_its_own(router: Router, provider: HiveProvider) -> None:
    asyncio.run(provider.acomplete(HELLO, "fixed", system_dynamic_suffix="today", json_mode=True))
    parts = mock(router).last_call.request.messages[0].content
    assert [part.text for part in parts] == ["fixed", "today", "Please respond with a valid JSON object."]
    asyncio.run(events_of(provider.stream(HELLO, system_dynamic_suffix="today")))
    assert mock(router).last_call.request.messages[0].text == "today"
    provider.complete(HELLO)
    assert mock(router).last_call.request.messages[0].role == "user"


def test_the_form_of_the_answer(router: Router, provider: HiveProvider) -> None:
    schema = {"type": "object", "properties": {}}
    named = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    provider.complete(HELLO, response_format=named)
    assert mock(router).last_call.request.response_format == ResponseFormat("json_schema", "n", schema)
    provider.complete(HELLO, response_format={"type": "json_object"})
    request = mock(router).last_call.request
    assert request.response_format == ResponseFormat("json_object")
    assert "JSON" in request.messages[0].text, "OpenAI refuses the form without the word"
    speaks = {"anthropic-messages": {}, "openai-chat": {"no_json_object": True}}
    for api, quirks in speaks.items():
        target: Any = SimpleNamespace(api=api, quirks=quirks)
        assert fit(request, target).response_format is None
    assert fit(request, SimpleNamespace(api="openai-chat", quirks={})) is request  # type: ignore[arg-type]


def test_answers_that_said_nothing_are_not_sent_back(router: Router, provider: HiveProvider) -> None:
    rows = [{"role": "user", "content": "a"}, {"role": "assistant", "content": ""}, {"role": "user", "content": "b"}]
    provider.complete(rows)
    assert [message.text for message in mock(router).last_call.request.messages] == ["a", "b"]


# -- Retries: two budgets


@pytest.mark.parametrize(("max_retries", "calls"), [(None, 4), (0, 1), (1, 2)])
def test_empty_answers_are_asked_for_again(
    router: Router, provider: HiveProvider, max_retries: Any, calls: int
) -> None:
    asks = [
        lambda: provider.complete(HELLO, max_retries=max_retries).content,
        lambda: asyncio.run(provider.acomplete(HELLO, max_retries=max_retries)).content,
        lambda: asyncio.run(events_of(provider.stream(HELLO, max_retries=max_retries)))[-1].stop_reason,
    ]
    for ask, last in zip(asks, ("", "", "stop"), strict=True):
        mock(router).reset()
        script(router, *[EMPTY] * 5)
        assert ask() == last, "then the empty answer is the answer"
        assert len(mock(router).calls) == calls


def test_an_empty_stream_tells_nothing_of_its_end(router: Router, provider: HiveProvider) -> None:
    script(router, EMPTY, EMPTY, MockReply(chunks=("ok",)))
    events = asyncio.run(events_of(provider.stream(HELLO)))
    assert [event.type for event in events] == ["text_delta", "text_end", "finish"]


def test_the_wait_between_is_short_and_of_its_own(router: Router) -> None:
    provider = HiveProvider(router)
    assert provider.empty_wait_s == 1.0
    provider.empty_wait_s = 0.05
    script(router, EMPTY, EMPTY, "ok", EMPTY, "ok", EMPTY, "ok")
    for ask, least in (
        (lambda: provider.complete(HELLO), 0.1),
        (lambda: asyncio.run(provider.acomplete(HELLO)), 0.05),
        (lambda: asyncio.run(events_of(provider.stream(HELLO))), 0.05),
    ):
        began = time.monotonic()
        ask()
        assert time.monotonic() - began >= least


NOTHING, SOMETHING = assistant(), assistant("x")


@pytest.mark.parametrize(
    ("reply", "last", "again"),
    [
        (Reply(NOTHING), user("x"), True),
        (Reply(NOTHING, stop_reason="tool_calls"), user("x"), True),
        (Reply(NOTHING, stop_reason="length"), user("x"), False),
        (Reply(NOTHING, stop_reason="content_filter"), user("x"), False),
        (Reply(NOTHING), assistant("So"), False),
        (Reply(SOMETHING), user("x"), False),
        (Reply(assistant(tool_calls=[CALL])), user("x"), False),
    ],
)
def test_what_asking_again_would_not_mend_is_left_alone(reply: Reply, last: Message, *, again: bool) -> None:
    assert is_empty(reply, ChatRequest((user("Hi"), last))) is again


def test_rate_limits_have_a_budget_of_their_own(server: FaultServer) -> None:
    """One, then an empty answer, then one more, with a budget of one each: none takes from the other's."""
    spec = {
        "version": 1,
        "providers": {"s": {"base_url": f"{server.url}/v1", "model": "m"}},
        "defaults": {"provider": "s"},
    }
    slow = answer(429, {"error": {"message": "slow down"}}, {"retry-after": "0"})
    server.script(slow, good_answer("openai-chat", ""), slow, good_answer("openai-chat", "ok"))
    with Router.from_mapping(spec, environ={}) as router:
        provider = HiveProvider(router)
        provider.empty_wait_s = 0.0
        assert provider.complete(HELLO, max_retries=1).content == "ok"
        assert len(server.requests) == 4
        server.script(slow, slow)
        with pytest.raises(RateLimitError):
            provider.complete(HELLO, max_retries=1)


# -- Failures


@pytest.mark.parametrize(
    ("failure", "recoverable"),
    [
        (ServerError("down"), True),
        (ConnectError("refused"), True),
        (RateLimitError("slow"), False),
        (AuthenticationError("no"), False),
    ],
)
def test_a_failure_is_the_last_event(
    router: Router, provider: HiveProvider, failure: Any, *, recoverable: bool
) -> None:
    script(router, failure)
    (event,) = asyncio.run(events_of(provider.stream(HELLO)))
    assert (type(event), event.recoverable) == (hive.StreamErrorEvent, recoverable)
    assert failure.message in event.error
    script(router, failure)
    with pytest.raises(type(failure)):
        provider.complete(HELLO)


def test_a_stream_that_breaks_tells_its_text_and_one_error(router: Router, provider: HiveProvider) -> None:
    script(router, MockReply(chunks=("Hel", "lo"), error=TruncatedStreamError("broke")))
    events = asyncio.run(events_of(provider.stream(HELLO)))
    assert [event.type for event in events] == ["text_delta", "error"]
    assert events[-1].recoverable


def test_a_new_beginning_is_a_snapshot_without_text(router: Router) -> None:
    script(router, MockReply(chunks=("Hel", "lo"), error=TruncatedStreamError("broke")), "Bye")
    events = asyncio.run(events_of(HiveProvider(router, agent="again").stream(HELLO)))
    assert [getattr(event, "snapshot", event.type) for event in events] == ["Hel", "", "Bye", "text_end", "finish"]


def test_no_call_is_made_of_broken_arguments(router: Router, provider: HiveProvider) -> None:
    script(router, MockReply(chunks=("x",), tool_calls=(CALL, ToolCall("2", "rm", '{"path": "/'))))
    events = asyncio.run(events_of(provider.stream(HELLO)))
    assert [event.type for event in events] == ["text_delta", "error"]
    assert "the arguments of the call to 'rm' are no valid JSON" in events[-1].error
    assert not events[-1].recoverable


def test_what_can_t_be_asked_is_an_event_too(router: Router, provider: HiveProvider) -> None:
    bad = [{"role": "nobody", "content": "x"}]
    (event,) = asyncio.run(events_of(provider.stream(bad)))
    assert event == hive.StreamErrorEvent(error=event.error, recoverable=False)
    with pytest.raises(ConversionError):
        provider.complete(bad)
    (event,) = asyncio.run(events_of(HiveProvider(router, agent="locked-out").stream(HELLO)))
    assert "NO_SUCH_KEY" in event.error


# -- Tools


def test_results_go_into_the_neutral_conversation() -> None:
    block = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    result = ToolResult("1", "look", is_error=True, image_content=[block], is_skill_content=True)
    parts = (Text("look"), Image("https://example.org/a.png"))
    assert tool_message(result).content == (Result("1", parts, is_error=True, pinned=True),)
    assert tool_message(ToolResult("1", "x")).content == (Result("1", (Text("x"),)),)


def test_results_and_neutral_messages_may_stand_among_the_messages(router: Router, provider: HiveProvider) -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "search", "arguments": "{}"}}]
    rows: list[Any] = [user("Hi"), {"role": "assistant", "content": None, "tool_calls": calls}, ToolResult("1", "x")]
    provider.complete(rows)
    assert mock(router).last_call.request.messages[2].content == (Result("1", (Text("x"),)),)


def test_the_loop_of_older_versions(router: Router, provider: HiveProvider) -> None:
    used: list[ToolUse] = []

    def execute(use: ToolUse) -> ToolResult:
        used.append(use)
        return ToolResult(use.id, "the skill", is_skill_content=True)

    script(router, MockReply(tool_calls=(CALL,)), "Done.")
    response = provider.complete_with_tools(HELLO, "You are a node.", [SEARCH], execute)
    assert (response.content, used) == ("Done.", [ToolUse("call_1", "search", {"q": "x"})])
    sent = mock(router).last_call.request
    assert sent.messages[0].text == "You are a node."
    assert sent.messages[-1].content[0].pinned
    script(router, *[MockReply(tool_calls=(CALL,))] * 3)
    response = asyncio.run(provider.acomplete_with_tools(HELLO, "", [SEARCH], execute, max_iterations=2))
    assert (response.content, response.stop_reason) == ("Max tool iterations reached", "max_iterations")


def test_a_program_gets_its_own_classes_back(router: Router) -> None:
    """Of an older version: fields that it does not have are left out, and those of its own have their values."""

    @dataclass
    class Older:
        content: str
        model: str
        input_tokens: int = 0
        reasoning_tokens: int = 0
        cache_read_tokens: int = 0
        raw_response: Any = field(default=None, compare=False)

    @dataclass(frozen=True)
    class OlderFinish:
        type: str = "finish"
        stop_reason: str = ""
        cache_read_tokens: int = 0

    theirs = [SimpleNamespace(LLMResponse=Older), SimpleNamespace(FinishEvent=OlderFinish)]
    provider = HiveProvider(router, types=theirs)
    script(router, MockReply(chunks=("x",), usage=COUNTED), MockReply(chunks=("x",), usage=COUNTED))
    assert provider.complete(HELLO) == Older("x", "mock:big", 9, 1, 3)
    assert asyncio.run(events_of(provider.stream(HELLO)))[-1] == OlderFinish("finish", "stop", 3)
