"""From LR321 on: what a server does otherwise than a spec expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.routing.rule_pages.page import Page, example

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVERS: Mapping[str, Page] = {
    "context-not-set": Page(
        why="Ollama loads a model with a window of 4096 tokens unless it is told otherwise, and cuts a longer prompt "
        "without a word. Its OpenAI-compatible `/v1` can't be told: it takes no `num_ctx`. A declared window is what "
        "llmroute counts on, and no request asks the server for it.",
        bad=example("""
            version: 1
            providers:
              ollama: {model: qwen3:8b, capabilities: {context_window: 32768}}
            defaults: {provider: ollama}
        """),
        good=example("""
            version: 1
            providers:
              ollama:
                api: ollama-chat
                model: qwen3:8b
                extra_body: {options: {num_ctx: 32768}}
                capabilities: {context_window: 32768}
            defaults: {provider: ollama}
        """),
        fix="Write `api: ollama-chat`, and the window as `num_ctx` among the options. Or start the server with "
        "`OLLAMA_CONTEXT_LENGTH`, and set that variable for the program too, which says that it is so.",
    ),
}
