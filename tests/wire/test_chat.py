"""The neutral conversation: what it refuses, and its JSON form."""

from __future__ import annotations

from typing import Any

import pytest

from llmroute.errors import CallError, ConversionError, RateLimitError, TruncatedStreamError
from llmroute.wire import anthropic_messages, openai_chat
from llmroute.wire.chat import (
    Attempt,
    ChatRequest,
    ErrorEvent,
    Image,
    Message,
    Opaque,
    Params,
    PartEvent,
    Reply,
    ResponseFormat,
    Restart,
    Text,
    TextDelta,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
    assistant,
    event_from_json,
    events_from_json,
    part_from_json,
    part_to_json,
    system,
    tool_result,
    user,
)


def test_constructors() -> None:
    call = ToolCall("1", "f", "")
    assert system("a", pinned=True) == Message("system", (Text("a", pinned=True),))
    assert user("a") == user(Text("a")) == user([Text("a")]) == Message("user", (Text("a"),))
    assert assistant("a", tool_calls=[call]) == Message("assistant", (Text("a"), call))
    assert assistant(tool_calls=[call]).text == ""
    result = tool_result(call, "x", is_error=True)
    assert result == tool_result("1", [Text("x")], is_error=True)
    assert isinstance(result.content[0], ToolResult)
    assert result.content[0].text == "x"


@pytest.mark.parametrize(
    "build",
    [
        lambda: Message("robot", ()),  # type: ignore[arg-type]
        lambda: Message("user", (ToolCall("1", "f", ""),)),
        lambda: Message("tool", (Text("x"),)),
        Image,
        lambda: Image("https://example.org", "AA==", "image/png"),
        lambda: Image(data="AA=="),
        lambda: ToolChoice("named"),
        lambda: ToolChoice("auto", "f"),
        lambda: ResponseFormat("json_schema"),
        lambda: ResponseFormat("text", schema={}),
    ],
)
def test_what_can_not_be_built(build: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        build()


@pytest.mark.parametrize(("arguments", "value"), [("", {}), (" ", {}), ('{"a": 1}', {"a": 1})])
def test_parsed(arguments: str, value: dict[str, Any]) -> None:
    assert ToolCall("1", "f", arguments).parsed() == value


@pytest.mark.parametrize("arguments", ["{", "[]", "null", '{"a": 1, "a": 2}', '{"a": NaN}', "[" * 100_000, "1" * 5000])
def test_arguments_that_are_no_object(arguments: str) -> None:
    with pytest.raises(ConversionError) as caught:
        ToolCall("1", "f", arguments).parsed()
    assert caught.value.pointer == "/arguments"
    assert caught.value.__context__ is None


def test_cut_arguments() -> None:
    with pytest.raises(ConversionError, match="were cut"):
        ToolCall("1", "f", "{}", complete=False).parsed()


def test_params_over() -> None:
    assert Params(temperature=0, stop=("a",)).over(Params(temperature=1, seed=7, stop=("b",))) == Params(
        temperature=0, seed=7, stop=("a",)
    )
    assert Params.from_json({"stop": "a", "seed": None, "temperature": 1}) == Params(stop=("a",), temperature=1)


PARTS = [
    Text("a", pinned=True, extra={"x": {"y": 1}}),
    Image("https://example.org", detail="low"),
    Image(data="AA==", media_type="image/png"),
    Thinking("a", "b"),
    Thinking("", redacted="c"),
    ToolCall("1", "f", "{", complete=False),
    ToolResult("1", (Text("a"), Image("https://example.org")), is_error=True, pinned=True),
    Opaque("openai-chat", {"type": "x"}),
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_part_and_its_json(part: Any) -> None:
    assert part_from_json(part_to_json(part)) == part


def test_short_forms() -> None:
    assert Message.from_json({"role": "user", "content": "a"}) == user("a")
    part = part_from_json({"type": "tool_result", "tool_call_id": "1", "content": "a"})
    assert part == ToolResult("1", (Text("a"),))


def test_whole_reply() -> None:
    reply = Reply(
        assistant([Thinking("t"), Text("a")]),
        stop_sequence="x",
        attempts=(Attempt(target="p/m", provider="p", model="m", kind="rate", status=429, wait_s=0.5),),
        usage=Usage(input_tokens=1),
        warnings=("a",),
        mock=True,
        resolution=object(),
        extra={"x": {"y": 1}},
    )
    again = Reply.from_json(reply.to_json())
    assert again == reply
    assert again.resolution is None
    assert (again.text, again.thinking, again.content) == ("a", "t", reply.message.content)


WRONG_REQUESTS = [
    ([], ""),
    ({}, "/messages"),
    ({"messages": [1]}, "/messages/0"),
    ({"messages": [{"role": "robot"}]}, "/messages/0/role"),
    ({"messages": [{"role": "user", "content": 1}]}, "/messages/0/content"),
    ({"messages": [{"role": "user", "content": [{"type": "y"}]}]}, "/messages/0/content/0/type"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "/messages/0/content/0"),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]}, "/messages/0/content/0/text"),
    (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "", "pinned": 1}]}]},
        "/messages/0/content/0/pinned",
    ),
    ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "/messages/0/content/0"),
    ({"messages": [{"role": "tool", "content": [{"type": "text", "text": ""}]}]}, "/messages/0/content"),
    (
        {
            "messages": [
                {
                    "role": "tool",
                    "content": [
                        {"type": "tool_result", "tool_call_id": "1", "content": [{"type": "thinking", "text": ""}]}
                    ],
                }
            ]
        },
        "/messages/0/content/0/content/0",
    ),
    ({"messages": [], "params": {"heat": 1}}, "/params/heat"),
    ({"messages": [], "params": {"temperature": "hot"}}, "/params/temperature"),
    ({"messages": [], "params": {"seed": True}}, "/params/seed"),
    ({"messages": [], "params": {"stop": [1]}}, "/params/stop/0"),
    ({"messages": [], "params": {"reasoning_effort": "x" * 50}}, "/params/reasoning_effort"),
    ({"messages": [], "tools": [{}]}, "/tools/0/name"),
    ({"messages": [], "tool_choice": {"mode": "named"}}, "/tool_choice"),
    ({"messages": [], "tool_choice": {"mode": "x"}}, "/tool_choice/mode"),
    ({"messages": [], "response_format": {"kind": "json_schema"}}, "/response_format"),
]


