"""Fixtures of the conversation tests."""

from __future__ import annotations

import pytest

from llmroute.conversation import Conversation
from llmroute.dispatch.router import Router
from llmroute.testing.fixtures import fault_server as other_server
from llmroute.testing.fixtures import fault_server as server

__all__ = ["other_server", "server"]

MOCKS = """
version: 1
providers:
  fake: {preset: mock, model: small, max_retries: 0, capabilities: {context_window: 200}}
  roomy: {preset: mock, model: large, capabilities: {context_window: 100000}}
  vague: {preset: mock, model: any}
defaults: {provider: vague}
purposes: {planning: {}}
agents:
  tight: {provider: fake}
  wide: {provider: fake, fallbacks: [roomy], fallback_on: [context, server]}
  narrow: {provider: roomy, fallbacks: [fake], max_retries: 0, sticky: conversation}
"""


@pytest.fixture
def router() -> Router:
    return Router.from_str(MOCKS, environ={})


@pytest.fixture
def talk(router: Router) -> Conversation:
    return Conversation(router)
