"""How long it takes to start: the commands, and the imports that decided what a command may import."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from tests.benchmarks.measure import ratio, show

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PAIRS = 15
LLMROUTE = "from llmroute.cli import main; main()"  # as the console script does it
SPEC = """\
version: 1
providers:
  here: {{api: openai-chat, base_url: "http://127.0.0.1:{port}/v1", model: m, max_retries: 0}}
purposes:
  planning: {{temperature: 0}}
agents:
  picker: {{provider: here, require: {{locality: local}}}}
  reviewer: {{model: here/other}}
"""
FIELDS = """
    a: str | None = None
    b: int | None = None
    c: float | None = None
    d: list[str] | None = None
    e: dict[str, int] | None = None
"""
DATACLASSES = "from dataclasses import dataclass\nimport yaml, click\n" + "\n".join(
    f"@dataclass(frozen=True, slots=True, kw_only=True)\nclass M{i}:{FIELDS}" for i in range(20)
)


def models(config: str) -> str:
    """A program with 20 pydantic models."""
    return "from pydantic import BaseModel, ConfigDict\nimport yaml, click\n" + "\n".join(
        f"class M{i}(BaseModel):\n    model_config = ConfigDict(frozen=True, {config}){FIELDS}" for i in range(20)
    )


def python(code: str, *arguments: str, cwd: str | None = None) -> Callable[[], object]:
    """Runs a program in a fresh interpreter; that it fails is an error of the benchmark."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LLMROUTE_")}
    command = [sys.executable, "-c", code, *arguments]

    def run() -> object:
        return subprocess.run(command, cwd=cwd, env=environ, stdout=subprocess.DEVNULL, check=True)

    return run


def first_request_s(cwd: str, server: socket.socket, arguments: Sequence[str]) -> float:
    """Seconds from the start of `llmroute run` to the first bytes of its request."""
    began = perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", LLMROUTE, *arguments],
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ):
        connection, _ = server.accept()
        with connection:
            connection.recv(1)
            elapsed = perf_counter() - began
            connection.sendall(b"HTTP/1.1 500 Done\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    return elapsed


def main() -> None:
    """Print the ratios."""
    nothing = python("pass")
    libraries = python("from pydantic import BaseModel; import yaml, click")
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        Path(folder, "routing.yaml").write_text(SPEC.format(port=server.getsockname()[1]), encoding="utf-8")
        server.settimeout(30)
        show("llmroute --help / python -c pass", ratio(python(LLMROUTE, "--help"), nothing, PAIRS), 6)
        base = "python -c 'import pydantic, yaml, click'"
        validate = python(LLMROUTE, "validate", cwd=folder)
        show(f"llmroute validate / {base}", ratio(validate, libraries, PAIRS), 1.5)
        asked = ("--agent", "picker", "--purpose", "planning")
        explain = python(LLMROUTE, "explain", *asked, cwd=folder)
        show(f"llmroute explain / {base}", ratio(explain, libraries, PAIRS), 1.5)
        pairs = []
        for _ in range(PAIRS):
            began = perf_counter()
            explain()
            explained_s = perf_counter() - began
            pairs.append(first_request_s(folder, server, ("run", *asked, "hello")) / explained_s)
        show("llmroute run, to its first request / llmroute explain", median(pairs), 2)
    for label, code in (
        ("import llmroute", "import llmroute"),
        ("click, yaml", "import yaml, click"),
        ("click, yaml and 20 frozen dataclasses", DATACLASSES),
        ("click, yaml, pydantic", "from pydantic import BaseModel; import yaml, click"),
        ("click, yaml, pydantic and 20 models, defer_build", models("defer_build=True")),
        ("click, yaml, pydantic and 20 models", models("extra='forbid'")),
        ("jsonschema", "import jsonschema"),
        ("jsonschema-rs", "import jsonschema_rs"),
    ):
        show(f"{label} / python -c pass", ratio(python(code), nothing, PAIRS))
