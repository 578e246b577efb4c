"""The file behind `llmroute local`, and a router that obeys it."""

from __future__ import annotations

import json
import logging
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from llmroute import Router
from llmroute.dispatch import overrides
from llmroute.dispatch.overrides import Overrides, Saved, active, override_path, save, saved
from llmroute.errors import BadEnvironmentError
from llmroute.routing.override import LocalOverride
from llmroute.testing import good_answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from llmroute.testing import FaultServer

URL = "http://localhost:11434/v1"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"LLMROUTE_STATE_DIR": str(tmp_path / "state")}


def write(environ: Mapping[str, str], text: str | bytes) -> Path:
    path = override_path(environ)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# -- The file


def test_what_is_saved_is_read_back_and_nobody_else_reads_it(environ: dict[str, str]) -> None:
    assert saved(environ) is None
    assert active(environ) is None
    path = save(environ, Saved(URL, "coder:7b", "BOX_KEY"))
    assert path == override_path(environ)
    assert saved(environ) == Saved(URL, "coder:7b", "BOX_KEY")
    assert active(environ) == LocalOverride(URL, "coder:7b", "BOX_KEY", str(path), str(path))
    home = active({**environ, "HOME": str(path.parent.parent)})
    assert home is not None
    assert (home.path, home.shown) == (str(path), "~/state/local.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    save(environ, Saved(URL, enabled=False))
    assert active(environ) is None
    assert [file.name for file in path.parent.iterdir()] == ["local.json"]


def test_a_variable_leaves_it_out_even_where_it_is_broken(environ: dict[str, str]) -> None:
    write(environ, "{")
    assert active({**environ, "LLMROUTE_NO_LOCAL": "1"}) is None
    assert Overrides().current({**environ, "LLMROUTE_NO_LOCAL": "1"}) is None
    with pytest.raises(BadEnvironmentError):
        active({**environ, "LLMROUTE_NO_LOCAL": " "})


def test_the_folder_is_the_user_s(tmp_path: Path) -> None:
    assert override_path({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "llmroute" / "local.json"
    assert override_path({"XDG_STATE_HOME": "relative"}).is_absolute()
    assert override_path({}).parts[-2:] == ("llmroute", "local.json")


GOOD = {"version": 1, "base_url": URL, "model": "m", "api_key_env": None, "enabled": True}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "it is no JSON (line 1)"),
        (b'{"version": 1,\n', "it is no JSON (line 2)"),
        (b"\xff\xfe{}", "UTF-16"),
        (b'{"model": "\xe9"}', "is not UTF-8"),
        ("[" * 100_000, "recursion"),
        ([], "it is no JSON object"),
        ({**GOOD, "version": 2}, "its version is not 1"),
        ({"base_url": URL}, "its version is not 1"),
        ({"version": 1}, "it names no base_url"),
        ({**GOOD, "url": "x"}, "it has a field 'url'"),
        ({**GOOD, "base_url": None}, "its field base_url holds no usable value"),
        ({**GOOD, "model": 7}, "its field model"),
        ({**GOOD, "model": ""}, "its field model"),
        ({**GOOD, "model": "a b"}, "its field model"),
        ({**GOOD, "model": "a\x1b[2J"}, "its field model"),
        ({**GOOD, "enabled": "yes"}, "its field enabled"),
        ({**GOOD, "base_url": "localhost:11434"}, "it has no scheme"),
        ({**GOOD, "base_url": "https://api.openai.com/v1"}, "is not on this machine or in a private network"),
        ({**GOOD, "base_url": "http://169.254.169.254/v1"}, "metadata service"),
        ({**GOOD, "base_url": "mock://mock"}, "name a server"),
        ({**GOOD, "model": "gpt-oss:120b-cloud"}, "forwarded to Ollama's cloud"),
    ],
)
def test_a_broken_file_is_an_error_that_names_it(environ: dict[str, str], content: Any, fault: str) -> None:
    path = write(environ, content if isinstance(content, bytes | str) else json.dumps(content))
    for read in (active, Overrides().current):
        with pytest.raises(BadEnvironmentError) as caught:
            read(environ)
        assert str(path) in caught.value.message
        assert fault in caught.value.message
        assert "llmroute local off" in caught.value.hint
        assert "\x1b" not in str(caught.value)


