"""Fixtures of the tests of drop-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmroute.dispatch.router import Router
from llmroute.testing.fixtures import fault_server as server

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["server"]

SPEC = """
version: 1
providers:
  strong: {preset: mock, model: big, max_retries: 0, capabilities: {thinking: true, tools: false, context_window: 9000}}
  quick: {preset: mock, model: small, max_retries: 0}
  keyed: {api: mock, base_url: "mock://keyed", model: k, api_key: "${NO_SUCH_KEY}"}
defaults: {provider: strong}
purposes:
  planning: {provider: strong}
  execution: {provider: strong, max_tokens: 77}
  generation: {provider: quick, temperature: 0.9}
  correction: {provider: strong}
  supervision: {provider: strong}
agents:
  worker: {purposes: {execution: {provider: quick, model: small}}}
  locked-out: {provider: keyed}
  again: {provider: strong, fallbacks: [quick], on_stream_break: restart}
"""


@pytest.fixture
def router() -> Iterator[Router]:
    with Router.from_str(SPEC, environ={}) as made:
        yield made
