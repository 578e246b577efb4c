"""The guard of `tests/conftest.py`: a test that leaves this machine fails, loopback is free."""

from __future__ import annotations

import socket
from typing import Any

import pytest


@pytest.fixture
def forbidden(network_attempts: list[str]) -> Any:
    """The guard's exception, and an amnesty for the attempts that this test makes on purpose."""
    yield pytest.raises(AssertionError, match="loopback only")
    assert network_attempts, "the guard saw nothing"
    network_attempts.clear()


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "llmroute.invalid", b"llmroute.invalid", "0.0.0.0"])  # noqa: S104 - an address that is refused
def test_names_beyond_this_machine_are_not_looked_up(host: Any, forbidden: Any) -> None:
    with forbidden:
        socket.getaddrinfo(host, 443)


def test_connections_beyond_this_machine_are_refused(forbidden: Any) -> None:
    with forbidden, socket.socket() as one:
        one.connect(("192.0.2.1", 443))


def test_datagrams_beyond_this_machine_are_refused(forbidden: Any) -> None:
    with forbidden, socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendto(b"", ("192.0.2.1", 53))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", b"localhost", "::1", "::ffff:127.0.0.1", None])
def test_loopback_is_looked_up(host: Any) -> None:
    assert socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM)


def test_loopback_and_unix_sockets_connect() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
    with socket.socket(socket.AF_UNIX) as one, pytest.raises(FileNotFoundError):
        one.connect("no-such-socket")
