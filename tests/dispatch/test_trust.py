"""The gate before a spec that was found, and what is remembered."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from llmroute import Router
from llmroute.dispatch.credentials import clear_text, in_the_clear, key_of, with_read_credentials
from llmroute.dispatch.trust import Gate, Pair, forget, key_of_spec, remember, remembered, trust_path
from llmroute.errors import BadEnvironmentError, KeyInTheClearError, UntrustedKeyError
from llmroute.load import from_file
from llmroute.testing import answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmroute.testing import FaultServer

KEY = "CANARY-key-of-the-user"
ANSWER = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's state folder; the working folder is that of the spec."""
    monkeypatch.setenv("LLMROUTE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


def written(folder: Path, url: str, more: str = "api_key: '${SECRET}'") -> Path:
    path = folder / "routing.yaml"
    path.write_text(
        f"version: 1\nproviders:\n  relay:\n    base_url: {url}/v1\n    {more}\ndefaults: {{model: relay/m}}\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def router(tmp_path: Path, server: FaultServer) -> Iterator[Router]:
    server.script(*[answer(200, ANSWER)] * 3)
    path = written(tmp_path, server.url)
    with Router.from_file(path, trust="ask", environ={"SECRET": KEY}) as made:
        yield made


# -- The gate


def test_nothing_is_sent_before_somebody_said_yes(router: Router, server: FaultServer) -> None:
    with pytest.raises(UntrustedKeyError) as caught:
        router.complete("Hi")
    error = caught.value
    assert error.rule == "untrusted-key"
    assert error.message.startswith(f"SECRET would go to {server.url}, and nobody has trusted that (")
    assert error.message.endswith("routing.yaml:5): nothing was sent")
    assert error.origin.line == 5
    assert "llmroute trust" in error.hint
    assert KEY not in f"{error!r} {error}"
    with pytest.raises(UntrustedKeyError):
        router.stream("Hi")
    assert server.requests == []


def test_a_yes_is_seen_without_a_new_router(router: Router, server: FaultServer, tmp_path: Path) -> None:
    with pytest.raises(UntrustedKeyError):
        router.complete("Hi")
    remember(key_of_spec(str(tmp_path / "routing.yaml")), [Pair("env:SECRET", server.url)])
    assert router.complete("Hi").text == "yes"
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_changed_pair_asks_again(server: FaultServer, other_server: FaultServer, tmp_path: Path) -> None:
    path = written(tmp_path, server.url)
    remember(key_of_spec(str(path)), [Pair("env:SECRET", server.url)])
    for url, more in (
        (other_server.url, "api_key: '${SECRET}'"),
        (server.url, "api_key: '${OTHER}'"),
        (server.url, "api_key: '${SECRET}'\n    headers: {X-A: '${OTHER}'}"),
        (server.url, "api_key: {file: key.txt}"),
    ):
        written(tmp_path, url, more)
        (tmp_path / "key.txt").write_text(KEY, encoding="utf-8")
        with (
            Router.from_file(path, trust="ask", environ={"SECRET": KEY, "OTHER": KEY}) as made,
            pytest.raises(UntrustedKeyError),
        ):
            made.complete("Hi")
    assert server.requests == other_server.requests == []


def test_another_copy_of_the_spec_asks_again(server: FaultServer, tmp_path: Path) -> None:
    remember(key_of_spec(str(written(tmp_path, server.url))), [Pair("env:SECRET", server.url)])
    (tmp_path / "clone").mkdir()
    copy = written(tmp_path / "clone", server.url)
    with Router.from_file(copy, trust="ask", environ={"SECRET": KEY}) as made, pytest.raises(UntrustedKeyError):
        made.complete("Hi")


def test_the_path_is_the_real_one(server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.script(answer(200, ANSWER))
    path = written(tmp_path, server.url)
    (tmp_path / "link.yaml").symlink_to(path)
    remember(key_of_spec("link.yaml#/"), [Pair("env:SECRET", server.url)])
    assert list(remembered()) == [str(path.resolve())]
    with Router.from_file("routing.yaml", trust="ask", environ={"SECRET": KEY}) as made:
        # Where the program goes afterwards changes nothing.
        monkeypatch.chdir("/")
        assert made.complete("Hi").text == "yes"


def test_a_program_trusts_its_own_spec(server: FaultServer, tmp_path: Path) -> None:
    server.script(answer(200, ANSWER), answer(200, ANSWER))
    path = written(tmp_path, server.url)
    for made in (Router.from_file(path, environ={"SECRET": KEY}), Router(path, trust="own", environ={"SECRET": KEY})):
        with made:
            assert made.complete("Hi").text == "yes"


def test_a_typo_does_not_open_the_gate(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'own' or 'ask'"):
        Router.from_file(written(tmp_path, "http://localhost:1"), trust="asks")


def test_a_spec_without_a_file_can_not_be_trusted(server: FaultServer) -> None:
    remember("", [Pair("env:SECRET", server.url)])
    remember(key_of_spec("<mapping>"), [Pair("env:SECRET", server.url)])
    spec = {"version": 1, "defaults": {"base_url": server.url, "model": "m", "api_key": "${SECRET}"}}
    with Router(spec, trust="ask", environ={"SECRET": KEY}) as made, pytest.raises(UntrustedKeyError):
        made.complete("Hi")
    assert server.requests == []


def test_a_local_server_without_a_key_needs_no_trust(server: FaultServer, tmp_path: Path) -> None:
    server.script(answer(200, ANSWER))
    with Router.from_file(written(tmp_path, server.url, "headers: {X-A: b}"), trust="ask", environ={}) as made:
        assert made.complete("Hi").text == "yes"


def test_prompts_to_an_unknown_host(tmp_path: Path) -> None:
    path = written(tmp_path, "https://relay.example", "model: m")
    with (
        Router.from_file(path, trust="ask", environ={}) as made,
        pytest.raises(UntrustedKeyError, match=r"what you ask would go to https://relay\.example"),
    ):
        made.complete("Hi")


def test_who_trusted_an_origin_with_a_key_has_trusted_it_with_prompts(tmp_path: Path) -> None:
    path = written(tmp_path, "https://relay.example", "model: m")
    spec = from_file(path)
    gate = Gate(spec)
    with Router(spec, environ={}) as made:
        assert gate.held_back(made.resolve(), {})
        remember(key_of_spec(str(path)), [Pair("env:SECRET", "https://relay.example")])
        assert gate.held_back(made.resolve(), {}) == []
        gate.check_target(made.resolve().target)
    forget(key_of_spec(str(path)))
    with pytest.raises(UntrustedKeyError):
        Gate(spec).check_target(made.resolve().target)


def test_a_fallback_stops_the_request_too(server: FaultServer, tmp_path: Path) -> None:
    path = written(tmp_path, server.url)
    text = path.read_text(encoding="utf-8").replace("{model: relay/m}", "{model: mock/m, fallbacks: [relay/m]}")
    path.write_text(text, encoding="utf-8")
    with (
        Router.from_file(path, trust="ask", environ={"SECRET": KEY}) as made,
        pytest.raises(UntrustedKeyError, match="SECRET"),
    ):
        made.complete("Hi")
    # Without its key it is left out, as ever.
    with Router.from_file(path, trust="ask", environ={}) as made:
        assert made.complete("Hi").text == "Hi"


def test_several_things_are_counted(server: FaultServer, tmp_path: Path) -> None:
    path = written(tmp_path, server.url, "api_key: '${SECRET}'\n    headers: {X-A: '${OTHER}'}")
    with (
        Router.from_file(path, trust="ask", environ={"SECRET": KEY, "OTHER": KEY}) as made,
        pytest.raises(UntrustedKeyError, match=", and 1 more: nothing was sent"),
    ):
        made.complete("Hi")


# -- Files


def test_a_file_is_what_its_path_leads_to(server: FaultServer, tmp_path: Path) -> None:
    server.script(answer(200, ANSWER))
    (tmp_path / "mine.txt").write_text(KEY, encoding="utf-8")
    path = written(tmp_path, server.url, "api_key: {file: key.txt}")
    (tmp_path / "key.txt").symlink_to("mine.txt")
    remember(key_of_spec(str(path)), [Pair(f"file:{(tmp_path / 'mine.txt').resolve()}", server.url)])
    with Router.from_file(path, trust="ask") as made:
        assert made.complete("Hi").text == "yes"
    (tmp_path / "key.txt").unlink()
    (tmp_path / "key.txt").symlink_to("/etc/hostname")
    with Router.from_file(path, trust="ask") as made, pytest.raises(UntrustedKeyError, match=r"the file key\.txt"):
        made.complete("Hi")
    assert len(server.requests) == 1


def test_a_file_that_is_not_trusted_is_not_opened(tmp_path: Path) -> None:
    # Opening it would wait for ever.
    os.mkfifo(tmp_path / "pipe")
    path = written(tmp_path, "https://relay.example", "api_key: {file: pipe}")
    spec = from_file(path)
    with Router.from_file(path, trust="ask") as made, pytest.raises(UntrustedKeyError):
        made.complete("Hi")
    with Router(spec) as made:
        resolution = made.resolve()
    rows = Gate(spec).held_back(resolution, {})
    read = with_read_credentials(resolution, {row.flow.source for row in rows})
    assert read.target.credential.status == "unread"


# -- What is remembered


def test_it_is_for_its_user_alone(state: Path) -> None:
    path = remember("/a/routing.yaml", [Pair("env:A", "https://a.example")])
    assert path == trust_path() == state / "trust.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert {entry.name for entry in state.iterdir()} <= {"trust.json", ".trust.json.lock"}
    assert {stat.S_IMODE(entry.stat().st_mode) for entry in state.iterdir()} == {0o600}


def test_pairs_add_up_and_are_forgotten_together() -> None:
    assert remembered() == {}
    first, second = Pair("env:A", "https://a.example"), Pair("file:/b", "https://b.example")
    remember("/a", [first])
    remember("/a", [second])
    remember("/b", [first])
    assert remembered() == {"/a": {first, second}, "/b": {first}}
    assert forget("/a")
    assert not forget("/a")
    assert remembered() == {"/b": {first}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version": 2, "files": {}}',
        '{"version": 1, "files": []}',
        '{"version": 1, "files": {"/a": [{"source": "env:A"}]}}',
        '{"version": 1, "files": {"/a": [{"source": "env:A", "origin": 1}]}}',
        '{"version": 1, "files": {"/a": ["x"]}}',
        "\xff",
    ],
)
def test_a_broken_file_trusts_nothing(text: str, state: Path, router: Router, server: FaultServer) -> None:
    state.mkdir()
    (state / "trust.json").write_text(text, encoding="latin-1")
    with pytest.raises(BadEnvironmentError, match=r"trust\.json can't be used"):
        router.complete("Hi")
    with pytest.raises(BadEnvironmentError):
        remember("/a", [])
    assert server.requests == []


def test_the_file_says_what_it_is(state: Path) -> None:
    remember("/a", [Pair("env:A", "https://a.example")])
    data: dict[str, Any] = json.loads((state / "trust.json").read_text(encoding="utf-8"))
    assert data == {"version": 1, "files": {"/a": [{"source": "env:A", "origin": "https://a.example"}]}}


# -- Keys in the clear

FAR = "http://far.example:8000/v1"


def resolved(environ: dict[str, str], **arguments: Any) -> Any:
    spec = {"version": 1, "providers": {"box": {"base_url": FAR, "model": "m", "allow_http": True}}, "defaults": {}}
    with Router(spec, environ=environ, **arguments) as made:
        return made.resolve()


@pytest.mark.parametrize("url", [FAR, "http://relay.example/v1", "http://8.8.8.8/v1"])
def test_a_key_over_plain_http(url: str) -> None:
    resolution = resolved({"LLMROUTE_BASE_URL": url, "LLMROUTE_API_KEY": KEY, "LLMROUTE_MODEL": "m"})
    with pytest.raises(
        KeyInTheClearError, match=r"env:LLMROUTE_API_KEY\) would travel to http://.* over plain HTTP"
    ) as it:
        key_of(resolution.target)
    assert KEY not in str(it.value)
    [told] = clear_text(resolution)
    assert (told.rule, told.severity) == ("key-in-the-clear", "error")


@pytest.mark.parametrize(
    "url",
    [
        *("https://relay.example", "http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"),
        *("http://gpu-box/v1", "http://10.0.0.5:8000"),  # held to the private network when connecting
    ],
)
def test_where_a_key_may_travel(url: str) -> None:
    resolution = resolved({"LLMROUTE_BASE_URL": url, "LLMROUTE_API_KEY": KEY, "LLMROUTE_MODEL": "m"})
    assert key_of(resolution.target) == KEY
    assert clear_text(resolution) == []


def test_who_allows_it_allows_it_for_one_origin() -> None:
    at_home = resolved({"LLMROUTE_PROVIDER": "box", "LLMROUTE_API_KEY": KEY})
    assert key_of(at_home.target) == KEY
    moved = {"LLMROUTE_PROVIDER": "box", "LLMROUTE_BASE_URL": "http://other.example:8000", "LLMROUTE_API_KEY": KEY}
    assert in_the_clear(resolved(moved).target)
    given = resolved({}, base_url=FAR, model="m", api_key=KEY, allow_http=True)
    assert key_of(given.target) == KEY


def test_who_forbids_it_forbids_it_inside_the_network_too() -> None:
    given = resolved({}, base_url="http://10.0.0.5:8000", model="m", api_key=KEY, allow_http=False)
    assert in_the_clear(given.target)


def test_a_key_that_is_not_sent_is_in_no_clear() -> None:
    assert key_of(resolved({}, base_url=FAR, model="m").target) is None
    unsent = resolved({}, base_url=FAR, model="m", api_key=KEY, auth="none")
    assert not in_the_clear(unsent.target)


def test_no_request_leaves_in_the_clear() -> None:
    spec = {"version": 1, "defaults": {}}
    environ = {"LLMROUTE_BASE_URL": FAR, "LLMROUTE_API_KEY": KEY, "LLMROUTE_MODEL": "m"}
    with Router(spec, environ=environ) as made, pytest.raises(KeyInTheClearError, match="allow_http"):
        made.complete("Hi")


def test_two_programs_that_trust_at_once_forget_nothing(tmp_path: Path) -> None:
    program = """
import sys
from llmroute.dispatch.trust import Pair, forget, key_of_spec, remember
who = sys.argv[1]
for number in range(20):
    remember(f"/{who}/{number}", [Pair("env:SECRET", "https://a.example")])
    remember(f"/{who}/gone", [Pair("env:SECRET", "https://a.example")])
    forget(f"/{who}/gone")
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = [subprocess.Popen([sys.executable, "-c", program, who], env=environ, cwd=tmp_path) for who in "abc"]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert sorted(remembered()) == sorted(f"/{who}/{number}" for who in "abc" for number in range(20))
    assert stat.S_IMODE(trust_path().stat().st_mode) == 0o600
