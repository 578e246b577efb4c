"""Fixtures around the fault server; a conftest imports the ones that its folder needs."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.faultserver.server import FaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server of its own for each test."""
    with FaultServer() as running:
        yield running


@pytest.fixture
def other_server() -> Iterator[FaultServer]:
    """A second origin, for what must not leak to it."""
    with FaultServer() as running:
        yield running


@pytest.fixture
def closed_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
