"""Ollama's own API: requests and replies, read and written."""

from __future__ import annotations

from typing import Any

import pytest

from llmroute.errors import ConversionError, MalformedReplyError, OverloadedError
from llmroute.wire import ollama_chat
from llmroute.wire.chat import (
    ChatRequest,
    Document,
    Image,
    Message,
    Opaque,
    Params,
    Reply,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
    assistant,
    tool_result,
    user,
)
from llmroute.wire.codec import OLLAMA
from llmroute.wire.ollama_chat_reply import why_cut
from llmroute.wire.quirks import Quirks

HI = {"role": "user", "content": "Hi"}
DONE = {"model": "m", "created_at": "2026-09-01T10:00:00Z", "done": True, "done_reason": "stop"}


def written(*messages: Message, **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = ollama_chat.encode_request(ChatRequest(messages, **fields), model="m").body
    return body


def decoded(*messages: Any, **fields: Any) -> ChatRequest:
    return ollama_chat.decode_request({"model": "m", "messages": list(messages), **fields}).request


# -- requests


def test_the_path() -> None:
    assert ollama_chat.PATH == "/api/chat"


def test_a_request_says_whether_it_wants_a_stream() -> None:
    assert written(user("Hi")) == {"model": "m", "messages": [HI], "stream": False}
    assert ollama_chat.decode_request({"model": "m", "messages": [HI]}).stream is True
    assert ollama_chat.decode_request({"model": "m", "messages": [HI], "stream": False}).stream is False


def test_parameters_are_stronger_than_the_options_that_came_along() -> None:
    extra = {OLLAMA: {"options": {"num_ctx": 8192, "seed": 1}, "think": True, "keep_alive": -1}}
    body = written(user("Hi"), params=Params(seed=2, reasoning_effort="low"), extra=extra)
    assert body["options"] == {"num_ctx": 8192, "seed": 2}
    assert (body["think"], body["keep_alive"]) == ("low", -1)


@pytest.mark.parametrize("limit", [0, -1, -2])
def test_num_predict_below_one_is_no_limit_of_ours(limit: int) -> None:
    request = decoded(HI, options={"num_predict": limit, "seed": None, "min_p": None})
    assert request.params == Params()
    assert request.extra == {OLLAMA: {"options": {"num_predict": limit}}}
    assert ollama_chat.encode_request(request, model="m").body["options"] == {"num_predict": limit}


def test_max_tokens_is_at_least_one() -> None:
    with pytest.raises(ConversionError, match="at least 1"):
        written(user("Hi"), params=Params(max_tokens=0))


def test_names_of_tools_and_the_way_back() -> None:
    call = ToolCall("c", "files.read", '{"a": 1}')
    request = ChatRequest(
        (user("Hi"), assistant(tool_calls=[call]), tool_result(call, "r")), tools=(Tool("files.read"),)
    )
    encoded = ollama_chat.encode_request(request, model="m")
    (short,) = encoded.names
    assert encoded.names == {short: "files.read"}
    assert [row.get("tool_name") for row in encoded.body["messages"]] == [None, None, short]
    body = {**DONE, "message": {"content": "", "tool_calls": [{"function": {"name": short, "arguments": {}}}]}}
    assert [one.name for one in ollama_chat.decode_reply(body, names=encoded.names).tool_calls] == ["files.read"]


def test_a_tool_that_must_be_called_is_there() -> None:
    with pytest.raises(ConversionError, match="there are no tools"):
        written(user("Hi"), tool_choice=ToolChoice("required"))


@pytest.mark.parametrize(
    ("part", "pointer", "why"),
    [
        (Image("https://a.example/a.png"), "/messages/0/content/0/url", "fetches no images; give the data, as base64"),
        (Document(data="JVBERi0="), "/messages/0/content/0/data", "reads no PDF"),
        (Document("https://a.example/a.pdf"), "/messages/0/content/0/url", "reads no PDF"),
        (Opaque("openai-chat", {"type": "input_audio"}), "/messages/0/content/0", "'input_audio' can't be written"),
        (Opaque(OLLAMA, {}), "/messages/0/content/0", "'unknown' can't be written"),
    ],
)
def test_what_it_can_not_say(part: Any, pointer: str, why: str) -> None:
    with pytest.raises(ConversionError, match=why) as caught:
        written(user(part))
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("thought", "sent"),
    [
        (Thinking("t"), "t"),
        (Thinking("t", source="mine"), "t"),
        (Thinking("t", source="other"), None),
        (Thinking("t", "signed"), None),
        (Thinking("", redacted="x"), None),
    ],
)
def test_thinking_goes_back_to_who_thought_it(thought: Thinking, sent: str | None) -> None:
    request = ChatRequest((user("Hi"), assistant([thought, Text("a")])))
    encoded = ollama_chat.encode_request(request, model="m", source="mine")
    assert encoded.body["messages"][1].get("thinking") == sent
    assert [loss.pointer for loss in encoded.losses] == ([] if sent else ["/messages/1/content/0"])


