"""`llmroute inspect`: the file that it writes, and the server that it runs."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.test_startup import HEAVY, command, loaded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Invoke

SPEC = """\
version: 1
providers:
  ollama: {model: llama3.1:8b}
  openai: {model: gpt-6-luna, api_key: "${TEAM_KEY}"}
defaults: {provider: openai}
purposes: {planning: {}}
agents: {picker: {provider: ollama}}
clients: {ci: {}}
"""


@pytest.fixture(autouse=True)
def spec(folder: Path) -> Path:
    path = folder / "routing.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


def data_of(text: str) -> dict[str, Any]:
    """The data in a page."""
    return dict(json.loads(re.search(r'id="data">(.*?)</script>', text)[1]))  # type: ignore[index]


def test_the_page_is_named_after_the_spec_and_written_anew(invoke: Invoke, folder: Path) -> None:
    result = invoke("inspect")
    assert (result.exit_code, result.stdout) == (0, "")
    assert re.fullmatch(r"wrote routing\.html \(\d+ kB\): open it in a browser\n", result.stderr)
    assert data_of((folder / "routing.html").read_text(encoding="utf-8"))["command"] == "llmroute explain"
    assert invoke("inspect").exit_code == 0


def test_the_same_spec_makes_the_same_file(invoke: Invoke) -> None:
    assert invoke("inspect", "-o", "-").stdout == invoke("inspect", "-o", "-").stdout


def test_another_file_is_replaced_by_force_alone(invoke: Invoke, folder: Path) -> None:
    (folder / "mine.html").write_text("mine", encoding="utf-8")
    result = invoke("inspect", "-o", "mine.html")
    assert result.exit_code == 1
    assert "mine.html is there already" in result.stderr
    assert (folder / "mine.html").read_text(encoding="utf-8") == "mine"
    assert invoke("inspect", "-o", "mine.html", "--force").exit_code == 0


def test_a_folder_that_is_not_there_is_said(invoke: Invoke) -> None:
    result = invoke("inspect", "-o", "no/where.html")
    assert result.exit_code == 1
    assert "can't write no/where.html: No such file or directory" in result.stderr


def test_the_page_shows_what_the_flags_make_of_the_world(invoke: Invoke) -> None:
    flags = ("--set-env", "LLMROUTE_MODEL=openai/gpt-6-sol", "--client", "ci", "--provider", "ollama", "--no-env")
    data = data_of(invoke("inspect", "-o", "-", "--spec", "routing.yaml", *flags).stdout)
    assert data["clients"] == ["ci"]
    assert data["environ"] == [["LLMROUTE_MODEL", "openai/gpt-6-sol"]]
    assert data["arguments"] == ["provider"]
    said = "llmroute explain --no-env --spec routing.yaml --set-env LLMROUTE_MODEL=openai/gpt-6-sol --provider ollama"
    assert data["command"] == said


def test_a_spec_of_standard_input_has_a_page_too(invoke: Invoke, folder: Path) -> None:
    assert invoke("inspect", "--spec", "-", stdin=SPEC).exit_code == 0
    assert (folder / "routing.html").exists()


def test_of_a_larger_file_only_the_spec_is_shown(invoke: Invoke, folder: Path) -> None:
    inner = "".join(f"  {line}\n" for line in SPEC.splitlines())
    (folder / "app.yaml").write_text(f"database: {{dsn: CANARY}}\nllm:\n{inner}other: CANARY\n", encoding="utf-8")
    text = invoke("inspect", "-o", "-", "--spec", "app.yaml#/llm").stdout
    assert "CANARY" not in text
    lines = data_of(text)["lines"]
    assert "  agents: {picker: {provider: ollama}}" in lines
    assert (lines[0], lines[-2]) == ("⋯", "⋯")


def test_a_spec_that_cannot_be_read_has_no_page(invoke: Invoke, spec: Path, folder: Path) -> None:
    spec.write_text("version: 2\n", encoding="utf-8")
    result = invoke("inspect")
    assert result.exit_code == 1
    assert "error[LR" in result.stderr
    assert not (folder / "routing.html").exists()


def test_errors_of_single_queries_stand_on_the_page(invoke: Invoke, spec: Path) -> None:
    spec.write_text(SPEC.replace("{provider: ollama}", "{provider: openai, require: {locality: local}}"), "utf-8")
    result = invoke("inspect", "-o", "-")
    assert result.exit_code == 0
    assert "constraint-violated" in {answer[5][0] for answer in data_of(result.stdout)["answers"] if answer[5]}
    assert "\x1b" not in data_of(result.stdout)["problems"]
    assert "error[LR" in data_of(result.stdout)["problems"]


def test_no_key_is_in_the_page(invoke: Invoke, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_KEY", "CANARY-1")
    monkeypatch.setenv("LLMROUTE_API_KEY", "CANARY-2")
    spec.write_text(SPEC.replace("${TEAM_KEY}", "CANARY-3"), encoding="utf-8")
    text = invoke("inspect", "-o", "-", "--set-env", "OPENAI_API_KEY=CANARY-4").stdout
    assert "CANARY" not in text
    assert data_of(text)["command"] == "llmroute explain --set-env 'OPENAI_API_KEY=…'"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--serve", "0", "-o", "x.html"), "--serve writes no file"),
        (("--serve", "--spec", "-"), "standard input is none"),
        (("--serve", "70000"), "70000 is not in the range"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(invoke: Invoke, arguments: tuple[str, ...], said: str) -> None:
    result = invoke("inspect", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_port_that_is_taken_is_said(invoke: Invoke) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = invoke("inspect", "--serve", str(port))
    assert result.exit_code == 1
    assert f"can't listen on 127.0.0.1:{port}" in result.stderr


def test_a_page_loads_nothing_heavy(folder: Path) -> None:
    assert not loaded(folder, command("inspect", "-o", "page.html")) & set(HEAVY)


class Served:
    """A server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr
        self.process = process
        self.line = process.stderr.readline()
        port, path = re.search(r"http://127\.0\.0\.1:(\d+)(/\S+/) until Ctrl-C", self.line).groups()  # type: ignore[union-attr]
        self.port, self.path = int(port), path

    def open(self, name: str) -> http.client.HTTPResponse:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.connection.request("GET", self.path + name)
        return self.connection.getresponse()

    def get(self, name: str) -> bytes:
        found = self.open(name).read()
        self.connection.close()
        return found


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    arguments = [sys.executable, "-m", "llmroute", "inspect", "--serve"]
    with subprocess.Popen(arguments, cwd=folder, env=os.environ, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Served(process)
        finally:
            process.kill()


def test_the_served_page_follows_the_file_and_ends_with_ctrl_c(served: Served, spec: Path) -> None:
    assert b'"live":true' in served.get("")
    events = served.open("events")
    listening = served.connection
    assert [events.readline(), events.readline()] == [b"retry: 1000\n", b"\n"]
    spec.write_text(SPEC.replace("gpt-6-luna", "gpt-7"), encoding="utf-8")
    assert [events.readline() for _ in range(3)] == [b"event: changed\n", b"data: {}\n", b"\n"]
    assert b"openai/gpt-7" in served.get("data")
    # What an editor leaves half written keeps the last good page, and is said.
    spec.write_text("version: 1\nproviders: [\n", encoding="utf-8")
    assert [events.readline() for _ in range(3)] == [b"event: changed\n", b"data: {}\n", b"\n"]
    data = json.loads(served.get("data"))
    assert "error[LR" in data["problems"]
    assert "openai/gpt-7" in [target[0] for target in data["targets"]]
    listening.close()
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(20) == 0
    assert served.process.stderr
    assert served.process.stderr.read() == "stopped\n"
