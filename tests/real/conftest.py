"""A real server with a real model, started once for all tests that ask for it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real.serve_local_model import MODEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCRIPT = Path(__file__).with_name("serve_local_model.py")
TEMPLATE = Path(__file__).parents[1] / "data" / "wire" / "meetkai-functionary-medium-v3.2.jinja"

SPEC = """\
version: 1
providers:
  openai-style: {{api: openai-chat, base_url: "{root}/v1", model: {model}}}
  anthropic-style: {{api: anthropic-messages, base_url: "{root}", model: {model}}}
defaults: {{max_tokens: 16, temperature: 0, timeout: 120, max_retries: 0}}
agents:
  openai-chat: {{provider: openai-style, require: {{locality: local}}}}
  anthropic-messages: {{provider: anthropic-style, require: {{locality: local}}}}
"""


@contextmanager
def served(log: Path, *options: str) -> Iterator[str]:
    """The root URL of a server that runs as long as this is open."""
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, str(SCRIPT), "--port", "0", "--until-stdin-closes", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as server,
    ):
        assert server.stdin
        assert server.stdout
        # The script prints one line when the model is loaded, and closes the pipe when it fails.
        root = server.stdout.readline().strip()
        assert root, f"the local model did not start:\n{log.read_text(errors='replace')[-2000:]}"
        try:
            yield root
        finally:
            server.stdin.close()


@pytest.fixture(scope="session")
def local_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The root URL of the running server; the first run fetches 130 MB."""
    with served(tmp_path_factory.mktemp("local-model") / "log") as root:
        yield root


@pytest.fixture(scope="session")
def tool_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same with a chat template that makes the model call tools."""
    with served(tmp_path_factory.mktemp("tool-model") / "log", "--chat-template-file", str(TEMPLATE)) as root:
        yield root


@pytest.fixture
def spec_for(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a spec whose two agents, named after their API, reach the server at a root URL."""

    def write(root: str) -> Path:
        path = tmp_path / "routing.yaml"
        path.write_text(SPEC.format(root=root, model=MODEL), encoding="utf-8")
        return path

    return write
