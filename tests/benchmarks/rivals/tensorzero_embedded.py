"""TensorZero's gateway in the same process (Rust), without a database."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tensorzero import AsyncTensorZeroGateway, TensorZeroGateway

from tests.benchmarks.bare import MAX_TOKENS, MESSAGES
from tests.benchmarks.rivals.contender import KEY, OPENAI, Contender
from tests.benchmarks.server import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """
[gateway]
observability.enabled = false
[models.{model}]
routing = ["here"]
[models.{model}.providers.here]
type = "openai"
model_name = "{model}"
api_base = "{root}/v1"
api_key_location = "env::BENCHMARK_KEY"
"""
SETUP = """
import os, tempfile
from tensorzero import TensorZeroGateway
os.environ["BENCHMARK_KEY"] = "x"
with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
    file.write({config!r})
    file.flush()
    gateway = TensorZeroGateway.build_embedded(config_file=file.name)
"""


def contenders(root: str) -> Iterator[Contender]:
    """OpenAI's format."""
    os.environ["BENCHMARK_KEY"] = KEY
    config = CONFIG.format(model=MODEL, root=root)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "tensorzero.toml")
        file.write_text(config, encoding="utf-8")
        gateway = TensorZeroGateway.build_embedded(config_file=str(file))
        other: Any = AsyncTensorZeroGateway.build_embedded(config_file=str(file), async_setup=False)
        asked: dict[str, Any] = {
            "model_name": MODEL,
            "input": {"messages": MESSAGES},
            "params": {"chat_completion": {"max_tokens": MAX_TOKENS}},
        }
        yield Contender(
            name="TensorZero embedded",
            api=OPENAI,
            complete=partial(gateway.inference, **asked),
            stream=partial(gateway.inference, **asked, stream=True),
            acomplete=partial(other.inference, **asked),
            astream=partial(other.inference, **asked, stream=True),
            setup=SETUP.format(config=config),
        )
