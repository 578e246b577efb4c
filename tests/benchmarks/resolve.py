"""What a decision costs, with its trace, whatever the number of agents."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from llmroute.routing.build import build
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query
from tests.benchmarks.measure import per_call_us, show

if TYPE_CHECKING:
    from llmroute.routing.spec import RoutingSpec

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
    specs = [build(document(agents)) for agents in SIZES]
    turns = iter(range(10**9))

    def changed(spec: RoutingSpec) -> None:
        environ["LLMROUTE_TEMPERATURE"] = str(next(turns) % 2)
        resolve(spec, QUERY, environ)

    same = per_call_us([partial(resolve, spec, QUERY, environ) for spec in specs], calls=1_000)
    for agents, found in zip(SIZES, same, strict=True):
        show(f"resolve, {agents:,} agents, as at the last call", found, 10, "µs")
    anew = per_call_us([partial(changed, spec) for spec in specs], calls=200)
    for agents, found in zip(SIZES, anew, strict=True):
        show(f"resolve, {agents:,} agents, environment changed", found, 150, "µs")
