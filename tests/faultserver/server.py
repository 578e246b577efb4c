"""A scripted HTTP/1.1 server on loopback that can misbehave in every way the failure catalogue names.

Each request takes the next script of the queue, or the default. A script is a sequence of steps: `bytes` are sent
exactly as they are, the other steps are the classes below. What reached the server is in `requests`.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Pause(NamedTuple):
    """Wait before the next step; ends early when the client hangs up."""

    seconds: float


class Hang(NamedTuple):
    """Send nothing more, and keep the connection until the client closes it."""


class Reset(NamedTuple):
    """Break the connection with a TCP reset."""


class Close(NamedTuple):
    """Close the connection in the ordinary way."""


Step = bytes | Pause | Hang | Reset | Close


@dataclass
class Seen:
    """One request as it reached the server."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    raw: bytes
    """Every byte, head and body."""
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set once the client closed the connection while the server was still answering or waiting."""

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


def answer(
    status: int = 200,
    body: bytes | str | dict[str, Any] | list[Any] | None = b"",
    headers: dict[str, str] | None = None,
) -> list[Step]:
    """A whole response with a right Content-Length; a body that is no text is written as JSON."""
    given = {name.lower(): value for name, value in (headers or {}).items()}
    if not isinstance(body, bytes | str):
        given.setdefault("content-type", "application/json")
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    given.setdefault("content-length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return [f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body]


def chunk(data: bytes | str) -> bytes:
    """One chunk of a chunked body."""
    raw = data.encode() if isinstance(data, str) else data
    return f"{len(raw):x}\r\n".encode() + raw + b"\r\n"


END = b"0\r\n\r\n"
"""The end of a chunked body."""


def stream(*parts: bytes | str | Step, end: Sequence[Step] = (END,), kind: str = "text/event-stream") -> list[Step]:
    """A chunked response: text and bytes become one chunk each (empty ones none: they would end the body)."""
    steps: list[Step] = [f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode()]
    steps += [chunk(part) if isinstance(part, bytes | str) else part for part in parts if part != ""]
    return [*steps, *end]


def sse(*payloads: dict[str, Any] | str) -> str:
    """Payloads as `data:` events; a dict with a `type` also gets its `event:` line, as Anthropic writes it."""
    lines = []
    for payload in payloads:
        text = payload if isinstance(payload, str) else json.dumps(payload)
        event = payload.get("type") if isinstance(payload, dict) else None
        lines.append((f"event: {event}\n" if event else "") + f"data: {text}\n\n")
    return "".join(lines)


class FaultServer:
    """The server; a context manager that leaves no thread and no socket behind."""

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        self.reached = threading.Event()
        """Set by the first request."""
        self.connections = 0
        self.default: Iterable[Step] | None = None
        self._scripts: deque[Iterable[Step]] = deque()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """The origin, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def script(self, *scripts: Iterable[Step]) -> None:
        """Answer the next requests with these, one each."""
        self._scripts.extend(scripts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, break what is open, and wait for every thread."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while (seen := read_request(connection)) is not None:
                with self._lock:
                    self.requests.append(seen)
                    self.reached.set()
                    script = self._scripts.popleft() if self._scripts else self.default
                steps = answer(500, "no script left") if script is None else script
                if not play(connection, steps, seen):
                    return
        except OSError:
            return
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()


TLS_HANDSHAKE = b"\x16\x03"
"""How a client begins that wants TLS; this server answers it in plain text."""


def read_request(connection: socket.socket) -> Seen | None:
    """The next request, or None once the client is done."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        data = connection.recv(65536)
        if not data:
            return None
        raw += data
        if raw.startswith(TLS_HANDSHAKE):
            return Seen("TLS", "", {}, b"", raw)
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    while len(body) < int(headers.get("content-length", "0")):
        data = connection.recv(65536)
        if not data:
            return None
        raw += data
        body += data
    return Seen(method, path, headers, body, raw)


def play(connection: socket.socket, steps: Iterable[Step], seen: Seen) -> bool:
    """Play a script; False when the connection is gone."""
    for step in steps:
        if isinstance(step, bytes):
            try:
                connection.sendall(step)
            except OSError:
                seen.hung_up.set()
                return False
        elif isinstance(step, Reset):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        elif isinstance(step, Close):
            return False
        elif hung_up(connection, None if isinstance(step, Hang) else step.seconds):
            seen.hung_up.set()
            return False
    return True


def hung_up(connection: socket.socket, seconds: float | None) -> bool:
    """Wait for that long (None: for ever); True as soon as the client closes the connection."""
    ends_at = None if seconds is None else time.monotonic() + seconds
    try:
        while True:
            left = None if ends_at is None else ends_at - time.monotonic()
            if left is not None and left <= 0:
                return False
            connection.settimeout(left)
            if not connection.recv(65536):
                return True
    except TimeoutError:
        return False
    except OSError:
        return True
    finally:
        with contextlib.suppress(OSError):
            connection.settimeout(None)
