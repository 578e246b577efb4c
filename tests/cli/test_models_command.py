"""`llmroute models`: the table, the JSON, the cache, and what is said where nobody answers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.testing import answer

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.testing import FaultServer
    from llmroute.testing.server import Seen
    from tests.cli.conftest import Invoke

KEY = "sk-canary-0123456789abcdef"
SPEC = """\
version: 1
providers:
  ollama: {base_url: "%(url)s/ollama/v1", model: llama3.1:8b}
  openai: {base_url: "%(url)s/openai/v1", locality: remote, preset: openai, api_key: "${OPENAI_API_KEY}"}
  down: {base_url: "http://127.0.0.1:%(closed)s/v1"}
defaults: {provider: ollama}
agents: {a: {base_url: "%(url)s/plain/v1", model: m}}
"""
OPENAI = {"data": [{"id": "gpt-4o"}, {"id": "gpt-4o-mini", "context_window": 64_000}, {"id": "text-embed"}]}


def serve(seen: Seen) -> Any:
    answers: dict[str, Any] = {
        "/ollama/api/tags": {"models": [{"name": "llama3.1:8b"}, {"name": "nomic-embed-text"}]},
        "/openai/v1/models": OPENAI,
        "/plain/v1/models": {"data": [{"id": "m\x1b[2J"}, {"id": "m"}]},
    }
    if seen.path == "/ollama/api/show":
        embeds = seen.json["model"].startswith("nomic")
        able = ["embedding"] if embeds else ["completion", "tools"]
        info = {"general.architecture": "llama", "llama.context_length": 131_072}
        return answer(200, {"capabilities": able, "model_info": info})
    return answer(200, answers[seen.path]) if seen.path in answers else answer(404, "")


@pytest.fixture
def spec(folder: Path, server: FaultServer, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.default = serve
    path = folder / "routing.yaml"
    path.write_text(SPEC % {"url": server.url, "closed": closed_port}, encoding="utf-8")
    monkeypatch.setenv("LLMROUTE_SPEC", str(path))
    return path


@pytest.mark.usefixtures("spec")
def test_the_table_says_who_says_what(invoke: Invoke, server: FaultServer, closed_port: int) -> None:
    result = invoke("models")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"ollama  {server.url}/ollama/v1 · local · 2 models",
        "  llama3.1:8b       131,072  tools    server",
        "  nomic-embed-text  131,072  no chat  server",
        "",
        f"openai  {server.url}/openai/v1 · remote · 3 models",
        "  gpt-4o       128,000  tools vision schema  catalogue",
        "  gpt-4o-mini   64,000  tools vision schema  server (catalogue: 128,000)",
        "  text-embed",
        "",
        f"{server.url}/plain/v1  no provider of its own · local · 1 model",
        "  m",
    ]
    assert result.stderr == (
        f"down: cannot reach down at http://127.0.0.1:{closed_port}/v1 (connection refused); "
        "is it running, and is the URL right? llmroute explain\n"
    )


@pytest.mark.usefixtures("spec")
def test_one_provider_by_its_name(invoke: Invoke, server: FaultServer) -> None:
    result = invoke("models", "openai")
    assert result.exit_code == 0
    assert "ollama" not in result.stdout
    assert [seen.path for seen in server.requests] == ["/openai/v1/models"]
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.usefixtures("spec")
def test_json_has_the_server_s_word_beside_the_catalogue_s(invoke: Invoke, server: FaultServer) -> None:
    result = invoke("models", "--format", "json")
    rows = {row["name"]: row for row in json.loads(result.stdout)["providers"]}
    assert list(rows) == ["ollama", "openai", "down", f"{server.url}/plain/v1"]
    mini = rows["openai"]["models"][1]
    assert mini["server"] == {"context_window": 64_000}
    assert mini["catalogue"]["context_window"] == 128_000
    assert rows["ollama"]["models"][0]["catalogue"] is None
    assert rows["ollama"]["models"][0]["server"]["tools"] is True
    assert (rows["openai"]["locality"], rows["openai"]["stale"], rows["openai"]["error"]) == ("remote", False, None)
    assert rows["openai"]["asked_at"].endswith("+00:00")
    assert (rows["down"]["asked_at"], rows["down"]["error"]["kind"]) == (None, "connect")
    assert rows[f"{server.url}/plain/v1"]["provider"] is None
    assert "canary" not in result.output


@pytest.mark.usefixtures("spec")
def test_the_day_s_list_and_a_new_one(invoke: Invoke, server: FaultServer, folder: Path) -> None:
    invoke("models", "openai")
    invoke("models", "openai")
    assert len(server.requests) == 1
    invoke("models", "openai", "--refresh")
    assert len(server.requests) == 2
    (kept,) = (folder / "cache/llmroute/models").iterdir()
    assert "canary" not in kept.read_text(encoding="utf-8")


@pytest.mark.usefixtures("spec")
def test_a_kept_list_says_how_old_it_is(invoke: Invoke, folder: Path) -> None:
    invoke("models", "openai")
    (kept,) = (folder / "cache/llmroute/models").iterdir()
    data = json.loads(kept.read_bytes())
    kept.write_text(json.dumps({**data, "asked_at": data["asked_at"] - 7_300}), encoding="utf-8")
    assert invoke("models", "openai").stdout.splitlines()[0].endswith("/openai/v1 · remote · 3 models · asked 2 h ago")


@pytest.mark.usefixtures("spec")
def test_a_stale_list_says_so_and_is_a_success(invoke: Invoke, server: FaultServer, folder: Path) -> None:
    invoke("models", "openai")
    (kept,) = (folder / "cache/llmroute/models").iterdir()
    data = json.loads(kept.read_bytes())
    kept.write_text(json.dumps({**data, "asked_at": data["asked_at"] - 3 * 86_400}), encoding="utf-8")
    server.default = answer(401, {"error": {"message": f"bad key {KEY}"}})
    result = invoke("models", "openai")
    assert result.exit_code == 0
    assert "· 3 models · stale, asked 3 d ago" in result.stdout
    assert "is the key right? it comes from OPENAI_API_KEY; the list is an old one" in result.stderr
    assert json.loads(invoke("models", "openai", "--format", "json").stdout)["providers"][0]["stale"] is True
    assert "canary" not in result.output


@pytest.mark.usefixtures("spec")
@pytest.mark.parametrize("form", ["table", "json"])
def test_a_named_provider_that_is_not_there_is_a_failure(invoke: Invoke, form: str) -> None:
    result = invoke("models", "down", "--format", form)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("error: cannot reach down at ")
    assert bool(result.stdout) is (form == "json")


def test_all_of_them_missing_is_a_failure(invoke: Invoke, folder: Path, closed_port: int) -> None:
    text = "version: 1\nproviders: {ollama: {base_url: 'http://127.0.0.1:%s/v1'}}\ndefaults: {model: openai/gpt-5}\n"
    (folder / "routing.yaml").write_text(text % closed_port, encoding="utf-8")
    result = invoke("models")
    assert result.exit_code == 1
    assert "ollama: cannot reach ollama" in result.stderr
    assert "is it running? ollama serve" in result.stderr
    assert "openai: no key for openai/*: OPENAI_API_KEY is not set; export OPENAI_API_KEY=…" in result.stderr


def test_a_preset_needs_no_spec(invoke: Invoke, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", server.url)
    server.default = answer(200, {"models": []})
    assert invoke("models", "ollama").stdout == f"ollama  {server.url}/v1 · local · 0 models\n"
    assert server.requests[0].path == "/api/tags"
    assert invoke("models").exit_code == 2
    assert invoke("models", "mock").stdout == "mock  mock://mock · local · any model\n"
    unknown = invoke("models", "olama")
    assert unknown.exit_code == 1
    assert "did you mean 'ollama'?" in unknown.stderr


def test_what_may_not_be_called_is_not_asked(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    text = f"""\
version: 1
providers:
  far: {{base_url: "{server.url}/far", locality: remote}}
  near: {{base_url: "{server.url}/near"}}
