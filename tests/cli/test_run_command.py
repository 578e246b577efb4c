"""`llmroute run`: the route on standard error, the answer on standard output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.testing import Hang, Pause, answer, sse, stream

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.testing import FaultServer, Step
    from tests.cli.conftest import Invoke, Start

MOCK = "version: 1\ndefaults: {provider: mock, model: m}\nagents: {picker: {}}\npurposes: {planning: {}}\n"


def spec_of(folder: Path, url: str, more: str = "") -> None:
    """A spec with the agent `picker` at a URL."""
    text = (
        "version: 1\n"
        f'providers:\n  here: {{base_url: "{url}/v1", model: m, max_retries: 0}}\n'
        f"agents:\n  picker: {{provider: here{more}}}\n"
    )
    (folder / "routing.yaml").write_text(text, encoding="utf-8")


def delta(text: str, finish: str | None = None) -> str:
    """One chunk of an OpenAI-compatible stream."""
    return sse(
        {
            "id": "c1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}],
        }
    )


def streamed(*texts: str | Step, finish: str = "stop") -> list[Step]:
    """A whole stream of these texts."""
    parts = [delta(part) if isinstance(part, str) else part for part in texts]
    return stream(*parts, delta("", finish), sse("[DONE]"))


def whole(text: str, finish: str = "stop") -> list[Step]:
    """A whole answer."""
    body: dict[str, Any] = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }
    return answer(200, body)


def test_the_answer_comes_on_stdout_and_the_route_on_stderr(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    spec_of(folder, server.url)
    server.script(streamed("two", " files"))
    result = invoke("run", "--agent", "picker", "Which files?")
    assert result.exit_code == 0
    assert result.stdout == "two files\n"
    assert result.stderr == "picker → here / m (local)\n"
    assert server.requests[0].json["messages"] == [{"role": "user", "content": "Which files?"}]


def test_flags_reach_the_request(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    spec_of(folder, server.url)
    server.script(whole("ok\n"))
    flags = ("--system", "Be brief.", "--temperature", "0", "--max-tokens", "5", "--timeout", "9", "--no-stream")
    result = invoke("run", "--agent", "picker", *flags, stdin="Hi")
    assert (result.exit_code, result.stdout) == (0, "ok\n")
    body = server.requests[0].json
    assert body["messages"][0]["content"] == "Be brief."
    assert body["messages"][1]["content"] == "Hi"
    assert (body["temperature"], body["max_tokens"]) == (0, 5)


def test_json_is_one_object(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    spec_of(folder, server.url)
    server.script(whole("ok"))
    result = invoke("run", "--agent", "picker", "--json", "Hi")
    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert set(shown) == {
        *("text", "model", "stop_reason", "usage", "tool_calls", "attempts", "route", "warnings", "mock"),
    }
    assert (shown["text"], shown["model"], shown["stop_reason"]) == ("ok", "m-1", "stop")
    assert shown["usage"] == {"input_tokens": 3, "output_tokens": 2}
    assert [row["target"] for row in shown["attempts"]] == ["here/m"]
    assert shown["route"]["targets"][0]["base_url"] == f"{server.url}/v1"
    assert shown["route"]["query"]["agent"] == "picker"
    assert shown["route"]["spec_hash"] == invoke("render", "--hash").stdout.strip()[:12]


def test_a_fallback_that_answered_is_named(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    spec_of(folder, server.url, ", fallbacks: [mock/other]")
    server.script(answer(503, "busy"))
    result = invoke("run", "--agent", "picker", "Hi")
    assert (result.exit_code, result.stdout) == (0, "Hi\n")
    route, failed, answered = result.stderr.splitlines()
    assert route == "picker → here / m (local)"
    assert failed.startswith("note: here/m failed (overload: ")
    assert answered == "note: answered by the fallback mock/other"


def test_a_cut_answer_is_noted(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    spec_of(folder, server.url)
    server.script(streamed("two", finish="length"))
    assert "--max-tokens raises it" in invoke("run", "--agent", "picker", "Hi").stderr


def test_the_mock_is_labelled(invoke: Invoke, folder: Path) -> None:
    (folder / "routing.yaml").write_text(MOCK, encoding="utf-8")
    result = invoke("run", "Hi", "--agent", "picker", "--purpose", "planning")
    assert result.stderr == "picker · planning → mock / m (mock: no model is asked)\n"
    assert json.loads(invoke("run", "Hi", "--json").stdout)["mock"] is True


def test_a_server_that_is_down_is_an_error_with_the_three_checks(start: Start, folder: Path, closed_port: int) -> None:
    (folder / "routing.yaml").write_text(
        "version: 1\n"
        f'providers: {{ollama: {{base_url: "http://127.0.0.1:{closed_port}/v1", model: "llama3.1:8b"}}}}\n'
        "agents: {picker: {provider: ollama, max_retries: 0}}\n",
        encoding="utf-8",
    )
    done = start("run", "--agent", "picker", "Canary prompt")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "picker → ollama / llama3.1:8b (local)",
        f"error: cannot reach ollama at http://127.0.0.1:{closed_port}/v1 (connection refused)",
        "  chosen by agents.picker (routing.yaml:3); no fallback is declared, and none leaves this machine",
        "  is it running?   ollama serve",
        "  is it the URL?   llmroute explain --agent picker",
        "  is the model there?   ollama pull llama3.1:8b",
    ]


def test_a_failed_call_is_json_too(invoke: Invoke, folder: Path, closed_port: int) -> None:
    spec_of(folder, f"http://127.0.0.1:{closed_port}")
    result = invoke("run", "--agent", "picker", "--json", "Canary prompt")
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert error["kind"] == "connect"
    assert [row["kind"] for row in error["attempts"]] == ["connect"]
    assert "Canary" not in result.output


def test_no_route_is_json_too(invoke: Invoke, folder: Path) -> None:
    (folder / "routing.yaml").write_text("version: 1\n", encoding="utf-8")
    result = invoke("run", "--json", "Hi")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["rule"] == "no-endpoint"
    assert result.stderr.startswith("error: ")


def test_a_spec_with_errors_sends_nothing(invoke: Invoke, folder: Path) -> None:
    (folder / "routing.yaml").write_text(f"{MOCK}clients: {{c: {{provider: nope}}}}\n", encoding="utf-8")
    result = invoke("run", "Hi")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error[LR103]: unknown provider 'nope'" in result.stderr
    assert result.stderr.endswith("1 error in 1 file\n")


def test_an_answer_that_begins_anew_says_so(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    spec_of(folder, server.url, ", fallbacks: [mock/parrot], on_stream_break: restart")
    server.script(stream(delta("two")))
    result = invoke("run", "--agent", "picker", "Which files?")
    assert result.exit_code == 0
    assert result.stdout == "two\nWhich files?\n"
    assert "note: this was cut (truncated); mock/parrot begins anew\n" in result.stderr


def test_a_stream_that_breaks_ends_its_line_and_fails(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    spec_of(folder, server.url)
    server.script(stream(delta("two")))
    result = invoke("run", "--agent", "picker", "Hi")
    assert (result.exit_code, result.stdout) == (1, "two\n")
    assert "error: " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "stdin", "shown"),
    [
        (("run",), "", "the prompt is empty"),
        (("run", " "), "", "the prompt is empty"),
        (("run", "-"), b"\xff", "the prompt is not UTF-8"),
        (("run", "--spec", "-"), MOCK, "give the prompt as an argument"),
        (("run", "--temperature", "3", "Hi"), "", "--temperature"),
        (("run", "--max-tokens", "0", "Hi"), "", "--max-tokens"),
        (("run", "--timeout", "0", "Hi"), "", "--timeout"),
    ],
)
def test_wrong_usage(invoke: Invoke, folder: Path, arguments: tuple[str, ...], stdin: str | bytes, shown: str) -> None:
    (folder / "routing.yaml").write_text(MOCK, encoding="utf-8")
    result = invoke(*arguments, stdin=stdin)
    assert result.exit_code == 2
    assert shown in result.stderr


def test_the_spec_may_come_from_stdin(invoke: Invoke) -> None:
    assert invoke("run", "--spec", "-", "Hi", stdin=MOCK).stdout == "Hi\n"


def test_what_if_flags_change_the_route(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    (folder / "routing.yaml").write_text(MOCK, encoding="utf-8")
    server.script(whole("ok"))
    key = ("--set-env", "MY_KEY=canary-0123456789", "--api-key-env", "MY_KEY")
    result = invoke("run", "--no-stream", "--base-url", f"{server.url}/v1", "--model", "x", *key, "Hi")
    assert result.exit_code == 0, result.output
    assert server.requests[0].headers["authorization"] == "Bearer canary-0123456789"
    assert "canary" not in result.output


def test_warnings_of_the_engine_are_shown(invoke: Invoke, folder: Path) -> None:
    (folder / "routing.yaml").write_text(
        "version: 1\nproviders: {far: {base_url: 'http://localhost:9/v1', model: m, api_key: '${FAR_KEY}'}}\n"
        "defaults: {provider: mock, model: m, fallbacks: [far/m]}\n",
        encoding="utf-8",
    )
    result = invoke("run", "Hi")
    assert result.stdout == "Hi\n"
    assert "warning: the fallback far/m is left out: " in result.stderr


@pytest.mark.parametrize("steps", [[Hang()], stream(delta("two"), Hang())], ids=["before", "within"])
@pytest.mark.parametrize("flags", [(), ("--no-stream",), ("--json",)])
def test_ctrl_c_ends_cleanly_and_hangs_up(
    folder: Path, server: FaultServer, steps: list[Step], flags: tuple[str, ...]
) -> None:
    spec_of(folder, server.url)
    server.default = steps
    command = [sys.executable, "-m", "llmroute", "run", *flags, "--agent", "picker", "Hi"]
    with subprocess.Popen(
        command, cwd=folder, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        ends_at = time.monotonic() + 30
        while not server.requests and time.monotonic() < ends_at:
            time.sleep(0.02)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out in ("", "two\n")
    assert err == "picker → here / m (local)\ninterrupted\n"
    assert server.requests[0].hung_up.wait(5)


def test_text_is_shown_as_it_arrives(folder: Path, server: FaultServer) -> None:
    spec_of(folder, server.url)
    server.script(streamed("first", Pause(20), "second"))
    command = [sys.executable, "-m", "llmroute", "run", "--agent", "picker", "Hi"]
    with subprocess.Popen(
        command, cwd=folder, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(5) == b"first"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=15)
    assert process.returncode == 130
