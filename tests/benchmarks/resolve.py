"""What a decision costs, with its trace, whatever the number of agents."""

from __future__ import annotations

import os
from typing import Any

from llmroute.routing.build import build
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query
from tests.benchmarks.measure import per_call_us, show

SIZES = (10, 1_000, 100_000)
QUERY = Query(agent="agent-7", purpose="generation")


def document(agents: int) -> dict[str, Any]:
    """A spec in which most layers speak."""
    return {
        "version": 1,
        "providers": {
            "anthropic": {},
            "openai": {"model": "gpt-6-luna"},
            "ollama": {"model": "llama3.1:8b", "aliases": {"claude-haiku-5-5": "llama3.1:8b"}},
        },
        "defaults": {"model": "anthropic/claude-sonnet-5-5", "max_tokens": 4096, "fallbacks": ["openai/gpt-6-luna"]},
        "purposes": {"generation": {"model": "claude-haiku-5-5", "temperature": 0}},
        "agents": {
            f"agent-{number}": {"provider": "ollama", "require": {"locality": "local"}, "metadata": {"compact": True}}
            for number in range(agents)
        },
    }


def main() -> None:
    """Print microseconds: here the goal is a time, because a decision has nothing to be compared with."""
    environ = {**os.environ, "LLMROUTE_MODEL": "openai/gpt-6-sol", "OPENAI_API_KEY": "canary"}
    for agents in SIZES:
        spec = build(document(agents))
        same = per_call_us(lambda spec=spec: resolve(spec, QUERY, environ), calls=1_000)  # type: ignore[misc]
        show(f"resolve, {agents:,} agents, as at the last call", same, 10, "µs")

        turns = iter(range(10**9))

        def changed(spec: Any = spec, turns: Any = turns) -> None:
            environ["LLMROUTE_TEMPERATURE"] = str(next(turns) % 2)
            resolve(spec, QUERY, environ)

        show(f"resolve, {agents:,} agents, environment changed", per_call_us(changed, calls=200), 150, "µs")
        environ.pop("LLMROUTE_TEMPERATURE")
