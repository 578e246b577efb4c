"""Oracle's generative AI inference, format `COHERE`: requests, replies and streams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmroute.errors import (
    CallError,
    ContextLengthError,
    ConversionError,
    MalformedReplyError,
    RateLimitError,
    TruncatedStreamError,
)
from llmroute.wire import oci_chat
from llmroute.wire.chat import (
    ChatRequest,
    Document,
    Finish,
    Image,
    Message,
    Params,
    Reply,
    ResponseFormat,
    TextDelta,
    Thinking,
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

COMMAND = "cohere.command-a-03-2025"
CALL = ToolCall("c1", "add", '{"a":2}')
ADD = Tool("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
SUB = Tool("sub")
CALLED = {"name": "add", "parameters": {"a": 2}}


def encoded(*messages: Message, stream: bool = False, quirks: Any = None, **fields: Any) -> Any:
    request = ChatRequest(messages or (user("Hi"),), **fields)
    return oci_chat.encode_request(request, model=COMMAND, stream=stream, quirks=quirks or {})


def written(*messages: Message, **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = encoded(*messages, **fields).body["chatRequest"]
    return body


def read(**answer: Any) -> Reply:
    row = {"apiFormat": "COHERE", "finishReason": "COMPLETE", **answer}
    return oci_chat.decode_reply(json.dumps({"modelId": COMMAND, "modelVersion": "1.0", "chatResponse": row}))


def streamed(*chunks: dict[str, Any] | str, failure: Any = None) -> list[Any]:
    decoder = oci_chat.StreamDecoder(**({"failure": failure} if failure else {}))
    events: list[Any] = []
    for chunk in chunks:
        text = chunk if isinstance(chunk, str) else json.dumps({"apiFormat": "COHERE", "pad": "aa", **chunk})
        events += decoder.feed(ServerSentEvent(text))
    return [*events, *decoder.close()]


# -- Requests


def test_the_last_message_stands_by_itself() -> None:
    assert encoded().body == {
        "servingMode": {"servingType": "ON_DEMAND", "modelId": COMMAND},
        "chatRequest": {"apiFormat": "COHERE", "message": "Hi"},
    }
    body = written(system("Be brief."), system("Be kind."), user("a"), assistant("b"), system("c"), user("d"))
    assert body == {
        "apiFormat": "COHERE",
        "message": "d",
        "preambleOverride": "Be brief.\n\nBe kind.",
        "chatHistory": [
            {"role": "USER", "message": "a"},
            {"role": "CHATBOT", "message": "b"},
            {"role": "SYSTEM", "message": "c"},
        ],
    }


def test_results_at_the_end_answer_the_model() -> None:
    other = ToolCall("c2", "sub", "")
    calls = assistant("Let me see.", tool_calls=(CALL, other))
    results = (tool_result(CALL, "4"), tool_result(other, "no", is_error=True))
    answers = [
        {"call": CALLED, "outputs": [{"output": "4"}]},
        {"call": {"name": "sub", "parameters": {}}, "outputs": [{"error": "no"}]},
    ]
    called = {"role": "CHATBOT", "message": "Let me see.", "toolCalls": [CALLED, {"name": "sub", "parameters": {}}]}
    body = written(user("2 + 2?"), calls, *results)
    assert body["message"] == ""
    assert body["chatHistory"] == [{"role": "USER", "message": "2 + 2?"}, called]
    assert body["toolResults"] == answers
    later = written(user("2 + 2?"), calls, *results, assistant("Four."), user("Thanks."))
    assert later["message"] == "Thanks."
    assert later["chatHistory"][2:4] == [{"role": "TOOL", "toolResults": [row]} for row in answers]


@pytest.mark.parametrize("messages", [(), (system("a"),), (user("a"), assistant("b"))])
def test_a_conversation_ends_with_what_is_to_be_answered(messages: tuple[Message, ...]) -> None:
    request = ChatRequest(messages)
    with pytest.raises(ConversionError, match="the last message"):
        oci_chat.encode_request(request, model=COMMAND)


def test_tools() -> None:
    unit = {"type": "string", "enum": ["C", "F"], "description": "A unit."}
    schema = {
        "type": "object",
        "properties": {"place": {"type": "string"}, "unit": unit, "any": {}, "all": True},
        "required": ["place"],
    }
    found = encoded(tools=(Tool("weather", "Looks.", schema), SUB), quirks={})
    assert found.body["chatRequest"]["tools"] == [
        {
            "name": "weather",
            "description": "Looks.",
            "parameterDefinitions": {
                "place": {"type": "str", "isRequired": True},
                "unit": {
                    "type": "str",
                    "isRequired": False,
                    "description": 'A unit. JSON Schema: {"enum":["C","F"]}',
                },
                "any": {"type": "str", "isRequired": False},
                "all": {"type": "str", "isRequired": False},
            },
        },
        {"name": "sub", "description": "sub"},
    ]
    assert found.warnings == ("tools.parameters: what the list of parameters can't say is told in words",)


def test_a_schema_that_is_no_list_of_types_is_told_in_words() -> None:
    either = {"type": ["integer", "null"]}
    found = encoded(tools=(Tool("f", "", {"type": "object", "properties": {"a": either}, "minProperties": 1}),))
    (tool,) = found.body["chatRequest"]["tools"]
    assert tool["description"] == 'JSON Schema: {"minProperties":1}'
    assert tool["parameterDefinitions"]["a"]["description"] == 'JSON Schema: {"type":["integer","null"]}'
    assert [loss.pointer for loss in found.losses] == ["/tools/0/parameters/properties/a", "/tools/0/parameters"]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (None, ["add", "sub"]),
        (ToolChoice("auto"), ["add", "sub"]),
        (ToolChoice("none"), []),
        (ToolChoice("required"), ["add", "sub"]),
        (ToolChoice("named", "sub"), ["sub"]),
        (ToolChoice("auto", allowed=("add",)), ["add"]),
    ],
)
def test_which_tools_are_offered(choice: ToolChoice | None, names: list[str]) -> None:
    found = encoded(tools=(ADD, SUB), tool_choice=choice)
    assert [tool["name"] for tool in found.body["chatRequest"].get("tools", [])] == names
    assert bool(found.losses) == (choice not in {None, ToolChoice("auto")})


def test_parameters() -> None:
    params = Params(
        temperature=0,
        top_p=0.5,
        top_k=4,
        max_tokens=9,
        seed=1,
        stop=(".",),
        frequency_penalty=0.1,
        presence_penalty=0.2,
        reasoning_effort="none",
    )
    found = encoded(params=params, stream=True)
    assert found.losses == ()
    assert found.body["chatRequest"] == {
        "apiFormat": "COHERE",
        "message": "Hi",
        "temperature": 0,
        "topP": 0.5,
        "topK": 4,
        "maxTokens": 9,
        "seed": 1,
        "stopSequences": ["."],
        "frequencyPenalty": 0.1,
        "presencePenalty": 0.2,
        "isStream": True,
        "streamOptions": {"isIncludeUsage": True},
    }
    assert "streamOptions" not in written(stream=True, quirks={"no_stream_usage": True})
    with pytest.raises(ConversionError, match="at least 1"):
        encoded(params=Params(max_tokens=0))


def test_the_form_of_the_answer() -> None:
    assert "responseFormat" not in written(response_format=ResponseFormat("text"))
    assert written(response_format=ResponseFormat("json_object"))["responseFormat"] == {"type": "JSON_OBJECT"}
    schema = {"type": "object"}
    form = encoded(response_format=ResponseFormat("json_schema", schema=schema))
    assert form.body["chatRequest"]["responseFormat"] == {"type": "JSON_OBJECT", "schema": schema}
    assert form.losses == ()
    named = encoded(response_format=ResponseFormat("json_schema", "answer", schema))
    assert named.warnings == ("response_format: name and description of the schema are not sent",)


def test_what_is_lost_is_told() -> None:
    found = encoded(
        user(
            (Document(text="b", title="t"), Document(text="c")),
        ),
        assistant((Thinking("Hm."),)),
        Message("user", user("a").content, name="eve"),
        tools=(Tool("f", strict=True),),
        parallel_tool_calls=False,
        user="u",
        metadata={"a": "b"},
        params=Params(reasoning_effort="low", thinking_budget=9),
    )
    assert found.body["chatRequest"]["chatHistory"] == [
        {"role": "USER", "message": "t\n\nb\n\nc"},
        {"role": "CHATBOT", "message": ""},
    ]
    assert [warning.partition(":")[0] for warning in found.warnings] == [
        "document",
        "thinking",
        "name",
        "parallel_tool_calls",
        "tools.strict",
        "reasoning_effort",
        "thinking_budget",
        "user",
        "metadata",
    ]


def test_what_can_t_be_said_is_refused() -> None:
    with pytest.raises(ConversionError, match="Image"):
        encoded(user(Image(url="x")))
    broken = ToolCall("c1", "add", "{")
    with pytest.raises(ConversionError, match="no valid JSON"):
        encoded(user("a"), assistant(tool_calls=(broken,)), tool_result(broken, "4"))
    with pytest.raises(ConversionError, match="custom"):
        encoded(tools=(Tool("f", custom=True),))


# -- Replies


def test_a_reply() -> None:
    usage = {"promptTokens": 7, "completionTokens": 2, "totalTokens": 9}
    reply = read(text="Four.", usage=usage, citations=[{"start": 0}], chatHistory=[{"role": "USER"}])
    assert (reply.text, reply.model, reply.stop_reason) == ("Four.", COMMAND, "stop")
    assert reply.usage == Usage(input_tokens=7, output_tokens=2)
    assert reply.extra == {"oci-genai": {"modelVersion": "1.0", "citations": [{"start": 0}]}}
    assert read(text="Four.", modelVersion=None).warnings == ()


def test_calls_get_ids_of_their_own() -> None:
    reply = read(text="", toolCalls=[CALLED, CALLED, {"name": "sub", "parameters": None}])
    first, second, third = reply.tool_calls
    assert (first.name, first.arguments, third.arguments) == ("add", '{"a":2}', "{}")
    assert len({first.id, second.id, third.id}) == 3
    assert reply.stop_reason == "tool_calls"
    again = read(text="", toolCalls=[CALLED], chatHistory=[{}])
    assert again.tool_calls[0].id != first.id


@pytest.mark.parametrize(
    ("answer", "expected", "warned"),
    [
        ({"finishReason": "MAX_TOKENS"}, "length", 0),
        ({"finishReason": "ERROR_TOXIC"}, "content_filter", 0),
        ({"finishReason": "EOS"}, "stop", 1),
        ({"finishReason": None}, "stop", 1),
    ],
)
def test_why_it_stopped(answer: dict[str, Any], expected: str, warned: int) -> None:
    reply = read(text="Fo", **answer)
    assert (reply.stop_reason, len(reply.warnings)) == (expected, warned)


@pytest.mark.parametrize(("reason", "kind"), [("ERROR", MalformedReplyError), ("ERROR_LIMIT", ContextLengthError)])
def test_a_reply_that_failed(reason: str, kind: type[CallError]) -> None:
    with pytest.raises(kind):
        read(text="", finishReason=reason, errorMessage="too long")


@pytest.mark.parametrize(
    "answer", [{"text": 7}, {"toolCalls": [7]}, {"toolCalls": [{"name": 7}]}, {"text": "", "finishReason": None}]
)
def test_what_is_no_reply(answer: dict[str, Any]) -> None:
    with pytest.raises(MalformedReplyError):
        read(**answer)


# -- Streams

END = {"text": "Four.", "chatHistory": [{"role": "CHATBOT", "message": "Four."}], "finishReason": "COMPLETE"}


def test_a_stream_says_its_text_once() -> None:
    usage = {"promptTokens": 7, "completionTokens": 2, "totalTokens": 9}
    events = streamed({"text": "Fo"}, "", {"text": "ur."}, {**END, "usage": usage})
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["Fo", "ur."]
    assert [event.usage for event in events if isinstance(event, UsageEvent)] == [
        Usage(input_tokens=7, output_tokens=2)
    ]
    last = events[-1]
    assert isinstance(last, Finish)
    assert (last.reply.text, last.reply.stop_reason, last.reply.warnings) == ("Four.", "stop", ())


def test_the_last_event_may_say_more_or_something_else() -> None:
    assert streamed({"text": "Fo"}, END)[-1].reply.text == "Four."
    assert streamed(END)[-1].reply.text == "Four."
    assert streamed({"text": "Six."}, END)[-1].reply.text == "Six."
    assert streamed({"text": "Four."}, {**END, "chatHistory": None}, "[DONE]", "more")[-1].reply.text == "Four."


def test_calls_of_a_stream_are_told_once() -> None:
    other = {"name": "sub", "parameters": {}}
    told = {"text": "I'll add.", "toolCalls": [CALLED, other]}
    events = streamed({"text": "I'll add."}, told, {**told, "chatHistory": [{}], "finishReason": "COMPLETE"})
    assert [event.call.arguments for event in events if isinstance(event, ToolCallEnd)] == ['{"a":2}', "{}"]
    assert (events[-1].reply.text, events[-1].reply.stop_reason) == ("I'll add.", "tool_calls")
    late = streamed({"text": "", "toolCalls": [CALLED], "chatHistory": [{}], "finishReason": "COMPLETE"})
    assert len(late[-1].reply.tool_calls) == 1
    assert late[-1].reply.extra == {}


def test_a_stream_that_breaks_off_or_fails() -> None:
    with pytest.raises(TruncatedStreamError) as failed:
        streamed({"text": "Fo"})
    assert failed.value.partial.text == "Fo"
    with pytest.raises(ContextLengthError):
        streamed({"text": "Fo"}, {"finishReason": "ERROR_LIMIT"})
    with pytest.raises(RateLimitError):
        streamed({"text": "Fo"}, {"code": "429", "message": "slow"}, failure=lambda _: RateLimitError("slow"))


@pytest.mark.parametrize("chunk", ["{", "7", '{"text": 7}', '{"toolCalls": [7]}'])
def test_what_is_no_chunk(chunk: str) -> None:
    with pytest.raises(MalformedReplyError):
        streamed({"text": "Fo"}, chunk)
