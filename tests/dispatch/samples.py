"""Routers that the dispatch tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.dispatch.router import Router

if TYPE_CHECKING:
    from llmroute.testing import FaultServer

SPEC = """
version: 1
providers:
  first: {{base_url: "{url}/v1", api_key: "${{FIRST_KEY}}", model: m-1, max_retries: 1}}
  second: {{base_url: "{url}/second/v1", model: m-2, max_retries: 0}}
  fake: {{api: mock, base_url: "mock://mock", model: any, extra_body: {{reply: "from the mock"}}}}
defaults: {{model: fake/any, temperature: 0.5}}
purposes:
  planning: {{max_tokens: 9}}
agents:
  alone: {{provider: first}}
  chain: {{provider: first, fallbacks: [second/m-2, fake/any]}}
  pair: {{provider: first, fallbacks: [second/m-2]}}
"""
KEY = "sk-canary-0123456789abcdef"
PROMPT = "the prompt that must never show up in any message"


def text(server: FaultServer) -> str:
    return SPEC.format(url=server.url)


def router(server: FaultServer, spec: str | None = None, **changes: Any) -> Router:
    """A router of `SPEC` whose waits pass at once."""
    changes.setdefault("environ", {"FIRST_KEY": KEY})
    made = Router.from_str(text(server) if spec is None else spec, **changes)
    made._sleep = lambda _: None
    made._ways = made._ways._replace(random=lambda: 0.01)
    return made
