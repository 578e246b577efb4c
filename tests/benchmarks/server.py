"""A server that costs next to nothing: canned answers in two formats, from a process of its own.

    with serving() as root: ...

`POST …/chat/completions` and `POST …/messages`; a body with `"stream":true` gets `CHUNKS` pieces, all at once, or
under the path `/paced` one by one, as a model writes them.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNKS = 400
PACE_S = 0.0005
MODEL = "canned"
TEXT = "The parser lives in src/parse.py, the lexer beside it. " * 4


def _dump(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"))


def _whole(body: str) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def _pieces(events: list[str]) -> list[bytes]:
    """A stream, every event in an HTTP chunk of its own."""
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [f"{len(event):x}\r\n{event}\r\n" for event in events]
    return [piece.encode() for piece in (head, *chunks, "0\r\n\r\n")]


def _openai() -> tuple[bytes, list[bytes]]:
    usage = {"prompt_tokens": 12, "completion_tokens": CHUNKS, "total_tokens": 12 + CHUNKS}
    base = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": MODEL}
    message = {"role": "assistant", "content": TEXT, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    reply = {**base, "object": "chat.completion", "choices": [choice], "usage": usage}

    def event(delta: dict[str, str], finish: str | None = None, **more: Any) -> str:
        row = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return f"data: {_dump({**base, 'object': 'chat.completion.chunk', 'choices': [row], **more})}\n\n"

    tail = {**base, "object": "chat.completion.chunk", "choices": [], "usage": usage}
    events = [event({"content": f" word{number}"}) for number in range(CHUNKS)]
    ends = [event({}, "stop"), f"data: {_dump(tail)}\n\n", "data: [DONE]\n\n"]
    return _whole(_dump(reply)), _pieces([event({"role": "assistant", "content": ""}), *events, *ends])


def _anthropic() -> tuple[bytes, list[bytes]]:
    usage = {"input_tokens": 12, "output_tokens": 1}
    base = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "stop_sequence": None}
    content = [{"type": "text", "text": TEXT}]
    reply = {**base, "content": content, "stop_reason": "end_turn", "usage": usage}

    def event(kind: str, **fields: Any) -> str:
        return f"event: {kind}\ndata: {_dump({'type': kind, **fields})}\n\n"

    deltas = [
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": f" word{number}"})
        for number in range(CHUNKS)
    ]
    started: dict[str, Any] = {**base, "content": [], "stop_reason": None, "usage": usage}
    stopped = {"stop_reason": "end_turn", "stop_sequence": None}
    events = [
        event("message_start", message=started),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *deltas,
        event("content_block_stop", index=0),
        event("message_delta", delta=stopped, usage={"output_tokens": CHUNKS}),
        event("message_stop"),
    ]
    return _whole(_dump(reply)), _pieces(events)


ANSWERS = {b"/chat/completions": _openai(), b"/messages": _anthropic()}


class Canned(asyncio.Protocol):
    """Reads requests by their length and answers; connections are kept."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            _, _, length = head.partition(b"content-length:")
            stop = end + 4 + int(length.split(b"\r\n")[0] or 0)
            if len(self.buffer) < stop:
                return
            body, self.buffer = self.buffer[end + 4 : stop], self.buffer[stop:]
            path = head.split(b" ")[1]
            whole, pieces = next(answer for suffix, answer in ANSWERS.items() if path.endswith(suffix))
            if b'"stream":true' not in body.replace(b" ", b""):
                self.transport.write(whole)
            elif path.startswith(b"/paced"):
                self.write_next(iter(pieces))
            else:
                self.transport.write(b"".join(pieces))

    def write_next(self, pieces: Iterator[bytes]) -> None:
        """Write a piece, and the next one a little later, so that the reader sees each by itself."""
        if (piece := next(pieces, None)) is not None and not self.transport.is_closing():
            self.transport.write(piece)
            asyncio.get_running_loop().call_later(PACE_S, self.write_next, pieces)


async def serve() -> None:
    """Print the root URL, and serve until the program that started this one closes the pipe."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Canned, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def serving() -> Iterator[str]:
    """The root URL of a running server."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


if __name__ == "__main__":
    asyncio.run(serve())
