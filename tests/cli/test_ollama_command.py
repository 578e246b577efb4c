"""`llmroute ollama`: pull, rm, show and ps, against a server that speaks as Ollama's documentation says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.cli.ollama_view import running, size
from llmroute.testing import Close, Hang, answer
from llmroute.testing.steps import stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmroute.testing import FaultServer
    from tests.cli.conftest import Invoke

LAYER = {"status": "pulling 6a0746a1ec1a", "digest": "sha256:6a0746a1ec1a", "total": 4_661_211_808}
CONFIG = {"status": "pulling 4fa551d4f938", "digest": "sha256:4fa551d4f938", "total": 12_403}
STEPS: list[dict[str, Any]] = [
    {"status": "pulling manifest"},
    LAYER,
    {**LAYER, "completed": 2_000_000_000},
    {**LAYER, "completed": 4_661_211_808},
    {**CONFIG, "completed": 12_403},
    {"status": "verifying sha256 digest"},
    {"status": "writing manifest"},
    {"status": "success"},
]
MODEL_INFO = {"general.architecture": "llama", "llama.context_length": 131_072}
SHOWN = {
    "license": "…",
    "parameters": 'num_ctx                        8192\nstop                           "<|eot_id|>"',
    "details": {"family": "llama", "parameter_size": "8.0B", "quantization_level": "Q4_K_M"},
    "model_info": MODEL_INFO,
    "capabilities": ["completion", "tools"],
}


def news(*rows: Any, end: Any = None) -> list[Any]:
    lines = [json.dumps(row) + "\n" for row in rows]
    return stream(*lines, **({} if end is None else {"end": end}), kind="application/x-ndjson")


@pytest.fixture
def ollama(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> FaultServer:
    """A server that the preset leads to."""
    monkeypatch.setenv("OLLAMA_HOST", server.url)
    return server


# -- pull


def test_pull_tells_each_step_once_where_nobody_looks(invoke: Invoke, ollama: FaultServer) -> None:
    ollama.script(news(*STEPS))
    result = invoke("ollama", "pull", "llama3.1:8b")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "pulling manifest",
        "pulling 6a0746a1ec1a",
        "pulling 4fa551d4f938",
        "verifying sha256 digest",
        "writing manifest",
        "success",
    ]
    (seen,) = ollama.requests
    assert (seen.method, seen.path) == ("POST", "/api/pull")
    assert seen.json == {"model": "llama3.1:8b", "stream": True}


@pytest.mark.parametrize(
    ("script", "shown"),
    [
        (
            news({"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}),
            "says: pull model manifest: file does not exist; is the name right? https://ollama.com/library has them",
        ),
        (news(*STEPS[:3]), "the download of m ended before it was done"),
        (news(*STEPS[:3], end=[Close()]), "breaks off"),
        (news({"status": "a"}, [1]), "no object"),
        (answer(200, "<html>"), "no JSON"),
        (answer(404, "404 page not found"), "(404"),
        (answer(302, "", {"location": "http://127.0.0.1:1/"}), "a redirect, which is never followed"),
    ],
)
def test_pull_that_fails(invoke: Invoke, ollama: FaultServer, script: Any, shown: str) -> None:
    ollama.script(script)
    result = invoke("ollama", "pull", "m")
    assert result.exit_code == 1
    assert shown in result.stderr
    assert "error: " in result.stderr
    assert len(ollama.requests) == 1


def test_news_that_a_terminal_would_obey_is_shown(invoke: Invoke, ollama: FaultServer) -> None:
    ollama.script(news({"status": "a\x1b[2J"}, {"status": 7}, {"status": "success"}))
    result = invoke("ollama", "pull", "m")
    assert result.exit_code == 0
    assert "\x1b" not in result.stderr


def on_a_terminal(*words: str) -> tuple[int, str]:
    """Exit status and what a terminal of 100 columns got."""
    terminal, theirs = os.openpty()
    environ = {**os.environ, "COLUMNS": "100", "TERM": "xterm", "NO_COLOR": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "llmroute", *words], stdin=subprocess.DEVNULL, stderr=theirs, env=environ
    ) as process:
        os.close(theirs)
        shown = b"".join(_pieces(terminal))
        process.wait(timeout=20)
    os.close(terminal)
    return process.returncode, shown.decode("utf-8", "replace")


def _pieces(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            return
        if not piece:
            return
        yield piece


def test_pull_draws_a_bar_on_a_terminal(ollama: FaultServer) -> None:
    ollama.script(news(*STEPS[:1], {"status": "[red]odd[/red] \x07"}, *STEPS[1:]))
    status, shown = on_a_terminal("ollama", "pull", "llama3.1:8b")
    assert status == 0
    assert "llama3.1:8b" in shown
    assert "4.7" in shown
    assert "GB" in shown
    assert shown.rstrip().endswith("llama3.1:8b: success")


def test_pull_that_ends_early_on_a_terminal(ollama: FaultServer) -> None:
    ollama.script(news(*STEPS[:3]))
    status, shown = on_a_terminal("ollama", "pull", "m")
    assert status == 1
    assert "run the same command again: it goes on" in shown


def test_ctrl_c_ends_a_pull_cleanly(ollama: FaultServer) -> None:
    ollama.script([*news(*STEPS[:3], end=[Hang()])])
    with subprocess.Popen(
        [sys.executable, "-m", "llmroute", "ollama", "pull", "m"], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while "pulling 6a0746a1ec1a" not in process.stderr.readline():
            time.sleep(0)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert told.splitlines() == ["what was loaded is kept: the same command goes on", "interrupted"]
    assert ollama.requests[0].hung_up.wait(5)


# -- rm, show, ps


def test_rm(invoke: Invoke, ollama: FaultServer) -> None:
    ollama.script(answer(200, ""), answer(404, {"error": "model 'x' not found"}))
    assert invoke("ollama", "rm", "llama3.1:8b").stdout == "removed llama3.1:8b\n"
    assert (ollama.requests[0].method, ollama.requests[0].path) == ("DELETE", "/api/delete")
    assert ollama.requests[0].json == {"model": "llama3.1:8b"}
    gone = invoke("ollama", "rm", "x")
    assert gone.exit_code == 1
    assert "has no model 'x' (404: model 'x' not found); llmroute models ollama lists those that it has" in gone.stderr


def test_show(invoke: Invoke, ollama: FaultServer) -> None:
    ollama.default = answer(200, SHOWN)
    assert invoke("ollama", "show", "llama3.1:8b").stdout.splitlines() == [
        "llama3.1:8b",
        "  family        llama",
        "  parameters    8.0B",
        "  quantization  Q4_K_M",
        "  context       131,072 tokens",
        "  can           chat, tools",
        "  defaults",
        "    num_ctx 8192",
        '    stop "<|eot_id|>"',
    ]
    assert json.loads(invoke("ollama", "show", "llama3.1:8b", "--json").stdout) == SHOWN
    assert ollama.requests[0].json == {"model": "llama3.1:8b"}


def test_show_of_little(invoke: Invoke, ollama: FaultServer) -> None:
    ollama.script(answer(200, {"details": [], "parameters": 7, "capabilities": ["embedding"]}), answer(200, [1]))
    assert invoke("ollama", "show", "m").stdout.splitlines() == ["m", "  can           no chat"]
    wrong = invoke("ollama", "show", "m")
    assert wrong.exit_code == 1
    assert "no description of the model" in wrong.stderr


def test_ps(invoke: Invoke, ollama: FaultServer) -> None:
    row = {
        "name": "llama3.1:8b",
        "size": 6_654_289_920,
        "size_vram": 3_327_144_960,
        "context_length": 4096,
        "expires_at": "2026-06-04T14:38:31.837531234-07:00",
    }
    ollama.default = answer(200, {"models": [row, {"model": "m", "expires_at": "soon"}, "x"]})
    assert invoke("ollama", "ps").stdout.splitlines() == [
        "model        size    on the GPU  context  until",
        "llama3.1:8b  6.7 GB  50 %        4,096    2026-06-04 21:38 UTC",
        "m",
    ]
    ollama.default = answer(200, {"models": []})
    assert invoke("ollama", "ps").stdout == "no model is in memory\n"


@pytest.mark.parametrize("value", [None, [], {"models": "x"}, {"models": [1]}])
def test_ps_of_something_else(value: Any) -> None:
    assert running(value) == "no model is in memory"


def test_sizes() -> None:
    assert [size(value) for value in (0, 999, 1000, 10**15, True, "x")] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "1000.0 TB",
        "",
        "",
    ]


# -- Which Ollama


@pytest.mark.parametrize("words", [("pull", "m"), ("rm", "m"), ("show", "m"), ("ps",)])
def test_nobody_there(
    invoke: Invoke, closed_port: int, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{closed_port}")
    result = invoke("ollama", *words)
    assert result.exit_code == 1
    assert result.stderr == (
        f"error: cannot reach ollama at http://127.0.0.1:{closed_port}/v1 (connection refused); "
        "is it running? ollama serve\n"
    )


def test_the_one_of_the_spec_with_its_key(
    invoke: Invoke, folder: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX_KEY", "sk-canary-0123456789")
    text = f"""\
