"""any-llm with a client that is kept, the faster of its two ways."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from any_llm import AnyLLM

from tests.benchmarks.bare import BODY
from tests.benchmarks.rivals.contender import KEY, OPENAI, Contender

if TYPE_CHECKING:
    from collections.abc import Iterator

SETUP = "from any_llm import AnyLLM; AnyLLM.create('openai', api_key='x', api_base='http://127.0.0.1:9/v1')"


def contenders(root: str) -> Iterator[Contender]:
    """OpenAI's format."""
    # Its blocking calls and its asynchronous ones each need a client of their own: one belongs to its event loop.
    blocking: Any = AnyLLM.create("openai", api_key=KEY, api_base=f"{root}/v1", max_retries=0)
    other: Any = AnyLLM.create("openai", api_key=KEY, api_base=f"{root}/v1", max_retries=0)
    yield Contender(
        name="any-llm",
        api=OPENAI,
        complete=partial(blocking.completion, **BODY),
        stream=partial(blocking.completion, **BODY, stream=True),
        acomplete=partial(other.acompletion, **BODY),
        astream=partial(other.acompletion, **BODY, stream=True),
        setup=SETUP,
    )
