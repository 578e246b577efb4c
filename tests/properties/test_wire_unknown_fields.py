"""A field that nobody knows, anywhere in a body, is sent on to the same API; to others it is lost, which is told."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.errors import ConversionError
from llmroute.wire.codec import ANTHROPIC, OPENAI
from llmroute.wire.conversion import CODECS, Converted, convert
from tests.wire.conversion_rows import AF, CALL, CLOSED, HI, PDF, RESULT, USE, F, allowed, block, form, function, text
from tests.wire.conversion_rows import user as turn

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOSED_WORLDS = {"parameters", "input_schema", "schema", "input", "arguments", "cache_control"}
"""Objects that are data: nobody looks for fields in them."""
FIELD, VALUE = "x_unknown", {"deep": [1]}
PICTURE = block("image_url", image_url={"url": "https://a.example", "detail": "low"})
FILE = block("file", file={"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"})
CALLED = [{"role": "assistant", "content": "c", "tool_calls": [CALL]}, {**RESULT, "content": [text("r")]}]
REFUSED = {"role": "assistant", "content": [text("a"), block("refusal", refusal="no")]}
SOURCES = [
    {"type": "base64", "media_type": "image/png", "data": "AA=="},
    {"type": "url", "url": "https://a.example"},
]
DOCUMENTS = [
    block("document", source={"type": "base64", "media_type": "application/pdf", "data": PDF}, title="t"),
    block("document", source={"type": "text", "media_type": "text/plain", "data": "d"}),
]
THOUGHTS = [block("thinking", thinking="t", signature="s"), block("redacted_thinking", data="x")]
ANSWER = block("tool_result", tool_use_id="a", content=[text("r")], is_error=True)
THINKS = {"role": "assistant", "content": [*THOUGHTS, text("b"), USE]}
BODIES: dict[str, list[dict[str, Any]]] = {
    OPENAI: [
        {"messages": [{"role": "system", "content": "s"}, turn(text("a"), PICTURE, FILE), *CALLED, REFUSED, HI]},
        {"messages": [HI], "tools": [F, function("g", parameters={"type": "object"})], "tool_choice": function("f")},
        {"messages": [HI], "tools": [F], "tool_choice": allowed("auto", "f")},
        {"messages": [HI], "response_format": form(schema=CLOSED, strict=True)},
        {"messages": [HI], "response_format": {"type": "text"}},
        {"messages": [HI], "stream": True, "stream_options": {"include_usage": True}},
    ],
    ANTHROPIC: [
        {"system": [text("s")], "messages": [turn(text("a"), *(block("image", source=one) for one in SOURCES))]},
        {"messages": [turn(*DOCUMENTS), THINKS, turn(ANSWER, text("c"))]},
        {"messages": [HI, {"role": "assistant", "content": [USE]}, turn(ANSWER)], "tools": [AF]},
        {"messages": [HI], "tools": [AF], "tool_choice": {"type": "tool", "name": "f"}, "metadata": {"user_id": "u"}},
        {"messages": [HI], "thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
        {"messages": [HI], "thinking": {"type": "disabled"}},
        {"messages": [HI], "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": CLOSED}}},
    ],
}  # fmt: skip
LIMIT = {OPENAI: {}, ANTHROPIC: {"max_tokens": 9}}


def objects(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all objects that have fields."""
    if isinstance(value, dict):
        yield path
        for key, inner in value.items():
            if key not in CLOSED_WORLDS:
                yield from objects(inner, (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from objects(inner, (*path, i))


def cases() -> Iterator[Any]:
    for api, bodies in BODIES.items():
        for i, body in enumerate(bodies):
            whole = {"model": "m", **LIMIT[api], **body}
            for path in objects(whole):
                place = "".join(f"/{key}" for key in path)
                yield pytest.param(api, with_field(whole, path), place, id=f"{api}-{i}{place}")


def with_field(body: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    changed = deepcopy(body)
    place: Any = changed
    for key in path:
        place = place[key]
    place[FIELD] = VALUE
    return changed


CASES = pytest.mark.parametrize(("api", "body", "place"), list(cases()))


def tried(body: dict[str, Any], source: str, target: str) -> Converted | ConversionError:
    try:
        return convert(body, source, target)
    except ConversionError as error:
        return error


@CASES
def test_sent_on_to_the_same_api(api: str, body: dict[str, Any], place: str) -> None:
    found = tried(body, api, api)
    if isinstance(found, ConversionError):  # tools of a choice are told by their names, and nothing else
        assert found.pointer == place.removesuffix("/function")
        assert place.startswith("/tool_choice/allowed_tools/tools")
        return
    assert json.dumps(found.body).count(FIELD) == 1
    assert found.losses == ()
    assert CODECS[api].decode_request(found.body) == CODECS[api].decode_request(body)


@CASES
def test_lost_to_another_api(api: str, body: dict[str, Any], place: str) -> None:
    found = tried(body, api, ANTHROPIC if api == OPENAI else OPENAI)
    if isinstance(found, ConversionError):
        assert place.startswith("/tool_choice/allowed_tools/tools")
        return
    assert FIELD not in json.dumps(found.body)
    whole = [loss for loss in found.losses if loss.pointer == place and loss.field == "thinking"]
    lost = [loss.pointer for loss in found.losses if loss.field == FIELD]
    assert lost == ([] if whole else [f"{place}/{FIELD}"])
