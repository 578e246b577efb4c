"""Every row of the conversion tables: what comes out, what is lost and where, and what is refused."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from llmroute.errors import ConversionError
from llmroute.wire.codec import ANTHROPIC, OPENAI
from llmroute.wire.conversion import convert
from llmroute.wire.quirks import Quirks
from tests.wire.conversion_rows import ABSENT, HI, Row
from tests.wire.rows_to_anthropic import TO_ANTHROPIC
from tests.wire.rows_to_openai import TO_OPENAI

MODEL = {"model": "m", "messages": [HI]}
CASES = [
    *(pytest.param(OPENAI, ANTHROPIC, MODEL | row.given, row, id=f"to-anthropic-{row.id}") for row in TO_ANTHROPIC),
    *(
        pytest.param(ANTHROPIC, OPENAI, MODEL | {"max_tokens": 9} | row.given, row, id=f"to-openai-{row.id}")
        for row in TO_OPENAI
    ),
]
TABLE = pytest.mark.parametrize(("source", "target", "body", "row"), CASES)


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


@TABLE
def test_pointers_lead_into_the_body(source: str, target: str, body: dict[str, Any], row: Row) -> None:
    del source, target
    for pointer in row.lost:
        value: Any = body
        for key in pointer.split("/")[1:]:
            value = value[int(key)] if isinstance(value, list) else value[key]
