"""HTTP/1.1 without a connection: what bytes make an answer, and what none."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.adapters.connections.breaks import Cut, NotDecodable, NotHttp, NotSendable, Unreached
from llmroute.adapters.connections.http1 import LARGEST_HEAD, Answer, Unpacker, place_of, request_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = OK + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=1\r\nllo\r\n0\r\nTrailer: 1\r\n\r\n"
CONTINUED = b"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 103 Hints\r\n\r\n" + LENGTH
TO_THE_END = OK + b"X: 1\r\n\r\nhello"


def fed(*pieces: bytes) -> Answer:
    answer = Answer()
    for piece in pieces:
        answer.feed(piece)
    return answer


@pytest.mark.parametrize("data", [LENGTH, CHUNKED, CONTINUED], ids=["length", "chunked", "continued"])
@given(cuts=st.sets(st.integers(1, 120)))
def test_any_cuts_make_the_same_answer(data: bytes, cuts: set[int]) -> None:
    at = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    answer = fed(*(data[start:stop] for start, stop in pairwise(at)))
    assert (answer.status, answer.headed, answer.done, answer.keeps) == (200, True, True, True)
    assert answer.take() == b"hello"
    assert {"x-early", "trailer"}.isdisjoint(answer.headers)


def test_a_body_without_length_lasts_until_the_end() -> None:
    answer = fed(TO_THE_END)
    assert (answer.take(), answer.done) == (b"hello", False)
    answer.end()
    assert (answer.done, answer.keeps) == (True, False)


@pytest.mark.parametrize("data", [LENGTH[:-1], CHUNKED[:-2], LENGTH[:20]], ids=["length", "chunked", "head"])
def test_an_end_in_the_middle_is_a_cut(data: bytes) -> None:
    answer = fed(data)
    with pytest.raises(Cut):
        answer.end()


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_these_have_no_body(status: bytes) -> None:
    assert fed(b"HTTP/1.1 " + status + b"\r\n\r\n").done


@pytest.mark.parametrize("extra", [b"x", LENGTH, b"\x00"])
def test_more_than_was_asked_for_spoils_the_connection(extra: bytes) -> None:
    together, apart = fed(LENGTH + extra), fed(LENGTH, extra)
    for answer in (together, apart):
        assert (answer.status, answer.take(), answer.done, answer.keeps) == (200, b"hello", True, False)


def test_connection_close_is_obeyed() -> None:
    assert not fed(OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n").keeps
    assert not fed(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keeps


@pytest.mark.parametrize(
    "head",
    [
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 2OO OK\r\n\r\n",
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"A: b\r\n c\r\n\r\n",
        OK + b"A b: c\r\n\r\n",
        OK + b"A: \x00\r\n\r\n",
        OK + b"A: b\nContent-Length: 0\r\n\r\n",
        LENGTH.replace(b"\r\n", b"\n"),
        OK + b"A : b\r\n\r\n",
        OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
        OK + b"Content-Length: 5, 5\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n",
        OK + b"A: " + b"a" * LARGEST_HEAD,
    ],
)
def test_what_two_programs_could_read_differently_is_none(head: bytes) -> None:
    with pytest.raises((NotHttp, Cut)):
        fed(head)


@pytest.mark.parametrize("size", [b"g", b"-1", b"1" * 40, b"0x1"])
def test_a_broken_chunk_is_a_cut(size: bytes) -> None:
    with pytest.raises(Cut):
        fed(OK + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\nx\r\n")


def test_what_only_looks_strange_is_read() -> None:
    answer = fed(b"HTTP/1.1 200\r\nA: \xe9\r\nContent-Length: 0\r\n\r\n")
    assert (answer.done, answer.headers["a"]) == (True, "é")


def test_names_that_come_twice_are_joined() -> None:
    assert fed(OK + b"A: 1\r\na: 2\r\nContent-Length: 0\r\n\r\n").headers["a"] == "1, 2"


def test_a_request_is_written_once() -> None:
    place = place_of("https://[::1]:8443/v1?x=1")
    assert place == (True, "::1", 8443, "[::1]:8443", "/v1?x=1")
    headers = {"a": " b ", "content-length": "9", "transfer-encoding": "chunked", "connection": "close"}
    expected = b"POST /v1?x=1 HTTP/1.1\r\nhost: [::1]:8443\r\na: b\r\ncontent-length: 2\r\n\r\n{}"
    assert request_bytes(place, headers, b"{}") == expected
    assert b"\r\nhost: other\r\n" in request_bytes(place, {"host": "other"}, b"")


@pytest.mark.parametrize("headers", [{"a": "b\r\nc: d"}, {"a\r\nb": "c"}, {"a": "\x00"}, {"a": "ü"}, {"": "a"}])
def test_a_header_can_not_write_another(headers: dict[str, str]) -> None:
    with pytest.raises(NotSendable):
        request_bytes(place_of("http://h/"), headers, b"")


@pytest.mark.parametrize("url", ["http://h/a b", "http://h/a?x=1 HTTP/1.1", "http://ü/"])
def test_a_url_can_not_either(url: str) -> None:
    with pytest.raises(NotSendable):
        place_of(url)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_a_bomb_goes_off_piece_by_piece(pack: Callable[[bytes], bytes]) -> None:
    unpack = Unpacker("gzip")
    pieces = unpack.feed(pack(b" " * 10_000_000))
    assert len(next(pieces)) <= 64 * 1024


def test_unknown_codings_are_left_alone() -> None:
    assert list(Unpacker("x-none").feed(b"{}")) == [b"{}"]
    with pytest.raises(NotDecodable):
        list(Unpacker("gzip").feed(b"{}"))


def test_only_http_is_spoken() -> None:
    with pytest.raises(Unreached, match="mock is no scheme of HTTP"):
        place_of("mock://mock/v1")
