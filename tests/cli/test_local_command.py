"""`llmroute local`: on, off, status, list, model, and what the other commands make of it."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.catalog.presets import PRESETS
from llmroute.cli import found, local_choice
from llmroute.cli.found import Found
from llmroute.testing import answer, good_answer

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from llmroute.testing import FaultServer
    from llmroute.testing.server import Seen
    from tests.cli.conftest import Invoke

URL = "http://localhost:11434/v1"
SPEC = """\
version: 1
defaults: {model: anthropic/claude-haiku-4-5}
agents: {picker: {}, thinker: {model: openai/gpt-5}}
"""


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> list[Found]:
    """What listens on this machine is no part of a test: nobody, unless the test puts somebody here."""
    here: list[Found] = []
    monkeypatch.setattr(local_choice, "local_servers", lambda: iter(here))
    return here


def said(result: Result, status: int = 0) -> str:
    assert result.exit_code == status, result.output
    return result.stdout.splitlines()[0] if result.stdout else result.stderr


def state(folder: Path) -> Any:
    return json.loads((folder / "state/llmroute/local.json").read_text(encoding="utf-8"))


# -- On, off, status


def test_on_off_status(invoke: Invoke, folder: Path) -> None:
    assert said(invoke("local")) == "local: off"
    assert said(invoke("local", "on", URL, "coder:7b")) == f"local: on → {URL} / coder:7b"
    path = folder / "state/llmroute/local.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert invoke("local", "status").stdout == f"local: on → {URL} / coder:7b\n  ~/state/llmroute/local.json\n"
    assert invoke("local").stdout == invoke("local", "status").stdout
    assert said(invoke("local", "off")) == f"local: off (on leads to {URL} / coder:7b)"
    assert said(invoke("local", "off")) == f"local: off (on leads to {URL} / coder:7b)"
    assert said(invoke("local", "on")) == f"local: on → {URL} / coder:7b"


@pytest.mark.parametrize(
    ("words", "url", "model"),
    [
        (("http://localhost:11434", "m"), URL, "m"),
        (("m", "localhost:11434"), URL, "m"),
        (("127.0.0.1:8080/", "m"), "http://127.0.0.1:8080/v1", "m"),
        (("[::1]:8080", "m"), "http://[::1]:8080/v1", "m"),
        (("localhost", "m"), "http://localhost/v1", "m"),
        (("http://localhost:9/api/v3", "m"), "http://localhost:9/api/v3", "m"),
        (("http://gpu-box:8000", "qwen/qwen3:30b"), "http://gpu-box:8000/v1", "qwen/qwen3:30b"),
        (("https://192.168.0.7/v1", "m"), "https://192.168.0.7/v1", "m"),
    ],
)
def test_urls_may_be_short_and_words_in_any_order(
    invoke: Invoke, folder: Path, words: tuple[str, ...], url: str, model: str
) -> None:
    said(invoke("local", "on", *words))
    assert (state(folder)["base_url"], state(folder)["model"]) == (url, model)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("https://api.openai.com/v1", "m"), "not on this machine"),
        (("http://user:secret@localhost", "m"), "user name or password"),
        (("ftp://localhost/x", "m"), "scheme 'ftp'"),
        (("http://localhost:1", "http://localhost:2"), "one URL and one model"),
        (("a", "b"), "one URL and one model"),
        ((URL, "gpt-oss:120b-cloud"), "forwarded to Ollama's cloud"),
        ((URL, "a b"), "its field model holds no usable value"),
        ((URL, "m", "--api-key-env", "sk-canary-0123456789"), "never the key itself"),
    ],
)
def test_wrong_usage_changes_nothing(invoke: Invoke, folder: Path, words: tuple[str, ...], shown: str) -> None:
    result = invoke("local", "on", *words)
    assert result.exit_code == 2
    assert shown in result.stderr
    assert "secret" not in result.stderr
    assert "canary" not in result.stderr
    assert not (folder / "state").exists()


def test_a_bare_name_and_tag_is_on(invoke: Invoke, nobody: list[Found]) -> None:
    nobody.append(Found("ollama", "llama3.1:8b", "", is_local=True, models=("llama3.1:8b", "coder:7b")))
    assert said(invoke("local", "coder:7b")) == f"local: on → {URL} / coder:7b"
    assert said(invoke("local", "http://localhost:8080", "m")) == "local: on → http://localhost:8080/v1 / m"
    wrong = invoke("local", "statsu")
    assert wrong.exit_code == 2
    assert "statsu" in wrong.stderr


def test_a_model_goes_to_the_server_that_was_last_used(invoke: Invoke) -> None:
    invoke("local", "on", "http://localhost:8080", "a", "--api-key-env", "BOX_KEY")
    invoke("local", "off")
    assert said(invoke("local", "on", "b:1")) == "local: on → http://localhost:8080/v1 / b:1"
    assert said(invoke("local", "on", "http://localhost:8080")) == "local: on → http://localhost:8080/v1 / b:1"


def test_the_variable_of_a_key_is_kept_with_its_url_only(invoke: Invoke, folder: Path) -> None:
    invoke("local", "on", URL, "a", "--api-key-env", "BOX_KEY")
    assert state(folder)["api_key_env"] == "BOX_KEY"
    invoke("local", "on", "b:1")
    assert state(folder)["api_key_env"] == "BOX_KEY"
    invoke("local", "on", "http://localhost:8080", "a")
    assert state(folder)["api_key_env"] is None


def test_the_model_is_chosen_and_cleared(invoke: Invoke, folder: Path) -> None:
    nothing = invoke("local", "model", "m")
    assert nothing.exit_code == 1
    assert "no local server was chosen yet" in nothing.stderr
    invoke("local", "on", URL, "a")
    assert said(invoke("local", "model", "b")) == f"local: on → {URL} / b"
    assert said(invoke("local", "model", "clear")) == f"local: on → {URL}, with the model that the spec has there"
    assert state(folder)["model"] is None
    invoke("local", "off")
    assert said(invoke("local", "model", "c")) == f"local: off (on leads to {URL} / c)"
    assert invoke("local", "model", "x:cloud").exit_code == 2


# -- What answers here


def test_without_a_url_the_first_server_that_answers_is_taken(invoke: Invoke, nobody: list[Found]) -> None:
    nobody += [
        Found("llamacpp", None, "", is_local=True, models=()),
        Found("ollama", "llama3.1:8b", "", is_local=True, models=("nomic-embed-text", "llama3.1:8b")),
        Found("vllm", "big", "", is_local=True, models=("big",)),
    ]
    result = invoke("local", "on")
    assert said(result) == f"local: on → {URL} / llama3.1:8b"
    assert "also here: llamacpp (http://localhost:8080/v1), vllm (http://localhost:8000/v1)" in result.stderr


@pytest.mark.parametrize(
    ("model", "told", "note"),
    [
        ("big", "http://localhost:8000/v1 / big", ""),
        ("coder:7b", f"{URL} / coder:7b", "ollama does not list it: ollama pull coder:7b"),
    ],
)
def test_a_model_is_looked_for(invoke: Invoke, nobody: list[Found], model: str, told: str, note: str) -> None:
    nobody += [
        Found("ollama", "llama3.1:8b", "", is_local=True, models=("llama3.1:8b",)),
        Found("vllm", "big", "", is_local=True, models=("big",)),
    ]
    result = invoke("local", "on", model)
    assert said(result) == f"local: on → {told}"
    assert note in result.stderr


@pytest.mark.parametrize("command", [("on",), ("on", "m"), ("list",)])
def test_nobody_answers(invoke: Invoke, folder: Path, command: tuple[str, ...]) -> None:
    result = invoke("local", *command)
    assert result.exit_code == 1
    assert "no local server answers on this machine's ports 11434, 1234, 8080, 8000" in result.stderr
    assert "ollama serve" in result.stderr
    assert not (folder / "state").exists()


def test_a_server_without_a_model(invoke: Invoke, nobody: list[Found]) -> None:
    nobody.append(Found("ollama", None, "", is_local=True, models=("nomic-embed-text",)))
    result = invoke("local", "on")
    assert result.exit_code == 1
    assert "ollama pull NAME" in result.stderr


def test_detection_asks_loopback_only_and_gives_every_name(server: FaultServer) -> None:
    server.default = answer(200, {"models": [{"name": "a-embed"}, {"name": "b"}, {"name": "c:cloud"}]})
    (here,) = found.local_servers({"ollama": server.port})
    assert (here.model, here.models) == ("b", ("a-embed", "b", "c:cloud"))


# -- A server that is named


def ollama(seen: Seen) -> Any:
    if seen.path == "/api/tags":
        return answer(200, {"models": [{"name": "nomic-embed-text"}, {"name": "gte"}, {"name": "coder:7b"}]})
    able = ["embedding"] if seen.json["model"] == "gte" else ["completion"]
    return answer(200, {"capabilities": able, "model_info": {}})


def plain(seen: Seen) -> Any:
    return answer(200, {"data": [{"id": "coder:7b"}]}) if seen.path == "/v1/models" else answer(404, "")


@pytest.mark.parametrize("kind", [ollama, plain])
def test_the_first_model_that_chats_is_taken(invoke: Invoke, server: FaultServer, kind: Any) -> None:
    server.default = kind
    result = invoke("local", "on", server.url)
    assert said(result) == f"local: on → {server.url}/v1 / coder:7b"
    assert ("llmroute local list" in result.stderr) is (kind is ollama)
    assert invoke("local", "list").stdout.splitlines()[-1] == "* coder:7b"
    assert server.requests[0].path == "/api/tags"


def test_its_key_is_sent_where_it_wants_one(
    invoke: Invoke, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX_KEY", "sk-canary-0123456789")
    server.default = plain
    invoke("local", "on", server.url, "--api-key-env", "BOX_KEY")
    assert {seen.headers["authorization"] for seen in server.requests} == {"Bearer sk-canary-0123456789"}
    invoke("local", "list")
    assert server.requests[-1].headers["authorization"] == "Bearer sk-canary-0123456789"
    invoke("local", "list", f"{server.url}/other/v1")
    assert server.requests[-1].headers["authorization"] == "Bearer none"


def test_a_server_that_does_not_answer(invoke: Invoke, folder: Path, closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}/v1"
    result = invoke("local", "on", url)
    assert result.exit_code == 1
    assert f"cannot reach {url} (connection refused)" in result.stderr
    assert "llmroute local on URL MODEL" in result.stderr
    assert not (folder / "state").exists()
    assert said(invoke("local", "on", url, "m")) == f"local: on → {url} / m"
    assert invoke("local", "list").exit_code == 1


def test_a_server_that_only_embeds(invoke: Invoke, server: FaultServer) -> None:
    server.default = answer(200, {"data": [{"id": "nomic-embed-text"}]})
    result = invoke("local", "on", server.url)
    assert result.exit_code == 1
    assert f"the server at {server.url}/v1 has no model to chat with" in result.stderr


def test_lists_of_all_servers_that_are_found(invoke: Invoke, nobody: list[Found]) -> None:
    nobody += [
        Found("ollama", "a", "", is_local=True, models=("a", "b")),
        Found("vllm", "big\x1b[2J", "", is_local=True, models=("big\x1b[2J",)),
    ]
    assert invoke("local", "list").stdout == f"{URL}\n  a\n  b\n\nhttp://localhost:8000/v1\n  big␛[2J\n"
    assert PRESETS["ollama"].base_url == URL


# -- The file


def test_a_broken_file_is_an_error_until_it_is_switched_off(invoke: Invoke, folder: Path) -> None:
    (folder / "routing.yaml").write_text(SPEC, encoding="utf-8")
    path = folder / "state/llmroute/local.json"
    path.parent.mkdir(parents=True)
    for command in (
        ("local",),
        ("local", "model", "m"),
        ("local", "on", "m:1"),
        ("explain",),
        ("run", "x"),
        ("models",),
    ):
        path.write_text("{", encoding="utf-8")
        result = invoke(*command)
        assert result.exit_code == 1, command
        assert f"the local override {path} can't be used: it is no JSON (line 1)" in result.stderr
    assert invoke("explain", "--no-local").exit_code == 0
    assert invoke("explain", "--no-env").exit_code == 0
    result = invoke("local", "off")
    assert (result.stdout, result.stderr) == ("local: off\n", "the file was broken: it is removed\n")
    assert said(invoke("local")) == "local: off"
    path.write_text("{", encoding="utf-8")
    assert said(invoke("local", "on", URL, "m")) == f"local: on → {URL} / m"


def test_a_folder_that_can_t_be_written(invoke: Invoke, folder: Path) -> None:
    (folder / "state").write_text("")
    result = invoke("local", "on", URL, "m")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: can't write the local override {folder}")


def test_debug_may_stand_anywhere(invoke: Invoke) -> None:
    for words in (("--debug", "local", "status"), ("local", "--debug", "status"), ("local", "status", "--debug")):
        assert invoke(*words).exit_code == 0


# -- The other commands


def explained(invoke: Invoke, *words: str) -> Any:
    return json.loads(invoke("explain", "--format", "json", *words).stdout)


def test_explain_shows_it_with_its_origin(invoke: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "routing.yaml").write_text(SPEC, encoding="utf-8")
    monkeypatch.setenv("LLMROUTE_MODEL", "openai/gpt-5")
    invoke("local", "on", URL, "coder:7b")
    path = str(folder / "state/llmroute/local.json")
    endpoint = explained(invoke, "--agent", "picker")["fields"][0]
    assert endpoint["value"] == URL
    assert endpoint["origin"] == {"kind": "override", "path": path}
    assert [row["scope"] for row in endpoint["candidates"]] == ["local override", "env", "defaults"]
    assert "local override (~/state/llmroute/local.json)" in invoke("explain", "--agent", "picker").stdout
    thinker = explained(invoke, "--agent", "thinker")
    assert thinker["targets"][0]["provider"] == "openai"
    assert thinker["fields"][0]["candidates"][1]["verdict"] == "shadowed"
    assert "coder:7b" in invoke("explain").stdout


@pytest.mark.parametrize("words", [("--no-local",), ("--no-env",), ("--set-env", "LLMROUTE_NO_LOCAL=1")])
def test_it_can_be_left_out(invoke: Invoke, folder: Path, words: tuple[str, ...]) -> None:
    (folder / "routing.yaml").write_text(SPEC, encoding="utf-8")
    invoke("local", "on", URL, "coder:7b")
    assert explained(invoke, "--agent", "picker", *words)["targets"][0]["provider"] == "anthropic"


def test_status_says_that_it_is_left_out(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    invoke("local", "on", URL, "m")
    monkeypatch.setenv("LLMROUTE_NO_LOCAL", "1")
    assert "LLMROUTE_NO_LOCAL is set" in invoke("local").stderr


def test_its_variables_are_known(invoke: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "routing.yaml").write_text(SPEC, encoding="utf-8")
    for name in ("LLMROUTE_NO_LOCAL", "LLMROUTE_STATE_DIR", "LLMROUTE_CACHE_DIR"):
        monkeypatch.setenv(name, str(folder / "x"))
    assert invoke("validate", "--strict").exit_code == 0


def test_run_sends_it_there(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    (folder / "routing.yaml").write_text(SPEC, encoding="utf-8")
    server.default = good_answer("openai-chat", "Hello")
    invoke("local", "on", server.url, "coder:7b")
    result = invoke("run", "--no-stream", "--agent", "picker", "x")
    assert result.stdout == "Hello\n", result.stderr
    assert f"picker → {server.url}/v1 / coder:7b (local)" in result.stderr
    assert server.requests[0].json["model"] == "coder:7b"
    refused = invoke("run", "--no-local", "--agent", "picker", "x")
    assert refused.exit_code == 1
    assert "ANTHROPIC_API_KEY is not set" in refused.stderr
    assert len(server.requests) == 1


def test_why_not_names_the_way_back(invoke: Invoke, folder: Path) -> None:
    (folder / "routing.yaml").write_text(SPEC, encoding="utf-8")
    invoke("local", "on", URL, "coder:7b")
    shown = invoke("explain", "--agent", "picker", "--why-not", "anthropic/claude-haiku-4-5").stdout
    assert "switch it off with llmroute local off" in shown