def test_several_results_in_one_message() -> None:
    calls = [ToolCall("a", "f", ""), ToolCall("b", "g", "{}")]
    results = Message("tool", (*tool_result("b", "2").content, *tool_result("a", "1").content))
    body = written(user("Hi"), assistant(tool_calls=calls), results)
    assert body["messages"][2:] == [
        {"role": "tool", "content": "2", "tool_name": "g", "tool_call_id": "b"},
        {"role": "tool", "content": "1", "tool_name": "f", "tool_call_id": "a"},
    ]


def test_missing_ids_are_made_and_never_those_that_are_there() -> None:
    function = {"name": "f", "arguments": {}}
    request = decoded(
        {"role": "assistant", "tool_calls": [{"function": function}, {"id": "call_1", "function": function}]},
        {"role": "tool", "content": "1", "tool_call_id": "call_1"},
        {"role": "tool", "content": "0"},
        {"role": "Assistant", "tool_calls": [{"function": function}]},
        {"role": "tool", "content": "2", "tool_name": "other"},
    )
    assert [call.id for message in request.messages for call in message.tool_calls] == ["call_0", "call_1", "call_2"]
    results = [part for message in request.messages if message.role == "tool" for part in message.content]
    assert [part.tool_call_id for part in results] == ["call_1", "call_0", "call_2"]  # type: ignore[union-attr]
    assert results[-1].extra == {OLLAMA: {"tool_name": "other"}}
    again = ollama_chat.encode_request(request, model="m").body["messages"]
    assert [row["tool_name"] for row in again if row["role"] == "tool"] == ["f", "f", "other"]


def test_pictures_of_an_answer_go_back_to_ollama_alone() -> None:
    said = {"role": "assistant", "content": "a", "images": ["AAAA"]}
    request = decoded(HI, said, HI)
    assert request.messages[1].extra == {OLLAMA: {"images": ["AAAA"]}}
    assert ollama_chat.encode_request(request, model="m").body["messages"][1] == said


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ([], ""),
        ({"messages": [HI]}, "/model"),
        ({"messages": [{"content": "Hi"}]}, "/messages/0/role"),
        ({"messages": [{"role": "control", "content": "Hi"}]}, "/messages/0/role"),
        ({"messages": [{"role": "system", "content": "s", "images": ["AAAA"]}]}, "/messages/0/images"),
        ({"messages": [{"role": "tool", "content": "r"}]}, "/messages/0"),
        ({"messages": [{"role": "assistant", "tool_calls": "f"}]}, "/messages/0/tool_calls"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "/messages/0/tool_calls/0/function"),
        ({"messages": [{**HI, "images": [1]}]}, "/messages/0/images/0"),
        ({"messages": [HI], "think": "a lot"}, "/think"),
        ({"messages": [HI], "format": "xml"}, "/format"),
        ({"messages": [HI], "format": 1}, "/format"),
        ({"messages": [HI], "options": {"num_predict": "x"}}, "/options/num_predict"),
        ({"messages": [HI], "options": {"stop": ["a", 1]}}, "/options/stop/1"),
        ({"messages": [HI], "tools": [{}]}, "/tools/0/function"),
    ],
)
def test_what_is_no_request(body: Any, pointer: str) -> None:
    with pytest.raises(ConversionError) as caught:
        ollama_chat.decode_request({"model": "m", **body} if isinstance(body, dict) and pointer != "/model" else body)
    assert caught.value.pointer == pointer


