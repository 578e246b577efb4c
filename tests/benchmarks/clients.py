"""What the calls are compared with: the same request on bare httpx2, and a router for the same server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2

from llmroute import Router
from tests.benchmarks.server import MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping

PROMPT = "Which files hold the parser?"
MESSAGES = [{"role": "user", "content": PROMPT}]
PATHS = {"openai-chat": "/v1/chat/completions", "anthropic-messages": "/v1/messages"}
BASES = {"openai-chat": "/v1", "anthropic-messages": ""}


def router(root: str, api: str, transport: str) -> Router:
    """A router whose defaults reach the server."""
    here = {
        "api": api,
        "base_url": root + BASES[api],
        "model": MODEL,
        "transport": transport,
        "api_key": "${BENCHMARK_KEY}",
    }
    spec = {"version": 1, "providers": {"here": here}, "defaults": {"provider": "here", "max_tokens": 64}}
    return Router.from_mapping(spec, environ={"BENCHMARK_KEY": "canary"})


class Bare:
    """One kept httpx2 client that reads and parses, and does nothing else."""

    def __init__(self, root: str, api: str) -> None:
        self.url = root + PATHS[api]
        self.client = httpx2.Client(trust_env=False, timeout=30)
        self.body: Mapping[str, Any] = {"model": MODEL, "messages": MESSAGES, "max_tokens": 64}

    def complete(self) -> object:
        return json.loads(self.client.post(self.url, json=self.body).content)

    def stream(self) -> int:
        count = 0
        with self.client.stream("POST", self.url, json={**self.body, "stream": True}) as response:
            for line in response.iter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    json.loads(line[6:])
                    count += 1
        return count
