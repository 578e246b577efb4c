r"""Newline-delimited JSON: a stream of lines, read byte by byte, and written.

>>> decoder = Decoder()
>>> decoder.feed(b'{"a": 1}\r\n\n{"b"') + decoder.feed(b": 2}\n")
['{"a": 1}', '{"b": 2}']
"""

from __future__ import annotations

from llmroute.errors import MalformedReplyError
from llmroute.wire.sse import MAX_EVENT

_BOM = b"\xef\xbb\xbf"


class Decoder:
    """Turns the bytes of a stream, cut anywhere, into lines without their ends; empty lines are passed over.

    A line ends with LF or CRLF and nothing else: what looks like a line end inside of a JSON string is none.
    """

    def __init__(self, max_line: int = MAX_EVENT) -> None:
        self._max = max_line
        self._pieces: list[bytes] = []
        """What came of the current line."""
        self._size = 0
        self._at_start = True

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that these bytes complete.

        Raises:
            MalformedReplyError: a line is longer than `max_line` bytes, or is no UTF-8.
        """
        if b"\n" not in chunk:
            self._keep(chunk)
            return []
        self._pieces.append(chunk)
        *lines, rest = b"".join(self._pieces).split(b"\n")
        self._pieces.clear()
        self._size = 0
        self._keep(rest)
        return self._told(lines)

    def close(self) -> list[str]:
        """The last line, which may lack its end."""
        lines = [b"".join(self._pieces)]
        self._pieces.clear()
        self._size = 0
        return self._told(lines)

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self._size += len(piece)
            self._check(self._size)

    def _check(self, size: int) -> None:
        if size > self._max:
            raise MalformedReplyError(f"a line of the stream is larger than {self._max} bytes")

    def _told(self, lines: list[bytes]) -> list[str]:
        if self._at_start:
            lines[0] = lines[0].removeprefix(_BOM)
            self._at_start = False
        told = []
        for line in lines:
            self._check(len(line))
            if line and not line.isspace():
                told.append(_text(line))
        return told


def _text(line: bytes) -> str:
    try:
        return line.decode().strip()
    except UnicodeDecodeError:
        pass
    # Raised out here: the original exception holds the bytes.
    raise MalformedReplyError("a line of the stream is no UTF-8")


def encode(line: str) -> bytes:
    r"""A line as bytes.

    >>> encode('{"a": 1}')
    b'{"a": 1}\n'

    Raises:
        ValueError: it holds a line end; no reader could get it back.
    """
    if "\n" in line:
        raise ValueError("a line holds no line end")
    return f"{line}\n".encode()
