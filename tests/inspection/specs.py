"""Specs that pages are made of."""

from __future__ import annotations

SMALL = """\
version: 1
providers:
  anthropic: {}
  openai: {model: gpt-6-luna}
  ollama: {model: "llama3.1:8b"}
defaults:
  model: anthropic/claude-sonnet-5-5
  fallbacks: [openai/gpt-6-luna]
purposes:
  planning: {model: claude-opus-5-5}
  summary: {temperature: 0}
agents:
  file-picker:
    provider: ollama
    metadata: {compact_prompts: true}
  reviewer:
    model: openai/gpt-6-sol
    fallbacks: [anthropic/claude-opus-5-5, ollama/llama3.1:8b]
    purposes:
      summary: {model: openai/gpt-6-luna}
  stuck:
    model: openai/gpt-6-sol
    require: {locality: local}
clients:
  ci: {model: anthropic/claude-haiku-5-5}
policies:
  - name: reviews-stay-with-vendors
    agents: ["review*"]
    deny: {providers: [ollama]}
    because: reviews are read by lawyers
"""

HOSTILE = """\
version: 1
providers:
  openai: {}
defaults:
  model: openai/</script><img src=x onerror=window.hacked=1>
  metadata: {"<b>k</b>": "--> <!-- <script>window.hacked=2</script> \\u2028 ${x} <!--data-->"}
purposes:
  planning: {fallbacks: ["openai/\\"><svg onload=window.hacked=3>", "openai/'; window.hacked=4; '"]}
agents:
  a: {require: {tools: true, warn: true}}
clients:
  c: {}
policies:
  - name: p
    warn: true
    deny: {models: ["*img*"]}
    because: "</textarea><iframe srcdoc='<script>parent.hacked=5</script>'> javascript:hacked=6 \\u202e"
"""


def many(agents: int = 1_000, purposes: int = 20) -> str:
    """A spec of many agents of ten sorts."""
    lines = [
        "version: 1",
        "providers:",
        "  anthropic: {}",
        "  openai: {model: gpt-6-luna}",
        "  ollama: {model: 'llama3.1:8b'}",
        "  gpu-box: {base_url: 'http://192.168.1.20:8000/v1', model: qwen2.5-coder:32b}",
        "defaults: {model: anthropic/claude-sonnet-5-5, fallbacks: [openai/gpt-6-luna]}",
        "purposes:",
        *(f"  purpose-{n}: {'{model: claude-opus-5-5}' if n % 5 == 0 else '{}'}" for n in range(purposes)),
        "agents:",
    ]
    for number in range(agents):
        lines += _agent(number, purposes)
    return "\n".join([*lines, "clients:", "  ci: {model: openai/gpt-6-luna}", "  cron: {}", ""])


def _agent(number: int, purposes: int) -> list[str]:
    sorts = {
        3: ["    provider: ollama", "    require: {locality: local}"],
        4: ["    provider: ollama", "    require: {locality: local}"],
        5: ["    model: openai/gpt-6-sol", "    fallbacks: [anthropic/claude-opus-5-5]"],
        6: ["    # Of the house.", "    provider: gpu-box"],
        7: ["    purposes:", f"      purpose-{number % purposes}: {{model: openai/gpt-6-sol}}"],
        8: ["    model: openai/gpt-6-sol", "    require: {locality: local}"],
        9: [f"    temperature: 0.{number % 7}", "    model: anthropic/claude-opus-5-5"],
    }
    says = sorts.get(number % 10)
    return [f"  agent-{number}:", *says] if says else [f"  agent-{number}: {{}}"]
