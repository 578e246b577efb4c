"""Conversion beyond the table: the same API again, tools alone, forced answers, schemas, replies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmroute.errors import ConversionError
from llmroute.wire import anthropic_messages, openai_chat, sse
from llmroute.wire.chat import ChatRequest, Document, Params, ToolCall, ToolCallStart, ToolChoice, assistant, user
from llmroute.wire.codec import ANTHROPIC, OPENAI
from llmroute.wire.conversion import convert, convert_tools
from llmroute.wire.quirks import Quirks
from llmroute.wire.reply import Reply
from llmroute.wire.request import ResponseFormat, Tool
from llmroute.wire.schemas import enforceable, why_not_strict
from tests.wire.conversion_rows import (
    ABSENT,
    AF,
    CALL,
    CLOSED,
    CUSTOM,
    CUSTOM_CALL,
    HI,
    PDF,
    RESULT,
    USE,
    F,
    allowed,
    block,
    function,
    text,
)
from tests.wire.conversion_rows import user as turn

PDF_PART = block("file", file={"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"})
MIXED = allowed("auto", "f")
MIXED["allowed_tools"]["tools"].append({"type": "custom", "custom": {"name": "g"}})
SAME_OPENAI: list[dict[str, Any]] = [
    {"messages": [turn(PDF_PART)]},
    {"messages": [HI, {"role": "assistant", "content": None, "refusal": "no"}, HI]},
    {"messages": [HI, {"role": "assistant", "content": "a", "refusal": "no"}, HI]},
    {"messages": [HI, {"role": "assistant", "content": [text("a"), block("refusal", refusal="no")]}, HI]},
    {"messages": [HI], "tools": [F], "tool_choice": allowed("auto", "f")},
    {"messages": [HI], "tools": [F, {"type": "new", "new": {"name": "g"}}], "tool_choice": "required"},
    {"messages": [HI], "tools": [CUSTOM, F], "tool_choice": {"type": "custom", "custom": {"name": "g"}}},
    {"messages": [HI], "tools": [CUSTOM, F], "tool_choice": MIXED},
    {
        "messages": [
            HI,
            {"role": "assistant", "content": None, "tool_calls": [CUSTOM_CALL, CALL]},
            {**RESULT, "tool_call_id": "b"},
            RESULT,
        ]
    },
    {"messages": [HI], "stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
    {"messages": [HI], "service_tier": "flex", "n": 2, "logprobs": True},
]
SAME_ANTHROPIC: list[dict[str, Any]] = [
    {"messages": [turn(block("document", source={"type": kind, **rest}))]}
    for kind, rest in (
        ("url", {"url": "https://a.example"}),
        ("text", {"media_type": "text/plain", "data": "d"}),
        ("base64", {"media_type": "application/pdf", "data": PDF}),
        ("content", {"content": []}),
    )
]
RESULTS = block("tool_result", tool_use_id="a", content=[text("r"), block("search_result", source="s")])
SAME_ANTHROPIC += [
    {"messages": [HI, {"role": "assistant", "content": [USE]}, turn(RESULTS)]},
    {"messages": [HI], "max_tokens": 0},
    {"messages": [HI], "tools": [block("bash_20250124", name="bash")], "tool_choice": {"type": "any"}},
]


@pytest.mark.parametrize("body", SAME_OPENAI)
def test_openai_again(body: dict[str, Any]) -> None:
    assert convert({"model": "m", **body}, OPENAI, OPENAI) == ({"model": "m", **body}, (), {})


@pytest.mark.parametrize("body", SAME_ANTHROPIC)
def test_anthropic_again(body: dict[str, Any]) -> None:
    whole = {"model": "m", "max_tokens": 9, **body}
    assert convert(whole, ANTHROPIC, ANTHROPIC) == (whole, (), {})


def test_the_model_can_be_another() -> None:
    assert convert({"model": "m", "messages": [HI]}, OPENAI, OPENAI, model="n").body["model"] == "n"


def test_allowed_tools_where_a_choice_is_a_word() -> None:
    body = {"model": "m", "messages": [HI], "tools": [F, function("g", parameters={"type": "object"})]}
    quirks = Quirks(tool_choice_strings_only=True)
    found = convert({**body, "tool_choice": allowed("required", "g")}, OPENAI, OPENAI, quirks=quirks)
    assert ([tool["function"]["name"] for tool in found.body["tools"]], found.body["tool_choice"]) == (
        ["g"],
        "required",
    )
    assert [loss.pointer for loss in found.losses] == ["/tool_choice/allowed_tools/tools"]


def test_a_model_that_thinks_is_not_made_to_call() -> None:
    request = ChatRequest(
        (user("Hi"),),
        tools=(Tool("f"),),
        tool_choice=ToolChoice("required"),
        params=Params(thinking_budget=2000, max_tokens=4000),
    )
    with pytest.raises(ConversionError, match="thinks"):
        anthropic_messages.encode_request(request, model="m")


def test_allowed_tools_in_other_modes_are_none() -> None:
    with pytest.raises(ValueError, match="modes"):
        ToolChoice("none", allowed=("f",))
    choice = ToolChoice("auto", allowed=("f",))
    request = ChatRequest((user("Hi"),), tools=(Tool("f"),), tool_choice=choice)
    assert ChatRequest.from_json(request.to_json()) == request


def test_a_document_has_one_source() -> None:
    with pytest.raises(ValueError, match="one of the three"):
        Document("https://a.example", "AA==")


# -- Legacy functions


def legacy(**more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [HI], **more}


def test_legacy_words_are_todays_in_openai_too() -> None:
    old = legacy(functions=[{"name": "f", "parameters": {"type": "object"}}], function_call="auto")
    assert convert(old, OPENAI, OPENAI).body["tool_choice"] == "auto"
    mixed = [1, HI]
    with pytest.raises(ConversionError) as caught:
        convert(legacy(functions=[], messages=mixed), OPENAI, OPENAI)
    assert caught.value.pointer == "/messages/0"


def test_errors_of_legacy_words_show_them() -> None:
    call = {"role": "assistant", "content": None, "function_call": {"arguments": "{}"}}
    with pytest.raises(ConversionError) as caught:
        convert(legacy(messages=[HI, call]), OPENAI, OPENAI)
    assert caught.value.pointer == "/messages/1/function_call/name"
    new = {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "function": {}}]}
    with pytest.raises(ConversionError) as caught:
        convert(legacy(messages=[HI, new], functions=[]), OPENAI, OPENAI)
    assert caught.value.pointer == "/messages/1/tool_calls/0/function/name"


# -- Places that the tables do not reach


def test_places_in_parts_of_tool_messages() -> None:
    messages = [
        HI,
        {"role": "assistant", "tool_calls": [CALL]},
        {**RESULT, "content": [text("r", x=1), block("audio")]},
    ]
    with pytest.raises(ConversionError) as caught:
        convert({"model": "m", "messages": messages}, OPENAI, ANTHROPIC)
    assert caught.value.pointer == "/messages/2/content/1"


def test_places_in_fields_of_messages_and_tools() -> None:
    body = {"model": "m", "messages": [{**HI, "x": 1}], "tools": [{**F, "y": 1}]}
    found = convert(body, OPENAI, ANTHROPIC)
    assert [loss.pointer for loss in found.losses] == ["/messages/0/x", "/tools/0/y"]


def test_places_in_anthropic_bodies_for_anthropic() -> None:
    picture = block("image", source={"type": "base64", "media_type": "image/tiff", "data": "AA=="})
    for messages, pointer in (
        ([turn(text("a"), picture)], "/messages/0/content/1/source/media_type"),
        ([HI, {"role": "user", "content": []}], "/messages/1"),
        ([HI, turn(text(""))], "/messages/1/content"),
    ):
        with pytest.raises(ConversionError) as caught:
            convert({"model": "m", "max_tokens": 9, "messages": messages}, ANTHROPIC, ANTHROPIC)
        assert caught.value.pointer == pointer
    with pytest.raises(ConversionError) as caught:
        convert({"model": "m", "max_tokens": 9, "system": "s", "messages": []}, ANTHROPIC, ANTHROPIC)
    assert caught.value.pointer == "/messages"
    body = {"model": "m", "max_tokens": 9, "messages": [HI], "stop_sequences": ["a", " "]}
    with pytest.raises(ConversionError) as caught:
        convert(body, ANTHROPIC, ANTHROPIC)
    assert caught.value.pointer == "/stop_sequences/1"


def test_places_in_arguments() -> None:
    """Arguments that a client sends as an object are fine; those of Anthropic always are."""
    call = {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {"x": 1}}}]}
    found = convert({"model": "m", "messages": [HI, call, RESULT]}, OPENAI, ANTHROPIC)
    assert found.body["messages"][1]["content"] == [USE]


# -- Tools alone


def test_tools_alone() -> None:
    found = convert_tools(
        [F, function("a.b", strict=True, parameters={**CLOSED, "minProperties": 1})], OPENAI, ANTHROPIC
    )
    assert found.body[0] == AF
    assert list(found.names.values()) == ["a.b"]
    assert [loss.pointer for loss in found.losses] == ["/1/function/parameters/minProperties"]
    assert convert_tools([], ANTHROPIC, OPENAI).body == []
    with pytest.raises(ConversionError) as caught:
        convert_tools([{"name": "f"}], ANTHROPIC, OPENAI)
    assert caught.value.pointer == "/0/input_schema"


# -- Schemas


def note(_what: str, _at: str) -> None:
    raise AssertionError("nothing is lost")


def test_what_is_enforced_stays() -> None:
    schema = {
        **CLOSED,
        "properties": {"a": {"type": "array", "minItems": 1, "items": {"format": "uuid"}}, "b": {"anyOf": [True, {}]}},
        "$defs": {"c": {"$ref": "#"}},
    }
    assert enforceable(schema, "", note) == schema


def test_what_is_not_enforced_is_told() -> None:
    lost: list[tuple[str, str]] = []
    schema = {
        "description": "d",
        "oneOf": [{"type": "string"}],
        "items": {"format": "regex", "minItems": 2},
        "properties": 1,
    }
    found = enforceable(schema, "", lambda what, at: lost.append((at, what.split()[0])))
    assert found == {
        "description": "d\n\n{properties: 1}",
        "anyOf": [{"type": "string"}],
        "items": {"description": '{format: "regex", minItems: 2}'},
        "additionalProperties": False,
    }
    assert lost == [
        ("/oneOf", "oneOf"),
        ("/items/format", "format"),
        ("/items/minItems", "minItems"),
        ("/properties", "properties"),
        ("", "the"),
    ]


def test_enumerations_of_plain_values_are_enforced() -> None:
    schema = {"enum": ["a", 1, None], "anyOf": [{"const": True}]}
    assert enforceable(schema, "", note) == schema
    lost: list[str] = []
    odd = {"enum": ["a", {}], "items": {"const": [1]}}
    found = enforceable(odd, "", lambda _what, at: lost.append(at))
    assert lost == ["/enum", "/items/const"]
    assert found == {"description": '{enum: ["a", {}]}', "items": {"description": "{const: [1]}"}}


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


def test_depth() -> None:
    assert enforceable(deep(150), "", note) == deep(150)
    assert why_not_strict({"type": "object", "$defs": {"a": deep(150)}}, "") is not None
    with pytest.raises(ConversionError, match="too deep"):
        enforceable(deep(100_000), "", note)
    root = {"type": "object", "additionalProperties": False, "$defs": {"a": deep(100_000)}}
    assert why_not_strict(root, "") == ("it is nested too deep", "")


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"anyOf": []}, ""),
        ({**CLOSED, "additionalProperties": True}, ""),
        ({**CLOSED, "properties": {"a": {"items": {"not": {}}}}}, "/properties/a/items/not"),
        ({**CLOSED, "properties": {"a": {"anyOf": [{}, {"if": {}}]}}}, "/properties/a/anyOf/1/if"),
        ({**CLOSED, "properties": {"a": {"anyOf": 1}}}, None),
    ],
)
def test_strict_at_openai(schema: dict[str, Any], place: str | None) -> None:
    found = why_not_strict(schema, "")
    assert (None if found is None else found[1]) == place


# -- A tool in place of a schema for the answer

FORM = ResponseFormat("json_schema", "n", CLOSED)
OLD = Quirks(output_format=False)


def test_the_call_of_the_forced_tool_is_the_answer() -> None:
    encoded = anthropic_messages.encode_request(ChatRequest((user("Hi"),), response_format=FORM), model="m", quirks=OLD)
    answer = {"content": [block("tool_use", id="1", name="n", input={"a": "b"})], "stop_reason": "tool_use"}
    reply = anthropic_messages.decode_reply(answer, names=encoded.names)
    assert (reply.text, reply.tool_calls, reply.stop_reason) == ('{"a":"b"}', (), "stop")


def test_the_call_of_the_forced_tool_is_the_text_of_a_stream() -> None:
    decoder = anthropic_messages.StreamDecoder(names={"n": ""})
    start = block("content_block_start", index=0, content_block=block("tool_use", id="1", name="n", input={}))
    pieces = [
        block("content_block_delta", index=0, delta=block("input_json_delta", partial_json=piece))
        for piece in ('{"a"', ':"b"}')
    ]
    end = block("message_delta", delta={"stop_reason": "tool_use"}, usage={})
    rows = [start, *pieces, block("content_block_stop", index=0), end, block("message_stop")]
    events = [event for row in rows for event in decoder.feed(sse.ServerSentEvent(json.dumps(row)))]
    assert [event.type for event in events] == ["text_delta", "text_delta", "finish"]
    assert (events[-1].reply.text, events[-1].reply.stop_reason) == ('{"a":"b"}', "stop")


def test_a_schema_without_a_name_is_called_answer() -> None:
    form = ResponseFormat("json_schema", schema=CLOSED)
    body = anthropic_messages.encode_request(
        ChatRequest((user("Hi"),), response_format=form), model="m", quirks=OLD
    ).body
    assert body["tools"] == [{"name": "answer", "input_schema": CLOSED}]
    assert body.get("output_config", ABSENT) is ABSENT


# -- Replies for Anthropic's clients


def test_ids_and_broken_arguments() -> None:
    calls = [ToolCall("call:1", "f", '{"x":1}'), ToolCall("b", "f", '{"x":', complete=False)]
    reply = Reply(assistant(tool_calls=calls), stop_reason="length")
    with pytest.raises(ConversionError) as caught:
        anthropic_messages.encode_reply(reply)
    assert caught.value.pointer == "/message/content/1/arguments"
    content = anthropic_messages.encode_reply(reply, raw_arguments=True).body["content"]
    assert [(row["id"], row["input"]) for row in content] == [
        ("call_0af6315558b41599b4a0fbfa", {"x": 1}),
        ("b", {"_raw": '{"x":'}),
    ]
    (_, sent) = anthropic_messages.StreamEncoder(model="m", id="1").encode(ToolCallStart(0, "call:1", "f"))
    assert '"call_0af6315558b41599b4a0fbfa"' in sent.data


def test_what_anthropic_has_no_place_for() -> None:
    calls = [ToolCall("a", "f", "{}", complete=False), ToolCall("b", "f", "{}", complete=False)]
    reply = Reply(assistant(tool_calls=calls), stop_reason="length", stop_sequence="x")
    losses = anthropic_messages.encode_reply(reply).losses
    # Of the last call before the limit every reader knows that it may have been cut.
    assert [(loss.field, loss.pointer) for loss in losses] == [
        ("tool_use", "/message/content/0"),
        ("stop_sequence", "/stop_sequence"),
    ]
    assert [(loss.field, loss.pointer) for loss in openai_chat.encode_reply(reply).losses] == [
        ("tool_calls", "/message/content/0"),
        ("tool_calls", "/message/content/1"),
        ("stop_sequence", "/stop_sequence"),
    ]


def test_an_answer_of_openai_with_a_name_for_a_tool() -> None:
    row = {"choices": [{"message": {"tool_calls": [CALL]}, "finish_reason": "tool_calls"}]}
    assert openai_chat.decode_reply(row, names={"f": "g"}).tool_calls[0].name == "g"
