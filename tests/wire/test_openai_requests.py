"""OpenAI requests, row by row of what the API and its compatible servers want."""

from __future__ import annotations

from typing import Any

import pytest

from llmroute.catalog.presets import PRESETS
from llmroute.errors import ConversionError
from llmroute.wire.chat import (
    ChatRequest,
    Image,
    Message,
    Opaque,
    Params,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    assistant,
    system,
    tool_result,
    user,
)
from llmroute.wire.openai_chat import decode_request, encode_request
from llmroute.wire.quirks import Quirks

F, G = Tool("f", parameters={"type": "object"}), Tool("g", parameters={"type": "object"})
HI = (user("Hi"),)


def body_of(*messages: Message, quirks: Any = None, source: str = "", **more: Any) -> dict[str, Any]:
    return encode_request(ChatRequest(messages or HI, **more), model="m", quirks=quirks or {}, source=source).body


def messages_of(*messages: Message, **quirks: Any) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = body_of(*messages, quirks=quirks)["messages"]
    return result


@pytest.mark.parametrize(
    ("message", "rows"),
    [
        (system([Text("a"), Text("b")]), [{"role": "system", "content": "a\n\nb"}]),
        (system(()), [{"role": "system", "content": ""}]),
        (assistant(()), [{"role": "assistant", "content": ""}]),
        (assistant([Text("a"), Text("b")]), [{"role": "assistant", "content": "ab"}]),
        (
            user([Text("a"), Image("https://example.org", detail="low")]),
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "a"},
                        {"type": "image_url", "image_url": {"url": "https://example.org", "detail": "low"}},
                    ],
                }
            ],
        ),
        (
            user(Opaque("openai-chat", {"type": "input_audio"})),
            [{"role": "user", "content": [{"type": "input_audio"}]}],
        ),
        (
            assistant(tool_calls=[ToolCall("1", "f", "")]),
            [
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                }
            ],
        ),
    ],
)
def test_messages(message: Message, rows: list[dict[str, Any]]) -> None:
    answers = [tool_result(call, "") for call in message.tool_calls]
    assert messages_of(message, *answers)[:1] == rows


def test_results_and_their_images() -> None:
    image = Image(data="AA==", media_type="image/png")
    message = Message("tool", (ToolResult("1", (Text("a"), image, Text("b"))), ToolResult("2", (), is_error=True)))
    calls = assistant(tool_calls=[ToolCall("1", "f", ""), ToolCall("2", "f", "")])
    encoded = encode_request(ChatRequest((calls, message)), model="m")
    assert encoded.body["messages"][1:] == [
        {"role": "tool", "tool_call_id": "1", "content": "a\n\nb"},
        {"role": "tool", "tool_call_id": "2", "content": "Error: "},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]},
    ]
    assert len(encoded.warnings) == 2


def test_thinking_is_for_those_who_want_it() -> None:
    message = assistant([Thinking("t"), Text("a")])
    assert messages_of(message) == [{"role": "assistant", "content": "a"}]
    assert messages_of(message, replay_reasoning=True)[0]["reasoning_content"] == "t"
    request = ChatRequest((assistant([Thinking("t", "s"), Text("a")]),))
    assert encode_request(request, model="m").warnings == ("thinking: thinking is not sent back",)
    signed = encode_request(request, model="m", quirks={"replay_reasoning": True})
    assert signed.warnings == ("thinking: signed thinking can only go back to Anthropic",)


def test_thinking_goes_back_to_its_own_provider() -> None:
    request = ChatRequest((user("Hi"), assistant([Thinking("t", source="a"), Text("b")])))
    for source, back in (("a", "t"), ("b", None)):
        encoded = encode_request(request, model="m", source=source, quirks={"replay_reasoning": True})
        assert encoded.body["messages"][1].get("reasoning_content") == back
        assert bool(encoded.warnings) == (back is None)


def test_turns_among_calls_have_some_thinking() -> None:
    """Where a server refuses such turns without, those of other providers get a thought that says nothing."""
    call = ToolCall("1", "f", "{}")
    turns = (
        assistant([Thinking("t", source="a")], tool_calls=[call]), tool_result(call, "r"), assistant("done"), user("?"),
    )  # fmt: skip
    body = encode_request(ChatRequest(turns), model="m", source="b", quirks={"replay_reasoning": True}).body
    assert [row.get("reasoning_content") for row in body["messages"]] == [" ", None, " ", None]
    plain = encode_request(ChatRequest(turns[2:]), model="m", source="b", quirks={"replay_reasoning": True}).body
    assert "reasoning_content" not in plain["messages"][0]


