"""Newline-delimited JSON, cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.errors import MalformedReplyError
from llmroute.wire import ndjson, sse
from tests.wire.strategies import cuts

LINES = ['{"a":"\u2028ä\x85"}', "[1]", '"\U0001f600"']


def read(*chunks: bytes, max_line: int = ndjson.MAX_EVENT) -> list[str]:
    decoder = ndjson.Decoder(max_line)
    found = [line for chunk in chunks for line in decoder.feed(chunk)]
    return [*found, *decoder.close()]


def test_every_cut() -> None:
    sent = b"\xef\xbb\xbf\r\n" + b"".join(map(ndjson.encode, LINES)) + b"  \n\n\r\n"
    assert read(sent) == LINES
    for place in range(len(sent) + 1):
        assert read(sent[:place], sent[place:]) == LINES
    assert read(*(sent[i : i + 1] for i in range(len(sent)))) == LINES


@given(data=st.data())
def test_any_chunks(data: st.DataObject) -> None:
    ends = data.draw(st.lists(st.sampled_from(["\n", "\r\n", "\n\n"]), min_size=3, max_size=3))
    sent = "".join(line + end for line, end in zip(LINES, ends, strict=True)).encode()
    assert read(*data.draw(cuts(sent))) == LINES


def test_the_last_line_may_lack_its_end() -> None:
    assert read(b'{"a":1}\n{"b"', b":2}") == ['{"a":1}', '{"b":2}']


def test_a_mark_of_byte_order_stands_at_the_start_alone() -> None:
    assert read(b"\xef\xbb\xbf1") == ["1"]
    assert read(b"1\n\xef\xbb\xbf2\n") == ["1", "\ufeff2"]


@pytest.mark.parametrize("end", [b"", b"\n"], ids=["unended", "ended"])
@pytest.mark.parametrize("step", [1, 4, 100])
def test_a_line_has_a_largest_size(end: bytes, step: int) -> None:
    sent = b"1234567890" + end
    chunks = [sent[i : i + step] for i in range(0, len(sent), step)]
    assert read(*chunks, max_line=10) == ["1234567890"]
    with pytest.raises(MalformedReplyError, match="larger than 9 bytes"):
        read(*chunks, max_line=9)


def test_the_size_is_that_of_one_line() -> None:
    assert read(b"12\n34", b"56\n7", b"8\n", max_line=4) == ["12", "3456", "78"]


def test_what_is_no_utf8_is_malformed_and_not_shown() -> None:
    with pytest.raises(MalformedReplyError, match="no UTF-8") as caught:
        read(b'{"a": "\xff"}\n')
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_line_holds_no_line_end() -> None:
    with pytest.raises(ValueError, match="no line end"):
        ndjson.encode("1\n2")


def test_events_of_the_other_kind_of_stream_end_with_an_empty_line() -> None:
    decoder = sse.Decoder()
    assert [event.data for event in decoder.feed(b"data: 1\n\ndata: 2\n")] == ["1"]
    assert decoder.close() == []
