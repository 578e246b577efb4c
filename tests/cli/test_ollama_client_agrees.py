"""Ollama's own client and `llmroute ollama` ask the same, and understand the same answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ollama
import pytest

from llmroute.testing import answer
from tests.cli.test_ollama_command import SHOWN, STEPS, news

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.testing import FaultServer
    from llmroute.testing.server import Seen
    from tests.cli.conftest import Invoke

DETAILS = {"format": "gguf", "family": "llama", "parameter_size": "8.0B", "quantization_level": "Q4_K_M"}
ROW = {"name": "m", "model": "m", "size": 10, "size_vram": 5, "context_length": 4096, "details": DETAILS}


@pytest.fixture
def here(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> FaultServer:
    """A server that both take for their own."""
    monkeypatch.setenv("OLLAMA_HOST", server.url)
    return server


def told(seen: Seen) -> tuple[str, str, Any]:
    """Method, path and body; what is said by leaving it out is left out."""
    body = seen.json if seen.body else {}
    return seen.method, seen.path, {name: value for name, value in body.items() if value not in (None, False)}


@pytest.mark.parametrize(
    ("words", "script", "theirs"),
    [
        (("ollama", "pull", "m"), news(*STEPS), lambda client: list(client.pull("m", stream=True))),
        (("ollama", "rm", "m"), answer(200, ""), lambda client: client.delete("m")),
        (("ollama", "show", "m"), answer(200, SHOWN), lambda client: client.show("m")),
        (("ollama", "ps"), answer(200, {"models": [ROW]}), lambda client: client.ps()),
        (("models", "ollama"), answer(200, {"models": []}), lambda client: client.list()),
    ],
)
def test_the_same_question(
    invoke: Invoke, here: FaultServer, words: tuple[str, ...], script: Any, theirs: Callable[[ollama.Client], Any]
) -> None:
    here.default = script
    client = ollama.Client(host=here.url, trust_env=False)
    theirs(client)
    client._client.close()
    assert invoke(*words).exit_code == 0
    asked, ours = here.requests
    assert told(ours) == told(asked)