version: 1
providers:
  ollama: {{base_url: "{server.url}/one/v1"}}
  box: {{api: ollama-chat, base_url: "{server.url}/two", api_key: "${{BOX_KEY}}"}}
defaults: {{provider: ollama, model: m}}
"""
    (folder / "routing.yaml").write_text(text, encoding="utf-8")
    server.default = answer(200, {"models": []})
    assert invoke("ollama", "ps").exit_code == 0
    assert invoke("ollama", "ps", "--provider", "box", "--spec", "routing.yaml").exit_code == 0
    held_back = invoke("ollama", "ps", "--provider", "box")
    assert held_back.exit_code == 1
    assert "llmroute trust" in held_back.stderr
    assert [(seen.path, seen.headers["authorization"]) for seen in server.requests] == [
        ("/one/api/ps", "Bearer none"),
        ("/two/api/ps", "Bearer sk-canary-0123456789"),
    ]


def test_an_ollama_that_may_not_be_called_is_not_asked(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    text = f"""\
version: 1
providers: {{ollama: {{base_url: "{server.url}/v1", locality: remote}}}}
defaults: {{model: mock/x}}
policies: [{{name: air-gapped, require: {{locality: local}}}}]
"""
    (folder / "routing.yaml").write_text(text, encoding="utf-8")
    result = invoke("ollama", "pull", "m")
    assert result.exit_code == 1
    assert "air-gapped" in result.stderr
    assert server.requests == []


def test_an_unknown_provider(invoke: Invoke) -> None:
    result = invoke("ollama", "ps", "--provider", "olama")
    assert result.exit_code == 1
    assert "did you mean 'ollama'?" in result.stderr
