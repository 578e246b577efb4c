"""The server: it plays scripts, and keeps a log of what reached it."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from llmroute.testing.steps import Close, Hang, Reset, Script, answer

if TYPE_CHECKING:
    import ssl

TLS_HANDSHAKE = b"\x16\x03"
"""How a client begins that wants TLS; a server without it answers in plain text."""
JOIN_S = 5.0


@dataclass
class Seen:
    """One request as it reached the server."""

    method: str
    """`TLS` where a client asked for TLS of a server that has none."""
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)
    raw: bytes = field(repr=False)
    """Every byte, head and body."""
    connection: int = 0
    """The number of the connection that it came on, from 1."""
    sent: int = 0
    """How many bytes of the answer the network has taken so far."""
    hung_up: threading.Event = field(default_factory=threading.Event, repr=False)
    """Set once the client closed the connection while the server was still answering or waiting."""

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


Answer: TypeAlias = Script | Callable[[Seen], Script]
"""A script, or a function that makes one for the request; it runs on the thread of the connection."""


class FaultServer:
    """A scripted HTTP/1.1 server on loopback; a context manager that leaves no thread and no socket behind.

    Each request takes the next script of the queue, else `default`, else gets a 500. A generator can be played
    once only: as a `default` it belongs into a function.
    """

    def __init__(self, default: Answer | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        """Listen on a free port, with `tls` for https."""
        self.default = default
        self.requests: list[Seen] = []
        """What reached the server, in order."""
        self.reached = threading.Event()
        """Set by the first request."""
        self.connections = 0
        """How many connections were opened."""
        self._tls = tls
        self._scripts: deque[Answer] = deque()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._accepting = threading.Thread(target=self._accept, name="FaultServer", daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        """The origin, without a path."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        with self._lock:
            return len(self._open)

    def script(self, *scripts: Answer) -> None:
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
        self._accepting.join(JOIN_S)
        with self._lock:
            serving = list(self._open.values())
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in serving:
            thread.join(JOIN_S)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                arguments = (connection, self.connections)
                thread = threading.Thread(target=self._serve, args=arguments, name="FaultServer", daemon=True)
                self._open[connection] = thread
                thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        talking = connection
        try:
            if self._tls is not None:
                talking = self._tls.wrap_socket(connection, server_side=True)
                with self._lock:
                    self._open[talking] = self._open.pop(connection)
            while (seen := read_request(talking)) is not None:
                seen.connection = number
                if not play(talking, self._next(seen), seen):
                    return
        except OSError:  # the client has gone, or wants no such certificate
            return
        finally:
            with self._lock:
                self._open.pop(talking, None)
            talking.close()

    def _next(self, seen: Seen) -> Script:
        with self._lock:
            self.requests.append(seen)
            chosen = self._scripts.popleft() if self._scripts else self.default
        self.reached.set()
        if chosen is None:
            return answer(500, "no script left")
        return chosen(seen) if callable(chosen) else chosen


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
    head, _, begun = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    fields = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in fields}
    body = bytearray(begun)
    length = int(headers.get("content-length", "0"))
    while len(body) < length:
        data = connection.recv(65536)
        if not data:
            return None
        body += data
    return Seen(method, path, headers, bytes(body), head + b"\r\n\r\n" + bytes(body))


def play(connection: socket.socket, script: Script, seen: Seen) -> bool:
    """Play a script; False when the connection is gone."""
    for step in script:
        if isinstance(step, bytes):
            try:
                connection.sendall(step)
            except OSError:
                seen.hung_up.set()
                return False
            seen.sent += len(step)
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
