"""Reading and checking a large spec, every position kept, against reading it without positions or checks."""

from __future__ import annotations

from functools import partial

import yaml

from llmroute.load import read_str
from llmroute.routing.checks import check
from tests.benchmarks.measure import drained, ratio, show

AGENTS = 10_000
PAIRS = 7
HEAD = """\
version: 1
providers:
  ollama: {model: "llama3.1:8b"}
  openai: {}
  anthropic: {}
purposes:
  planning: {temperature: 0}
agents:
"""
AGENT = """\
  agent-{number}:
    provider: ollama
    model: "llama3.1:8b"
    temperature: 0.{digit}
    fallbacks:
      - provider: ollama
        model: "qwen2.5-coder:32b"
    purposes:
      planning: {{model: "qwen2.5-coder:32b"}}
    metadata: {{team: compilers}}
"""


def spec(agents: int) -> str:
    """A spec of a good 200 bytes an agent."""
    return HEAD + "".join(AGENT.format(number=number, digit=number % 10) for number in range(agents))


def validate(text: str) -> None:
    """All that `llmroute validate` does with the text of a file."""
    loaded = read_str(text)
    if loaded.spec is None or check(loaded.spec):
        raise SystemExit("the benchmark's spec must have no errors and no warnings")


def main() -> None:
    """Print the ratios."""
    text = spec(AGENTS)
    load = partial(yaml.load, text, yaml.CSafeLoader)
    base = f"yaml.load(CSafeLoader) of {len(text) / 1e6:.1f} MB"
    show(f"validate / {base}", ratio(partial(validate, text), load, PAIRS), 1.2)
    show(f"yaml.compose(CSafeLoader) / {base}", ratio(partial(yaml.compose, text, yaml.CSafeLoader), load, PAIRS))
    events = drained(partial(yaml.parse, text, yaml.CSafeLoader))
    show(f"the events of yaml.parse(CSafeLoader) / {base}", ratio(events, load, PAIRS))