defaults: {{provider: near, model: m}}
policies: [{{name: air-gapped, require: {{locality: local}}}}]
"""
    (folder / "routing.yaml").write_text(text, encoding="utf-8")
    server.default = answer(200, {"data": [{"id": "m"}]})
    result = invoke("models")
    assert result.exit_code == 0
    assert "far: no target meets the requirements" in result.stderr
    named = invoke("models", "far")
    assert named.exit_code == 1
    assert "air-gapped" in named.stderr
    rows = json.loads(invoke("models", "--format", "json").stdout)["providers"]
    assert [row["name"] for row in rows if "rule" in (row["error"] or {})] == ["far"]
    assert {seen.path for seen in server.requests} == {"/near/models"}


def test_a_spec_that_was_found_sends_its_keys_nowhere_unasked(
    invoke: Invoke, folder: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    text = 'version: 1\nproviders: {box: {base_url: "%s/v1", api_key: "${OPENAI_API_KEY}"}}\ndefaults: {model: box/m}\n'
    (folder / "routing.yaml").write_text(text % server.url, encoding="utf-8")
    server.default = answer(200, {"data": [{"id": "m"}]})
    result = invoke("models", "box")
    assert result.exit_code == 1
    assert "llmroute trust" in result.stderr
    assert server.requests == []
    assert invoke("models", "box", "--spec", "routing.yaml").exit_code == 0
    assert invoke("trust", "--yes").exit_code == 0
    assert invoke("models", "box").exit_code == 0


def test_the_local_override_is_listed_too(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    (folder / "routing.yaml").write_text("version: 1\ndefaults: {model: mock/x}\n", encoding="utf-8")
    server.default = answer(200, {"data": [{"id": "m", "meta": {"n_ctx_train": 4096}}]})
    invoke("local", "on", server.url, "m")
    assert invoke("models").stdout.splitlines()[:2] == [
        f"{server.url}/v1  no provider of its own · local · 1 model",
        "  m  4,096    server",
    ]


@pytest.mark.usefixtures("spec")
def test_completion_knows_the_providers(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_LLMROUTE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "llmroute models ol")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert "plain,ollama" in invoke().stdout
    assert os.environ["COMP_CWORD"] == "2"
