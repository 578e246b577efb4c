"""pydantic-ai's direct requests: a model without an agent around it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic_ai.direct import model_request, model_request_stream, model_request_stream_sync, model_request_sync
from pydantic_ai.messages import ModelRequest
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings

from tests.benchmarks.bare import MAX_TOKENS, PROMPT
from tests.benchmarks.rivals.contender import ANTHROPIC, KEY, OPENAI, Contender
from tests.benchmarks.server import MODEL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

MESSAGES = [ModelRequest.user_text_prompt(PROMPT)]
SETTINGS = ModelSettings(max_tokens=MAX_TOKENS)
SETUP = """
import pydantic_ai.direct
from pydantic_ai.models.{module} import {model}
from pydantic_ai.providers.{module} import {provider}
{model}("m", provider={provider}(base_url="http://127.0.0.1:9", api_key="x"))
"""


def _stream(model: Any) -> Iterator[object]:
    with model_request_stream_sync(model, MESSAGES, model_settings=SETTINGS) as stream:
        yield from stream


async def _astream(model: Any) -> AsyncIterator[object]:
    async def events() -> AsyncIterator[object]:
        async with model_request_stream(model, MESSAGES, model_settings=SETTINGS) as stream:
            async for event in stream:
                yield event

    return events()


def _contender(api: str, make: Any, module: str) -> Contender:
    # Its blocking calls run an event loop of their own, so that they get a client of their own.
    blocking, other = make(), make()
    names = {"module": module, "model": type(other).__name__, "provider": type(other._provider).__name__}
    return Contender(
        name="pydantic-ai direct",
        api=api,
        complete=partial(model_request_sync, blocking, MESSAGES, model_settings=SETTINGS),
        stream=partial(_stream, blocking),
        acomplete=partial(model_request, other, MESSAGES, model_settings=SETTINGS),
        astream=partial(_astream, other),
        setup=SETUP.format(**names),
    )


def contenders(root: str) -> Iterator[Contender]:
    """Both formats."""

    def for_openai() -> OpenAIChatModel:
        return OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=f"{root}/v1", api_key=KEY))

    def for_anthropic() -> AnthropicModel:
        return AnthropicModel(MODEL, provider=AnthropicProvider(base_url=root, api_key=KEY))

    yield _contender(OPENAI, for_openai, "openai")
    yield _contender(ANTHROPIC, for_anthropic, "anthropic")
