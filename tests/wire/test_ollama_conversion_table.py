"""Every row of the conversion tables of Ollama's own API: what comes out, what is lost and where, what is refused."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from llmroute.errors import ConversionError
from llmroute.wire.codec import ANTHROPIC, OLLAMA, OPENAI
from llmroute.wire.conversion import convert, convert_tools
from llmroute.wire.places import place
from llmroute.wire.quirks import Quirks
from tests.wire.conversion_rows import ABSENT, HI, F, Row
from tests.wire.ollama_rows import FROM_ANTHROPIC, FROM_OPENAI, TO_ANTHROPIC, TO_OPENAI

MODEL = {"model": "m", "messages": [HI]}
TABLES: tuple[tuple[str, str, dict[str, Any], list[Row]], ...] = (
    (OPENAI, OLLAMA, {}, FROM_OPENAI),
    (ANTHROPIC, OLLAMA, {"max_tokens": 9}, FROM_ANTHROPIC),
    (OLLAMA, OPENAI, {}, TO_OPENAI),
    (OLLAMA, ANTHROPIC, {}, TO_ANTHROPIC),
)
TABLE = pytest.mark.parametrize(
    ("source", "target", "body", "row"),
    [
        pytest.param(source, target, MODEL | more | row.given, row, id=f"{source}-to-{target}-{row.id}")
        for source, target, more, rows in TABLES
        for row in rows
    ],
)


@TABLE
def test_row(source: str, target: str, body: dict[str, Any], row: Row) -> None:
    before = deepcopy(body)
    if row.refused is not None:
        with pytest.raises(ConversionError) as caught:
            convert(body, source, target, quirks=row.quirks)
        assert caught.value.pointer == row.refused
    else:
        found = convert(body, source, target, quirks=row.quirks)
        assert {name: found.body.get(name, ABSENT) for name in row.out} == row.out
        assert [loss.pointer for loss in found.losses] == row.lost
    assert body == before


@TABLE
def test_each_loss_can_be_refused(source: str, target: str, body: dict[str, Any], row: Row) -> None:
    quirks = Quirks(**{name: getattr(row.quirks, name) for name in Quirks.__slots__} | {"on_unsupported": "error"})
    if row.lost or row.refused is not None:
        with pytest.raises(ConversionError) as caught:
            convert(body, source, target, quirks=quirks)
        assert caught.value.pointer == (row.lost[0] if row.lost else row.refused)
    else:
        assert convert(body, source, target, quirks=quirks).losses == ()


def test_tools_alone() -> None:
    assert convert_tools([F], OLLAMA, OPENAI) == ([F], (), {})
    assert convert_tools([F], OPENAI, OLLAMA) == ([F], (), {})
    assert convert_tools([{"name": "f", "input_schema": {"type": "object"}}], ANTHROPIC, OLLAMA).losses == ()
    with pytest.raises(ConversionError) as caught:
        convert_tools([F, {"function": {}}], OLLAMA, ANTHROPIC)
    assert caught.value.pointer == "/1/function/name"


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("/params/reasoning_effort", "/think"),
        ("/params/stop/0", "/options/stop/0"),
        ("/params/thinking_budget", ""),
        ("/response_format/schema/type", "/format/type"),
        ("/messages/0/content/1", "/messages/0/content"),
        ("/messages/0/content/0/url", "/messages/0/images/0"),
        ("/messages", "/messages"),
    ],
)
def test_places(pointer: str, found: str) -> None:
    body = {
        "messages": [{**HI, "images": ["AAAA"]}],
        "think": "low",
        "options": {"stop": ["a"]},
        "format": {"type": "object"},
    }
    assert place(OLLAMA, body, pointer) == found