def test_what_is_no_file_is_an_error_too(environ: dict[str, str]) -> None:
    override_path(environ).mkdir(parents=True)
    with pytest.raises(BadEnvironmentError, match=r"can't read|no regular file"):
        active(environ)


def test_where_the_folder_is_a_file_there_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    environ = {"LLMROUTE_STATE_DIR": str(tmp_path / "state")}
    assert active(environ) is None
    assert Overrides().current(environ) is None


def test_what_can_t_be_looked_for_is_an_error(environ: dict[str, str]) -> None:
    loop = override_path(environ)
    loop.parent.mkdir()
    loop.symlink_to(loop)
    with pytest.raises(BadEnvironmentError):
        Overrides().current(environ)
    with pytest.raises(BadEnvironmentError, match="name too long"):
        active({"LLMROUTE_STATE_DIR": "/" + "x" * 300})


def test_what_could_not_be_read_back_is_not_written(environ: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="private network"):
        save(environ, Saved("https://api.openai.com/v1", "m"))
    assert not override_path(environ).exists()


def test_a_lan_is_near_enough(environ: dict[str, str]) -> None:
    save(environ, Saved("http://192.168.0.7:8000/v1", "m"))
    found = active(environ)
    assert found is not None
    assert found.base_url == "http://192.168.0.7:8000/v1"


# -- Reading it at every request


def test_it_is_read_when_it_has_changed_and_not_before(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Any] = []

    def counted(variables: Mapping[str, str]) -> LocalOverride | None:
        reads.append(variables)
        return active(variables)

    monkeypatch.setattr(overrides, "active", counted)
    seen = Overrides()
    assert [seen.current(environ) for _ in range(3)] == [None] * 3
    assert not reads
    for model in ("one", "two"):
        save(environ, Saved(URL, model))
        found = [seen.current(environ) for _ in range(3)]
        assert [one and one.model for one in found] == [model] * 3
    assert len(reads) == 2
    override_path(environ).unlink()
    assert seen.current(environ) is None
    elsewhere = {"LLMROUTE_STATE_DIR": environ["LLMROUTE_STATE_DIR"] + "2"}
    save(elsewhere, Saved(URL, "three"))
    found_there = seen.current(elsewhere)
    assert found_there is not None
    assert (found_there.model, found_there.path) == ("three", str(override_path(elsewhere)))


# -- A router


SPEC = """\
version: 1
env:
  names:
    base_url: [CODEBUFF_BASE_URL]
    api_key: [CODEBUFF_PROVIDER_API_KEY]
    model: [CODEBUFF_PROVIDER_MODEL]
providers:
  own: {base_url: "%(own)s/v1", api_key: "${OWN_KEY}"}
  backend: {base_url: "%(backend)s/v1", api_key: "${BACKEND_KEY}"}
defaults: {provider: backend, model: anthropic/claude-opus}
agents:
  base: {}
  thinker: {model: openai/gpt-5}
  picker: {provider: own, model: qwen}
"""


class Program:
    """A program of several agents, and the four servers that they may reach."""

    def __init__(self, server: FaultServer, environ: dict[str, str], **arguments: Any) -> None:
        self.server = server
        self.environ = environ
        environ |= {"OWN_KEY": "canary-own", "BACKEND_KEY": "canary-backend"}
        server.default = good_answer("openai-chat")
        paths = {name: f"{server.url}/{name}" for name in ("own", "backend")}
        self.router = Router.from_str(SPEC % paths, environ=environ, **arguments)

    def asks(self, agent: str | None = None) -> tuple[str, str, str]:
        """Where a request of an agent goes: the server, the model and the key."""
        self.router.complete("x", agent=agent)
        seen = self.server.requests[-1]
        key = seen.headers["authorization"].removeprefix("Bearer ")
        return seen.path.split("/")[1], seen.json["model"], key


@pytest.fixture
def program(server: FaultServer, environ: dict[str, str]) -> Iterator[Program]:
    made = Program(server, environ, local_overrides=True)
    with made.router:
        yield made