def test_a_model_that_thinks_is_not_made_to_answer_by_a_tool() -> None:
    form = ResponseFormat("json_schema", schema={"type": "object"})
    with pytest.raises(ConversionError, match="thinking") as caught:
        body_of(response_format=form, params=Params(thinking_budget=2000), quirks={"schema_answers": "tool"})
    assert caught.value.pointer == "/response_format"


def test_fields_that_servers_call_otherwise() -> None:
    params = Params(seed=7, top_k=3, max_tokens=5)
    body = body_of(params=params, user="u", quirks=PRESETS["mistral"].quirks)
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "random_seed": 7,
        "top_k": 3,
        "max_tokens": 5,
    }


def test_foreign_fields() -> None:
    """Fields of another API are a loss, those of another provider nobody's business, a provider's own come back."""
    extra = {"anthropic-messages": {"cache_control": {}}, "gemini": {"a": 1}, "openai-chat": {"b": 2}}
    encoded = encode_request(ChatRequest((user(Text("a", extra=extra)),)), model="m")
    assert encoded.body["messages"][0]["content"] == [{"type": "text", "text": "a", "b": 2}]
    assert encoded.warnings == ("cache_control: openai-chat has no such field",)
    (row,) = body_of(user(Text("a", extra=extra)), source="gemini")["messages"][0]["content"]
    assert row == {"type": "text", "text": "a", "b": 2, "a": 1}


@pytest.mark.parametrize("name", ["container", "mcp_servers", "tools", "inference_geo"])
def test_fields_without_which_it_is_another_request(name: str) -> None:
    with pytest.raises(ConversionError) as caught:
        body_of(extra={"anthropic-messages": {name: 1}})
    assert caught.value.pointer == f"/extra/{name}"


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"messages": (user(Opaque("anthropic-messages", {"type": "document"})),)}, "/messages/0/content/0"),
        ({"params": Params(stop=("a", "b", "c", "d", "e"))}, "/params/stop"),
        ({"tool_choice": ToolChoice("required")}, "/tool_choice"),
        ({"tools": (F,), "tool_choice": ToolChoice("named", "g")}, "/tool_choice/name"),
        ({"tools": (F, F)}, "/tools/1/name"),
        ({"tools": (Tool(""),)}, "/tools/0/name"),
    ],
)
def test_what_can_not_be_said(more: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ConversionError) as caught:
        encode_request(ChatRequest(**{"messages": HI, **more}), model="m")
    assert caught.value.pointer == pointer


def test_choice_without_tools_says_nothing() -> None:
    assert "tool_choice" not in body_of(tool_choice=ToolChoice("auto"))


def test_quirk_tool_choice_strings_only() -> None:
    quirks = {"tool_choice_strings_only": True}
    choice = ToolChoice("named", "f")
    assert body_of(tools=(F,), tool_choice=choice, quirks=quirks)["tool_choice"] == "required"
    encoded = encode_request(ChatRequest(HI, tools=(F, G), tool_choice=choice), model="m", quirks=quirks)
    assert encoded.body["tool_choice"] == "required"
    assert encoded.warnings == ("tool_choice: the server takes no name: the other tools are left out",)


def test_quirk_max_tokens_field() -> None:
    params = Params(max_tokens=5)
    assert body_of(params=params)["max_tokens"] == 5
    assert body_of(params=params, quirks=Quirks(max_tokens_field="max_completion_tokens"))["max_completion_tokens"] == 5


def test_quirk_no_json_object() -> None:
    form = ResponseFormat("json_object")
    assert body_of(response_format=form)["response_format"] == {"type": "json_object"}
    with pytest.raises(ConversionError):
        body_of(response_format=form, quirks={"no_json_object": True})
    assert body_of(response_format=ResponseFormat("json_schema", schema={}))["response_format"]["json_schema"]["name"]


def test_quirk_no_stream_usage() -> None:
    request = ChatRequest(HI)
    assert encode_request(request, model="m", stream=True).body["stream_options"] == {"include_usage": True}
    body = encode_request(request, model="m", stream=True, quirks={"no_stream_usage": True, "unknown": 1}).body
    assert "stream_options" not in body


def test_quirk_tool_id_pattern() -> None:
    call = ToolCall("call_1", "f", "{}")
    rows = messages_of(assistant(tool_calls=[call]), tool_result(call, "x"), tool_id_pattern="mistral9")
    (written,) = rows[0]["tool_calls"]
    assert written["id"] == rows[1]["tool_call_id"]
    assert len(written["id"]) == 9
    assert written["id"].isalnum()


