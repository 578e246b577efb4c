"""A router for the benchmarks' server."""

from __future__ import annotations

from llmroute import Router
from tests.benchmarks.bare import BASES, MAX_TOKENS
from tests.benchmarks.server import MODEL


def router(root: str, api: str, transport: str) -> Router:
    """A router whose defaults reach the server."""
    here = {
        "api": api,
        "base_url": root + BASES[api],
        "model": MODEL,
        "transport": transport,
        "api_key": "${BENCHMARK_KEY}",
    }
    spec = {"version": 1, "providers": {"here": here}, "defaults": {"provider": "here", "max_tokens": MAX_TOKENS}}
    return Router.from_mapping(spec, environ={"BENCHMARK_KEY": "canary"})
