"""LR201 to LR211: what stops a decision."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.routing.rule_pages.page import Page, example

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLOUD = """
    version: 1
    defaults: {model: anthropic/claude-sonnet-5-5}
"""
_LOCAL = """
    version: 1
    defaults: {model: ollama/llama3.1:8b}
"""

DECISIONS: Mapping[str, Page] = {
    "no-endpoint": Page(
        why="Nothing that speaks in this query names a provider or a URL: no agent, client or variable, and neither "
        "the purpose nor `defaults`.",
        bad=example(
            """
            version: 1
            defaults: {temperature: 0.2}
            agents:
              file-picker: {model: ollama/llama3.1:8b}
        """,
            "explain",
        ),
        good=example(
            """
            version: 1
            defaults: {temperature: 0.2, model: anthropic/claude-sonnet-5-5}
            agents:
              file-picker: {model: ollama/llama3.1:8b}
        """,
            "explain",
        ),
        fix="Write `provider` or `model: provider/model` under `defaults`, or set `LLMROUTE_PROVIDER`.",
    ),
    "no-model": Page(
        why="The endpoint is clear, and no model belongs to it. A model is only ever sent to the endpoint it was "
        "written for; the message lists the ones that were passed over, and why.",
        bad=example("""
            version: 1
            defaults: {model: anthropic/claude-sonnet-5-5}
            agents:
              file-picker: {provider: ollama}
        """),
        good=example("""
            version: 1
            providers:
              ollama: {model: llama3.1:8b}
            defaults: {model: anthropic/claude-sonnet-5-5}
            agents:
              file-picker: {provider: ollama}
        """),
        fix="Give the provider a `model` of its own, or write one beside the setting that chose the provider.",
    ),
    "orphan-key": Page(
        why="A key goes only to the URL it was declared beside. This one stands beside none, so it would have to be "
        "sent to an endpoint that somebody else chose.",
        bad=example("""
            version: 1
            defaults: {model: anthropic/claude-sonnet-5-5}
            agents:
              reviewer: {api_key: "${REVIEW_KEY}"}
        """),
        good=example("""
            version: 1
            defaults: {model: anthropic/claude-sonnet-5-5}
            agents:
              reviewer: {provider: anthropic, api_key: "${REVIEW_KEY}"}
        """),
        fix="Write `provider` or `base_url` beside the key, or move the key to its provider under `providers`.",
    ),
    "missing-key": Page(
        why="The target needs a key, and there is none to send: its variable or file is not there, or a scope moved "
        "the provider to another origin, where the key of the old one is not sent. `explain` still answers; a call "
        "stops before anything leaves.",
        bad=example(_CLOUD, "run"),
        good=replace(example(_CLOUD, "run"), environ={"ANTHROPIC_API_KEY": "your-key"}),
        fix="Set the variable that the message names. For a moved provider, declare `api_key` beside the `base_url` "
        "that moved it.",
    ),
    "model-not-offered": Page(
        why="`models` is a closed list: no other model is ever asked of that provider.",
        bad=example("""
            version: 1
            providers:
              ollama: {models: [llama3.1:8b]}
            defaults: {model: ollama/qwen2.5-coder:32b}
        """),
        good=example("""
            version: 1
            providers:
              ollama: {models: [llama3.1:8b, qwen2.5-coder:32b]}
            defaults: {model: ollama/qwen2.5-coder:32b}
        """),
        fix="Add the model to the list, map its name with `aliases`, or take the list away.",
    ),
    "remote-fallback": Page(
        why="A prompt that was meant for this machine would leave it as soon as a server is down. Nothing in a chain "
        "may be more remote than its first target (local, lan, remote), unless the scope that declares the list "
        "says so.",
        bad=example("""
            version: 1
            agents:
              file-picker:
                model: ollama/llama3.1:8b
                fallbacks: [openai/gpt-6-luna]
        """),
        good=example("""
            version: 1
            agents:
              file-picker:
                model: ollama/llama3.1:8b
                fallbacks: [openai/gpt-6-luna]
                allow_remote_fallback: true
        """),
        fix="Take the fallback out, or write `allow_remote_fallback: true` beside the list if that is what you want.",
    ),
    "constraint-violated": Page(
        why="Requirements add up over all scopes of a query, and no scope loosens another's. No target meets all of "
        "them; the message names each target with what it fails and where that is required. What nobody knows of a "
        "model counts as not met.",
        bad=example("""
            version: 1
            defaults: {model: anthropic/claude-sonnet-5-5}
            agents:
              file-picker: {require: {locality: local}}
        """),
        good=example("""
            version: 1
            defaults: {model: anthropic/claude-sonnet-5-5}
            agents:
              file-picker: {model: ollama/llama3.1:8b, require: {locality: local}}
        """),
        fix="Choose an endpoint that meets them. Declare what a server of your own can do under "
        "`providers.NAME.capabilities`.",
    ),
    "bad-environment": Page(
        why="A variable that would win holds no usable value. It is an error and not passed over: who sets a variable "
        "expects it to count. A variable that is empty or blank counts as not set.",
        bad=replace(example(_LOCAL, "explain"), environ={"LLMROUTE_TEMPERATURE": "warm"}),
        good=replace(example(_LOCAL, "explain"), environ={"LLMROUTE_TEMPERATURE": "0.7"}),
        fix="Correct the variable that the message names, or unset it.",
    ),
    "bad-argument": Page(
        why="What the program passed in code, or you as a flag, is no usable value.",
        bad=example(_LOCAL, "explain", base_url="localhost:8000", model="llama3.1:8b"),
        good=example(_LOCAL, "explain", base_url="http://localhost:8000/v1", model="llama3.1:8b"),
        fix="Correct the argument; `None`, or leaving it out, says nothing.",
    ),
    "bad-url": Page(
        why="A base URL is `http(s)://host[:port][/path]` and nothing else. Spellings that two programs read "
        "differently (user names, backslashes, percent signs, odd forms of addresses) are refused, for that is how a "
        "prompt meant for this machine ends on another.",
        bad=example("""
            version: 1
            providers:
              gpu-box: {base_url: "192.168.1.20:8000", model: qwen2.5-coder:32b}
            defaults: {provider: gpu-box}
        """),
        good=example("""
            version: 1
            providers:
              gpu-box: {base_url: "http://192.168.1.20:8000/v1", model: qwen2.5-coder:32b}
            defaults: {provider: gpu-box}
        """),
        fix="Write scheme, host, port and path. A key goes under `api_key`, never into the URL.",
    ),
    "untrusted-key": Page(
        why="A `routing.yaml` that is found in the folder may have come with a cloned repository: it is somebody "
        "else's text. Until you have trusted it, it may send a key only to the origin (scheme, host, port) that a "
        "preset pairs with that variable. The same holds for other variables, for files and the keyring, and for "
        "prompts to a host that no preset knows. `explain` still answers; a call stops before anything leaves.",
        bad=replace(
            example(
                """
            version: 1
            providers:
              relay: {base_url: "https://relay.example/v1", api_key: "${RELAY_KEY}", model: m}
            defaults: {provider: relay}
        """,
                "run",
            ),
            environ={"RELAY_KEY": "your-key"},
        ),
        good=replace(example(_CLOUD, "run"), environ={"ANTHROPIC_API_KEY": "your-key"}),
        fix="Look at what it sends where with `llmroute trust`, and say yes if that is what you want. A spec that you "
        "name yourself, with `--spec` or `LLMROUTE_SPEC`, is your own.",
    ),
}
