"""Anthropic requests, row by row of what the API wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llmroute.errors import ConversionError
from llmroute.wire import openai_chat
from llmroute.wire.anthropic_messages import decode_request, encode_request
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
from llmroute.wire.quirks import DEFAULT_MAX_TOKENS, Quirks

if TYPE_CHECKING:
    from llmroute.wire.codec import Encoded

HI = (user("Hi"),)
A, B = ToolCall("a", "f", "{}"), ToolCall("b", "g", '{"x":1}')


def encode(*messages: Message, quirks: Any = None, **more: Any) -> Encoded:
    return encode_request(ChatRequest(messages or HI, **more), model="m", quirks=quirks or {})


def turns(*messages: Message, **quirks: Any) -> list[tuple[str, Any]]:
    return [(turn["role"], turn["content"]) for turn in encode(*messages, quirks=quirks).body["messages"]]


def test_results_stand_first_in_one_turn() -> None:
    rows = turns(
        user("1"),
        assistant([Text(""), Text("ok")], tool_calls=[A, B]),
        tool_result(A, "x", is_error=True),
        tool_result(B, ()),
        user("2"),
        user([Text("3"), Image("https://example.org")]),
    )
    assert [role for role, _ in rows] == ["user", "assistant", "user"]
    assert rows[1][1] == [
        {"type": "text", "text": "ok"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {"x": 1}},
    ]
    assert rows[2][1] == [
        {"type": "tool_result", "tool_use_id": "a", "content": "x", "is_error": True},
        {"type": "tool_result", "tool_use_id": "b"},
        {"type": "text", "text": "2"},
        {"type": "text", "text": "3"},
        {"type": "image", "source": {"type": "url", "url": "https://example.org"}},
    ]


def test_system_keeps_its_blocks() -> None:
    assert encode(system("a"), *HI).body["system"] == "a"
    blocks = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert encode(system("a"), system("b"), *HI).body["system"] == blocks
    assert "system" not in encode(system(""), *HI).body


def test_system_in_the_middle() -> None:
    messages = (user("1"), assistant("2"), system("s"), user("3"))
    hoisted = encode(*messages)
    assert hoisted.body["system"] == "s"
    assert len(hoisted.warnings) == 1
    assert turns(*messages, mid_system=True)[2] == ("system", "s")
    assert "system" not in encode(user("1"), system(""), quirks={"mid_system": True}).body


def test_assistant_that_says_nothing_is_left_out() -> None:
    encoded = encode(user("1"), assistant(""), user("2"))
    assert [row["role"] for row in encoded.body["messages"]] == ["user"]
    assert encoded.warnings == ("messages: a message without content is left out",)


def test_thinking_without_signature_is_lost() -> None:
    encoded = encode(user("1"), assistant([Thinking("t"), Text("a")]), user("2"))
    assert encoded.body["messages"][1]["content"] == "a"
    assert encoded.warnings == ("thinking: thinking without a signature can't be replayed",)


def test_thinking_goes_back_to_its_own_provider() -> None:
    request = ChatRequest((user("1"), assistant([Thinking("t", "s", source="a"), Text("a")]), user("2")))
    for source, blocks in (("a", 2), ("b", 1)):
        encoded = encode_request(request, model="m", source=source)
        content = encoded.body["messages"][1]["content"]
        assert (content if blocks == 1 else len(content)) == ("a" if blocks == 1 else 2)
        assert bool(encoded.warnings) == (blocks == 1)


def test_prefill() -> None:
    encoded = encode(user("1"), assistant("2 \n"))
    assert encoded.body["messages"][1]["content"] == "2"
    assert len(encoded.warnings) == 1
    assert encode(user("1"), assistant("2")).warnings == ()
    with pytest.raises(ConversionError):
        encode(user("1"), assistant("2"), quirks=Quirks(prefill=False))
    blank = encode(user("1"), assistant(" "))
    assert [row["role"] for row in blank.body["messages"]] == ["user"]
    assert [loss.field for loss in blank.losses] == ["content", "messages"]


def test_opaque_blocks_go_back() -> None:
    block = {"type": "document", "source": {}}
    assert turns(user(Opaque("anthropic-messages", block))) == [("user", [block])]


def test_the_form_of_an_openai_request_is_no_loss() -> None:
    messages = [{"role": "developer", "content": [{"type": "text", "text": "a"}]}, {"role": "user", "content": "b"}]
    request = openai_chat.decode_request({"model": "m", "messages": messages}).request
    encoded = encode_request(request, model="m")
    assert (encoded.body["system"], encoded.warnings) == ("a", ())


def test_names_and_details_are_lost() -> None:
    image = Image(data="AA==", media_type="image/png", detail="low")
    encoded = encode(Message("user", (image,), "Ann"))
    assert [warning.partition(":")[0] for warning in encoded.warnings] == ["name", "image.detail"]


@pytest.mark.parametrize(
    ("messages", "pointer"),
    [
        ((), "/messages"),
        ((system("a"),), "/messages"),
        ((user(""),), "/messages/0/content"),
        ((user(Image(data="AA==", media_type="image/tiff")),), "/messages/0/content/0/media_type"),
        ((user(Opaque("openai-chat", {"type": "input_audio"})),), "/messages/0/content/0"),
        ((assistant(tool_calls=[A]),), "/messages/0"),
        ((assistant(tool_calls=[A]), user("x")), "/messages/0"),
        ((assistant(tool_calls=[A, A]), tool_result(A, "")), "/messages/0"),
        ((user("x"), tool_result("a", "")), "/messages/1/content/0"),
        ((assistant(tool_calls=[A]), tool_result(A, ""), tool_result(A, "")), "/messages/2/content/0"),
        (
            (user("x"), assistant(tool_calls=[ToolCall("a", "f", "[]")]), tool_result("a", "")),
            "/messages/1/content/0/arguments",
        ),
    ],
)
def test_conversations_that_can_not_be_said(messages: tuple[Message, ...], pointer: str) -> None:
    with pytest.raises(ConversionError) as caught:
        encode_request(ChatRequest(messages), model="m")
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"params": Params(max_tokens=-1)}, "/params/max_tokens"),
        ({"params": Params(frequency_penalty=0.5)}, "/params/frequency_penalty"),
        ({"params": Params(presence_penalty=-1)}, "/params/presence_penalty"),
        ({"params": Params(stop=("a", "\n"))}, "/params/stop/1"),
        ({"params": Params(thinking_budget=1023)}, "/params/thinking_budget"),
        ({"params": Params(thinking_budget=4096)}, "/params/thinking_budget"),
        ({"response_format": ResponseFormat("json_object")}, "/response_format"),
        (
            {
                "response_format": ResponseFormat("json_schema", schema={"type": "array"}),
                "quirks": {"output_format": False},
            },
            "/response_format/schema/type",
        ),
        ({"tools": (Tool("f", parameters={"anyOf": []}),)}, "/tools/0/parameters/anyOf"),
        ({"tools": (Tool("f", parameters={"type": "array"}),)}, "/tools/0/parameters/type"),
        ({"extra": {"openai-chat": {"n": 2}}}, "/extra/n"),
        ({"extra": {"openai-chat": {"logprobs": True}}}, "/extra/logprobs"),
    ],
)
def test_requests_that_can_not_be_said(more: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ConversionError) as caught:
        encode(**more)
    assert caught.value.pointer == pointer


def test_limit() -> None:
    assert encode().body["max_tokens"] == DEFAULT_MAX_TOKENS
    assert encode(quirks={"default_max_tokens": 9}).body["max_tokens"] == 9


def test_sampling() -> None:
    params = Params(temperature=1.5, top_p=0.5, top_k=3, frequency_penalty=0, seed=1)
    encoded = encode(params=params)
    assert {key: encoded.body[key] for key in ("temperature", "top_p", "top_k")} == {
        "temperature": 1,
        "top_p": 0.5,
        "top_k": 3,
    }
    assert [warning.partition(":")[0] for warning in encoded.warnings] == ["temperature", "seed"]
    refused = encode(params=params, quirks={"sampling": False})
    assert not refused.body.keys() & {"temperature", "top_p", "top_k"}
    assert [warning.partition(":")[0] for warning in refused.warnings] == ["temperature", "top_p", "top_k", "seed"]


@pytest.mark.parametrize(
    ("params", "fields"),
    [
        (Params(reasoning_effort="none", thinking_budget=5000), {"thinking": {"type": "disabled"}}),
        (Params(reasoning_effort="minimal"), {"output_config": {"effort": "low"}}),
        (Params(reasoning_effort="max"), {"output_config": {"effort": "max"}}),
        (Params(thinking_budget=2048), {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
    ],
)
def test_thinking(params: Params, fields: dict[str, Any]) -> None:
    body = encode(params=params).body
    assert {key: body[key] for key in body.keys() & {"thinking", "output_config"}} == fields


@pytest.mark.parametrize(
    ("choice", "parallel", "row"),
    [
        (None, None, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("none"), False, {"type": "none"}),
        (ToolChoice("required"), True, {"type": "any", "disable_parallel_tool_use": False}),
        (ToolChoice("named", "f"), None, {"type": "tool", "name": "f"}),
    ],
)
def test_choice(choice: ToolChoice | None, parallel: bool | None, row: Any) -> None:  # noqa: FBT001 - a case
    body = encode(tools=(Tool("f", "d", strict=True),), tool_choice=choice, parallel_tool_calls=parallel).body
    assert body.get("tool_choice") == row
    assert body["tools"] == [
        {
            "name": "f",
            "description": "d",
            "input_schema": {"type": "object", "properties": {}, "additionalProperties": False},
            "strict": True,
        }
    ]


def test_schemas_without_a_type_get_theirs() -> None:
    tool = Tool("f", parameters={"properties": {"x": True}})
    assert encode(tools=(tool,)).body["tools"][0]["input_schema"] == {"type": "object", "properties": {"x": True}}


CLOSED = {"type": "object", "additionalProperties": False}


def test_settings() -> None:
    encoded = encode(
        user="u",
        metadata={"a": "b"},
        response_format=ResponseFormat("json_schema", "n", CLOSED),
        params=Params(reasoning_effort="low"),
        extra={"anthropic-messages": {"output_config": {"task": 1}}, "openai-chat": {"store": True}},
    )
    assert encoded.body["metadata"] == {"user_id": "u"}
    assert encoded.body["output_config"] == {
        "task": 1,
        "effort": "low",
        "format": {"type": "json_schema", "schema": CLOSED},
    }
    assert [warning.partition(":")[0] for warning in encoded.warnings] == ["store", "response_format", "metadata"]
    assert "output_config" not in encode(response_format=ResponseFormat("text")).body


def decoded(**body: Any) -> ChatRequest:
    return decode_request(
        {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}], **body}
    ).request


def test_what_the_conversation_has_no_word_for_comes_back() -> None:
    body = {
        "model": "m",
        "max_tokens": 5,
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [{"type": "document", "source": {"type": "file", "file_id": "1"}}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}, "caller": {}}]},
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "a",
                        "content": [{"type": "text", "text": "x", "citations": []}],
                    },
                    {"type": "image", "source": {"type": "file", "file_id": "1"}},
                ],
            },
        ],
        "thinking": {"type": "adaptive"},
        "output_config": {"task": 1},
        "tools": [{"type": "web_search_20250305", "name": "web_search"}],
        "inference_geo": "eu",
        "context_management": {},
    }
    request = decode_request(body).request
    encoded = encode_request(request, model="m")
    assert encoded.body == body
    assert encoded.warnings == ()


def test_own_tools_stand_beside_those_of_the_api() -> None:
    tools = [{"name": "f", "input_schema": {"type": "object"}}, {"type": "bash_20250124", "name": "bash"}]
    request = decoded(tools=tools)
    assert [tool.name for tool in request.tools] == ["f"]
    assert encode_request(request, model="m").body["tools"] == tools


def test_results_and_words_of_one_turn() -> None:
    content = [{"type": "text", "text": "x"}, {"type": "tool_result", "tool_use_id": "a"}]
    assert decoded(messages=[{"role": "user", "content": content}]).messages == (
        Message("tool", (ToolResult("a", ()),)),
        user("x"),
    )
    assert decoded(messages=[{"role": "system", "content": "s"}]).messages == (system("s"),)


def test_disabled_thinking_does_not_hide_an_effort() -> None:
    request = decoded(thinking={"type": "disabled"}, output_config={"effort": "low"})
    assert request.params.reasoning_effort == "low"
    assert decoded(thinking={"type": "disabled"}).params.reasoning_effort == "none"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"max_tokens": None}, "/max_tokens"),
        ({"model": 1}, "/model"),
        ({"system": 1}, "/system"),
        ({"system": [{"type": "image", "source": {"type": "url", "url": ""}}]}, "/system"),
        ({"messages": {}}, "/messages"),
        ({"messages": [{"role": "tool"}]}, "/messages/0/role"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "/messages/0/content/0/type"),
        ({"messages": [{"role": "user", "content": [{"type": "thinking", "thinking": ""}]}]}, "/messages/0/content"),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_result", "tool_use_id": "a"}]}]},
            "/messages/0/content",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "tool_result",
                                "tool_use_id": "a",
                                "content": [{"type": "tool_use", "id": "b", "name": "f", "input": {}}],
                            }
                        ],
                    }
                ]
            },
            "/messages/0/content/0/content",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f"}]}]},
            "/messages/0/content/0/input",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "/messages/0/content/0/source"),
        ({"tools": [{"name": "f"}]}, "/tools/0/input_schema"),
        ({"tool_choice": {"type": "f"}}, "/tool_choice/type"),
        ({"output_config": {"effort": "huge"}}, "/output_config/effort"),
        ({"output_config": {"format": {"type": "grammar"}}}, "/output_config/format/type"),
        ({"thinking": {"type": "enabled"}}, "/thinking/budget_tokens"),
    ],
)
def test_bodies_that_are_no_request(body: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ConversionError) as caught:
        decoded(**body)
    assert caught.value.pointer == pointer


THOUGHT = Thinking("hm", "signed")


@pytest.mark.parametrize(
    ("answer", "after", "thinks"),
    [
        ((A,), (tool_result(A, "x"),), False),
        ((Text("I look."), A), (tool_result(A, "x"),), False),
        ((Thinking("nobody signed"), A), (tool_result(A, "x"),), False),
        ((THOUGHT, A), (tool_result(A, "x"),), True),
        ((Thinking("", redacted="xyz"), A), (tool_result(A, "x"),), True),
        ((A,), (tool_result(A, "x"), assistant("So."), user("More")), True),
        ((Text("So."),), (user("More"),), True),
    ],
)
def test_calls_made_without_thinking_go_on_without_it(
    answer: tuple[Any, ...], after: tuple[Message, ...], *, thinks: bool
) -> None:
    encoded = encode(user("1"), Message("assistant", answer), *after, params=Params(thinking_budget=1024))
    assert ("thinking" in encoded.body) is thinks
    assert ("thinking_budget" not in [loss.field for loss in encoded.losses]) is thinks
