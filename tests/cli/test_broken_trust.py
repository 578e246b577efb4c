"""A list of trusted specs that can't be read: commands that show something say so in a line, and trust nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.testing import FaultServer
    from tests.cli.conftest import Invoke

SPEC = """\
version: 1
providers:
  box: {{base_url: {url}/v1, api_key: '${{BOX_KEY}}', model: m}}
defaults: {{provider: box}}
"""


@pytest.fixture(autouse=True)
def _found_and_broken(folder: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spec that was found sends a key, and the list of what is trusted is broken."""
    monkeypatch.setenv("LLMROUTE_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("BOX_KEY", "k")
    (folder / "routing.yaml").write_text(SPEC.format(url=server.url))
    (folder / "state").mkdir()
    (folder / "state/trust.json").write_text("{")


@pytest.mark.parametrize("arguments", [["explain"], ["explain", "--format", "json"]])
def test_explain(invoke: Invoke, arguments: list[str]) -> None:
    done = invoke(*arguments)
    assert done.exit_code == 0, done.stderr
    (told,) = [line for line in done.stderr.splitlines() if "trust.json" in line]
    assert told.startswith("nothing is trusted: the list of trusted specs")
    assert told.endswith("remove it, and trust your specs anew with llmroute trust")
    assert "BOX_KEY would go to" in " ".join(f"{done.stdout} {done.stderr}".split())
    if "json" in arguments:
        assert json.loads(done.stdout)


def test_the_table_of_all_agents(invoke: Invoke, folder: Path) -> None:
    with (folder / "routing.yaml").open("a") as spec:
        spec.write("agents: {one: {model: a}, two: {model: b}}\n")
    done = invoke("explain")
    assert done.exit_code == 0, done.stderr
    assert "two" in done.stdout
    assert done.stderr.count("trust.json") == 1
    assert "BOX_KEY would go to" in done.stderr


def test_doctor(invoke: Invoke, server: FaultServer) -> None:
    done = invoke("doctor")
    assert done.exit_code == 1
    (told,) = done.stderr.splitlines()
    assert told.startswith("nothing is trusted: the list of trusted specs")
    assert "nobody has trusted that" in " ".join(done.stdout.split())
    assert server.requests == []


@pytest.mark.parametrize("arguments", [["run", "hello"], ["models"]])
def test_what_would_send_something_stops(invoke: Invoke, server: FaultServer, arguments: list[str]) -> None:
    done = invoke(*arguments)
    assert done.exit_code == 1
    assert "trust.json" in done.stderr
    assert server.requests == []
