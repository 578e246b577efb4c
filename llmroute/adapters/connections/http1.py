"""HTTP/1.1 as a client speaks it; pure: one request to bytes, and the bytes that come back to one answer.

The bytes are parsed by llhttp (`httptools`), which is strict: what two programs could read differently is refused.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import urlsplit

import httptools

from llmroute.adapters.connections.breaks import Cut, NotDecodable, NotHttp, NotSendable, Unreached

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LARGEST_HEAD = 100 * 1024
"""Bytes of a status line and headers."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_TARGET = re.compile(r"[\x21-\x7e]+")
_OURS = frozenset({"content-length", "transfer-encoding", "connection"})
"""Headers that say where a message ends: they are written here and nowhere else."""
_SWITCHING = 101


class Place(NamedTuple):
    """Where a request goes, taken from its URL."""

    tls: bool
    host: str
    port: int
    netloc: str
    target: str


@lru_cache(maxsize=256)
def place_of(url: str) -> Place:
    """The parts of a URL in normal form.

    Raises:
        NotSendable: it holds what a request line can't.
        Unreached: its scheme is not HTTP's.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _TARGET.fullmatch(target) or not _TARGET.fullmatch(parts.netloc):
        raise NotSendable
    if parts.scheme not in {"http", "https"}:
        raise Unreached(f"{parts.scheme} is no scheme of HTTP")
    tls = parts.scheme == "https"
    return Place(tls, parts.hostname or "", parts.port or (443 if tls else 80), parts.netloc, target)


class Outgoing(Protocol):
    """A request without its body."""

    @property
    def method(self) -> str:
        """The verb of HTTP."""

    @property
    def url(self) -> str:
        """Where it goes."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name."""


def request_bytes(place: Place, headers: Mapping[str, str], body: bytes, method: str = "POST") -> bytes:
    """A request as it goes out.

    Raises:
        NotSendable: a header holds what HTTP forbids, a line break for one.
    """
    lines = [f"{method} {place.target} HTTP/1.1"]
    if "host" not in headers:
        lines.append(f"host: {place.netloc}")
    for name, value in headers.items():
        if name in _OURS:
            continue
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise NotSendable
        lines.append(f"{name}: {value.strip()}")
    if body or method == "POST":
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join((*lines, "\r\n")).encode("ascii") + body


class Answer:
    """One answer, as far as it has come."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        """By lower-case name; of a name that came twice, the values with a comma between."""
        self.headed = False
        """Whether the head is there."""
        self.done = False
        """Whether the body is at its end."""
        self.keeps = False
        """Whether the connection can take another request."""
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self.waiting = 0
        """Bytes of the body that have not been taken."""
        self._head_size = 0

    @property
    def heard(self) -> bool:
        """Whether a byte of it has come."""
        return self._head_size > 0

    def feed(self, data: bytes) -> None:
        """Take bytes of the connection.

        Raises:
            NotHttp: they are none of an answer.
        """
        if self.done:
            self.keeps = False  # nobody asked for more
            return
        if not self.headed:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if self.done:
                self.keeps = False
                return
            broken: type[NotHttp | Cut] = Cut if self.headed else NotHttp
        else:
            if self.headed or self._head_size <= LARGEST_HEAD:
                return
            broken = NotHttp
        raise broken

    def end(self) -> None:
        """The connection is at its end.

        Raises:
            Cut: the body is not.
        """
        if self.done:
            return
        if not self.headed or "content-length" in self.headers or "transfer-encoding" in self.headers:
            raise Cut
        self.done = True  # a body without a length lasts as long as the connection

    def take(self) -> bytes:
        """What has come of the body since the last time."""
        if not self._pieces:
            return b""
        taken = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self.waiting = 0
        return taken

    def on_message_begin(self) -> None:
        """Called by the parser, as all that follow."""
        if self.done:
            self.keeps = False  # a second answer has begun: its rest would be taken for that of the next request
        else:
            self.headers.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those after the body change nothing."""
        if not self.headed:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            known = self.headers.get(key)
            self.headers[key] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        """Judge the status: 1xx announces another answer."""
        if not self.done:
            self.status = self._parser.get_status_code()
            self.headed = self.status >= 200 or self.status == _SWITCHING  # noqa: PLR2004 - HTTP's classes

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if not self.done:
            self._pieces.append(data)
            self.waiting += len(data)

    def on_message_complete(self) -> None:
        """Note the end; whatever follows it belongs to nobody."""
        if self.headed and not self.done:
            self.done, self.keeps = True, self._parser.should_keep_alive()


_AT_ONCE = 64 * 1024
"""No piece is larger, unpacked: a bomb goes off piece by piece, where the reader can stop."""


class Unpacker:
    """Undoes `content-encoding` for servers that compress though nobody asked."""

    def __init__(self, coding: str) -> None:
        """`gzip` and `deflate` are known; what another one means is left as it is."""
        known = coding.strip().lower() in {"gzip", "x-gzip", "deflate"}
        self._inflate = zlib.decompressobj(wbits=47) if known else None  # gzip or zlib, whichever it is

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What it means, in pieces.

        Raises:
            NotDecodable: it is not what the header says.
        """
        if self._inflate is None:
            yield data
            return
        while data:
            try:
                piece = self._inflate.decompress(data, _AT_ONCE)
            except zlib.error:
                break
            if piece:
                yield piece
            data = self._inflate.unconsumed_tail
        else:
            return
        raise NotDecodable
