"""The decoder reads what the WHATWG standard says, however the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.errors import MalformedReplyError
from llmroute.wire import sse
from llmroute.wire.sse import Decoder, ServerSentEvent
from tests.wire.strategies import cuts


def read(*chunks: bytes) -> list[ServerSentEvent]:
    decoder = Decoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


CASES = {
    "plain": (b"data: a\n\n", [("a",)]),
    "no space": (b"data:a\n\n", [("a",)]),
    "two spaces": (b"data:  a\n\n", [(" a",)]),
    "bom": (b"\xef\xbb\xbfdata: a\n\n", [("a",)]),
    "a second bom is no line end and no field": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    "cr": (b"data: a\r\rdata: b\r\r", [("a",), ("b",)]),
    "crlf": (b"data: a\r\n\r\ndata: b\r\n\r\n", [("a",), ("b",)]),
    "mixed": (b"data: a\r\n\ndata: b\n\rdata: c\r\r\n", [("a",), ("b",), ("c",)]),
    "several lines": (b"data: a\ndata: b\ndata\n\n", [("a\nb\n",)]),
    "empty data": (b"data:\n\n", [("",)]),
    "no data": (b"event: x\n\ndata: a\n\n", [("a",)]),
    "comments": (b": OPENROUTER PROCESSING\n\n:\ndata: a\n: x\n\n", [("a",)]),
    "unknown fields": (b"datum: x\nfoo\ndata: a\n\n", [("a",)]),
    "type": (b"event: ping\ndata: a\n\ndata: b\n\n", [("a", "ping"), ("b",)]),
    "id stays": (b"id: 7\ndata: a\n\ndata: b\n\n", [("a", "", "7"), ("b", "", "7")]),
    "id with nul": (b"id: 7\nid: 8\0\ndata: a\n\n", [("a", "", "7")]),
    "retry": (b"retry: 30\nretry: x\ndata: a\n\ndata: b\n\n", [("a", "", "", 30), ("b",)]),
    "other line ends are text": ("data: a\u2028b\x85c\x0bd\n\n".encode(), [("a\u2028b\x85c\x0bd",)]),
    "cut event": (b"data: a\n\ndata: b\n", [("a",)]),
}


@pytest.mark.parametrize(("stream", "events"), CASES.values(), ids=CASES)
def test_standard(stream: bytes, events: list[tuple[object, ...]]) -> None:
    expected = [ServerSentEvent(*event) for event in events]  # type: ignore[arg-type]
    assert read(stream) == expected
    for place in range(len(stream) + 1):
        assert read(stream[:place], stream[place:]) == expected
    assert read(*(stream[i : i + 1] for i in range(len(stream)))) == expected


def test_an_event_that_never_ends() -> None:
    decoder = Decoder()
    piece = b"x" * 1024 * 1024
    assert [list(decoder.feed(piece)) for _ in range(8)] == [[]] * 8
    with pytest.raises(MalformedReplyError, match="larger than 8388608 bytes"):
        list(decoder.feed(b"x"))


def test_an_event_of_too_many_lines() -> None:
    decoder = Decoder(max_event=100)
    with pytest.raises(MalformedReplyError, match="larger"):
        list(decoder.feed(b"data: 12345\n" * 20))
    with pytest.raises(MalformedReplyError, match="larger"):
        list(Decoder(max_event=100).feed(b"data:12345\n" * 20))


def test_the_limit_is_for_one_event() -> None:
    decoder = Decoder(max_event=100)
    assert sum(len(list(decoder.feed(b"data: " + b"x" * 80 + b"\n\n"))) for _ in range(50)) == 50
    assert sum(len(list(decoder.feed((b"data: " + b"x" * 80 + b"\n\n") * 3))) for _ in range(50)) == 150


def test_no_utf8_is_malformed_and_not_quoted() -> None:
    with pytest.raises(MalformedReplyError) as caught:
        read(b"data: secret \xff\n\n")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "secret" not in str(caught.value)


lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=10)
events = st.builds(
    ServerSentEvent,
    st.lists(lines, min_size=1, max_size=3).map("\n".join),
    lines.map(str.strip),
    st.just(""),
    st.none() | st.integers(0, 10**6),
)


@given(st.data(), st.lists(events, max_size=4))
def test_round_trip_in_any_chunks(data: st.DataObject, sent: list[ServerSentEvent]) -> None:
    stream = b"".join(sse.comment("x\ny") + sse.encode(event) for event in sent)
    assert read(*data.draw(cuts(stream))) == sent


def test_id_round_trip() -> None:
    event = ServerSentEvent("a", "t", "7", 3)
    assert read(sse.encode(event)) == [event]


@pytest.mark.parametrize(
    "event", [ServerSentEvent("", "a\nb"), ServerSentEvent("", "", "a\rb"), ServerSentEvent("", "", "\0")]
)
def test_what_no_reader_could_get_back(event: ServerSentEvent) -> None:
    with pytest.raises(ValueError, match="one line"):
        sse.encode(event)
