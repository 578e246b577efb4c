"""Fixtures of the dispatch tests."""

from __future__ import annotations

from llmroute.testing.fixtures import closed_port
from llmroute.testing.fixtures import fault_server as other_server
from llmroute.testing.fixtures import fault_server as server

__all__ = ["closed_port", "other_server", "server"]
