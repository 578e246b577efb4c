r"""What a script is made of: bytes that are sent exactly as they are, and things that servers do besides.

>>> sse({"type": "ping"}, "[DONE]")
'event: ping\ndata: {"type": "ping"}\n\ndata: [DONE]\n\n'
>>> stream("data: 1\n\n")[1:]
[b'9\r\ndata: 1\n\n\r\n', b'0\r\n\r\n']
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Pause(NamedTuple):
    """Wait before the next step; ends early when the client hangs up."""

    seconds: float


class Hang(NamedTuple):
    """Send nothing more, and keep the connection until the client closes it."""


class Reset(NamedTuple):
    """Break the connection with a TCP reset."""


class Close(NamedTuple):
    """Close the connection in the ordinary way."""


Step: TypeAlias = bytes | Pause | Hang | Reset | Close
Script: TypeAlias = Iterable[Step]
"""The answer to one request. After its last step the connection stays open for the next request."""

END = b"0\r\n\r\n"
"""The end of a chunked body."""


def answer(
    status: int = 200,
    body: bytes | str | Mapping[str, Any] | Sequence[Any] | None = b"",
    headers: Mapping[str, str] | None = None,
) -> list[Step]:
    """A whole response with a right Content-Length; a body that is no text is written as JSON."""
    given = {name.lower(): value for name, value in (headers or {}).items()}
    if not isinstance(body, bytes | str):
        given.setdefault("content-type", "application/json")
        body = json.dumps(body)
    raw = body.encode() if isinstance(body, str) else body
    given.setdefault("content-length", str(len(raw)))
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return [f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + raw]


def chunk(data: bytes | str) -> bytes:
    """One chunk of a chunked body."""
    raw = data.encode() if isinstance(data, str) else data
    return f"{len(raw):x}\r\n".encode() + raw + b"\r\n"


def stream(*parts: bytes | str | Step, end: Sequence[Step] = (END,), kind: str = "text/event-stream") -> list[Step]:
    """A chunked response: text and bytes become one chunk each (empty text none: it would end the body)."""
    steps: list[Step] = [f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode()]
    steps += [chunk(part) if isinstance(part, bytes | str) else part for part in parts if part != ""]
    return [*steps, *end]


def sse(*payloads: Mapping[str, Any] | str) -> str:
    """Payloads as `data:` events; an object with a `type` also gets its `event:` line, as Anthropic writes it."""
    lines = []
    for payload in payloads:
        text = payload if isinstance(payload, str) else json.dumps(payload)
        event = None if isinstance(payload, str) else payload.get("type")
        lines.append((f"event: {event}\n" if event else "") + f"data: {text}\n\n")
    return "".join(lines)
