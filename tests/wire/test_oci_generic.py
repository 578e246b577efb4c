"""Oracle's generative AI inference, format `GENERIC`: requests, replies and streams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmroute.errors import CallError, ConversionError, MalformedReplyError, RateLimitError, TruncatedStreamError
from llmroute.wire import oci_chat
from llmroute.wire.chat import (
    ChatRequest,
    Document,
    Finish,
    Image,
    Message,
    Opaque,
    Params,
    Reply,
    ResponseFormat,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    Tool,
    ToolCall,
    ToolCallEnd,
    ToolChoice,
    Usage,
    UsageEvent,
    assistant,
    system,
    tool_result,
    user,
)
from llmroute.wire.sse import ServerSentEvent

LLAMA = "meta.llama-3.3-70b-instruct"
CALL = ToolCall("c1", "add", '{"a":2}')
ADD = Tool("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}})
SUB = Tool("sub")


def encoded(*messages: Message, model: str = LLAMA, stream: bool = False, quirks: Any = None, **fields: Any) -> Any:
    request = ChatRequest(messages or (user("Hi"),), **fields)
    return oci_chat.encode_request(request, model=model, stream=stream, quirks=quirks or {})


def written(*messages: Message, **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = encoded(*messages, **fields).body["chatRequest"]
    return body


def result(message: dict[str, Any], **fields: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "ASSISTANT", **message}, "finishReason": "stop", **fields}
    usage = {"promptTokens": 7, "completionTokens": 2, "totalTokens": 9, "promptTokensDetails": {"cachedTokens": 4}}
    answer = {"apiFormat": "GENERIC", "timeCreated": "2026-09-01T10:00:00Z", "choices": [choice], "usage": usage}
    return {"modelId": LLAMA, "modelVersion": "1.0", "chatResponse": answer}


def said(text: str) -> list[dict[str, str]]:
    return [{"type": "TEXT", "text": text}]


def read(message: dict[str, Any], **fields: Any) -> Reply:
    return oci_chat.decode_reply(json.dumps(result(message, **fields)))


def streamed(*chunks: dict[str, Any] | str, failure: Any = None) -> list[Any]:
    decoder = oci_chat.StreamDecoder(**({"failure": failure} if failure else {}))
    events: list[Any] = []
    for chunk in chunks:
        events += decoder.feed(ServerSentEvent(chunk if isinstance(chunk, str) else json.dumps(chunk)))
    return [*events, *decoder.close()]


def piece(index: int = 0, **message: Any) -> dict[str, Any]:
    return {"index": index, "message": {"role": "ASSISTANT", **message}, "pad": "aaaa"}


END = {"message": {"role": "ASSISTANT"}, "finishReason": "stop", "pad": "aa"}


# -- Requests


def test_a_conversation() -> None:
    body = written(
        system("Be brief."),
        user((Text("What?"), Image(data="AA==", media_type="image/png", detail="low"))),
        assistant(tool_calls=(CALL,)),
        tool_result(CALL, "4"),
        assistant("Four."),
        Message("user", (Text("And then?"),), name="eve"),
    )
    assert body == {
        "apiFormat": "GENERIC",
        "messages": [
            {"role": "SYSTEM", "content": said("Be brief.")},
            {
                "role": "USER",
                "content": [
                    *said("What?"),
                    {"type": "IMAGE", "imageUrl": {"url": "data:image/png;base64,AA==", "detail": "LOW"}},
                ],
            },
            {
                "role": "ASSISTANT",
                "toolCalls": [{"id": "c1", "type": "FUNCTION", "name": "add", "arguments": '{"a":2}'}],
            },
            {"role": "TOOL", "toolCallId": "c1", "content": said("4")},
            {"role": "ASSISTANT", "content": said("Four.")},
            {"role": "USER", "content": said("And then?"), "name": "eve"},
        ],
    }


def test_an_image_by_url_and_a_pdf() -> None:
    (row,) = written(user((Image(url="https://x.example/a.png"), Document(data="AA=="))))["messages"]
    assert row["content"] == [
        {"type": "IMAGE", "imageUrl": {"url": "https://x.example/a.png"}},
        {"type": "DOCUMENT", "documentUrl": {"url": "data:application/pdf;base64,AA=="}},
    ]


def test_parameters() -> None:
    params = Params(
        temperature=0,
        top_p=0.5,
        top_k=40,
        max_tokens=9,
        stop=(".",),
        seed=1,
        frequency_penalty=0.1,
        presence_penalty=0.2,
        reasoning_effort="low",
    )
    found = encoded(params=params, metadata={"a": "b"})
    assert found.losses == ()
    assert {key: value for key, value in found.body["chatRequest"].items() if key != "messages"} == {
        "apiFormat": "GENERIC",
        "temperature": 0,
        "topP": 0.5,
        "topK": 40,
        "maxTokens": 9,
        "stop": ["."],
        "seed": 1,
        "frequencyPenalty": 0.1,
        "presencePenalty": 0.2,
        "reasoningEffort": "LOW",
        "metadata": {"a": "b"},
    }
    renamed = written(params=Params(max_tokens=9), quirks={"max_tokens_field": "max_completion_tokens"})
    assert renamed["maxCompletionTokens"] == 9


def test_what_is_lost_is_told() -> None:
    tool = Tool("add", parameters={"type": "object", "additionalProperties": False}, strict=True)
    extra = {"openai-chat": {"n": 1, "verbosity": "low", "store": True}}
    found = encoded(tools=(tool,), user="u", params=Params(reasoning_effort="max"), extra=extra)
    assert found.body["chatRequest"]["reasoningEffort"] == "HIGH"
    assert found.body["chatRequest"]["verbosity"] == "LOW"
    assert found.warnings == (
        "tools.strict: oci-genai has no such field",
        "reasoning_effort: 'max' is written as 'high'",
        "user: oci-genai has no such field",
        "store: oci-genai has no such field",
    )
    with pytest.raises(ConversionError, match="user"):
        encoded(user="u", quirks={"on_unsupported": "error"})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"extra": {"openai-chat": {"n": 2}}}, "n can't be written"),
        ({"extra": {"openai-chat": {"tools": [{"type": "web_search"}]}}}, "a tool of type 'web_search'"),
    ],
)
def test_what_would_change_the_request_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ConversionError, match=words):
        encoded(**fields)


def test_parts_and_calls_of_no_word_are_refused() -> None:
    audio = Opaque("openai-chat", {"type": "input_audio", "input_audio": {}})
    with pytest.raises(ConversionError, match="'input_audio'"):
        encoded(user((audio,)))
    file = Opaque("openai-chat", {"type": "file", "file": {"file_id": "f"}})
    with pytest.raises(ConversionError, match="'file'"):
        encoded(user((file,)))
    custom = ToolCall("c1", "add", "2 + 2", custom=True)
    with pytest.raises(ConversionError, match="'custom'"):
        encoded(user("Hi"), assistant(tool_calls=(custom,)), tool_result(custom, "4"))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), {"type": "AUTO"}),
        (ToolChoice("none"), {"type": "NONE"}),
        (ToolChoice("required"), {"type": "REQUIRED"}),
        (ToolChoice("named", "add"), {"type": "FUNCTION", "name": "add"}),
        (ToolChoice("required", allowed=("add",)), {"type": "REQUIRED"}),
    ],
)
def test_tools(choice: ToolChoice, expected: dict[str, str]) -> None:
    found = encoded(tools=(ADD, SUB), tool_choice=choice, parallel_tool_calls=False)
    body = found.body["chatRequest"]
    assert body["toolChoice"] == expected
    assert body["isParallelToolCalls"] is False
    first, *others = body["tools"]
    assert first == {
        "type": "FUNCTION",
        "name": "add",
        "description": "Adds.",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
    }
    assert len(others) == (0 if choice.allowed else 1)
    assert bool(found.losses) == bool(choice.allowed)


def test_an_allowed_tool_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ConversionError, match="no tool is called 'mul'"):
        encoded(tools=(ADD,), tool_choice=ToolChoice("auto", allowed=("add", "mul")))


def test_the_form_of_the_answer() -> None:
    assert written(response_format=ResponseFormat("json_object"))["responseFormat"] == {"type": "JSON_OBJECT"}
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    form = ResponseFormat("json_schema", "answer", schema, strict=True)
    assert written(response_format=form)["responseFormat"] == {
        "type": "JSON_SCHEMA",
        "jsonSchema": {"name": "answer", "schema": schema, "isStrict": True},
    }
    loose = ResponseFormat("json_schema", "answer", schema)
    assert written(response_format=loose)["responseFormat"]["jsonSchema"] == {"name": "answer", "schema": schema}


def test_streams_are_asked_for_with_usage() -> None:
    body = written(stream=True)
    assert (body["isStream"], body["streamOptions"]) == (True, {"isIncludeUsage": True})
    assert "streamOptions" not in written(stream=True, quirks={"no_stream_usage": True})


def test_where_a_model_is_served() -> None:
    assert encoded().body["servingMode"] == {"servingType": "ON_DEMAND", "modelId": LLAMA}
    ocid = "ocid1.generativeaiendpoint.oc1.us-chicago-1.abc"
    assert encoded(model=ocid).body["servingMode"] == {"servingType": "DEDICATED", "endpointId": ocid}
    cohere = encoded(model=f"cohere.{ocid}").body
    assert cohere["servingMode"] == {"servingType": "DEDICATED", "endpointId": ocid}
    assert cohere["chatRequest"]["apiFormat"] == "COHERE"


# -- Replies


def test_a_reply() -> None:
    reply = read({"content": [*said("Fo"), *said("ur.")]})
    assert (reply.text, reply.model, reply.stop_reason) == ("Four.", LLAMA, "stop")
    assert reply.usage == Usage(input_tokens=7, output_tokens=2, cached_tokens=4)
    assert reply.extra == {"oci-genai": {"modelVersion": "1.0"}}
    assert reply.warnings == ()


def test_a_reply_with_calls_and_thoughts() -> None:
    call = {"id": "c1", "type": "FUNCTION", "name": "add", "arguments": '{"a":2}'}
    reply = read({"reasoningContent": "Hm.", "toolCalls": [call]}, finishReason="tool_calls")
    assert reply.thinking == "Hm."
    assert reply.tool_calls == (CALL,)
    assert reply.stop_reason == "tool_calls"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("COMPLETE", "stop"), ("MAX_TOKENS", "length"), ("length", "length"), ("CONTENT_FILTERED", "content_filter")],
)
def test_why_it_stopped(reason: str, expected: str) -> None:
    assert read({"content": said("Four.")}, finishReason=reason).stop_reason == expected


def test_a_refusal_and_content_of_another_kind() -> None:
    assert read({"refusal": "No."}).stop_reason == "refusal"
    reply = read({"content": [*said("Look:"), {"type": "IMAGE", "imageUrl": {"url": "x"}}]})
    assert [type(part) for part in reply.content] == [Text, Opaque]


def test_what_a_choice_says_beside_its_message() -> None:
    reply = read({"content": said("x")}, groundingMetadata={"a": 1})
    assert reply.extra["oci-genai"]["choice"] == {"groundingMetadata": {"a": 1}}


@pytest.mark.parametrize(
    "body",
    [
        "<html>",
        "[]",
        "{}",
        '{"chatResponse": 7}',
        '{"chatResponse": {"choices": 7}}',
        '{"chatResponse": {"choices": []}}',
        '{"chatResponse": {"choices": [{"message": {"content": [7]}}]}}',
        '{"chatResponse": {"choices": [{"message": {"content": [{"type": "TEXT", "text": 7}]}}]}}',
    ],
)
def test_what_is_no_reply(body: str) -> None:
    with pytest.raises(MalformedReplyError):
        oci_chat.decode_reply(body)


# -- Streams


def test_a_stream() -> None:
    usage = {"promptTokens": 7, "completionTokens": 2, "totalTokens": 9}
    events = streamed(piece(content=said("Fo")), "", piece(content=said("ur.")), END, {"usage": usage})
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["Fo", "ur."]
    assert [event.usage for event in events if isinstance(event, UsageEvent)] == [
        Usage(input_tokens=7, output_tokens=2)
    ]
    last = events[-1]
    assert isinstance(last, Finish)
    assert (last.reply.text, last.reply.stop_reason, last.reply.warnings) == ("Four.", "stop", ())


def test_a_stream_may_end_with_done() -> None:
    events = streamed(piece(content=said("Four.")), END, "[DONE]")
    assert [type(event) for event in events] == [TextDelta, Finish]


def test_calls_and_thoughts_of_a_stream() -> None:
    begun = {"id": "c1", "type": "FUNCTION", "name": "add"}
    events = streamed(
        piece(reasoningContent="Hm."),
        piece(toolCalls=[begun]),
        piece(toolCalls=[{"type": "FUNCTION", "arguments": '{"a"'}]),
        piece(toolCalls=[{"type": "FUNCTION", "arguments": ":2}"}]),
        {**END, "finishReason": "tool_calls"},
    )
    assert [event.text for event in events if isinstance(event, ThinkingDelta)] == ["Hm."]
    assert [event.call for event in events if isinstance(event, ToolCallEnd)] == [CALL]
    assert events[-1].reply.content == (Thinking("Hm.", source="oci-genai"), CALL)


def test_calls_by_index() -> None:
    rows = [{"index": i, "id": f"c{i}", "name": "add", "arguments": '{"a":2}'} for i in (0, 1)]
    events = streamed(piece(toolCalls=rows[:1]), piece(toolCalls=rows[1:]), END)
    assert [event.call.id for event in events if isinstance(event, ToolCallEnd)] == ["c0", "c1"]


def test_a_stream_that_breaks_off() -> None:
    with pytest.raises(TruncatedStreamError) as failed:
        streamed(piece(content=said("Fo")))
    assert failed.value.partial.text == "Fo"
    decoder = oci_chat.StreamDecoder()
    decoder.feed(ServerSentEvent(json.dumps(piece(content=said("Fo")))))
    assert decoder.partial().text == "Fo"


@pytest.mark.parametrize("chunk", ["{", "7", '{"message": {"content": 7}}', '{"message": {"toolCalls": [7]}}'])
def test_what_is_no_chunk(chunk: str) -> None:
    with pytest.raises(MalformedReplyError):
        streamed(chunk)


@pytest.mark.parametrize("code", ["429", 429, "TooManyRequests", None])
def test_an_error_in_a_stream(code: Any) -> None:
    seen = []

    def failure(error: Any) -> CallError:
        seen.append(error)
        return RateLimitError("slow")

    with pytest.raises(RateLimitError):
        streamed(piece(content=said("Fo")), {"code": code, "message": "slow"}, failure=failure)
    assert seen == [{"error": {"code": 429 if code in {"429", 429} else code, "message": "slow"}}]


def test_fields_that_only_this_provider_knows_go_back_to_it() -> None:
    reply = oci_chat.decode_reply(result({"content": said("x"), "annotations2": [1]}), source="oracle")
    request = ChatRequest((user("a"), reply.message, user("b")))
    back = oci_chat.encode_request(request, model=LLAMA, source="oracle").body["chatRequest"]["messages"][1]
    assert back == {"role": "ASSISTANT", "content": said("x"), "annotations2": [1]}
    assert "annotations2" not in str(oci_chat.encode_request(request, model=LLAMA, source="other"))
