"""The vendors' own SDKs, with their typed objects."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import anthropic
import openai

from tests.benchmarks.bare import BODY
from tests.benchmarks.rivals.contender import ANTHROPIC, KEY, OPENAI, Contender

if TYPE_CHECKING:
    from collections.abc import Iterator


def _contender(name: str, api: str, create: Any, acreate: Any, setup: str) -> Contender:
    return Contender(
        name=name,
        api=api,
        complete=partial(create, **BODY),
        stream=partial(create, **BODY, stream=True),
        acomplete=partial(acreate, **BODY),
        astream=partial(acreate, **BODY, stream=True),
        setup=setup,
    )


def contenders(root: str) -> Iterator[Contender]:
    """Clients that do not retry, and connect to the server alone."""
    at: dict[str, Any] = {"base_url": f"{root}/v1", "api_key": KEY, "max_retries": 0}
    yield _contender(
        "openai SDK",
        OPENAI,
        openai.OpenAI(**at).chat.completions.create,
        openai.AsyncOpenAI(**at).chat.completions.create,
        "import openai; openai.OpenAI(base_url='http://127.0.0.1:9/v1', api_key='x').chat.completions",
    )
    at["base_url"] = root
    yield _contender(
        "anthropic SDK",
        ANTHROPIC,
        anthropic.Anthropic(**at).messages.create,
        anthropic.AsyncAnthropic(**at).messages.create,
        "import anthropic; anthropic.Anthropic(base_url='http://127.0.0.1:9', api_key='x').messages",
    )
