"""Hive's `LLMProvider` over a router: `from llmroute.compat.hive import HiveProvider`.

Two budgets of retries, each of `max_retries` where it is given: the router's own, for rate limits and failures (else as
the spec says), and one for answers without text and without tool calls (else 3), which some providers give in place of
a 429. A `max_tokens` of None is the spec's.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from llmroute.compat import hive_data
from llmroute.compat.bridge import Types, arguments_of
from llmroute.compat.hive_data import *  # noqa: F403 - the classes of the interface, all of them
from llmroute.compat.hive_data import LLMResponse, StreamEvent, Tool, fit, request_of, response_of, tool_message
from llmroute.compat.hive_stream import Told, is_empty
from llmroute.conversation import Conversation
from llmroute.errors import LLMRouteError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from llmroute.compat.hive_data import ToolResult, ToolUse
    from llmroute.dispatch.router import Router

EMPTY_RETRIES, EMPTY_WAIT_S = 3, 1.0
"""For answers without content; a longer wait helps nobody, as nobody said that it would."""


class HiveProvider:
    """A provider for Hive's graphs, under the name of an agent and a purpose of the spec."""

    def __init__(
        self, router: Router, agent: str | None = None, purpose: str | None = None, types: Iterable[object] = ()
    ) -> None:
        """`types`: modules whose classes are to be given: `framework.llm.provider`, `framework.llm.stream_events`."""
        self._router = router
        self._who: Any = {"agent": agent, "purpose": purpose}
        self._types = Types(hive_data, types)
        self.empty_wait_s = EMPTY_WAIT_S

    @property
    def model(self) -> str:
        """The model of the primary target."""
        return self._router.resolve(**self._who).target.model

    def complete(
        self,
        messages: list[dict[str, Any]],
        system: str = "",
        tools: list[Tool] | None = None,
        max_tokens: int | None = None,
        response_format: dict[str, Any] | None = None,
        json_mode: bool = False,
        max_retries: int | None = None,
    ) -> LLMResponse:
        """Ask, and wait for the whole answer; the calls of tools are in `raw_response["tool_calls"]`."""
        request = request_of(messages, (system,), tools, response_format, json_mode)
        for left in _budget(max_retries):
            reply = self._router.complete(request, **self._asked(max_tokens, max_retries))
            if not left or not is_empty(reply, request):
                break
            time.sleep(self.empty_wait_s)
        return response_of(reply, self._types)

    async def acomplete(
        self,
        messages: list[dict[str, Any]],
        system: str = "",
        tools: list[Tool] | None = None,
        max_tokens: int | None = None,
        response_format: dict[str, Any] | None = None,
        json_mode: bool = False,
        max_retries: int | None = None,
        system_dynamic_suffix: str | None = None,
    ) -> LLMResponse:
        """The same, asynchronous; the suffix is a part of its own, so that the prompt before it stays cached."""
        request = request_of(messages, (system, system_dynamic_suffix), tools, response_format, json_mode)
        for left in _budget(max_retries):
            reply = await self._router.acomplete(request, **self._asked(max_tokens, max_retries))
            if not left or not is_empty(reply, request):
                break
            await asyncio.sleep(self.empty_wait_s)
        return response_of(reply, self._types)

    async def stream(
        self,
        messages: list[dict[str, Any]],
        system: str = "",
        tools: list[Tool] | None = None,
        max_tokens: int | None = None,
        system_dynamic_suffix: str | None = None,
        response_format: dict[str, Any] | None = None,
        json_mode: bool = False,
        max_retries: int | None = None,
    ) -> AsyncIterator[StreamEvent]:
        """The answer piece by piece; tool calls come when all of it is there, a failure is the last event."""
        told = Told(self._types)
        try:
            request = request_of(messages, (system, system_dynamic_suffix), tools, response_format, json_mode)
            for left in _budget(max_retries):
                async with self._router.astream(request, **self._asked(max_tokens, max_retries)) as events:
                    async for event in events:
                        for piece in told.of(event):
                            yield piece
                if not left or not is_empty(told.reply, request):
                    break
                await asyncio.sleep(self.empty_wait_s)
            for piece in told.end():
                yield piece
        except LLMRouteError as error:
            yield told.failed(error)

    def complete_with_tools(
        self,
        messages: list[dict[str, Any]],
        system: str,
        tools: list[Tool],
        tool_executor: Callable[[ToolUse], ToolResult],
        max_iterations: int = 10,
    ) -> LLMResponse:
        """Make the calls that the model asks for until it asks for none, as versions of Hive have it that do not."""
        request = request_of(messages, (), tools)
        talk = Conversation(self._router, request.messages, system=system or None, tools=request.tools, **self._who)
        reply = talk.complete()
        for _ in range(max_iterations):
            if not talk.tool_calls:
                break
            for call in talk.tool_calls:
                use = self._types.make("ToolUse", id=call.id, name=call.name, input=arguments_of(call))
                talk.add_tool_result(call, tool_message(tool_executor(use)).content[0])
            reply = talk.complete()
        changes = {"content": "Max tool iterations reached", "stop_reason": "max_iterations"} if talk.tool_calls else {}
        return response_of(reply, self._types, **changes)

    async def acomplete_with_tools(self, *given: Any, **named: Any) -> LLMResponse:
        """The same in a thread, where the executor may block."""
        return await asyncio.to_thread(self.complete_with_tools, *given, **named)

    def _asked(self, max_tokens: int | None, max_retries: int | None) -> Any:
        return {**self._who, "max_tokens": max_tokens, "max_retries": max_retries, "fit": fit}


def _budget(max_retries: int | None) -> Iterator[int]:
    """How many retries are left after each try."""
    return reversed(range((EMPTY_RETRIES if max_retries is None else max_retries) + 1))
