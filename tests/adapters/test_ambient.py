"""Nothing of the environment reaches the wire unless the spec names it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

import anthropic
import openai
import pytest

from llmroute import adapters
from llmroute.adapters.base import Adapter
from tests.adapters.samples import KEY, aclosing, acollect, call, good, streamed

if TYPE_CHECKING:
    from llmroute.testing import FaultServer

Way = tuple[Adapter, str]
NAME = re.compile(r"""["']([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)["']""")
CANARY = "canary-of-the-environment"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def variables() -> list[str]:
    """Every upper-case name in the SDKs' source: each that they read from the environment is among them."""
    found: set[str] = set()
    for package in (openai, anthropic):
        root = Path(package.__file__).parent
        for path in root.rglob("*.py"):
            if "types" not in path.relative_to(root).parts and "environ" in (text := path.read_text()):
                found.update(NAME.findall(text))
        found.update(NAME.findall((root / "lib/credentials/_constants.py").read_text()) if package is anthropic else [])
    return sorted(name for name in found if name.startswith(("OPENAI", "ANTHROPIC", "AZURE", "AWS", "GOOGLE")))


@pytest.fixture
def canaries(monkeypatch: pytest.MonkeyPatch, other_server: FaultServer, tmp_path: Path) -> FaultServer:
    """Sets all of them; the server stands where a moved base URL or a proxy would lead."""
    names = variables()
    assert {"OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS", "ANTHROPIC_PROFILE"} <= set(names)
    for name in names:
        monkeypatch.setenv(name, CANARY)
    for name in names:
        if name.endswith("HEADERS"):
            lines = ("X-Canary", "Authorization", "X-Api-Key", "User-Agent", "anthropic-beta", "Host", "Cookie")
            monkeypatch.setenv(name, "\n".join(f"{line}: {CANARY}" for line in lines))
        if name.endswith(("BASE_URL", "ENDPOINT")):
            monkeypatch.setenv(name, other_server.url)
    for name in PROXIES:
        monkeypatch.setenv(name, other_server.url)
    for name in ("OPENAI_LOG", "ANTHROPIC_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login {CANARY} password {CANARY}\n")
    return other_server


@pytest.mark.parametrize(("name", "api"), [("openai_sdk", "openai-chat"), ("anthropic_sdk", "anthropic-messages")])
@pytest.mark.parametrize("key", [KEY, None])
def test_no_canary_on_the_wire(
    server: FaultServer, canaries: FaultServer, name: str, api: str, key: str | None
) -> None:
    adapter = adapters.create(name)
    made = call(server, api, key=key)

    async def main() -> None:
        await adapter.acomplete(made)
        await acollect(adapter, made)
        await adapter.aclose()

    server.script(good(api), streamed(api, "a"), good(api), streamed(api, "a"))
    adapter.complete(made)
    list(adapter.stream(made))
    asyncio.run(main())
    assert len(server.requests) == 4
    for seen in server.requests:
        assert CANARY.encode() not in seen.raw
        assert seen.headers["authorization"] == f"Bearer {key or 'none'}"
        assert seen.headers["host"] == f"127.0.0.1:{server.port}"
    assert canaries.connections == 0


def test_plain_http_reads_nothing_either(http: Adapter, server: FaultServer, canaries: FaultServer) -> None:
    server.default = good("openai-chat")
    http.complete(call(server))
    assert CANARY.encode() not in server.requests[0].raw
    assert canaries.connections == 0


def test_a_proxy_is_used_only_when_the_spec_says_so(way: Way, server: FaultServer, canaries: FaultServer) -> None:
    adapter, api = way
    canaries.default = good(api)
    server.default = good(api)
    adapter.complete(call(server, api, locality="remote", proxy="env"))
    assert (len(canaries.requests), server.connections) == (1, 0)
    assert canaries.requests[0].path.startswith(server.url)
    adapter.complete(call(server, api, locality="local", proxy="env"))
    adapter.complete(call(server, api, locality="remote", proxy="none"))
    assert (len(canaries.requests), len(server.requests)) == (1, 2)


def test_an_asynchronous_proxy(way: Way, server: FaultServer, canaries: FaultServer) -> None:
    adapter, api = way
    canaries.default = good(api)
    made = call(server, api, locality="lan", proxy="env")
    assert asyncio.run(aclosing(adapter, made)).text == "Four."
    assert (len(canaries.requests), server.connections) == (1, 0)
