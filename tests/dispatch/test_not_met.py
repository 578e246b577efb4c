"""What only warns is logged once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from llmroute import Router

if TYPE_CHECKING:
    import pytest

SPEC = """
version: 1
providers: {small: {preset: mock, model: m, capabilities: {tools: false}}}
defaults: {provider: small}
agents:
  a: {require: {tools: true, warn: true}}
  b: {require: {vision: true, warn: true}}
"""


def test_each_warning_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="llmroute")
    with Router.from_str(SPEC, environ={}) as router:
        assert router.resolve(agent="a").diagnostics
        assert caplog.messages == []
        for agent in ("a", "a", "b", "a", "b"):
            assert router.complete("Hi", agent=agent).text == "Hi"
    first, second = caplog.records
    assert first.getMessage() == "small/m does not meet require.tools: it has no tools (<string>:6)"
    assert second.getMessage().startswith("small/m does not meet require.vision: nothing says")
    assert vars(first)["llmroute_event"] == "not_met"
    assert (vars(first)["llmroute_agent"], vars(first)["llmroute_target"]) == ("a", "small/m")