@pytest.mark.parametrize(("data", "pointer"), WRONG_REQUESTS)
def test_json_that_is_no_request(data: Any, pointer: str) -> None:
    with pytest.raises(ConversionError) as caught:
        ChatRequest.from_json(data)
    assert caught.value.pointer == pointer
    assert "xxxx" not in str(caught.value)


def test_request_with_everything() -> None:
    request = ChatRequest(
        (Message("user", (Text("a"),), "Ann", extra={"x": {"y": 1}}),),
        tools=(Tool("f", "d", {"type": "object"}, strict=True, extra={"x": {"y": 1}}),),
        tool_choice=ToolChoice("named", "f"),
        parallel_tool_calls=False,
        response_format=ResponseFormat("json_schema", "n", {}, strict=False, description="d"),
        params=Params(thinking_budget=5, top_k=1),
        user="u",
        metadata={"a": "b"},
        extra={"x": {"y": 1}},
    )
    assert ChatRequest.from_json(request.to_json()) == request


def test_a_restart_and_what_it_voids() -> None:
    pieces: list[str] = []
    void, valid = TextDelta.append(pieces, "One, "), TextDelta("Uno, ")
    restart = Restart(TruncatedStreamError("cut", status=200), "two/m2")
    assert restart.to_json() == {
        "type": "restart",
        "kind": "truncated",
        "message": "cut",
        "status": 200,
        "target": "two/m2",
    }
    rows = [event.to_json() for event in (void, restart, valid, TextDelta("dos."))]
    first, again, *others = events_from_json(rows)
    assert isinstance(again, Restart)
    assert (first, again.target, again.error.kind) == (void, "two/m2", "truncated")
    assert [event.snapshot for event in others if isinstance(event, TextDelta)] == ["Uno, ", "Uno, dos."]


@pytest.mark.parametrize("codec", [openai_chat, anthropic_messages])
def test_no_wire_takes_back_what_it_has_sent(codec: Any) -> None:
    encoder = codec.StreamEncoder(model="m", id="1")
    encoder.encode(TextDelta("One"))
    with pytest.raises(ConversionError, match="take back"):
        encoder.encode(Restart(TruncatedStreamError("cut"), "two/m2"))


@pytest.mark.parametrize("error", [RateLimitError("slow", status=429), TruncatedStreamError("cut"), CallError("x")])
def test_error_event(error: CallError) -> None:
    again = event_from_json(ErrorEvent(error).to_json())
    assert isinstance(again, ErrorEvent)
    assert (type(again.error), again.error.message, again.error.status) == (type(error), error.message, error.status)


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        (None, ""),
        ({"type": "x"}, "/type"),
        ({"type": "text_delta"}, "/text"),
        ({"type": "tool_call_start", "id": "", "name": ""}, "/index"),
        ({"type": "tool_call_end", "index": 0, "call": {"type": "text", "text": ""}}, "/call/type"),
        ({"type": "part", "part": {"type": "text", "text": ""}}, "/part/type"),
        ({"type": "usage", "usage": None}, "/usage"),
        (
            {"type": "finish", "reply": {"message": {"role": "assistant", "content": ""}, "stop_reason": 1}},
            "/reply/stop_reason",
        ),
    ],
)
def test_json_that_is_no_event(data: Any, pointer: str) -> None:
    with pytest.raises(ConversionError) as caught:
        event_from_json(data)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize("part", [Thinking("", redacted="x", source="p"), Opaque("anthropic-messages", {"type": "x"})])
def test_part_event(part: Thinking | Opaque) -> None:
    assert event_from_json(PartEvent(part).to_json()) == PartEvent(part)


def test_a_delta_alone_is_its_own_snapshot() -> None:
    assert TextDelta("a").snapshot == "a"


def test_snapshots_share_one_list() -> None:
    """A stream of n pieces keeps n pieces, not n texts."""
    pieces: list[str] = []
    events = [TextDelta.append(pieces, "x") for _ in range(1000)]
    assert all(event.pieces is pieces for event in events)
    assert [len(event.snapshot) for event in events[::100]] == list(range(1, 1001, 100))
