"""Coda's `BaseProvider` over a router: `from llmroute.compat.coda import CodaProvider`.

The `model` of a call is a client argument: it beats the environment and loses to `agents:` of the spec, and
`ChatCompletion.model` says who answered. A `temperature` at the default of the signature gives way where the spec has a
word.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from llmroute.compat import coda_data
from llmroute.compat.bridge import Asker, Types, raised_as, seen, until
from llmroute.compat.coda_data import *  # noqa: F403 - the classes of the interface, all of them
from llmroute.compat.coda_data import (
    ERRORS,
    ChatCompletion,
    ChatCompletionChunk,
    Message,
    Model,
    Tool,
    chunk_of,
    completion_of,
    models_of,
    request_of,
)
from llmroute.routing.endpoints import reference

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from llmroute.dispatch.router import Router

TEMPERATURE = 0.7


class CodaProvider:
    """A provider for Coda, under the name of an agent of the spec."""

    def __init__(self, router: Router, agent: str | None = None, types: Iterable[object] = (), **kwargs: Any) -> None:
        """`types`: modules whose classes are to be given and raised, such as `coda.base.providers.base`."""
        self._router, self._agent = router, agent
        self._types = Types(coda_data, types)
        self.config = kwargs

    @property
    def name(self) -> str:
        """The provider of the primary target."""
        target = self._router.resolve(agent=self._agent).target
        return target.provider or target.base_url

    def chat(
        self,
        messages: list[Message],
        model: str,
        temperature: float = TEMPERATURE,
        max_tokens: int | None = None,
        top_p: float | None = None,
        stop: str | list[str] | None = None,
        tools: list[Tool] | None = None,
        **kwargs: Any,
    ) -> ChatCompletion:
        """Ask, and wait for the whole answer; `kwargs` are what else a request may have."""
        with raised_as(self._types, ERRORS):
            router, asked = self._asked(model, temperature, max_tokens=max_tokens, top_p=top_p, stop=stop, **kwargs)
            return completion_of(router.complete(request_of(messages, tools), **asked), self._types)

    def chat_stream(
        self,
        messages: list[Message],
        model: str,
        temperature: float = TEMPERATURE,
        max_tokens: int | None = None,
        top_p: float | None = None,
        stop: str | list[str] | None = None,
        tools: list[Tool] | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatCompletionChunk]:
        """The same, piece by piece; the last piece has the reason, the tool calls and the usage."""
        with raised_as(self._types, ERRORS):
            router, asked = self._asked(model, temperature, max_tokens=max_tokens, top_p=top_p, stop=stop, **kwargs)
            with router.stream(request_of(messages, tools), **asked) as events:
                chunks = (chunk_of(seen(event), model, self._types) for event in events)
                yield from (chunk for chunk in chunks if chunk is not None)

    async def achat(
        self,
        messages: list[Message],
        model: str,
        temperature: float = TEMPERATURE,
        max_tokens: int | None = None,
        top_p: float | None = None,
        stop: str | list[str] | None = None,
        tools: list[Tool] | None = None,
        **kwargs: Any,
    ) -> ChatCompletion:
        """`chat`, asynchronous."""
        with raised_as(self._types, ERRORS):
            router, asked = self._asked(model, temperature, max_tokens=max_tokens, top_p=top_p, stop=stop, **kwargs)
            return completion_of(await router.acomplete(request_of(messages, tools), **asked), self._types)

    async def achat_stream(
        self,
        messages: list[Message],
        model: str,
        temperature: float = TEMPERATURE,
        max_tokens: int | None = None,
        top_p: float | None = None,
        stop: str | list[str] | None = None,
        tools: list[Tool] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatCompletionChunk]:
        """`chat_stream`, asynchronous."""
        with raised_as(self._types, ERRORS):
            router, asked = self._asked(model, temperature, max_tokens=max_tokens, top_p=top_p, stop=stop, **kwargs)
            source = router.astream(request_of(messages, tools), **asked)
            async with source, aclosing(until(source)) as events:
                async for event in events:
                    if (chunk := chunk_of(event, model, self._types)) is not None:
                        yield chunk

    def list_models(self) -> list[Model]:
        """What the provider of the primary target offers; tools count as supported unless somebody knows better."""
        with raised_as(self._types, ERRORS):
            return models_of(self._router, self._agent, self._types)

    def validate_model(self, model: str) -> bool:
        """Whether it is offered."""
        return self.get_model_info(model) is not None

    def get_model_info(self, model: str) -> Model | None:
        """What is known of one model."""
        return next((row for row in self.list_models() if row.id == model), None)

    def _asked(self, model: str, temperature: float, **given: Any) -> tuple[Router, dict[str, Any]]:
        target = self._router.resolve(agent=self._agent).target
        router = self._router
        if model not in {"", target.model, target.name}:
            # A bare name is a model of the provider that the program is on; else it would be nobody's.
            bare = target.provider is not None and reference(router.spec, model) is None
            router = router.with_arguments(**({"provider": target.provider} if bare else {}), model=model)
        said = Asker(router, self._agent).unless_said(temperature=(temperature, TEMPERATURE))
        return router, {"agent": self._agent, **said, **given}