def test_quirk_sampling() -> None:
    encoded = encode_request(
        ChatRequest(HI, params=Params(temperature=1, top_p=1, seed=3)), model="m", quirks={"sampling": False}
    )
    assert encoded.body.keys() == {"model", "messages", "seed"}
    assert len(encoded.warnings) == 2


@pytest.mark.parametrize(
    ("params", "effort", "warnings"),
    [
        (Params(reasoning_effort="max"), "max", 0),
        (Params(thinking_budget=1024), "low", 1),
        (Params(thinking_budget=5000), "medium", 1),
        (Params(thinking_budget=50_000), "high", 1),
        (Params(thinking_budget=50_000, reasoning_effort="low"), "low", 1),
        (Params(top_k=5), None, 1),
    ],
)
def test_effort(params: Params, effort: str | None, warnings: int) -> None:
    encoded = encode_request(ChatRequest(HI, params=params), model="m")
    assert encoded.body.get("reasoning_effort") == effort
    assert len(encoded.warnings) == warnings


def decoded(**body: Any) -> ChatRequest:
    return decode_request({"model": "m", "messages": [{"role": "user", "content": "Hi"}], **body}).request


def test_lists_and_developers_come_back_as_they_were() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "developer", "content": [{"type": "text", "text": "a"}]},
        {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "user", "content": [{"type": "text", "text": "a"}], "name": "Ann"},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "a"}], "name": "f"},
    ]  # fmt: skip
    request = decoded(messages=messages)
    assert [message.role for message in request.messages] == [
        "system",
        "system",
        "user",
        "assistant",
        "assistant",
        "tool",
    ]
    assert body_of(*request.messages)["messages"] == messages
    assert encode_request(request, model="m").warnings == ()


def test_what_servers_send_back_is_taken() -> None:
    """A client that replays an answer sends nulls, empty arrays, and thoughts."""
    message = {"role": "assistant", "content": "", "reasoning_content": "t", "refusal": None, "annotations": []}
    assert decoded(messages=[message]).messages == (assistant([Thinking("t")]),)


def test_settings() -> None:
    request = decoded(
        max_tokens=5,
        max_completion_tokens=5,
        stop="x",
        temperature=None,
        logit_bias={},
        response_format={"type": "text"},
        tool_choice="auto",
    )
    assert request.params == Params(max_tokens=5, stop=("x",))
    assert request.extra == {"openai-chat": {"logit_bias": {}}}
    assert request.response_format == ResponseFormat("text")
    assert request.tool_choice == ToolChoice("auto")


TEXT = {"type": "text", "text": "a"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"model": None}, "/model"),
        ({"messages": None}, "/messages"),
        ({"messages": [{"role": "robot"}]}, "/messages/0/role"),
        ({"messages": [{"role": "function", "content": "x"}]}, "/messages/0"),
        ({"messages": [{"role": "user"}]}, "/messages/0/content"),
        ({"messages": [{"role": "user", "content": []}]}, "/messages/0/content"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "/messages/0/content/0/type"),
        ({"messages": [{"role": "system", "content": [{"type": "input_audio"}]}]}, "/messages/0/content"),
        ({"functions": [], "tools": []}, "/functions"),
        ({"max_completion_tokens": 0}, "/max_completion_tokens"),
        ({"max_tokens": 0}, "/max_tokens"),
        ({"messages": [{"role": "assistant", "content": "", "audio": {"id": "1"}}]}, "/messages/0/audio"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"type": "new"}]}]}, "/messages/0/tool_calls/0/type"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"type": "custom"}]}]}, "/messages/0/tool_calls/0/custom"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "/messages/0/tool_call_id"),
        ({"messages": [{"role": "tool", "tool_call_id": "1", "content": [{}]}]}, "/messages/0/content/0/type"),
        ({"tools": [{"type": "function"}]}, "/tools/0/function"),
        ({"tool_choice": "f"}, "/tool_choice"),
        ({"tool_choice": {"type": "new"}}, "/tool_choice/type"),
        ({"tool_choice": {"type": "custom"}}, "/tool_choice/custom"),
        ({"tools": [{"type": "custom", "custom": {}}]}, "/tools/0/custom/name"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}},
            "/tool_choice/allowed_tools/tools",
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [{"type": "x", "x": 1}]},
                }
            },
            "/tool_choice/allowed_tools/tools/0",
        ),
        ({"response_format": {"type": "grammar"}}, "/response_format/type"),
        ({"max_tokens": 1, "max_completion_tokens": 2}, "/max_tokens"),
        ({"temperature": "1"}, "/temperature"),
    ],
)
def test_bodies_that_are_no_request(body: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ConversionError) as caught:
        decoded(**body)
    assert caught.value.pointer == pointer
