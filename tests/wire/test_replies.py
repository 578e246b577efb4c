"""Whole answers of both APIs, as servers really send them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.errors import (
    AuthenticationError,
    CallError,
    ConversionError,
    MalformedReplyError,
    ModelNotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    RefusalError,
    RequestError,
    ServerError,
)
from llmroute.wire import anthropic_messages, openai_chat
from llmroute.wire.chat import Image, Message, Opaque, Reply, Text, Thinking, ToolCall, ToolResult, Usage, assistant

if TYPE_CHECKING:
    from types import ModuleType

BOTH = pytest.mark.parametrize("codec", [openai_chat, anthropic_messages], ids=["openai", "anthropic"])


@BOTH
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"<!doctype html><p>secret",
        "<html>secret",
        b"secret",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'{"choices": [], "content": null}',
        b'{"choices": null}',
        b'{"choices": [null], "content": [null]}',
        b'{"choices": [{}], "content": []}',
        b'{"choices": [{"message": {"content": null}}], "content": [{"type": "text"}]}',
        b'{"choices": [{"message": {"content": 1}}], "content": 1}',
        b'{"choices": [{"message": {"content": "a"}}], "content": [{"type": "text", "text": "a"}], "id": NaN}',
        b"[" * 100_000,
        b'{"x": ' + b"1" * 5000 + b"}",
        None,
        7,
    ],
)
def test_malformed(codec: ModuleType, body: Any) -> None:
    with pytest.raises(MalformedReplyError) as caught:
        codec.decode_reply(body)
    assert "secret" not in str(caught.value)


@BOTH
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "overloaded_error", "message": "secret"}, OverloadedError),
        ({"code": "rate_limit_exceeded"}, RateLimitError),
        ({"type": "insufficient_quota", "code": None}, QuotaError),
        ({"type": "invalid_request_error", "code": "invalid_api_key"}, AuthenticationError),
        ({"type": "not_found_error"}, ModelNotFoundError),
        ({"type": "invalid_request_error"}, RequestError),
        ({"code": "content_filter"}, RefusalError),
        ({"type": "api_error"}, ServerError),
        ({"code": 502, "message": "secret"}, MalformedReplyError),
        ("secret", MalformedReplyError),
    ],
)
def test_an_error_as_a_success(codec: ModuleType, error: Any, kind: type[CallError]) -> None:
    with pytest.raises(kind) as caught:
        codec.decode_reply({"error": error, "choices": []})
    assert caught.value.status == 200
    assert "secret" not in str(caught.value)


@BOTH
def test_errors_at_the_top(codec: ModuleType) -> None:
    with pytest.raises(MalformedReplyError):
        codec.decode_reply({"object": "error", "message": "secret"})
    with pytest.raises(OverloadedError):
        codec.decode_reply({"type": "error"}, failure=lambda _: OverloadedError("mine"))


@BOTH
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_bytes(codec: ModuleType, bom: bytes) -> None:
    reply = Reply(assistant("ä"), model="m", id="1")
    assert codec.decode_reply(bom + json.dumps(codec.encode_reply(reply).body).encode()) == reply
    assert codec.encode_reply(reply, model="other").body["model"] == "other"


def openai(message: Any = None, finish: Any = "stop", **more: Any) -> Reply:
    choice = {"message": {"content": "Hi"} if message is None else message, "finish_reason": finish}
    return openai_chat.decode_reply({"choices": [choice], **more})


CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}}


@pytest.mark.parametrize(
    ("message", "content"),
    [
        ({"content": "a", "reasoning_content": "t"}, (Thinking("t"), Text("a"))),
        ({"reasoning": "t", "content": None}, (Thinking("t"),)),
        (
            {"content": [{"type": "text", "text": "a"}, {"type": "x"}]},
            (Text("a"), Opaque("openai-chat", {"type": "x"})),
        ),
        ({"tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]}, (ToolCall("call_0", "f", '{"x":1}'),)),
        ({"tool_calls": [{"id": "", "function": {"name": "f", "arguments": None}}]}, (ToolCall("call_0", "f", ""),)),
        ({"function_call": {"name": "f", "arguments": "{}"}}, (ToolCall("call_0", "f", "{}"),)),
        ({"content": ""}, ()),
    ],
)
def test_openai_content(message: Any, content: Any) -> None:
    assert openai(message).content == content


@pytest.mark.parametrize(
    ("message", "finish", "reason", "warned"),
    [
        (None, "stop", "stop", False),
        (None, "length", "length", False),
        (None, "content_filter", "content_filter", False),
        (None, "tool_calls", "stop", False),
        ({"tool_calls": [CALL]}, "stop", "tool_calls", False),
        ({"tool_calls": [CALL]}, "function_call", "tool_calls", False),
        ({"tool_calls": [CALL]}, None, "tool_calls", True),
        (None, None, "stop", True),
        (None, 7, "stop", True),
        (None, "eos", "stop", True),
        ({"refusal": "No."}, "stop", "refusal", False),
    ],
)
def test_openai_stop_reasons(message: Any, finish: Any, reason: str, warned: bool) -> None:  # noqa: FBT001 - a case
    reply = openai(message, finish)
    assert (reply.stop_reason, bool(reply.warnings)) == (reason, warned)


def test_openai_rest() -> None:
    assert openai({"tool_calls": [CALL]}, "length").tool_calls[0].complete is False
    reply = openai({"content": "a", "x": 1, "annotations": []}, system_fingerprint="f", service_tier=None)
    assert reply.message.extra == {"openai-chat": {"x": 1}}
    assert reply.extra == {"openai-chat": {"system_fingerprint": "f"}}
    two = {"choices": [{"message": {"content": text}, "finish_reason": "stop"} for text in "ab"]}
    assert openai_chat.decode_reply(two).warnings == ("choices: only the first one is kept",)
    named = openai_chat.decode_reply({"choices": [{"message": {"tool_calls": [CALL]}}]}, names={"f": "a.f"}, source="p")
    assert named.tool_calls[0].name == "a.f"


@pytest.mark.parametrize(
    "usage",
    [None, 1, [], {}, {"prompt_tokens": None}, {"prompt_tokens": -1}, {"prompt_tokens": "1"}, {"prompt_tokens": True}],
)
def test_usage_that_says_nothing(usage: Any) -> None:
    assert openai(usage=usage).usage is None
    anthropic_usage = {"input_tokens": usage["prompt_tokens"]} if isinstance(usage, dict) and usage else usage
    assert anthropic([{"type": "text", "text": "a"}], usage=anthropic_usage).usage is None


def anthropic(content: Any, reason: Any = "end_turn", **more: Any) -> Reply:
    return anthropic_messages.decode_reply({"type": "message", "content": content, "stop_reason": reason, **more})


USE = {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}
HI = {"type": "text", "text": "Hi"}


@pytest.mark.parametrize(
    ("content", "reason", "expected", "warned"),
    [
        ([HI], "end_turn", "stop", False),
        ([HI], "max_tokens", "length", False),
        ([HI], "model_context_window_exceeded", "length", True),
        ([HI], "refusal", "refusal", False),
        ([HI], "tool_use", "stop", False),
        ([USE], "end_turn", "tool_calls", False),
        ([HI], "new", "stop", True),
        ([HI], None, "stop", True),
        ([], "end_turn", "stop", True),
    ],
)
def test_anthropic_stop_reasons(content: Any, reason: Any, expected: str, warned: bool) -> None:  # noqa: FBT001 - a case
    reply = anthropic(content, reason)
    assert (reply.stop_reason, bool(reply.warnings)) == (expected, warned)


def test_anthropic_rest() -> None:
    with pytest.raises(MalformedReplyError, match="pause_turn"):
        anthropic([HI], "pause_turn")
    reply = anthropic(
        [{"type": "text", "text": ""}, USE], "stop_sequence", stop_sequence="x", container=None, stop_details=1
    )
    assert reply.content == (ToolCall("a", "f", '{"x":1}'),)
    assert reply.stop_sequence == "x"
    assert reply.extra == {"anthropic-messages": {"stop_details": 1}}
    assert anthropic_messages.encode_reply(reply).body["stop_reason"] == "stop_sequence"


def test_anthropic_blocks_come_back() -> None:
    server = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    content = [
        {"type": "thinking", "thinking": "t", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        server,
        {**HI, "citations": [1]},
        {**USE, "caller": {"type": "direct"}},
    ]
    reply = anthropic(content, "tool_use")
    assert reply.content[2] == Opaque("anthropic-messages", server)
    assert anthropic_messages.encode_reply(reply).body["content"] == content


def test_anthropic_counts_what_is_unknown_as_null() -> None:
    usage = anthropic_messages.encode_reply(Reply(assistant("a"), usage=Usage(output_tokens=1))).body["usage"]
    assert usage == {"input_tokens": None, "output_tokens": 1}


def test_openai_knows_no_half_usage() -> None:
    assert "usage" not in openai_chat.encode_reply(Reply(assistant("a"), usage=Usage(output_tokens=1))).body


def test_openai_filter_words() -> None:
    refused = openai_chat.encode_reply(Reply(assistant("No."), stop_reason="refusal")).body["choices"][0]
    assert refused["finish_reason"] == "content_filter"
    assert refused["message"]["refusal"] == "No."
    assert refused["message"]["content"] is None


@pytest.mark.parametrize(
    "message",
    [
        assistant(tool_calls=[ToolCall("a", "f", "{")]),
        Message("user", (Image("https://example.org"),)),
        Message("tool", (ToolResult("a", ()),)),
    ],
)
def test_replies_that_anthropic_has_no_word_for(message: Message) -> None:
    with pytest.raises(ConversionError):
        anthropic_messages.encode_reply(Reply(message))
