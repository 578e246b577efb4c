"""Requests as they leave, from every adapter on HTTP; nothing reaches a socket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx2

from llmroute.adapters.connections import asynchronous, blocking, httpx2_clients
from llmroute.adapters.connections.httpx2_breaks import Translated

if TYPE_CHECKING:
    import pytest

    from llmroute.adapters.formats import Prepared
    from llmroute.adapters.timeouts import Timeouts

TEXT = "an answer"
_USAGE = {"prompt_tokens": 3, "completion_tokens": 2}
_WHOLE = {
    "openai": {
        "model": "answered",
        "choices": [{"message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
        "usage": _USAGE,
    },
    "anthropic": {
        "type": "message",
        "role": "assistant",
        "model": "answered",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 2},
    },
}
_EVENTS: dict[str, list[dict[str, Any]]] = {
    "openai": [
        {"model": "answered", "choices": [{"index": 0, "delta": {"content": TEXT}}]},
        {"model": "answered", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": _USAGE},
    ],
    "anthropic": [
        {"type": "message_start", "message": {**_WHOLE["anthropic"], "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": TEXT}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ],
}


class Sent(NamedTuple):
    """One request."""

    url: str
    headers: dict[str, str]
    body: dict[str, Any]


def _request(ready: Prepared, content: bytes) -> httpx2.Request:
    return httpx2.Request("POST", ready.url, headers=ready.headers, content=content)


class Wiretap:
    """Stands where the connections stand: keeps each request, and answers it."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.failures = 0
        """So many of the next requests are answered with 503."""

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Take the place of the connections, blocking and asynchronous."""

        def handle(_: httpx2.BaseTransport, request: httpx2.Request) -> httpx2.Response:
            return self._answer(request, request.read())

        async def ahandle(_: httpx2.AsyncBaseTransport, request: httpx2.Request) -> httpx2.Response:
            return self._answer(request, await request.aread())

        def send(_: blocking.Pool, ready: Prepared, content: bytes, timeouts: Timeouts) -> Translated:
            del timeouts
            return Translated(self._answer(_request(ready, content), content))

        async def asend(_: asynchronous.Pool, ready: Prepared, content: bytes, timeouts: Timeouts) -> Translated:
            del timeouts
            return Translated(self._answer(_request(ready, content), content))

        patch.setattr(blocking.Pool, "send", send)
        patch.setattr(asynchronous.Pool, "send", asend)
        patch.setattr(httpx2_clients._Transport, "handle_request", handle)
        patch.setattr(httpx2_clients._AsyncTransport, "handle_async_request", ahandle)

    def take(self) -> list[Sent]:
        """What was sent since the last time."""
        taken, self.sent = self.sent, []
        return taken

    def _answer(self, request: httpx2.Request, content: bytes) -> httpx2.Response:
        body = json.loads(content)
        self.sent.append(Sent(str(request.url), dict(request.headers.items()), body))
        if self.failures:
            self.failures -= 1
            return httpx2.Response(503, json={"error": {"message": "busy"}})
        form = "anthropic" if request.url.path.endswith("/messages") else "openai"
        if not body.get("stream"):
            return httpx2.Response(200, json=_WHOLE[form])
        lines = [f"event: {row.get('type', 'message')}\ndata: {json.dumps(row)}\n\n" for row in _EVENTS[form]]
        text = "".join(lines) + ("data: [DONE]\n\n" if form == "openai" else "")
        return httpx2.Response(200, content=text.encode(), headers={"content-type": "text/event-stream"})