def test_agent_before_client_before_env_before_backend_at_every_request(program: Program) -> None:
    environ, url = program.environ, program.server.url
    assert program.asks("base") == ("backend", "anthropic/claude-opus", "canary-backend")
    environ |= {
        "CODEBUFF_BASE_URL": f"{url}/env/v1",
        "CODEBUFF_PROVIDER_API_KEY": "canary-env",
        "CODEBUFF_PROVIDER_MODEL": "qwen2.5-coder:7b",
    }
    assert program.asks("base") == ("env", "qwen2.5-coder:7b", "canary-env")
    assert program.asks("picker") == ("own", "qwen", "canary-own")
    save(environ, Saved(f"{url}/local/v1", "coder:7b"))
    assert program.asks("base") == ("local", "coder:7b", "none")
    assert program.asks() == ("local", "coder:7b", "none")
    assert program.asks("picker") == ("own", "qwen", "canary-own")
    save(environ, Saved(f"{url}/local/v1", "other", "LOCAL_KEY"))
    environ["LOCAL_KEY"] = "canary-local"
    assert program.asks("base") == ("local", "other", "canary-local")
    save(environ, Saved(f"{url}/local/v1", "other", enabled=False))
    assert program.asks("base") == ("env", "qwen2.5-coder:7b", "canary-env")
    for name in [name for name in environ if name.startswith("CODEBUFF")]:
        del environ[name]
    assert program.asks("base") == ("backend", "anthropic/claude-opus", "canary-backend")


def test_a_client_argument_is_stronger_and_a_cloud_agent_is_never_moved(
    server: FaultServer, environ: dict[str, str]
) -> None:
    save(environ, Saved(f"{server.url}/local/v1", "coder:7b"))
    with Program(server, environ, local_overrides=True, base_url=f"{server.url}/client/v1", model="m").router as made:
        assert made.resolve(agent="base").target.base_url == f"{server.url}/client/v1"
    with Program(server, environ, local_overrides=True).router as made:
        assert made.resolve(agent="thinker").target.name == "openai/gpt-5"


def test_a_program_that_does_not_ask_for_it_is_not_moved(server: FaultServer, environ: dict[str, str]) -> None:
    write(environ, "broken")
    made = Program(server, environ)
    with made.router:
        assert made.asks("base")[0] == "backend"


def test_a_broken_file_stops_the_request(program: Program) -> None:
    write(program.environ, "broken")
    with pytest.raises(BadEnvironmentError, match="local override"):
        program.asks("picker")
    assert program.server.requests == []
    write(program.environ, json.dumps({**GOOD, "base_url": f"{program.server.url}/local/v1"}))
    assert program.asks("base")[0] == "local"


def test_nothing_reaches_a_cloud_when_the_local_server_is_down(program: Program, closed_port: int) -> None:
    save(program.environ, Saved(f"http://127.0.0.1:{closed_port}/v1", "coder:7b"))
    with pytest.raises(Exception, match=r"cannot reach") as caught:
        program.router.complete("x", agent="base", max_retries=0)
    assert "chosen by local override" in str(caught.value)
    assert program.server.requests == []


def test_one_line_says_what_was_moved(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="llmroute")
    path = save(program.environ, Saved(f"{program.server.url}/local/v1", "coder:7b"))
    program.asks("base")
    (line,) = [row.getMessage() for row in caplog.records if row.levelno == logging.INFO]
    assert f"of local override ({path}) passed over" in line
    assert "canary" not in line


def test_a_request_can_t_ask_for_it(program: Program) -> None:
    with pytest.raises(TypeError, match="local_overrides"):
        program.router.complete("x", local_overrides=True)  # type: ignore[call-arg]


def test_the_process_s_environment_says_where_it_is(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("LLMROUTE_STATE_DIR", raising=False)
    save(os.environ, Saved(f"{server.url}/local/v1", "coder:7b"))
    server.default = good_answer("openai-chat")
    with Router({"version": 1, "defaults": {"model": "mock/x"}}, local_overrides=True) as made:
        assert made.complete("x").model is not None
    assert server.requests[0].json["model"] == "coder:7b"
