"""Prints how fast llmroute is, as ratios: `python -m tests.benchmarks [TOPIC…]`.

A ratio compares two runs that took turns on the same machine, and is the median of many such pairs. The goal
beside it is what we aim at; nothing fails where it is missed, because a busy machine must not break a build.
"""

from __future__ import annotations

import sys
from importlib import import_module

TOPICS = ("startup", "resolve", "validate", "verify", "http_call", "sdk_call")


def main(topics: list[str]) -> None:
    """Run the topics named, or all."""
    if unknown := set(topics) - set(TOPICS):
        sys.exit(f"no such topic: {', '.join(sorted(unknown))}; there are: {', '.join(TOPICS)}")
    for topic in topics or TOPICS:
        print(f"\n{topic}")
        import_module(f"tests.benchmarks.{topic}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
