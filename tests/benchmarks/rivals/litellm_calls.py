"""LiteLLM: its functions, and its Router."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import litellm

from tests.benchmarks.bare import MAX_TOKENS, MESSAGES
from tests.benchmarks.rivals.contender import ANTHROPIC, KEY, OPENAI, Contender
from tests.benchmarks.server import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

ASKED: dict[str, Any] = {"messages": MESSAGES, "max_tokens": MAX_TOKENS}
IMPORT = "import litellm"
ROUTER = """
import litellm
litellm.Router(model_list=[{"model_name": "m", "litellm_params": {"model": "openai/m", "api_key": "x"}}])
"""


def _contender(name: str, api: str, source: Any, setup: str, asked: dict[str, Any]) -> Contender:
    return Contender(
        name=name,
        api=api,
        complete=partial(source.completion, **asked),
        stream=partial(source.completion, **asked, stream=True),
        acomplete=partial(source.acompletion, **asked),
        astream=partial(source.acompletion, **asked, stream=True),
        setup=setup,
    )


def contenders(root: str) -> Iterator[Contender]:
    """The functions for both formats, and a Router of one deployment."""
    ours = {"model": f"openai/{MODEL}", "api_base": f"{root}/v1", "api_key": KEY, "max_retries": 0}
    theirs = {"model": f"anthropic/{MODEL}", "api_base": root, "api_key": KEY, "max_retries": 0}
    yield _contender("LiteLLM", OPENAI, litellm, IMPORT, {**ASKED, **ours})
    yield _contender("LiteLLM", ANTHROPIC, litellm, IMPORT, {**ASKED, **theirs})
    router = litellm.Router(model_list=[{"model_name": MODEL, "litellm_params": ours}], num_retries=0)
    yield _contender("LiteLLM Router", OPENAI, router, ROUTER, {**ASKED, "model": MODEL})
