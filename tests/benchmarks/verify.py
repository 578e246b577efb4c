"""How long it takes to prove something of a large spec."""

from __future__ import annotations

from time import process_time
from typing import Any

from llmroute.proof.exploration.assertions import read
from llmroute.proof.verification.report import Asked, report
from llmroute.routing.build import build
from tests.benchmarks.measure import seconds, show

AGENTS, PURPOSES, CLIENTS = 1_000, 20, 10
NEVER = read("never", "agent=agent-1* locality=remote provider=openai")


def agent(number: int) -> dict[str, Any]:
    """Every third agent has an endpoint of its own, others a bare model, settings for a purpose, or nothing."""
    says: dict[str, Any] = {"metadata": {"number": number}, "temperature": number % 10 / 10}
    if number % 3 == 0:
        says |= {"provider": ("ollama", "openai", "box")[number % 9 // 3], "model": f"model-{number % 7}"}
    if number % 10 == 1:
        says |= {"model": f"model-{number % 4}"}
    if number % 10 == 2:
        says |= {"purposes": {f"purpose-{number % 5}": {"model": "anthropic/claude-sonnet-5-5"}}}
    if number % 4 == 0:
        says |= {"require": {"locality": "lan"}}
    return says


def document() -> dict[str, Any]:
    """A spec in which most layers speak, and policies too."""
    return {
        "version": 1,
        "providers": {
            "anthropic": {},
            "openai": {"model": "gpt-6-luna"},
            "ollama": {"model": "llama3.1:8b", "aliases": {"claude-haiku-5-5": "llama3.1:8b"}},
            "box": {"base_url": "http://10.0.0.5:8000/v1", "model": "qwen2.5-coder:32b"},
        },
        "defaults": {"model": "anthropic/claude-sonnet-5-5", "fallbacks": ["openai/gpt-6-luna"]},
        "purposes": {
            f"purpose-{number}": {"model": f"anthropic/model-{number % 5}", "temperature": number % 3 / 2}
            for number in range(PURPOSES)
        },
        "agents": {f"agent-{number}": agent(number) for number in range(AGENTS)},
        "clients": {
            f"client-{number}": {"max_retries": number} | ({"model": "openai/gpt-6-sol"} if number % 4 == 0 else {})
            for number in range(CLIENTS)
        },
        "policies": [
            {"name": "near", "agents": ["agent-*5"], "require": {"locality": "lan"}},
            {"name": "no-such-vendor", "deny": {"providers": ["deepseek"]}},
        ],
    }


def main() -> None:
    """Print seconds: the goal is a time, because there is nothing to compare a proof with."""
    spec = build(document())

    def verified() -> None:
        report(spec, Asked(assertions=(NEVER,)))

    what = f"verify {AGENTS:,} agents, {PURPOSES} purposes, {CLIENTS} clients"
    show(what, min(seconds(verified, process_time) for _ in range(3)), 2, "s of processor time")
