"""Fixtures for pytest; nothing is registered until they are asked for.

In a `conftest.py`, either all of them with `pytest_plugins = ["llmroute.testing.fixtures"]`, or by name:
`from llmroute.testing.fixtures import fault_server`, with `as` under a name of your own.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from llmroute.testing.server import FaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def fault_server() -> Iterator[FaultServer]:
    """A server of its own for each test."""
    with FaultServer() as running:
        yield running


@pytest.fixture
def closed_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