# -- replies


def test_a_whole_reply() -> None:
    body = {
        **DONE,
        "message": {"role": "assistant", "content": "Four.", "thinking": "2+2", "images": None},
        "total_duration": 9,
        "prompt_eval_count": 7,
        "eval_count": 2,
    }
    reply = ollama_chat.decode_reply(body, source="box")
    assert reply == Reply(
        assistant([Thinking("2+2", source="box"), Text("Four.")]),
        usage=Usage(input_tokens=7, output_tokens=2),
        model="m",
        extra={"box": {"created_at": DONE["created_at"], "total_duration": 9}},
    )


def test_calls_without_ids_get_one_that_no_other_answer_has() -> None:
    calls = [{"function": {"name": "f", "arguments": {"x": 1}}}, {"function": {"name": "f"}}]

    def ids(created_at: Any) -> list[str]:
        body = {**DONE, "created_at": created_at, "message": {"tool_calls": calls}}
        return [call.id for call in ollama_chat.decode_reply(body).tool_calls]

    assert ids("1") == ids("1")
    assert len({*ids("1"), *ids("2"), *ids(None)}) == 6


def test_arguments_are_an_object_or_its_text() -> None:
    calls = [{"function": {"name": "f", "arguments": given}} for given in ({"x": "ü"}, '{"x": 1}', None)]
    reply = ollama_chat.decode_reply({**DONE, "message": {"tool_calls": calls}})
    assert [call.arguments for call in reply.tool_calls] == ['{"x":"ü"}', '{"x": 1}', "{}"]
    assert reply.stop_reason == "tool_calls"


@pytest.mark.parametrize(
    ("reason", "content", "stop_reason", "warnings"),
    [
        ("stop", "a", "stop", ()),
        ("length", "a", "length", ()),
        ("stop", "", "stop", ("content: the answer is empty",)),
        (
            "load",
            "",
            "stop",
            ("done_reason: load: the request had no message, so nothing was answered", "content: the answer is empty"),
        ),
        ("later", "a", "stop", ("done_reason: 'later' is unknown and taken for stop",)),
        (None, "a", "stop", ("done_reason: absent, taken for stop",)),
    ],
)
def test_why_it_stopped(reason: str | None, content: str, stop_reason: str, warnings: tuple[str, ...]) -> None:
    reply = ollama_chat.decode_reply({**DONE, "done_reason": reason, "message": {"content": content}})
    assert (reply.stop_reason, reply.warnings) == (stop_reason, warnings)


@pytest.mark.parametrize("reason", ["load", "unload"])
def test_a_model_that_was_only_loaded(reason: str) -> None:
    body = {**DONE, "done_reason": reason, "message": {"role": "assistant", "content": ""}}
    reply = ollama_chat.decode_reply(body)
    assert reply.extra[OLLAMA]["done_reason"] == reason
    assert ollama_chat.encode_reply(reply).body == body


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"",
        [],
        {},
        {"message": None},
        {**DONE, "message": {"content": 1}},
        {**DONE, "message": {"tool_calls": [{"function": {"arguments": {}}}]}},
        {**DONE, "done": False, "message": {"content": "a"}},
        {**DONE, "done_reason": None, "message": {"content": ""}},
    ],
)
def test_what_is_no_reply(body: Any) -> None:
    with pytest.raises(MalformedReplyError):
        ollama_chat.decode_reply(body)


def test_an_error_inside_a_success() -> None:
    with pytest.raises(OverloadedError):
        ollama_chat.decode_reply({"error": "busy"}, failure=lambda _: OverloadedError("busy"))


