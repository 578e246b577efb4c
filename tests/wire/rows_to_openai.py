"""The conversion table from Anthropic Messages to OpenAI Chat."""

from __future__ import annotations

from typing import Any

from llmroute.wire.quirks import Quirks
from tests.wire.conversion_rows import (
    ABSENT,
    AF,
    CALL,
    CLOSED,
    HI,
    PDF,
    RESULT,
    USE,
    F,
    Row,
    block,
    function,
    messages,
    text,
    tool,
    user,
)


def turn(*blocks: Any) -> list[dict[str, Any]]:
    """A turn with a call, and one with these blocks."""
    return [HI, {"role": "assistant", "content": [USE]}, user(*blocks)]


def result(**fields: Any) -> dict[str, Any]:
    return block("tool_result", tool_use_id="a", **fields)


ASKED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{**CALL, "function": {"name": "f", "arguments": '{"x":1}'}}],
}
FORM: dict[str, Any] = {"output_config": {"format": {"type": "json_schema", "schema": CLOSED}}}
STRICT = {"name": "answer", "schema": CLOSED, "strict": True}
CACHE = {"cache_control": {"type": "ephemeral"}}
PICTURE = block("image", source={"type": "url", "url": "https://a.example"})
PICTURE_URL = block("image_url", image_url={"url": "https://a.example"})

