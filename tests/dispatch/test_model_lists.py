"""Lists of models: asked at once, kept for a day, stale where nobody answers; and nothing secret is kept."""

from __future__ import annotations

import json
import stat
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.adapters.model_lists import Model
from llmroute.dispatch.concurrently import concurrently
from llmroute.dispatch.folders import cache_folder
from llmroute.dispatch.model_lists import FRESH_S, Asking, Listing, cached, listings
from llmroute.dispatch.trust import Gate
from llmroute.errors import ConnectError, DeadlineError, MissingKeyError, ServerError, UntrustedKeyError
from llmroute.load import from_str
from llmroute.routing.provider_targets import provider_target
from llmroute.testing import Hang, answer

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.testing import FaultServer

KEY = "sk-canary-0123456789abcdef"
ROWS = {"data": [{"id": "one", "context_window": 4096}, {"id": "two"}]}
ONE = (Model("one", {"context_window": 4096}), Model("two", {}))
SPEC = """\
version: 1
providers:
  far: {base_url: "%(url)s/far", api_key: "${KEY}", locality: remote}
  near: {base_url: "%(url)s/near"}
defaults: {provider: near, model: m}
"""


@dataclass
class World:
    """Two providers at one server, a clock, and a cache."""

    url: str
    environ: dict[str, str]
    now: float = 1_000_000.0
    gate: Gate | None = field(default=None)

    def ask(self, *names: str, **changes: Any) -> list[Listing]:
        spec = from_str(SPEC % {"url": self.url})
        targets = [provider_target(spec, name, self.environ) for name in names]
        given = {"limit_s": 2.0, "gate": self.gate, "now": lambda: self.now, **changes}
        return listings(spec, targets, Asking(self.environ, **given))

    def kept(self) -> list[Path]:
        return sorted((cache_folder(self.environ) / "models").glob("*"))


@pytest.fixture
def world(server: FaultServer, tmp_path: Path) -> World:
    server.default = answer(200, ROWS)
    return World(server.url, {"KEY": KEY, "LLMROUTE_CACHE_DIR": str(tmp_path / "cache")})


def test_a_vendor_s_list_is_kept_for_a_day(world: World, server: FaultServer) -> None:
    (first,) = world.ask("far")
    assert (first.models, first.asked_at, first.error, first.stale) == (ONE, world.now, None, False)
    server.default = answer(200, {"data": [{"id": "three"}]})
    world.now += FRESH_S - 1
    assert world.ask("far")[0].models == ONE
    assert len(server.requests) == 1
    world.now += 1
    assert [model.name for model in world.ask("far")[0].models] == ["three"]


def test_refresh_asks_whatever_is_kept(world: World, server: FaultServer) -> None:
    world.ask("far")
    world.ask("far", refresh=True)
    assert len(server.requests) == 2


def test_a_list_from_the_future_is_asked_for_again(world: World, server: FaultServer) -> None:
    world.ask("far")
    world.now -= 60
    world.ask("far")
    assert len(server.requests) == 2


def test_a_server_nearby_is_always_asked(world: World, server: FaultServer) -> None:
    world.ask("near")
    server.default = answer(200, {"data": []})
    assert world.ask("near")[0].models == ()
    assert len(server.requests) == 2


@pytest.mark.parametrize("name", ["near", "far"])
def test_where_nobody_answers_the_old_list_is_stale(world: World, server: FaultServer, name: str) -> None:
    world.ask(name)
    world.now += 2 * FRESH_S
    server.default = answer(500, "")
    (found,) = world.ask(name)
    assert (found.models, found.asked_at, found.stale) == (ONE, 1_000_000.0, True)
    assert isinstance(found.error, ServerError)


def test_where_nobody_ever_answered_there_is_nothing(world: World, closed_port: int) -> None:
    world.url = f"http://127.0.0.1:{closed_port}"
    (found,) = world.ask("near")
    assert (found.models, found.asked_at, found.stale) == ((), None, False)
    assert isinstance(found.error, ConnectError)
    assert world.kept() == []