@pytest.mark.parametrize(
    ("tokens", "options", "cut"),
    [
        (4096, {"num_ctx": 4096}, True),
        (4095, {"num_ctx": 4096}, True),
        (4094, {"num_ctx": 4096}, False),
        (9000, {"num_ctx": 4096}, True),
        (2050, {"num_ctx": 4096}, True),
        (2051, {"num_ctx": 4096}, True),
        (2049, {"num_ctx": 4096}, False),
        (2052, {"num_ctx": 4096, "num_keep": 8}, True),
        (8194, {"num_ctx": 16384}, True),
        (20482, {"num_ctx": 40960}, True),
        (4096, {}, False),
        (4096, {"num_ctx": "4096"}, False),
        (4096, {"num_ctx": 4096, "num_keep": None}, False),
        (1, {"num_ctx": 0}, False),
        (None, {"num_ctx": 4096}, False),
    ],
)
def test_a_prompt_that_was_probably_cut(tokens: int | None, options: dict[str, Any], cut: bool) -> None:  # noqa: FBT001 - a row
    assert bool(why_cut(Usage(input_tokens=tokens), options)) is cut
    body = {**DONE, "message": {"content": "a"}, "prompt_eval_count": tokens}
    warnings = ollama_chat.decode_reply(body, options=options).warnings
    assert [warning.partition(":")[0] for warning in warnings] == ["num_ctx"] * cut


def test_no_counts_and_no_cut() -> None:
    assert why_cut(None, {"num_ctx": 1}) == ()


BROKEN = ToolCall("c", "f", '{"x', complete=False)


@pytest.mark.parametrize(
    ("reply", "lost"),
    [
        (Reply(assistant("a"), stop_reason="refusal"), ["/stop_reason"]),
        (Reply(assistant("a"), stop_reason="content_filter"), ["/stop_reason"]),
        (Reply(assistant("a"), stop_sequence="x"), ["/stop_sequence"]),
        (Reply(assistant("a"), id="1"), ["/id"]),
        (Reply(assistant("a"), usage=Usage(input_tokens=1, cached_tokens=1)), ["/usage/cached_tokens"]),
        (Reply(assistant([Thinking("t", "s")])), ["/message/content/0"]),
        (Reply(assistant([Text("a"), Thinking("t")])), ["/message/content"]),
        (Reply(assistant(Opaque("x", {"type": "y"}))), ["/message/content/0"]),
        (Reply(assistant([Text("a", extra={"other": {"x": 1}})])), ["/message/content/0/extra/x"]),
        (Reply(assistant([Text("a", extra={"openai-chat": {"refusal": "field"}})])), []),
        (Reply(assistant(tool_calls=[ToolCall("c", "f", "{}", complete=False)])), ["/message/content/0"]),
        (Reply(assistant("a"), extra={"other": {"choice": {"x": 1}}}), ["/extra/x"]),
    ],
)
def test_what_a_reply_loses(reply: Reply, lost: list[str]) -> None:
    assert [loss.pointer for loss in ollama_chat.encode_reply(reply).losses] == lost
    if lost:
        with pytest.raises(ConversionError):
            ollama_chat.encode_reply(reply, quirks=Quirks(on_unsupported="error"))


def test_arguments_that_are_no_object() -> None:
    reply = Reply(assistant(tool_calls=[BROKEN]), stop_reason="length")
    with pytest.raises(ConversionError) as caught:
        ollama_chat.encode_reply(reply)
    assert caught.value.pointer == "/message/content/0/arguments"
    encoded = ollama_chat.encode_reply(reply, raw_arguments=True)
    assert encoded.body["message"]["tool_calls"][0]["function"]["arguments"] == {"_raw": '{"x'}
    assert [loss.field for loss in encoded.losses] == ["tool_calls"]


def test_an_argument_may_be_called_as_what_is_told_raw() -> None:
    """Found by the nightly profile."""
    reply = Reply(assistant(tool_calls=[ToolCall("1", "f", '{"_raw":null}')]), stop_reason="tool_calls")
    encoded = ollama_chat.encode_reply(reply)
    assert encoded.losses == ()
    assert encoded.body["message"]["tool_calls"][0]["function"]["arguments"] == {"_raw": None}


def test_a_reply_under_another_name_and_time() -> None:
    body = ollama_chat.encode_reply(Reply(assistant("a"), model="m"), model="n", created_at="2026-09-01T10:00:00Z").body
    assert (body["model"], body["created_at"], body["done"]) == ("n", "2026-09-01T10:00:00Z", True)
