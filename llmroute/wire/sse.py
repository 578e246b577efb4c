r"""Server-sent events, read byte by byte as the WHATWG HTML standard says, and written.

>>> decoder = Decoder()
>>> events = [*decoder.feed(b"event: ping\ndata: {}\n\nda"), *decoder.feed(b"ta: 1\n\n")]
>>> [(event.event, event.data) for event in events]
[('ping', '{}'), ('', '1')]
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from llmroute.errors import MalformedReplyError
from llmroute.wire.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_EVENT = 8 * 1024 * 1024
"""The most bytes of one event: a server that never ends a line must not fill the memory."""
_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")
_TEXT_LINE_END = re.compile(r"\r\n|\n|\r")


@quiet("data")
class ServerSentEvent(NamedTuple):
    """One event of a stream."""

    data: str
    event: str = ""
    """The type; empty where none was sent."""
    id: str = ""
    """The last id that the stream sent."""
    retry: int | None = None
    """The reconnection time in milliseconds that came with this event."""


class Decoder:
    """Turns the bytes of a stream, cut anywhere, into events.

    An event that the end of the stream cuts is dropped, as the standard says. Bytes that are no UTF-8 are
    malformed; the standard would replace them, which changes what the model wrote.
    """

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self._max = max_event
        self._pieces: list[bytes] = []
        """What came of the current line."""
        self._size = 0
        """Bytes of the current event: its data, and the current line."""
        self._after_cr = False
        self._at_start = True
        self._data: list[bytes] = []
        self._event = b""
        self._id = b""
        self._retry: int | None = None

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """The events that these bytes complete, to be taken to the last; those before a bad one come before it.

        Raises:
            MalformedReplyError: an event is larger than `max_event`, or is no UTF-8.
        """
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        has_cr = b"\r" in chunk
        if not has_cr and b"\n" not in chunk:
            self._keep(chunk)
            return
        self._pieces.append(chunk)
        whole = b"".join(self._pieces)
        self._pieces.clear()
        self._size = sum(map(len, self._data))
        self._after_cr = has_cr and chunk.endswith(b"\r")
        lines = _LINE_END.split(whole) if has_cr else whole.split(b"\n")
        rest = lines.pop()
        yield from self._take(lines)
        self._keep(rest)

    def close(self) -> list[ServerSentEvent]:
        """The events that the end of the stream completes: none."""
        return []

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self._grow(len(piece))

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._max:
            raise MalformedReplyError(f"an event of the stream is larger than {self._max} bytes")

    def _take(self, lines: list[bytes]) -> Iterator[ServerSentEvent]:
        if self._at_start:
            lines[0] = lines[0].removeprefix(_BOM)
            self._at_start = False
        for line in lines:
            if line.startswith(b"data: "):
                self._grow(len(line))
                self._data.append(line[6:])
            elif line:
                self._field(line)
            else:
                if self._data:
                    yield self._dispatch()
                self._event = b""
                self._size = 0

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._grow(len(line))
            self._data.append(value)
        elif name == b"event":
            self._event = value
        elif name == b"id" and b"\0" not in value:
            self._id = value
        elif name == b"retry" and value.isdigit():
            self._retry = int(value[:15])

    def _dispatch(self) -> ServerSentEvent:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        self._data.clear()
        retry, self._retry = self._retry, None
        try:
            return ServerSentEvent(data.decode(), self._event.decode(), self._id.decode(), retry)
        except UnicodeDecodeError:
            problem = MalformedReplyError("an event of the stream is no UTF-8")
        raise problem  # outside of the handler: the original exception holds the bytes


def encode(event: ServerSentEvent) -> bytes:
    r"""An event as bytes.

    >>> encode(ServerSentEvent("1\n2", event="ping"))
    b'event: ping\ndata: 1\ndata: 2\n\n'

    Raises:
        ValueError: the type or the id holds a line end, or the id a NUL; no reader could get them back.
    """
    lines = []
    for name, value in (("event", event.event), ("id", event.id)):
        if _TEXT_LINE_END.search(value) or (name == "id" and "\0" in value):
            raise ValueError(f"the {name} of an event is one line")
        if value:
            lines.append(f"{name}: {value}")
    if event.retry is not None:
        lines.append(f"retry: {event.retry}")
    lines += [f"data: {line}" for line in _TEXT_LINE_END.split(event.data)]
    return ("\n".join(lines) + "\n\n").encode()


def comment(text: str = "") -> bytes:
    r"""A line that every reader skips; keeps a connection alive.

    >>> comment("waiting")
    b': waiting\n\n'
    """
    return b"".join(f": {line}\n".encode() for line in _TEXT_LINE_END.split(text)) + b"\n"
