"""The conversion table from OpenAI Chat to Anthropic Messages."""

from __future__ import annotations

from llmroute.wire.quirks import Quirks
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
    Row,
    allowed,
    block,
    form,
    function,
    messages,
    text,
    user,
)

TO_ANTHROPIC = [
    # -- messages
    Row("system", messages({"role": "system", "content": "s"}, HI), {"system": "s", "messages": [HI]}),
    Row(
        "system-and-developer-keep-their-boundaries",
        messages({"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, HI),
        {"system": [text("a"), text("b")]},
    ),
    Row(
        "system-later",
        messages(HI, {"role": "assistant", "content": "b"}, {"role": "system", "content": "s"}, HI),
        {"system": "s"},
        ["/messages/2"],
    ),
    Row(
        "system-later-where-it-may-stand",
        messages(HI, {"role": "assistant", "content": "b"}, {"role": "developer", "content": "s"}, HI),
        messages(HI, {"role": "assistant", "content": "b"}, {"role": "system", "content": "s"}, HI),
        quirks=Quirks(mid_system=True),
    ),
    Row(
        "image-data",
        messages(user(block("image_url", image_url={"url": "data:image/png;base64,AA=="}))),
        messages(user(block("image", source={"type": "base64", "media_type": "image/png", "data": "AA=="}))),
    ),
    Row(
        "image-detail",
        messages(user(text("a"), block("image_url", image_url={"url": "https://a.example", "detail": "low"}))),
        messages(user(text("a"), block("image", source={"type": "url", "url": "https://a.example"}))),
        ["/messages/0/content/1/image_url/detail"],
    ),
    Row(
        "image-of-another-type",
        messages(user(block("image_url", image_url={"url": "data:image/tiff;base64,AA=="}))),
        refused="/messages/0/content/0/image_url/url",
    ),
    Row(
        "image-by-url-where-none-may-be-fetched",
        messages(user(text("a"), block("image_url", image_url={"url": "https://a.example"}))),
        refused="/messages/0/content/1/image_url/url",
        quirks=Quirks(no_urls=True),
    ),
    Row("audio", messages(user(block("input_audio", input_audio={}))), refused="/messages/0/content/0"),
    Row(
        "pdf",
        messages(user(block("file", file={"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}))),
        messages(
            user(
                block(
                    "document",
                    source={"type": "base64", "media_type": "application/pdf", "data": PDF},
                    title="a.pdf",
                )
            )
        ),
    ),
    Row("file-by-id", messages(user(block("file", file={"file_id": "1"}))), refused="/messages/0/content/0"),
    Row(
        "file-of-another-type",
        messages(user(block("file", file={"file_data": "data:text/csv;base64,AA=="}))),
        refused="/messages/0/content/0",
    ),
    Row(
        "tool-call",
        messages(HI, {"role": "assistant", "content": "t", "tool_calls": [CALL]}, RESULT),
        messages(
            HI,
            {"role": "assistant", "content": [text("t"), USE]},
            user(block("tool_result", tool_use_id="a", content="r")),
        ),
    ),
    Row(
        "arguments-broken",
        messages(HI, {"role": "assistant", "tool_calls": [function(arguments="{") | {"id": "a"}]}, RESULT),
        refused="/messages/1/tool_calls/0/function/arguments",
    ),
    Row(
        "arguments-no-object",
        messages(
            HI, {"role": "assistant", "content": "t", "tool_calls": [function(arguments="1") | {"id": "a"}]}, RESULT
        ),
        refused="/messages/1/tool_calls/0/function/arguments",
    ),
    Row(
        "arguments-with-a-name-twice",
        messages(HI, {"role": "assistant", "tool_calls": [function(arguments='{"a":1,"a":2}') | {"id": "a"}]}, RESULT),
        refused="/messages/1/tool_calls/0/function/arguments",
    ),
    Row(
        "arguments-broken-and-written-raw",
        messages(HI, {"role": "assistant", "tool_calls": [function(arguments="{") | {"id": "a"}]}, RESULT),
        messages(
            HI,
            {"role": "assistant", "content": [{**USE, "input": {"_raw": "{"}}]},
            user(block("tool_result", tool_use_id="a", content="r")),
        ),
        ["/messages/1/tool_calls/0/function/arguments"],
        quirks=Quirks(raw_arguments=True),
    ),
    Row(
        "refusal-part",
        messages(HI, {"role": "assistant", "content": [block("refusal", refusal="no")]}, HI),
        messages(HI, {"role": "assistant", "content": "no"}, HI),
        ["/messages/1/content/0/refusal"],
    ),
    Row(
        "refusal-field",
        messages(HI, {"role": "assistant", "content": None, "refusal": "no"}, HI),
        messages(HI, {"role": "assistant", "content": "no"}, HI),
        ["/messages/1/refusal"],
    ),
    Row("assistant-audio", messages({"role": "assistant", "audio": {"id": "1"}}), refused="/messages/0/audio"),
    Row(
        "function-call",
        messages(
            HI,
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"x": 1}'}},
            {"role": "function", "name": "f", "content": "r"},
        ),
        messages(
            HI,
            {"role": "assistant", "content": [USE | {"id": "call_1"}]},
            user(block("tool_result", tool_use_id="call_1", content="r")),
        ),
    ),
    Row(
        "function-call-broken",
        messages(
            HI,
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{"}},
            {"role": "function", "name": "f", "content": "r"},
        ),
        refused="/messages/1/function_call/arguments",
    ),
    Row(
        "functions",
        {"functions": [{"name": "f", "parameters": {}}], "function_call": {"name": "f"}},
        {"tools": [AF], "tool_choice": {"type": "tool", "name": "f"}},
    ),
    Row("functions-without-name", {"functions": [{}]}, refused="/functions/0/name"),
    Row("functions-with-a-choice", {"functions": [{"name": "f"}], "function_call": "any"}, refused="/function_call"),
    Row(
        "functions-with-an-array",
        {"functions": [{"name": "f", "parameters": {"type": "array"}}]},
        refused="/functions/0/parameters/type",
    ),
    Row(
        "function-that-is-not-there",
        {"functions": [{"name": "f"}], "function_call": {"name": "g"}},
        refused="/function_call/name",
    ),
    Row(
        "results-in-one-turn",
        messages(
            HI,
            {"role": "assistant", "tool_calls": [CALL, {**CALL, "id": "b"}]},
            RESULT,
            {**RESULT, "tool_call_id": "b", "content": [text("r"), text("s")]},
            HI,
        ),
        messages(
            HI,
            {"role": "assistant", "content": [USE, {**USE, "id": "b"}]},
            user(
                block("tool_result", tool_use_id="a", content="r"),
                block("tool_result", tool_use_id="b", content=[text("r"), text("s")]),
                text("Hi"),
            ),
        ),
    ),
    Row("result-without-call", messages(HI, RESULT), refused="/messages/1"),
    Row("call-without-result", messages(HI, {"role": "assistant", "tool_calls": [CALL]}, HI), refused="/messages/1"),
    Row(
        "result-twice", messages(HI, {"role": "assistant", "tool_calls": [CALL]}, RESULT, RESULT), refused="/messages/3"
    ),
    Row("call-twice", messages(HI, {"role": "assistant", "tool_calls": [CALL, CALL]}, RESULT), refused="/messages/1"),
    Row(
        "words-before-results",
        messages(HI, {"role": "assistant", "tool_calls": [CALL]}, HI, RESULT),
        refused="/messages/1",
    ),
    Row("same-role", messages(HI, HI), messages(user(text("Hi"), text("Hi")))),
    Row("empty-part", messages(user(text(""), text("a"))), messages({"role": "user", "content": "a"})),
    Row("empty-user", messages(HI, {"role": "user", "content": ""}), refused="/messages/1/content"),
    Row("blank-user", messages(HI, {"role": "user", "content": " \n"}), refused="/messages/1/content"),
    Row(
        "blank-part",
        messages(user(text(" "), text("a"))),
        messages({"role": "user", "content": "a"}),
        ["/messages/0/content/0"],
    ),
    Row(
        "empty-assistant",
        messages(HI, {"role": "assistant", "content": ""}, HI),
        messages(user(text("Hi"), text("Hi"))),
        ["/messages/1"],
    ),
    Row("empty-system", messages({"role": "system", "content": ""}, HI), {"system": ABSENT}),
    Row("no-turn", messages({"role": "system", "content": "s"}), refused="/messages"),
    Row(
        "prefill",
        messages(HI, {"role": "assistant", "content": "{"}),
        messages(HI, {"role": "assistant", "content": "{"}),
    ),
    Row(
        "prefill-with-space",
        messages(HI, {"role": "assistant", "content": "a "}),
        messages(HI, {"role": "assistant", "content": "a"}),
        ["/messages/1"],
    ),
    Row(
        "prefill-refused",
        messages(HI, {"role": "assistant", "content": "a"}),
        refused="/messages/1",
        quirks=Quirks(prefill=False),
    ),
    Row(
        "name",
        messages({**HI, "name": "Ann"}, {**HI, "name": "Bob"}),
        messages(user(text("Hi"), text("Hi"))),
        ["/messages/0/name", "/messages/1/name"],
    ),
    Row(
        "reasoning",
        messages(HI, {"role": "assistant", "content": "a", "reasoning_content": "t"}, HI),
        messages(HI, {"role": "assistant", "content": "a"}, HI),
        ["/messages/1/reasoning_content"],
    ),
    # -- limits and sampling
    Row("limit-absent", {}, {"max_tokens": 4096}),
    Row("limit", {"max_completion_tokens": 5, "max_tokens": 5}, {"max_tokens": 5}),
    Row("limits-differ", {"max_completion_tokens": 5, "max_tokens": 6}, refused="/max_tokens"),
    Row("limit-of-nothing", {"max_completion_tokens": 0}, refused="/max_completion_tokens"),
    Row("sampling", {"temperature": 1, "top_p": 0.5}, {"temperature": 1, "top_p": 0.5}),
    Row("temperature-too-high", {"temperature": 1.5}, {"temperature": 1}, ["/temperature"]),
    Row(
        "sampling-refused",
        {"temperature": 1, "top_p": 1},
        {"temperature": ABSENT, "top_p": ABSENT},
        ["/temperature", "/top_p"],
        quirks=Quirks(sampling=False),
    ),
    Row(
        "both-samplings-where-one-is-the-most",
        {"temperature": 1, "top_p": 1},
        {"temperature": 1, "top_p": ABSENT},
        ["/top_p"],
        quirks=Quirks(temperature_or_top_p=True),
    ),
    Row("one-sampling", {"top_p": 0.5}, {"top_p": 0.5}, quirks=Quirks(temperature_or_top_p=True)),
    Row("stop", {"stop": "a"}, {"stop_sequences": ["a"]}),
    Row("stop-blank", {"stop": ["a", " "]}, refused="/stop/1"),
    Row("stop-blank-alone", {"stop": "\n"}, refused="/stop"),
    Row("n", {"n": 2}, refused="/n"),
    Row("n-is-one", {"n": 1}, {"n": ABSENT}),
    Row("logprobs", {"logprobs": True}, refused="/logprobs"),
    Row("no-logprobs", {"logprobs": False}, {}),
    Row("top-logprobs", {"top_logprobs": 2}, refused="/top_logprobs"),
    Row("logit-bias", {"logit_bias": {"1": 1}}, refused="/logit_bias"),
    Row("no-logit-bias", {"logit_bias": {}}, {}),
    Row("frequency-penalty", {"frequency_penalty": 0.5}, refused="/frequency_penalty"),
    Row("presence-penalty", {"presence_penalty": -1}, refused="/presence_penalty"),
    Row("no-penalty", {"presence_penalty": 0, "frequency_penalty": 0}, {"presence_penalty": ABSENT}),
    Row("seed", {"seed": 1}, {"seed": ABSENT}, ["/seed"]),
    Row("prediction", {"prediction": {}}, {}, ["/prediction"]),
    Row("modalities", {"modalities": ["text", "audio"]}, refused="/modalities"),
    Row("modality-text", {"modalities": ["text"]}, {}),
    Row("audio-out", {"audio": {}}, refused="/audio"),
    Row("store-and-metadata", {"store": True, "metadata": {"a": "b"}}, {"metadata": ABSENT}, ["/store", "/metadata"]),
    Row("user", {"user": "u"}, {"metadata": {"user_id": "u"}}),
    Row(
        "usage-chunk",
        {"stream": True, "stream_options": {"include_usage": True}},
        {"stream": True, "stream_options": ABSENT},
    ),
    Row(
        "obfuscation",
        {"stream": True, "stream_options": {"include_obfuscation": False}},
        {},
        ["/stream_options/include_obfuscation"],
    ),
    Row("service-tier-auto", {"service_tier": "auto"}, {"service_tier": "auto"}),
    Row("service-tier-default", {"service_tier": "default"}, {"service_tier": "standard_only"}),
    *[
        Row(f"service-tier-{tier}", {"service_tier": tier}, {"service_tier": ABSENT}, ["/service_tier"])
        for tier in ("flex", "priority", "fast", "scale")
    ],
    *[
        Row(f"effort-{effort}", {"reasoning_effort": effort}, {"output_config": {"effort": effort}})
        for effort in ("low", "medium", "high", "xhigh", "max")
    ],
    Row("effort-minimal", {"reasoning_effort": "minimal"}, {"output_config": {"effort": "low"}}, ["/reasoning_effort"]),
    Row("effort-none", {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
    *[
        Row(name, {name: {"x": 1}}, {name: ABSENT}, [f"/{name}"])
        for name in ("verbosity", "prompt_cache_key", "prompt_cache_options", "safety_identifier")
    ],
    *[Row(name, {name: {"x": 1}}, refused=f"/{name}") for name in ("web_search_options", "moderation")],
    # -- the form of the answer
    Row("format-text", {"response_format": {"type": "text"}}, {"output_config": ABSENT}),
    Row("format-object", {"response_format": {"type": "json_object"}}, refused="/response_format"),
    Row(
        "format-schema",
        {"response_format": form(schema=CLOSED)},
        {"output_config": {"format": {"type": "json_schema", "schema": CLOSED}}},
        ["/response_format"],
    ),
    Row(
        "format-schema-beyond-the-subset",
        {"response_format": form(schema={**CLOSED, "properties": {"a": {"type": "integer", "minimum": 1}}})},
        {
            "output_config": {
                "format": {
                    "type": "json_schema",
                    "schema": {**CLOSED, "properties": {"a": {"type": "integer", "description": "{minimum: 1}"}}},
                }
            }
        },
        ["/response_format", "/response_format/json_schema/schema/properties/a/minimum"],
    ),
    Row(
        "format-by-a-forced-tool",
        {"response_format": form(schema=CLOSED, description="d")},
        {
            "tools": [{"name": "n", "description": "d", "input_schema": CLOSED}],
            "tool_choice": {"type": "tool", "name": "n", "disable_parallel_tool_use": True},
        },
        quirks=Quirks(output_format=False),
    ),
    Row(
        "format-by-a-forced-tool-beside-others",
        {"response_format": form(schema=CLOSED), "tools": [F]},
        refused="/response_format",
        quirks=Quirks(output_format=False),
    ),
    Row(
        "format-by-a-forced-tool-of-no-object",
        {"response_format": form(schema={"type": "array"})},
        refused="/response_format/json_schema/schema/type",
        quirks=Quirks(output_format=False),
    ),
    # -- tools
    Row("tool", {"tools": [F]}, {"tools": [AF]}),
    Row("tool-without-parameters", {"tools": [function(description="d")]}, {"tools": [{**AF, "description": "d"}]}),
    Row(
        "tool-without-type",
        {"tools": [function(parameters={"properties": {"a": {}}})]},
        {"tools": [{"name": "f", "input_schema": {"type": "object", "properties": {"a": {}}}}]},
    ),
    *[
        Row(
            f"tool-with-root-{word}",
            {"tools": [function(parameters={word: [{}]})]},
            refused=f"/tools/0/function/parameters/{word}",
        )
        for word in ("anyOf", "oneOf", "allOf")
    ],
    Row(
        "tool-with-one-root-choice",
        {"tools": [function(parameters={"title": "t", "oneOf": [CLOSED]})]},
        {"tools": [{"name": "f", "input_schema": {"title": "t", **CLOSED}}]},
    ),
    *[
        Row(
            f"tool-with-root-choice-{i}",
            {"tools": [function(parameters=schema)]},
            refused=f"/tools/0/function/parameters{at}",
        )
        for i, (schema, at) in enumerate(
            [
                ({"oneOf": [CLOSED, CLOSED]}, "/oneOf"),
                ({"oneOf": [CLOSED], "required": ["a"]}, "/oneOf"),
                ({"oneOf": [CLOSED], "anyOf": [CLOSED]}, "/anyOf"),
                ({"oneOf": [{"type": "string"}]}, "/oneOf"),
                ({"oneOf": [True]}, "/oneOf"),
                ({"oneOf": [CLOSED], "type": "string"}, "/oneOf"),
                ({"oneOf": [{**CLOSED, "title": "x"}], "title": "y"}, "/oneOf"),
            ]
        )
    ],
    Row("tool-of-another-type", {"tools": [F, {"type": "new"}]}, refused="/tools"),
    Row("custom-tool", {"tools": [F, CUSTOM]}, refused="/tools/1"),
    Row(
        "custom-tool-that-is-not-allowed",
        {"tools": [F, CUSTOM], "tool_choice": allowed("required", "f")},
        {"tools": [AF], "tool_choice": {"type": "any"}},
        ["/tool_choice/allowed_tools/tools"],
    ),
    Row(
        "custom-call",
        messages(HI, {"role": "assistant", "tool_calls": [CALL, CUSTOM_CALL]}, RESULT, {**RESULT, "tool_call_id": "b"}),
        refused="/messages/1/tool_calls/1/custom/input",
    ),
    Row(
        "custom-call-raw",
        messages(HI, {"role": "assistant", "tool_calls": [CUSTOM_CALL]}, {**RESULT, "tool_call_id": "b"}),
        messages(
            HI,
            {"role": "assistant", "content": [{**USE, "id": "b", "name": "g", "input": {"_raw": "print(1) "}}]},
            user(block("tool_result", tool_use_id="b", content="r")),
        ),
        ["/messages/1/tool_calls/0/custom/input"],
        quirks=Quirks(raw_arguments=True),
    ),
    Row("tool-names", {"tools": [function("a.b", parameters={})]}, {"tools": [{**AF, "name": "a_b_2e7336dc"}]}),
    Row("tool-name-twice", {"tools": [F, F]}, refused="/tools/1/function/name"),
    Row("tool-name-empty", {"tools": [function("")]}, refused="/tools/0/function/name"),
    Row(
        "strict",
        {"tools": [function(parameters=CLOSED, strict=True)]},
        {"tools": [{"name": "f", "input_schema": CLOSED, "strict": True}]},
    ),
    Row(
        "strict-open",
        {
            "tools": [
                F,
                function("g", parameters={"type": "object", "properties": {"a": {"maxLength": 3}}}, strict=True),
            ]
        },
        {},
        ["/tools/1/function/parameters/properties/a/maxLength", "/tools/1/function/parameters"],
    ),
    Row(
        "strict-any-name",
        {"tools": [function(parameters={"type": "object", "additionalProperties": {"type": "string"}}, strict=True)]},
        refused="/tools/0/function/parameters/additionalProperties",
    ),
    *[
        Row(f"choice-{given}", {"tools": [F], "tool_choice": given}, {"tool_choice": {"type": out}})
        for given, out in (("none", "none"), ("auto", "auto"), ("required", "any"))
    ],
    Row("choice-named", {"tools": [F], "tool_choice": function()}, {"tool_choice": {"type": "tool", "name": "f"}}),
    Row("choice-of-nothing", {"tools": [F], "tool_choice": function("g")}, refused="/tool_choice/function/name"),
    Row(
        "choice-custom",
        {"tools": [CUSTOM], "tool_choice": {"type": "custom", "custom": {"name": "g"}}},
        refused="/tools/0",
    ),
    Row("choice-without-tools", {"tool_choice": "required"}, refused="/tool_choice"),
    Row(
        "allowed",
        {"tools": [F, function("g", parameters={})], "tool_choice": allowed("required", "g")},
        {"tools": [{**AF, "name": "g"}], "tool_choice": {"type": "any"}},
        ["/tool_choice/allowed_tools/tools"],
    ),
    Row(
        "allowed-unknown",
        {"tools": [F], "tool_choice": allowed("auto", "f", "h")},
        refused="/tool_choice/allowed_tools/tools/1",
    ),
    Row(
        "not-parallel",
        {"tools": [F], "parallel_tool_calls": False},
        {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
    ),
    Row(
        "not-parallel-and-none",
        {"tools": [F], "tool_choice": "none", "parallel_tool_calls": False},
        {"tool_choice": {"type": "none"}},
    ),
    Row(
        "ids",
        messages(
            HI, {"role": "assistant", "tool_calls": [{**CALL, "id": "call:1"}]}, {**RESULT, "tool_call_id": "call:1"}
        ),
        messages(
            HI,
            {"role": "assistant", "content": [{**USE, "id": "call_0af6315558b41599b4a0fbfa"}]},
            user(block("tool_result", tool_use_id="call_0af6315558b41599b4a0fbfa", content="r")),
        ),
    ),
]
