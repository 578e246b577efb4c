"""A target is connected no farther away than its locality says, whatever its name leads to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.adapters.base import Adapter
from llmroute.catalog import addresses
from llmroute.errors import CallError, ConnectError, PolicyError
from tests.adapters.samples import aclosing, call, good

if TYPE_CHECKING:
    from llmroute.testing import FaultServer

Way = tuple[Adapter, str]


def resolver(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every name leads to these addresses."""
    real = socket.getaddrinfo

    def answer(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        if name in addresses:
            return list(real(host, port, *args, **kwargs))
        rows = [(socket.AF_INET6 if ":" in address else socket.AF_INET, address) for address in addresses]
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for family, address in rows]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


@pytest.mark.parametrize("found", [["192.0.2.7"], ["127.0.0.1", "192.0.2.7"], ["::ffff:192.0.2.7"]])
def test_a_name_that_leads_elsewhere_is_refused(way: Way, monkeypatch: pytest.MonkeyPatch, found: list[str]) -> None:
    adapter, api = way
    resolver(monkeypatch, *found)
    with pytest.raises(PolicyError, match=r"leads to .*192\.0\.2\.7.* nothing was sent") as caught:
        adapter.complete(call("http://rebound.localhost:9", api))
    assert caught.value.provider == "srv"
    with pytest.raises(PolicyError):
        list(adapter.stream(call("http://rebound.localhost:9", api)))


def test_asynchronously_too(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter, api = way
    resolver(monkeypatch, "192.0.2.7")
    with pytest.raises(PolicyError):
        asyncio.run(aclosing(adapter, call("http://rebound.localhost:9", api)))


def test_the_address_that_was_checked_is_the_one_that_is_used(
    way: Way, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter, api = way
    resolver(monkeypatch, "127.0.0.1")
    server.default = good(api)
    assert adapter.complete(call(f"http://some.localhost:{server.port}", api)).text == "Four."
    assert server.requests[0].headers["host"] == f"some.localhost:{server.port}"


def test_each_address_is_tried(way: Way, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter, api = way
    resolver(monkeypatch, "127.9.9.9", "127.0.0.1")
    server.default = good(api)
    made = call(f"http://some.localhost:{server.port}", api)
    assert adapter.complete(made).text == "Four."
    assert asyncio.run(aclosing(adapter, made)).text == "Four."


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue refuses, and 127.0.0.9 is not there")
def test_an_address_that_leads_to_nowhere_leaves_the_others_their_time(
    way: Way, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter, api = way
    resolver(monkeypatch, "127.0.0.9", "127.0.0.1")
    server.default = good(api)
    made = call(f"http://some.localhost:{server.port}", api, connect_s=1.0)
    with contextlib.ExitStack() as opened:
        nowhere = opened.enter_context(socket.create_server(("127.0.0.9", server.port), backlog=0))
        for _ in range(3):  # nobody accepts them, so the next one gets no answer at all
            waiting = opened.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(nowhere.getsockname())
        began = time.monotonic()
        assert adapter.complete(made).text == "Four."
        assert 0.4 < time.monotonic() - began < 0.95
        began = time.monotonic()
        assert asyncio.run(aclosing(adapter, made)).text == "Four."
        assert 0.4 < time.monotonic() - began < 0.95


@pytest.mark.parametrize("host", ["a..b.localhost", f"{'a' * 64}.localhost"])
def test_a_name_that_can_not_be_looked_up_is_no_connection(http: Adapter, host: str) -> None:
    made = call(f"http://{host}:9")
    with pytest.raises(ConnectError, match="a part of the host name is empty or too long"):
        http.complete(made)
    with pytest.raises(ConnectError, match="a part of the host name is empty or too long"):
        asyncio.run(aclosing(http, made))


def test_an_unknown_name_is_no_connection(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    adapter, api = way
    made = call("http://nowhere.localhost:9", api)
    with pytest.raises(CallError, match="name or service not known") as caught:
        adapter.complete(made)
    assert caught.value.kind == "connect"
    with pytest.raises(CallError, match="name or service not known") as caught:
        asyncio.run(aclosing(adapter, made))
    assert caught.value.kind == "connect"


@pytest.mark.parametrize("found", [["192.0.2.7"], ["192.168.0.1", "192.0.2.7"], ["100.64.0.1"]])
def test_a_name_of_the_lan_that_leads_out_of_it_is_refused(
    way: Way, monkeypatch: pytest.MonkeyPatch, found: list[str]
) -> None:
    adapter, api = way
    resolver(monkeypatch, *found)
    with pytest.raises(PolicyError, match="which is not in a private network, but the target is lan: nothing was sent"):
        adapter.complete(call("http://gpu-box:9", api, locality="lan"))
    with pytest.raises(PolicyError):
        asyncio.run(aclosing(adapter, call("http://gpu-box:9", api, locality="lan")))


@pytest.mark.parametrize("locality", ["lan", "remote"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1"])
def test_a_target_may_be_nearer_than_its_locality_says(
    way: Way, server: FaultServer, monkeypatch: pytest.MonkeyPatch, locality: str, address: str
) -> None:
    adapter, api = way
    resolver(monkeypatch, address)
    server.default = good(api)
    made = call(f"http://gpu-box:{server.port}", api, locality=locality)
    assert adapter.complete(made).text == "Four."
    assert asyncio.run(aclosing(adapter, made)).text == "Four."


@pytest.mark.parametrize("locality", ["lan", "remote"])
def test_no_name_leads_to_a_metadata_service(
    way: Way, server: FaultServer, monkeypatch: pytest.MonkeyPatch, locality: str
) -> None:
    """Here this machine plays the service: the real one's address can't be had."""
    adapter, api = way
    resolver(monkeypatch, "127.0.0.1")
    monkeypatch.setattr(addresses, "METADATA", frozenset({"127.0.0.1"}))
    made = call(f"http://gpu-box:{server.port}", api, locality=locality)
    with pytest.raises(PolicyError, match="metadata service: nothing was sent"):
        adapter.complete(made)
    with pytest.raises(PolicyError):
        asyncio.run(aclosing(adapter, made))
    assert server.requests == []
