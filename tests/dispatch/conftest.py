"""Fixtures of the dispatch tests."""

from __future__ import annotations

from tests.faultserver.fixtures import closed_port, other_server, server

__all__ = ["closed_port", "other_server", "server"]