TO_OPENAI = [
    Row("system", {"system": "s"}, messages({"role": "system", "content": "s"}, HI)),
    Row("system-blocks", {"system": [text("a"), text("b")]}, messages({"role": "system", "content": "a\n\nb"}, HI)),
    Row("system-cached", {"system": [text("a"), text("b", **CACHE)]}, {}, ["/system/1/cache_control"]),
    Row(
        "system-later",
        messages(HI, {"role": "system", "content": "s"}),
        messages(HI, {"role": "system", "content": "s"}),
    ),
    Row(
        "result-then-words",
        {"system": "s", "messages": turn(result(content="r"), text("a"))},
        messages({"role": "system", "content": "s"}, HI, ASKED, RESULT, {"role": "user", "content": "a"}),
    ),
    Row(
        "words-then-result",
        {"messages": turn(text("a"), result(content="r"))},
        messages(HI, ASKED, RESULT, {"role": "user", "content": "a"}),
    ),
    Row(
        "result-of-an-error",
        {"system": "s", "messages": turn(result(content="r", is_error=True))},
        messages({"role": "system", "content": "s"}, HI, ASKED, {**RESULT, "content": "Error: r"}),
        ["/messages/2/content/0/is_error"],
    ),
    Row("result-without-content", {"messages": turn(result())}, messages(HI, ASKED, {**RESULT, "content": ""})),
    Row(
        "result-with-an-image",
        {"messages": turn(text("b"), result(content=[text("r"), PICTURE]))},
        messages(HI, ASKED, RESULT, user(PICTURE_URL), {"role": "user", "content": "b"}),
        ["/messages/2/content/1/content/1"],
    ),
    Row(
        "result-with-a-pdf",
        {
            "messages": turn(
                result(
                    content=[block("document", source={"type": "base64", "media_type": "application/pdf", "data": PDF})]
                )
            )
        },
        messages(
            HI,
            ASKED,
            {**RESULT, "content": ""},
            user(block("file", file={"filename": "document.pdf", "file_data": f"data:application/pdf;base64,{PDF}"})),
        ),
        ["/messages/2/content/0/content/0"],
    ),
    Row(
        "result-of-a-search",
        {"messages": turn(result(content=[text("r"), block("search_result")]))},
        refused="/messages/2/content/0/content/1",
    ),
    Row("call-without-result", messages(HI, {"role": "assistant", "content": [USE]}, HI), refused="/messages/1"),
    Row("result-without-call", messages(HI, user(text("a"), result())), refused="/messages/1/content/1"),
    Row("result-cached", {"messages": turn(result(content="r", **CACHE))}, {}, ["/messages/2/content/0/cache_control"]),
    Row(
        "thinking",
        messages(HI, {"role": "assistant", "content": [block("thinking", thinking="t", signature="s"), text("a")]}, HI),
        messages(HI, {"role": "assistant", "content": "a"}, HI),
        ["/messages/1/content/0"],
    ),
    Row(
        "thinking-hidden",
        messages(HI, {"role": "assistant", "content": [text("a"), block("redacted_thinking", data="x")]}, HI),
        {},
        ["/messages/1/content/1"],
    ),
    Row(
        "thinking-replayed",
        messages(HI, {"role": "assistant", "content": [block("thinking", thinking="t"), text("a")]}, HI),
        messages(HI, {"role": "assistant", "content": "a", "reasoning_content": "t"}, HI),
        quirks=Quirks(replay_reasoning=True),
    ),
    Row(
        "thinking-replayed-but-signed",
        messages(HI, {"role": "assistant", "content": [block("thinking", thinking="t", signature="s"), text("a")]}, HI),
        messages(HI, {"role": "assistant", "content": "a"}, HI),
        ["/messages/1/content/0"],
        quirks=Quirks(replay_reasoning=True),
    ),
    Row(
        "thinking-replayed-in-parts",
        messages(HI, {"role": "assistant", "content": [block("thinking", thinking="t"), text("a")]}, HI),
        messages(HI, {"role": "assistant", "content": [block("thinking", thinking=[text("t")]), text("a")]}, HI),
        quirks=Quirks(thinking_parts=True),
    ),
    *[
        Row(
            kind,
            messages(HI, {"role": "assistant", "content": [text("a"), block(kind)]}),
            refused="/messages/1/content/1",
        )
        for kind in ("server_tool_use", "web_search_tool_result", "code_execution_tool_result", "mcp_tool_use")
    ],
    *[
        Row(kind, {"tools": [AF, block(kind, name="x")]}, refused="/tools/1")
        for kind in ("web_search_20250305", "code_execution_20250825", "computer_20250124")
    ],
    *[
        Row(name, {name: {"a": 1}}, refused=f"/{name}")
        for name in ("mcp_servers", "container", "context_management", "inference_geo", "previous_message_id", "thread")
    ],
    Row(
        "pdf",
        messages(
            user(
                block(
                    "document",
                    source={"type": "base64", "media_type": "application/pdf", "data": PDF},
                    title="a.pdf",
                    **CACHE,
                )
            )
        ),
        messages(user(block("file", file={"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}))),
        ["/messages/0/content/0/cache_control"],
    ),
    Row(
        "pdf-by-url",
        messages(user(block("document", source={"type": "url", "url": "https://a.example"}))),
        refused="/messages/0/content/0/source/url",
    ),
    Row(
        "image-by-url-where-none-may-be-fetched",
        messages(user(PICTURE)),
        refused="/messages/0/content/0/source/url",
        quirks=Quirks(no_urls=True),
    ),
    Row(
        "pdf-by-id",
        messages(user(block("document", source={"type": "file", "file_id": "1"}))),
        refused="/messages/0/content/0",
    ),
    Row(
        "document-of-text",
        messages(
            user(
                text("q"),
                block("document", source={"type": "text", "media_type": "text/plain", "data": "d"}, title="T"),
            )
        ),
        messages(user(text("q"), text("T\n\nd"))),
        ["/messages/0/content/1"],
    ),
    Row(
        "document-untitled",
        messages(user(block("document", source={"type": "text", "media_type": "text/plain", "data": "d"}))),
        messages({"role": "user", "content": "d"}),
        ["/messages/0/content/0"],
    ),
    Row(
        "citations",
        messages(HI, {"role": "assistant", "content": [text("a", citations=[{"x": 1}])]}, HI),
        messages(HI, {"role": "assistant", "content": "a"}, HI),
        ["/messages/1/content/0/citations"],
    ),
    Row("top-k", {"top_k": 5}, {"top_k": ABSENT}, ["/top_k"]),
    Row("top-k-where-it-is-known", {"top_k": 5}, {"top_k": 5}, quirks=Quirks(top_k=True)),
    Row(
        "top-k-where-all-sampling-is-refused",
        {"top_k": 5},
        {"top_k": ABSENT},
        ["/top_k"],
        quirks=Quirks(top_k=True, sampling=False),
    ),
    Row("stop", {"stop_sequences": ["a", "b"]}, {"stop": ["a", "b"]}),
    Row("stop-too-many", {"stop_sequences": list("abcde")}, refused="/stop_sequences"),
    Row("user", {"metadata": {"user_id": "u"}}, {"user": "u", "metadata": ABSENT}),
    Row(
        "user-refused",
        {"metadata": {"user_id": "u"}},
        {"user": ABSENT},
        ["/metadata/user_id"],
        quirks=Quirks(no_user=True),
    ),
    Row(
        "tool",
        {"tools": [tool(type="custom", description="d")]},
        {"tools": [function(description="d", parameters={"type": "object"})]},
    ),
    *[
        Row(name, {"tools": [block("bash_20250124", name="bash"), tool()]}, refused="/tools/0")
        for name in ("tool-of-the-api",)
    ],
    *[
        Row(name, {"tools": [tool(**{name: [1]})]}, {}, [f"/tools/0/{name}"])
        for name in ("defer_loading", "allowed_callers", "input_examples", "eager_input_streaming", "cache_control")
    ],
    *[
        Row(f"choice-{given}", {"tools": [AF], "tool_choice": {"type": given}}, {"tool_choice": out})
        for given, out in (("none", "none"), ("auto", "auto"), ("any", "required"))
    ],
    Row(
        "choice-tool",
        {"tools": [AF], "tool_choice": {"type": "tool", "name": "f"}},
        {"tool_choice": {"type": "function", "function": {"name": "f"}}},
    ),
    Row(
        "choice-of-nothing", {"tools": [AF], "tool_choice": {"type": "tool", "name": "g"}}, refused="/tool_choice/name"
    ),
    Row(
        "choice-as-string",
        {"tools": [{**AF, "name": "g"}, AF], "tool_choice": {"type": "tool", "name": "f"}},
        {"tools": [F], "tool_choice": "required"},
        ["/tool_choice"],
        quirks=Quirks(tool_choice_strings_only=True),
    ),
    Row(
        "choice-of-the-only-tool-as-string",
        {"tools": [AF], "tool_choice": {"type": "tool", "name": "f"}},
        {"tools": [F], "tool_choice": "required"},
        quirks=Quirks(tool_choice_strings_only=True),
    ),
    Row(
        "not-parallel",
        {"tools": [AF], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        {"parallel_tool_calls": False},
    ),
    Row(
        "strict",
        {"tools": [tool(input_schema=CLOSED, strict=True)]},
        {"tools": [function(parameters=CLOSED, strict=True)]},
    ),
    Row(
        "strict-beyond-the-subset",
        {"tools": [tool(input_schema={**CLOSED, "required": []}, strict=True)]},
        {"tools": [function(parameters={**CLOSED, "required": []}, strict=False)]},
        ["/tools/0/input_schema"],
    ),
    Row(
        "strict-reference",
        {"tools": [tool(input_schema={**CLOSED, "properties": {"a": {"$ref": "#", "title": "x"}}}, strict=True)]},
        {},
        ["/tools/0/input_schema/properties/a"],
    ),
    Row("limit", {"max_tokens": 5}, {"max_tokens": 5}),
    Row(
        "limit-in-other-words",
        {"max_tokens": 5},
        {"max_completion_tokens": 5, "max_tokens": ABSENT},
        quirks=Quirks(max_tokens_field="max_completion_tokens"),
    ),
    Row("limit-of-nothing", {"max_tokens": 0}, refused="/max_tokens"),
    *[
        Row(
            f"budget-{budget}",
            {"max_tokens": 99_999, "thinking": {"type": "enabled", "budget_tokens": budget}},
            {"reasoning_effort": effort},
            ["/thinking/budget_tokens"],
        )
        for budget, effort in ((1024, "low"), (8000, "medium"), (50_000, "high"))
    ],
    Row("thinking-disabled", {"thinking": {"type": "disabled"}}, {"reasoning_effort": "none"}),
    Row("thinking-adaptive", {"thinking": {"type": "adaptive"}}, {"thinking": ABSENT}, ["/thinking"]),
    *[
        Row(f"effort-{effort}", {"output_config": {"effort": effort}}, {"reasoning_effort": effort})
        for effort in ("low", "medium", "high", "xhigh", "max")
    ],
    Row(
        "format",
        {"output_config": {"format": {"type": "json_schema", "schema": CLOSED}}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": CLOSED, "strict": True},
            }
        },
    ),
    Row(
        "format-beyond-the-subset",
        {"output_config": {"format": {"type": "json_schema", "schema": {**CLOSED, "required": []}}}},
        {},
        ["/output_config/format/schema"],
    ),
    Row(
        "format-by-a-forced-tool",
        FORM,
        {
            "response_format": ABSENT,
            "tools": [function("answer", parameters=CLOSED, strict=True)],
            "tool_choice": function("answer"),
        },
        quirks=Quirks(schema_answers="tool"),
    ),
    Row(
        "format-by-a-forced-tool-as-string",
        FORM,
        {"tool_choice": "required"},
        quirks=Quirks(schema_answers="tool", tool_choice_strings_only=True),
    ),
    *[
        Row(
            f"format-{how}-beside-{name}",
            FORM | more,
            refused="/output_config/format",
            quirks=Quirks(schema_answers=how),
        )
        for how, name, more in (
            ("none", "nothing", {}),
            ("tool", "tools", {"tools": [AF]}),
            ("tool", "effort", {"output_config": {"effort": "low", **FORM["output_config"]}}),
            ("alone", "tools", {"tools": [AF]}),
        )
    ],
    Row(
        "format-by-a-forced-tool-of-no-object",
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "array"}}}},
        refused="/output_config/format/schema/type",
        quirks=Quirks(schema_answers="tool"),
    ),
    Row(
        "format-alone",
        FORM,
        {"tools": ABSENT, "response_format": {"type": "json_schema", "json_schema": STRICT}},
        quirks=Quirks(schema_answers="alone"),
    ),
    Row(
        "format-alone-in-a-stream",
        FORM | {"stream": True},
        {"response_format": ABSENT, "tool_choice": function("answer")},
        quirks=Quirks(schema_answers="alone"),
    ),
    Row("output-config", {"output_config": {"task_budget": {}}}, {}, ["/output_config/task_budget"]),
    Row("service-tier", {"service_tier": "standard_only"}, {"service_tier": "default"}),
    *[
        Row(name, {name: {"a": 1}}, {name: ABSENT}, [f"/{name}"])
        for name in ("diagnostics", "cache_control", "workspace_id", "user_profile_id")
    ],
    Row("speed", {"speed": "fast"}, {}, ["/speed"]),
    Row("speed-standard", {"speed": "standard"}, {}),
]
