"""The conversion tables to and from Ollama's own API."""

from __future__ import annotations

from llmroute.wire.quirks import Quirks
from tests.wire.conversion_rows import (
    ABSENT,
    CALL,
    CLOSED,
    HI,
    PDF,
    RESULT,
    F,
    Row,
    allowed,
    block,
    form,
    function,
    messages,
    text,
    user,
)

PNG = "iVBORw0KGgo="
MY_CALL = {"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}
MY_RESULT = {"role": "tool", "content": "r", "tool_name": "f", "tool_call_id": "a"}
ASKED = {"role": "assistant", "content": "", "tool_calls": [MY_CALL]}
DATA_URL = block("image_url", image_url={"url": f"data:image/png;base64,{PNG}"})

FROM_OPENAI = [
    # -- messages
    Row(
        "system-anywhere",
        messages(HI, {"role": "developer", "content": "s"}),
        messages(HI, {"role": "system", "content": "s"}),
    ),
    Row("texts-are-joined", messages(user(text("a"), text("b"))), messages({"role": "user", "content": "a\n\nb"})),
    Row(
        "image-data",
        messages(user(DATA_URL, text("a"))),
        messages({"role": "user", "content": "a", "images": [PNG]}),
    ),
    Row(
        "image-after-text",
        messages(user(text("a"), DATA_URL, DATA_URL)),
        messages({"role": "user", "content": "a", "images": [PNG, PNG]}),
    ),
    Row(
        "images-among-texts",
        messages(user(text("a"), DATA_URL, text("b"))),
        messages({"role": "user", "content": "a\n\nb", "images": [PNG]}),
        ["/messages/0/content"],
    ),
    Row(
        "image-detail",
        messages(user(block("image_url", image_url={"url": f"data:image/png;base64,{PNG}", "detail": "low"}))),
        messages({"role": "user", "content": "", "images": [PNG]}),
        ["/messages/0/content/0/image_url/detail"],
    ),
    Row(
        "image-by-url",
        messages(user(text("a"), block("image_url", image_url={"url": "https://a.example/a.png"}))),
        refused="/messages/0/content/1/image_url/url",
    ),
    Row("audio", messages(user(block("input_audio", input_audio={}))), refused="/messages/0/content/0"),
    Row(
        "pdf",
        messages(user(block("file", file={"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}))),
        refused="/messages/0/content/0",
    ),
    Row("name", messages({**HI, "name": "Ann"}), messages(HI), ["/messages/0/name"]),
    Row(
        "refusal",
        messages({"role": "assistant", "content": None, "refusal": "no"}, HI),
        messages({"role": "assistant", "content": "no"}, HI),
        ["/messages/0/refusal"],
    ),
    Row(
        "thinking",
        messages({"role": "assistant", "content": "a", "reasoning_content": "t"}, HI),
        messages({"role": "assistant", "content": "a", "thinking": "t"}, HI),
    ),
    # -- tools
    Row(
        "tool-calls",
        messages({"role": "assistant", "content": None, "tool_calls": [CALL]}, RESULT),
        messages(ASKED, MY_RESULT),
    ),
    Row(
        "arguments-that-are-no-object",
        messages({"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "{"}}]}, RESULT),
        refused="/messages/0/tool_calls/0/function/arguments",
    ),
    Row("tools", {"tools": [F]}, {"tools": [F]}),
    Row(
        "tools-without-parameters",
        {"tools": [function(description="d")]},
        {"tools": [function(description="d", parameters={"type": "object", "properties": {}})]},
    ),
    Row(
        "strict",
        {"tools": [function(strict=True, parameters=CLOSED)]},
        {"tools": [function(parameters=CLOSED)]},
        ["/tools/0/function/strict"],
    ),
    Row("not-strict", {"tools": [function(strict=False, parameters=CLOSED)]}, {"tools": [function(parameters=CLOSED)]}),
    Row("custom-tools", {"tools": [{"type": "custom", "custom": {"name": "c"}}]}, refused="/tools/0"),
    Row("any-tool", {"tools": [F], "tool_choice": "auto"}, {"tools": [F], "tool_choice": ABSENT}),
    Row("no-tool", {"tools": [F], "tool_choice": "none"}, {"tools": ABSENT}, ["/tool_choice"]),
    Row("some-tool", {"tools": [F], "tool_choice": "required"}, {"tools": [F]}, ["/tool_choice"]),
    Row(
        "that-tool",
        {"tools": [F, function("g")], "tool_choice": function("f")},
        {"tools": [F]},
        ["/tool_choice/function"],
    ),
    Row(
        "these-tools",
        {"tools": [F, function("g")], "tool_choice": allowed("auto", "f")},
        {"tools": [F]},
        ["/tool_choice/allowed_tools/tools"],
    ),
    Row(
        "one-of-these-tools",
        {"tools": [F, function("g")], "tool_choice": allowed("required", "f")},
        {"tools": [F]},
        ["/tool_choice", "/tool_choice/allowed_tools/tools"],
    ),
    Row("no-tools-at-all", {"tool_choice": "none"}, {"tools": ABSENT, "tool_choice": ABSENT}),
    Row("one-call-at-a-time", {"tools": [F], "parallel_tool_calls": False}, {"tools": [F]}, ["/parallel_tool_calls"]),
    Row("calls-at-once", {"tools": [F], "parallel_tool_calls": True}, {"tools": [F]}),
    # -- parameters
    Row(
        "options",
        {
            "temperature": 0,
            "top_p": 0.5,
            "seed": 7,
            "stop": "x",
            "max_completion_tokens": 9,
            "frequency_penalty": 1,
            "presence_penalty": -1,
        },
        {
            "options": {
                "temperature": 0,
                "top_p": 0.5,
                "seed": 7,
                "frequency_penalty": 1,
                "presence_penalty": -1,
                "num_predict": 9,
                "stop": ["x"],
            }
        },
    ),
    Row("no-options", {}, {"options": ABSENT, "think": ABSENT, "format": ABSENT, "stream": False}),
    Row(
        "sampling-that-is-refused",
        {"temperature": 1},
        {"options": ABSENT},
        ["/temperature"],
        quirks=Quirks(sampling=False),
    ),
    Row("effort", {"reasoning_effort": "high"}, {"think": "high"}),
    Row("no-thinking", {"reasoning_effort": "none"}, {"think": False}),
    Row("little-effort", {"reasoning_effort": "minimal"}, {"think": "low"}, ["/reasoning_effort"]),
    Row("much-effort", {"reasoning_effort": "xhigh"}, {"think": "high"}, ["/reasoning_effort"]),
    Row("stream", {"stream": True}, {"stream": True}),
    Row("text", {"response_format": {"type": "text"}}, {"format": ABSENT}),
    Row("json", {"response_format": {"type": "json_object"}}, {"format": "json"}),
    Row("schema", {"response_format": form(schema=CLOSED, strict=True)}, {"format": CLOSED}, ["/response_format"]),
    Row("user", {"user": "u"}, {"user": ABSENT}, ["/user"]),
    Row("metadata", {"metadata": {"a": "b"}}, {"metadata": ABSENT}, ["/metadata"]),
    Row("idle", {"n": 1, "logprobs": False, "logit_bias": {}, "store": False, "service_tier": "auto"}, {"n": ABSENT}),
    Row("store", {"store": True}, {"store": ABSENT}, ["/store"]),
    Row("several-answers", {"n": 2}, refused="/n"),
    Row("logprobs", {"logprobs": True}, refused="/logprobs"),
    Row("bias", {"logit_bias": {"1": 2}}, refused="/logit_bias"),
]

FROM_ANTHROPIC = [
    Row(
        "system-blocks",
        {"system": [text("a"), text("b", cache_control={"type": "ephemeral"})]},
        messages({"role": "system", "content": "a\n\nb"}, HI),
        ["/system/1/cache_control"],
    ),
    Row(
        "signed-thinking",
        messages(HI, {"role": "assistant", "content": [block("thinking", thinking="t", signature="s"), text("a")]}, HI),
        messages(HI, {"role": "assistant", "content": "a"}, HI),
        ["/messages/1/content/0"],
    ),
    Row(
        "results",
        messages(
            {"role": "assistant", "content": [block("tool_use", id="a", name="f", input={"x": 1})]},
            user(
                block(
                    "tool_result",
                    tool_use_id="a",
                    content=[
                        text("r"),
                        block("image", source={"type": "base64", "media_type": "image/png", "data": PNG}),
                    ],
                ),
                text("b"),
            ),
        ),
        messages(ASKED, {**MY_RESULT, "images": [PNG]}, {"role": "user", "content": "b"}),
    ),
    Row(
        "failed-result",
        messages(
            {"role": "assistant", "content": [block("tool_use", id="a", name="f", input={"x": 1})]},
            user(block("tool_result", tool_use_id="a", content="r", is_error=True)),
        ),
        messages(ASKED, {**MY_RESULT, "content": "Error: r"}),
        ["/messages/1/content/0/is_error"],
    ),
    Row(
        "text-document",
        messages(user(block("document", title="t", source={"type": "text", "media_type": "text/plain", "data": "d"}))),
        messages({"role": "user", "content": "t\n\nd"}),
        ["/messages/0/content/0"],
    ),
    Row(
        "untitled-document",
        messages(user(block("document", source={"type": "text", "media_type": "text/plain", "data": "d"}), text("a"))),
        messages({"role": "user", "content": "d\n\na"}),
        ["/messages/0/content/0"],
    ),
    Row(
        "document-by-url",
        messages(user(block("document", source={"type": "url", "url": "https://a.example/a.pdf"}))),
        refused="/messages/0/content/0/source/url",
    ),
    Row("top-k", {"top_k": 3, "max_tokens": 5}, {"options": {"top_k": 3, "num_predict": 5}}),
    Row("cache-warm-up", {"max_tokens": 0}, refused="/max_tokens"),
    Row(
        "budget",
        {"max_tokens": 4096, "thinking": {"type": "enabled", "budget_tokens": 2048}},
        {"think": True},
        ["/thinking/budget_tokens"],
    ),
    Row(
        "budget-and-effort",
        {
            "max_tokens": 4096,
            "thinking": {"type": "enabled", "budget_tokens": 2048},
            "output_config": {"effort": "low"},
        },
        {"think": "low"},
        ["/thinking/budget_tokens"],
    ),
    Row("server-tools", {"tools": [{"type": "web_search_20260101", "name": "w"}]}, refused="/tools/0"),
]

TO_OPENAI = [
    Row(
        "calls-without-ids",
        messages(
            HI,
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"function": {"index": 0, "name": "f", "arguments": {"x": 1}}},
                    {"function": {"index": 1, "name": "g", "arguments": {}}},
                ],
            },
            {"role": "tool", "tool_name": "g", "content": "2"},
            {"role": "tool", "content": "1"},
        ),
        messages(
            HI,
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    function("f", arguments='{"x":1}') | {"id": "call_0"},
                    {"id": "call_1", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "2"},
            {"role": "tool", "tool_call_id": "call_0", "content": "1"},
        ),
    ),
    Row("images", messages({**HI, "images": [PNG]}), messages(user(DATA_URL, text("Hi")))),
    Row("stream-is-the-rule", {}, {"stream": True}),
    Row("no-stream", {"stream": False}, {"stream": ABSENT}),
    Row(
        "options",
        {"options": {"num_predict": 5, "temperature": 0, "stop": ["a"]}},
        {"max_tokens": 5, "temperature": 0, "stop": ["a"]},
    ),
    Row("own-options", {"options": {"num_ctx": 1024, "num_predict": -1}}, {"options": ABSENT}, ["/options"]),
    Row("top-k", {"options": {"top_k": 3}}, {}, ["/options/top_k"]),
    Row("keep-alive", {"keep_alive": "5m"}, {"keep_alive": ABSENT}, ["/keep_alive"]),
    Row("think", {"think": True}, {"reasoning_effort": ABSENT}, ["/think"]),
    Row("think-hard", {"think": "high"}, {"reasoning_effort": "high"}),
    Row("do-not-think", {"think": False}, {"reasoning_effort": "none"}),
    Row("thinking", messages({"role": "assistant", "content": "a", "thinking": "t"}, HI), {}, ["/messages/0/thinking"]),
    Row("json", {"format": "json"}, {"response_format": {"type": "json_object"}}),
    Row(
        "schema",
        {"format": CLOSED},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": CLOSED, "strict": True},
            }
        },
    ),
    Row(
        "schema-that-can-not-be-strict",
        {"format": {"type": "object", "properties": {"a": {}}}},
        {},
        ["/format"],
    ),
    Row("tools", {"tools": [{**F, "items": 1}]}, {"tools": [F]}, ["/tools/0/items"]),
    Row("five-stop-strings", {"options": {"stop": ["a", "b", "c", "d", "e"]}}, refused="/options/stop"),
]

TO_ANTHROPIC = [
    Row(
        "thinking",
        messages(HI, {"role": "assistant", "content": "a", "thinking": "t"}, HI),
        {},
        ["/messages/1/thinking"],
    ),
    Row("image", messages({**HI, "images": ["AAAA"]}), refused="/messages/0/images/0"),
    Row("logprobs", {"logprobs": True}, refused="/logprobs"),
    Row("penalty", {"options": {"presence_penalty": 1}}, refused="/options/presence_penalty"),
    Row("num-predict", {"options": {"num_predict": 7}}, {"max_tokens": 7}),
    Row(
        "arguments",
        messages(
            HI,
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]},
            {"role": "tool", "content": "r"},
        ),
        refused="/messages/1/tool_calls/0/function/arguments",
    ),
    Row(
        "tool-schema", {"tools": [function(parameters={"type": "string"})]}, refused="/tools/0/function/parameters/type"
    ),
    Row("tool-extra", {"tools": [function(), {**function("g"), "x": 1}]}, {}, ["/tools/1/x"]),
    Row(
        "call-extra",
        messages({**ASKED, "tool_calls": [{**MY_CALL, "x": 1}]}, MY_RESULT),
        {},
        ["/messages/0/tool_calls/0/x"],
    ),
    Row("message-extra", messages({**HI, "x": 1}), messages(HI), ["/messages/0/x"]),
    Row(
        "result-extra",
        messages(ASKED, {**MY_RESULT, "x": 1}),
        {},
        ["/messages/1/x"],
    ),
]
