"""What holds for every test: Hypothesis profiles, no network but loopback, and the tests on a real model."""

from __future__ import annotations

import os
import signal
import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

# The examples of one property; the differential test takes twenty times as many. `quick` is for a run beside one that
# tries many. What is checked before a change lands is the same at every run, so that a failure is the change's; the
# nightly run draws other examples each time.
for _profile, _examples in {"quick": 25, "dev": 100, "ci": 500, "nightly": 5_000}.items():
    settings.register_profile(
        _profile,
        max_examples=_examples,
        derandomize=_profile != "nightly",
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# A shell starts what runs in the background deaf to Ctrl-C, and so would be the programs that tests press it on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# -- No network but loopback


class ForbiddenNetworkError(AssertionError):
    """A test tried to reach an address beyond this machine."""


_attempts: list[str] = []
"""What was tried since the running test began; kept because code under test may swallow the exception."""


def is_loopback(host: str | bytes | None) -> bool:
    """Whether a host, as it is handed to the socket module, stays on this machine."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if not name or name.lower() == "localhost":
        return True
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def guard(event: str, args: tuple[Any, ...]) -> None:
    """Refuse to connect to, send to or look up anything that is not loopback; Unix sockets have no host."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    if not is_loopback(host):
        _attempts.append(f"{event} {host!r}")
        raise ForbiddenNetworkError(f"tests reach loopback only: {event} {host!r}")


sys.addaudithook(guard)


@pytest.fixture(autouse=True)
def _loopback_only() -> Iterator[None]:
    _attempts.clear()
    yield
    tried = _attempts.copy()
    _attempts.clear()
    assert not tried, f"tests reach loopback only: {tried}"


@pytest.fixture
def network_attempts() -> list[str]:
    """The forbidden attempts of the running test, for the test of the guard itself."""
    return _attempts


# -- Tests on a real model


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--real", action="store_true", help="run the tests that talk to a real model")
    parser.addoption("--browser", action="store_true", help="fetch a Chromium for the tests in one, if none is there")


def _runs_real(config: pytest.Config) -> bool:
    return bool(config.getoption("--real")) or os.environ.get("CI", "").lower() == "true"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _runs_real(config):
        return
    for item in items:
        if item.get_closest_marker("real"):
            item.add_marker(pytest.mark.skip(reason="talks to a real model: opt in with --real"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where tests on a real model must run, one that skips itself has failed."""
    del call
    report = yield
    if report.skipped and item.get_closest_marker("real") and _runs_real(item.config):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} must run here, but was skipped: {report.longrepr}"
    return report