def test_what_is_kept_is_the_user_s_and_holds_no_key(world: World) -> None:
    world.ask("far", "near")
    paths = world.kept()
    assert len(paths) == 2
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "canary" not in path.read_text(encoding="utf-8") + path.name
    assert stat.S_IMODE(paths[0].parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "[" * 100_000, "\x00", '{"version": 1}', '{"version": 2, "base_url": "x"}', "MODELS"]
)
def test_a_cache_that_can_t_be_read_is_none(world: World, server: FaultServer, content: str) -> None:
    world.ask("far")
    (path,) = world.kept()
    if content == "MODELS":
        content = json.dumps({**json.loads(path.read_bytes()), "models": [{"name": "x"}]})
    path.write_text(content, encoding="utf-8")
    assert world.ask("far")[0].models == ONE
    assert len(server.requests) == 2


def test_another_server_s_cache_is_not_read(world: World) -> None:
    (found,) = world.ask("far")
    (path,) = world.kept()
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "base_url": "http://elsewhere"}), encoding="utf-8")
    assert cached(found.target, None, world.environ) is None


def test_without_a_folder_it_is_only_slower(world: World, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    assert world.ask("far")[0].models == ONE
    assert world.ask("far")[0].models == ONE


def test_the_list_of_one_account_is_not_shown_to_another(world: World, server: FaultServer) -> None:
    world.ask("far")
    spec = from_str((SPEC % {"url": world.url}).replace("${KEY}", "${OTHER}"))
    environ = {**world.environ, "OTHER": "sk-canary-other-0123456789"}
    listings(spec, [provider_target(spec, "far", environ)], Asking(environ, now=lambda: world.now))
    assert [seen.headers["authorization"] for seen in server.requests] == [
        f"Bearer {KEY}",
        "Bearer sk-canary-other-0123456789",
    ]


def test_without_its_key_nothing_is_asked(world: World, server: FaultServer) -> None:
    del world.environ["KEY"]
    (found,) = world.ask("far")
    assert isinstance(found.error, MissingKeyError)
    assert "no key for far/*: KEY is not set" in found.error.message
    assert server.requests == []


def test_what_nobody_has_trusted_is_not_sent(world: World, server: FaultServer) -> None:
    world.gate = Gate(from_str(SPEC % {"url": world.url}))
    far, near = world.ask("far", "near")
    assert isinstance(far.error, UntrustedKeyError)
    assert near.models == ONE
    assert [seen.path for seen in server.requests] == ["/near/models"]


def test_all_are_asked_at_once_and_none_is_waited_for_too_long(world: World, server: FaultServer) -> None:
    server.default = lambda seen: [Hang()] if seen.path.startswith("/far") else answer(200, ROWS)
    began = time.monotonic()
    far, near = world.ask("far", "near", limit_s=0.5)
    assert time.monotonic() - began < 1.5
    assert isinstance(far.error, DeadlineError)
    assert near.models == ONE


def test_a_name_that_never_resolves_is_left_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmroute.dispatch.model_lists.GRACE_S", 0.1)
    monkeypatch.setattr("llmroute.dispatch.model_lists.ask", lambda *_: time.sleep(2))
    began = time.monotonic()
    (found,) = world.ask("near", limit_s=0.1)
    assert time.monotonic() - began < 1
    assert isinstance(found.error, DeadlineError)
    assert "had not answered after 0.1 s" in found.error.message


def test_the_mock_has_no_list() -> None:
    spec = from_str("version: 1\ndefaults: {model: mock/x}\n")
    (found,) = listings(spec, [provider_target(spec, "mock", {})], Asking({"LLMROUTE_CACHE_DIR": "/nonexistent/x"}))
    assert (found.models, found.error, found.preset) == ((), None, "mock")


# -- Several things at once


def test_results_come_in_the_order_of_the_tasks() -> None:
    def after(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    tasks = [lambda: after(0.1), lambda: after(0.0), lambda: after(5.0)]
    assert concurrently(tasks, 0.5) == [0.1, 0.0, None]
    assert concurrently([], 1.0) == []


def test_what_a_task_raises_is_raised() -> None:
    def fails() -> None:
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        concurrently([fails], 1.0)
