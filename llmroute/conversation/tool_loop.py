"""Calling the tools that a model asked for: whatever goes wrong with one is its result."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from llmroute.conversation.history import result_of
from llmroute.errors import ConversionError, ToolLoopError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from llmroute.conversation.conversation import Conversation
    from llmroute.wire.chat import ToolCall, ToolResult

Handlers: TypeAlias = Mapping[str, Callable[..., object]]
"""Tool name to function. It is called with the arguments by their names (of a custom tool: with its input), and
gives what `add_tool_result` takes."""
AT_ONCE = 8
"""So many threads run the tools of one answer, where they run concurrently."""


def too_many_rounds(conversation: Conversation, rounds: int) -> ToolLoopError:
    """The error after the last round that was allowed."""
    names = ", ".join(call.name for call in conversation.tool_calls)
    return ToolLoopError(
        f"the model still calls tools ({names}) after {rounds} round{'s' * (rounds != 1)}", conversation=conversation
    )


def check_blocking(handlers: Handlers) -> None:
    """Refuse coroutine functions, which nobody would wait for.

    Raises:
        TypeError: there is one; `arun_tools` takes it.
    """
    for name, handler in handlers.items():
        if inspect.iscoroutinefunction(handler):
            raise TypeError(f"the handler of {name!r} is asynchronous: use arun_tools")


class _UnknownToolError(Exception):
    """The model asked for a tool that nobody offered."""


def results(calls: Sequence[ToolCall], handlers: Handlers, *, concurrent: bool) -> Iterator[ToolResult]:
    """The results of all calls, in their order; one after the other where they do not run concurrently."""
    if not concurrent:
        yield from (_result(call, handlers) for call in calls)
        return
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    with ThreadPoolExecutor(min(len(calls), AT_ONCE)) as pool:
        running = [pool.submit(copy_context().run, _result, call, handlers) for call in calls]
        yield from (each.result() for each in running)


async def aresults(calls: Sequence[ToolCall], handlers: Handlers, *, concurrent: bool) -> AsyncIterator[ToolResult]:
    """The same; coroutine functions are awaited, others run in threads, so that the event loop is free."""
    import asyncio

    if not concurrent:
        for call in calls:
            yield await _aresult(call, handlers)
        return
    for result in await asyncio.gather(*(_aresult(call, handlers) for call in calls)):
        yield result


def _result(call: ToolCall, handlers: Handlers) -> ToolResult:
    try:
        return result_of(call.id, _ready(call, handlers)())
    except Exception as exc:  # noqa: BLE001 - whatever a tool raises is its result
        return _failed(call, exc)


async def _aresult(call: ToolCall, handlers: Handlers) -> ToolResult:
    import asyncio

    try:
        run = _ready(call, handlers)
        return result_of(call.id, await (run() if inspect.iscoroutinefunction(run.func) else asyncio.to_thread(run)))
    except Exception as exc:  # noqa: BLE001 - whatever a tool raises is its result
        return _failed(call, exc)


def _ready(call: ToolCall, handlers: Handlers) -> partial[Any]:
    """The handler with its arguments; broken ones never reach it. That of a custom tool gets the text of the call.

    Raises:
        _UnknownToolError: there is no such tool.
        ConversionError: the arguments are no JSON object.
    """
    handler = handlers.get(call.name)
    if handler is None:
        raise _UnknownToolError(f"there is no tool {call.name!r}; there are: {', '.join(handlers) or 'none'}")
    return partial(handler, call.arguments) if call.custom else partial(handler, **call.parsed())


def _failed(call: ToolCall, exc: Exception) -> ToolResult:
    """The message of an exception, without its traceback."""
    if isinstance(exc, ConversionError):
        text = exc.message
    else:
        text = str(exc) if isinstance(exc, _UnknownToolError) else f"{type(exc).__name__}: {exc}"
    return result_of(call.id, text, is_error=True)
