"""`llmroute trust`, and what the commands do with a spec that was found."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from llmroute.testing import answer

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.testing import FaultServer
    from tests.cli.conftest import Invoke, Start

KEY = "CANARY-key-of-the-user"
ANSWER = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
}


@pytest.fixture(autouse=True)
def state(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's state folder, and a key in the environment."""
    monkeypatch.setenv("LLMROUTE_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("SECRET", KEY)
    return folder / "state" / "trust.json"


def spec_of(folder: Path, url: str, more: str = "", name: str = "routing.yaml") -> str:
    text = f"version: 1\nproviders:\n  relay:\n    base_url: {url}/v1\n    api_key: ${{SECRET}}\n{more}"
    (folder / name).write_text(f"{text}defaults: {{model: relay/m}}\n", encoding="utf-8")
    return name


def test_a_found_spec_sends_nothing_before_it_is_trusted(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    spec_of(folder, server.url)
    server.script(answer(200, ANSWER))
    result = invoke("run", "--no-stream", "Hi")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"error: SECRET would go to {server.url}, and nobody has trusted that (routing.yaml:5)" in result.stderr
    assert "  llmroute trust shows what this spec sends where, and asks\n" in result.stderr
    assert server.requests == []
    asked = invoke("trust", stdin="y\n")
    assert asked.exit_code == 0
    assert asked.stdout == f"routing.yaml\n  NEW      SECRET  → {server.url}   routing.yaml:5\n"
    assert "Do you trust this? [y/N]" in asked.stderr
    assert invoke("run", "--no-stream", "Hi").stdout == "yes\n"
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_the_error_in_json(invoke: Invoke, folder: Path) -> None:
    spec_of(folder, "https://relay.example")
    told = json.loads(invoke("run", "--json", "Hi").stdout)["error"]
    assert told["rule"] == "untrusted-key"
    assert "SECRET would go to https://relay.example" in told["message"]


@pytest.mark.parametrize("by", ["flag", "variable", "config"])
def test_a_spec_that_the_user_named_or_wrote_is_trusted(
    by: str, invoke: Invoke, folder: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script(answer(200, ANSWER))
    place = folder / "elsewhere"
    if by == "config":
        place = folder / "config" / "llmroute"
    elif by == "variable":
        monkeypatch.setenv("LLMROUTE_SPEC", str(place / "routing.yaml"))
    place.mkdir(parents=True)
    spec_of(place, server.url)
    flags = ["--spec", str(place / "routing.yaml")] if by == "flag" else []
    assert invoke("run", "--no-stream", *flags, "Hi").stdout == "yes\n"


def test_a_spec_of_a_folder_above_is_found_too(
    invoke: Invoke, folder: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec_of(folder, server.url)
    (folder / "deep").mkdir()
    monkeypatch.chdir(folder / "deep")
    assert "SECRET would go to" in invoke("run", "Hi").stderr
    assert invoke("trust", "--yes").exit_code == 0
    monkeypatch.chdir(folder)
    server.script(answer(200, ANSWER))
    assert invoke("run", "--no-stream", "Hi").stdout == "yes\n"


def test_what_is_new_asks_again(invoke: Invoke, folder: Path) -> None:
    spec_of(folder, "https://relay.example")
    assert invoke("trust", "--yes").exit_code == 0
    assert invoke("trust").stderr == "there is nothing here that needs your trust\n"
    spec_of(folder, "https://relay.example", "  other: {base_url: 'https://b.example', headers: {X-A: '${SECRET}'}}\n")
    result = invoke("trust", stdin="n\n")
    assert result.exit_code == 1
    assert "  trusted  SECRET        → https://relay.example   routing.yaml:5\n" in result.stdout
    assert "  NEW      SECRET        → https://b.example   routing.yaml:6\n" in result.stdout
    assert "  NEW      what you ask  → https://b.example   routing.yaml:6\n" in result.stdout
    assert "Do you trust these 2?" in result.stderr
    assert "nothing was trusted" in result.stderr
    assert invoke("trust").exit_code == 1


def test_no_answer_is_no(invoke: Invoke, folder: Path, state: Path) -> None:
    spec_of(folder, "https://relay.example")
    result = invoke("trust", stdin="")
    assert result.exit_code == 1
    assert "nothing was trusted" in result.stderr
    assert not state.exists()


def test_what_presets_know_needs_nothing(invoke: Invoke, folder: Path, state: Path) -> None:
    (folder / "routing.yaml").write_text(
        "version: 1\nproviders: {openai: {api_key: '${OPENAI_API_KEY}'}, ollama: {}}\ndefaults: {model: openai/m}\n",
        encoding="utf-8",
    )
    result = invoke("trust")
    assert result.exit_code == 0
    assert result.stdout == "routing.yaml\n  known    OPENAI_API_KEY  → https://api.openai.com   routing.yaml:2\n"
    assert not state.exists()


def test_a_file_is_shown_with_where_it_leads(invoke: Invoke, folder: Path) -> None:
    (folder / "key.txt").symlink_to("/etc/hostname")
    text = "version: 1\ndefaults: {base_url: 'https://b.example', model: m, api_key: {file: key.txt}}\n"
    (folder / "routing.yaml").write_text(text, encoding="utf-8")
    real = os.path.realpath("/etc/hostname")
    assert f"the file key.txt ({real})  → https://b.example" in invoke("trust", stdin="n\n").stdout


def test_no_text_of_the_spec_hides_another(invoke: Invoke, folder: Path) -> None:
    text = (
        'version: 1\ndefaults: {base_url: "https://evil.example", model: m,\n'
        '  api_key: {file: "a\\n  trusted  b\\e[2K\\u202e"}}\n'
    )
    (folder / "routing.yaml").write_text(text, encoding="utf-8")
    result = invoke("trust", stdin="n\n")
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    assert "→ https://evil.example" in lines[1]
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout


def test_what_can_not_be_told_yet(invoke: Invoke, folder: Path) -> None:
    spec_of(folder, "https://${HOST}")
    result = invoke("trust")
    assert "not known yet: HOST is not set" in result.stderr


def test_listing_and_forgetting(invoke: Invoke, folder: Path, state: Path) -> None:
    assert invoke("trust", "--list").stderr == "nothing was trusted yet\n"
    spec_of(folder, "https://relay.example")
    assert invoke("trust", "--yes").exit_code == 0
    real = str((folder / "routing.yaml").resolve())
    assert invoke("trust", "--list").stdout == f"{real}\n  env:SECRET  → https://relay.example\n"
    shown = json.loads(invoke("trust", "--list", "--json").stdout)
    assert shown == {"files": {real: [{"source": "env:SECRET", "origin": "https://relay.example"}]}}
    assert invoke("trust", "--forget").stderr == "forgotten\n"
    assert invoke("trust", "--forget").stderr == "routing.yaml was not trusted\n"
    assert KEY not in state.read_text(encoding="utf-8")


def test_a_spec_that_is_gone_can_be_forgotten(invoke: Invoke, folder: Path) -> None:
    name = spec_of(folder, "https://relay.example", name="other.yaml")
    assert invoke("trust", name, "--yes").exit_code == 0
    (folder / name).unlink()
    assert invoke("trust", name, "--forget").stderr == "forgotten\n"


def test_json(invoke: Invoke, folder: Path) -> None:
    spec_of(folder, "https://relay.example")
    result = invoke("trust", "--json")
    assert result.exit_code == 1
    [pair] = json.loads(result.stdout)["pairs"]
    assert pair == {
        "source": "env:SECRET",
        "origin": "https://relay.example",
        "trusted": False,
        "free": False,
        "place": {"kind": "file", "path": "routing.yaml", "line": 5, "column": 14},
    }
    trusted = invoke("trust", "--json", "--yes")
    assert trusted.exit_code == 0
    assert json.loads(trusted.stdout)["pairs"][0]["trusted"] is True


def test_usage(invoke: Invoke, folder: Path) -> None:
    assert invoke("trust", "--yes", "--forget").exit_code == 2
    assert invoke("trust").exit_code == 2
    (folder / "routing.yaml").write_text("version: 1\nnonsense: 1\n", encoding="utf-8")
    assert invoke("trust", "--yes").exit_code == 1


def test_explain_says_it_and_answers(invoke: Invoke, folder: Path) -> None:
    spec_of(folder, "https://relay.example", "agents: {a: {}}\n")
    what = "SECRET would go to https://relay.example, and nobody has trusted that"
    shown = invoke("explain", "--agent", "a")
    assert shown.exit_code == 0
    assert "relay / m" in shown.stdout
    assert what in shown.stdout
    [told] = json.loads(invoke("explain", "--agent", "a", "--format", "json").stdout)["diagnostics"]
    assert (told["code"], told["rule"], told["line"]) == ("LR211", "untrusted-key", 5)
    table = invoke("explain")
    assert what in table.stderr
    assert "llmroute trust" in table.stderr
    for calm in (
        invoke("explain", "--spec", "routing.yaml", "--agent", "a"),
        invoke("explain", "--spec", "routing.yaml"),
    ):
        assert what not in calm.output
    assert invoke("trust", "--yes").exit_code == 0
    for calm in (invoke("explain", "--agent", "a"), invoke("explain")):
        assert what not in calm.output


def test_explain_opens_no_file_of_a_spec_that_is_not_trusted(start: Start, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    text = "version: 1\ndefaults: {base_url: 'https://b.example', model: m, api_key: {file: pipe}}\n"
    (folder / "routing.yaml").write_text(text, encoding="utf-8")
    result = start("explain")
    assert result.returncode == 0
    assert "the file pipe would go to https://b.example" in result.stdout


def test_explain_shows_a_key_in_the_clear(invoke: Invoke, folder: Path) -> None:
    (folder / "routing.yaml").write_text("version: 1\n", encoding="utf-8")
    flags = ("--base-url", "http://far.example:1", "--model", "m", "--api-key-env", "SECRET")
    shown = invoke("explain", "--format", "json", *flags)
    assert shown.exit_code == 0
    assert [item["rule"] for item in json.loads(shown.stdout)["diagnostics"]] == ["key-in-the-clear"]
    refused = invoke("run", *flags, "Hi")
    assert refused.exit_code == 1
    assert "over plain HTTP" in refused.stderr
