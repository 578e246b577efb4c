"""CodeFrame's `LLMProvider` over a router: `from llmroute.compat.codeframe import CodeFrameProvider`.

The spec's purposes take the place of `ModelSelector`: which model plans, executes or corrects stands there. A
`temperature` or `max_tokens` at the default of the signature gives way where the spec has a word.
"""

from __future__ import annotations

from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

from llmroute.compat import codeframe_data
from llmroute.compat.bridge import Asker, Types, raised_as, seen, until
from llmroute.compat.codeframe_data import *  # noqa: F403 - the classes of the interface, all of them
from llmroute.compat.codeframe_data import (
    ERRORS,
    LLMResponse,
    Purpose,
    StreamChunk,
    Tool,
    answered,
    chunk_of,
    request_of,
)
from llmroute.errors import ModelNotFoundError, UnknownPurposeError
from llmroute.routing.capabilities import capability_of
from llmroute.wire.chat import TextDelta

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Iterable, Iterator

    from llmroute.dispatch.router import Router
    from llmroute.routing.route import Target

MAX_TOKENS, TEMPERATURE, LEAST_THINKING = 4096, 0.0, 1024


class CodeFrameProvider:
    """A provider for CodeFrame's agents, under the name of an agent of the spec."""

    def __init__(self, router: Router, agent: str | None = None, types: Iterable[object] = ()) -> None:
        """`types`: modules whose classes are to be given and raised, such as `codeframe.adapters.llm.base`."""
        self._router, self._agent = router, agent
        self._types = Types(codeframe_data, types)

    def complete(
        self,
        messages: list[dict[str, Any]],
        purpose: Purpose = Purpose.EXECUTION,
        tools: list[Tool] | None = None,
        max_tokens: int = MAX_TOKENS,
        temperature: float = TEMPERATURE,
        system: str | None = None,
    ) -> LLMResponse:
        """Ask, and wait for the whole answer."""
        with raised_as(self._types, ERRORS):
            asked = self._asked(purpose, max_tokens, temperature, system)
            return answered(self._router.complete(request_of(messages, tools), **asked), self._types)

    async def async_complete(
        self,
        messages: list[dict[str, Any]],
        purpose: Purpose = Purpose.EXECUTION,
        tools: list[Tool] | None = None,
        max_tokens: int = MAX_TOKENS,
        temperature: float = TEMPERATURE,
        system: str | None = None,
    ) -> LLMResponse:
        """The same, asynchronous."""
        with raised_as(self._types, ERRORS):
            asked = self._asked(purpose, max_tokens, temperature, system)
            return answered(await self._router.acomplete(request_of(messages, tools), **asked), self._types)

    acomplete = async_complete

    def stream(
        self,
        messages: list[dict[str, Any]],
        purpose: Purpose = Purpose.EXECUTION,
        max_tokens: int = MAX_TOKENS,
        temperature: float = TEMPERATURE,
        system: str | None = None,
    ) -> Iterator[str]:
        """The text of the answer, piece by piece."""
        with raised_as(self._types, ERRORS):
            asked = self._asked(purpose, max_tokens, temperature, system)
            with self._router.stream(request_of(messages), **asked) as events:
                yield from (event.text for event in map(seen, events) if isinstance(event, TextDelta))

    async def async_stream(
        self,
        messages: list[dict[str, Any]],
        system: str,
        tools: list[dict[str, Any]],
        model: str,
        max_tokens: int,
        interrupt_event: asyncio.Event | None = None,
        extended_thinking: bool = False,
    ) -> AsyncIterator[StreamChunk]:
        """All of the answer, piece by piece; `interrupt_event` ends it at once, without a `message_stop`."""
        with raised_as(self._types, ERRORS):
            router, purpose = self._of_model(model)
            asked = self._asked(purpose, max_tokens, None, system)
            if extended_thinking and max_tokens > LEAST_THINKING and self.supports("extended_thinking"):
                asked["thinking_budget"] = max(LEAST_THINKING, max_tokens // 2)
            source = router.astream(request_of(messages, tools), **asked)
            async with source, aclosing(until(source, interrupt_event)) as events:
                async for event in events:
                    if (chunk := chunk_of(event, self._types)) is not None:
                        yield chunk

    def supports(self, capability: str) -> bool:
        """Whether the model of `execution` can do it: `extended_thinking`, or a field of `capabilities:`."""
        what = "thinking" if capability == "extended_thinking" else capability
        return bool(capability_of(self._router.spec, self._target(Purpose.EXECUTION), what))

    def get_model(self, purpose: Purpose) -> str:
        """The model that the spec gives a purpose."""
        with raised_as(self._types, ERRORS):
            return self._target(purpose).model

    def _of_model(self, model: str) -> tuple[Router, Purpose]:
        """Whom to ask for a model: the purpose that has it, else the program's own wish, where nothing beats that."""
        for purpose in (Purpose.EXECUTION, *Purpose):
            with suppress(UnknownPurposeError):
                if self._target(purpose).model == model:
                    return self._router, purpose
        wanting = self._router.with_arguments(model=model)
        won = wanting.resolve(agent=self._agent, purpose=Purpose.EXECUTION.value).target
        if model not in {won.model, won.name}:
            raise ModelNotFoundError(
                f"the spec gives {won.model!r}, not {model!r}: `agents:` beats what a program wants"
            )
        return wanting, Purpose.EXECUTION

    def _target(self, purpose: Purpose | str) -> Target:
        return self._router.resolve(agent=self._agent, purpose=Purpose(purpose).value).target

    def _asked(self, purpose: Purpose, max_tokens: int, temperature: float | None, system: str | None) -> Any:
        asker = Asker(self._router, self._agent, Purpose(purpose).value)
        given = asker.unless_said(max_tokens=(max_tokens, MAX_TOKENS), temperature=(temperature, TEMPERATURE))
        return {"agent": asker.agent, "purpose": asker.purpose, "system": system or None, **given}
