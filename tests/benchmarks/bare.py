"""What every call is compared with: the same request on a kept, bare httpx2 client, its answer parsed as JSON.

It needs httpx2 alone, so that it runs beside each rival in the rival's own environment.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2

from tests.benchmarks.server import MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping

PROMPT = "Which files hold the parser?"
MESSAGES = [{"role": "user", "content": PROMPT}]
MAX_TOKENS = 64
PATHS = {"openai-chat": "/v1/chat/completions", "anthropic-messages": "/v1/messages"}
BASES = {"openai-chat": "/v1", "anthropic-messages": ""}
BODY: Mapping[str, Any] = {"model": MODEL, "messages": MESSAGES, "max_tokens": MAX_TOKENS}
_UNLIMITED = httpx2.Limits(max_connections=None, max_keepalive_connections=100)


def _parsed(line: str) -> bool:
    if not line.startswith("data: ") or line == "data: [DONE]":
        return False
    json.loads(line[6:])
    return True


class Bare:
    """A client that reads and parses, and does nothing else."""

    def __init__(self, root: str, api: str) -> None:
        self.url = root + PATHS[api]
        self.client = httpx2.Client(trust_env=False, timeout=30)

    def complete(self) -> object:
        return json.loads(self.client.post(self.url, json=BODY).content)

    def stream(self) -> int:
        with self.client.stream("POST", self.url, json={**BODY, "stream": True}) as response:
            return sum(map(_parsed, response.iter_lines()))


class AsyncBare:
    """The same, asynchronous."""

    def __init__(self, root: str, api: str) -> None:
        self.url = root + PATHS[api]
        self.client = httpx2.AsyncClient(trust_env=False, timeout=30, limits=_UNLIMITED)

    async def complete(self) -> object:
        return json.loads((await self.client.post(self.url, json=BODY)).content)

    async def stream(self) -> int:
        async with self.client.stream("POST", self.url, json={**BODY, "stream": True}) as response:
            return sum([_parsed(line) async for line in response.aiter_lines()])
