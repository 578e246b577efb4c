"""A conversation with whichever model the spec names: history, tools, pruning and what it came to."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias, cast

from llmroute.conversation import saved, tool_loop
from llmroute.conversation.fitting import Fitting
from llmroute.conversation.history import awaiting, extended, result_of
from llmroute.conversation.streams import AsyncConversationStream, ConversationStream
from llmroute.dispatch.ledger import Ledger
from llmroute.dispatch.requests import check_names
from llmroute.errors import ConversationError
from llmroute.wire.chat import Message

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterable
    from typing import Unpack

    from llmroute.conversation.pruning import Pruned
    from llmroute.conversation.tool_loop import Handlers
    from llmroute.dispatch.ledger import UsageReport
    from llmroute.dispatch.requests import Asked
    from llmroute.dispatch.router import Router
    from llmroute.wire.chat import Event, Part, Reply, ToolCall

Said: TypeAlias = "str | Part | Iterable[Part] | Message"
"""What the user says: a text, a part or several, or a whole message."""


class Conversation:
    """What was said between a user, a model and its tools.

    The history is neutral: each answer may come from another provider, in another format. It only grows by whole
    turns: one that fails, or a stream that is left early, leaves it as it was. What does not fit a target's window is
    left out of what is sent, never out of the history. One thread or task at a time uses a conversation.
    """

    def __init__(self, router: Router, messages: Iterable[Message] = (), **asked: Unpack[Asked]) -> None:
        """Begin, or go on after `messages`.

        Args:
            router: who answers.
            messages: a history, without the system prompt.
            asked: what goes with each request, as in `Router.complete`: `agent`, `purpose`, `system`, `tools`,
                sampling parameters and limits; `conversation`, its name, else one is made up; `fit`, in place of
                the pruning.

        Raises:
            TypeError: an argument that no request may have.
        """
        check_names(asked)
        self._router = router
        self._asked: Asked = {**asked}
        self._messages = tuple(messages)
        self.id = asked.get("conversation") or secrets.token_hex(8)
        """Names the conversation where the spec says `sticky: conversation`."""
        self._ledger = Ledger()
        self._fitting = Fitting(router.spec, has_system=asked.get("system") is not None)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The whole history, without the system prompt."""
        return self._messages

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls of the last answer that await their results."""
        return awaiting(self._messages)

    @property
    def pruned(self) -> Pruned | None:
        """What the last attempt left out of the history; None: nothing."""
        return self._fitting.pruned

    def usage(self) -> UsageReport:
        """Tokens and list prices of this conversation's answers; `usage().total` is all of it."""
        return self._ledger.report()

    def send(self, message: Said | None = None, **asked: Unpack[Asked]) -> ConversationStream:
        """Ask, and give the answer piece by piece; without a message the model goes on after the tool results.

        Nothing is sent before the first event is asked for.

        Args:
            message: what the user says.
            asked: for this turn, over what the conversation asks for.

        Raises:
            ConversationError: tool calls await their results, or there is nothing to answer.
            RoutingError: no route, or no key.
        """
        turn = self._turn(message, asked)
        return ConversationStream(self._router.stream(turn.messages, **turn.asked), turn.ended)

    def asend(self, message: Said | None = None, **asked: Unpack[Asked]) -> AsyncConversationStream:
        """`send`, asynchronous: `async with conversation.asend(…) as events: async for event in events: …`."""
        turn = self._turn(message, asked)
        return AsyncConversationStream(self._router.astream(turn.messages, **turn.asked), turn.ended)

    def complete(self, message: Said | None = None, **asked: Unpack[Asked]) -> Reply:
        """Ask, and wait for the whole answer; the arguments are those of `send`.

        Raises:
            ConversationError: tool calls await their results, or there is nothing to answer.
            RoutingError: no route, or no key.
            ContextLengthError: the conversation does not fit, even with all left out that may be.
            CallError: every attempt failed.
        """
        turn = self._turn(message, asked)
        return turn.ended(self._router.complete(turn.messages, **turn.asked))

    async def acomplete(self, message: Said | None = None, **asked: Unpack[Asked]) -> Reply:
        """`complete`, asynchronous."""
        turn = self._turn(message, asked)
        return turn.ended(await self._router.acomplete(turn.messages, **turn.asked))

    def add_tool_result(
        self, call: ToolCall | str, result: object, *, is_error: bool = False, pinned: bool = False
    ) -> None:
        """Say what a tool gave back; `send()` or `complete()` goes on when every call has its result.

        Args:
            call: the call, or its id.
            result: a text, parts, a `ToolResult`, None, or anything that JSON can hold.
            is_error: the tool failed; `result` says why.
            pinned: never left out of what is sent.

        Raises:
            ConversationError: no such call awaits a result.
            TypeError: the result is none.
        """
        call_id = call if isinstance(call, str) else call.id
        if call_id not in {each.id for each in self.tool_calls}:
            raise ConversationError(f"no tool call {call_id!r} awaits a result")
        part = result_of(call_id, result, is_error=is_error, pinned=pinned)
        self._messages = (*self._messages, Message("tool", (part,)))

    def run_tools(
        self, handlers: Handlers, message: Said | None = None, *, max_iterations: int = 10, concurrent: bool = False
    ) -> Reply:
        """Call the tools that the model asks for, and ask on until it asks for none; the last answer.

        What a handler raises, an unknown tool and arguments that are no JSON object become results with `is_error`.

        Args:
            handlers: tool name to function, called with the arguments by their names.
            message: said first; without one the calls that await their results are made.
            max_iterations: so many rounds of calls there may be.
            concurrent: make the calls of one answer at the same time, in threads.

        Raises:
            ToolLoopError: the model still calls tools after that; the conversation can go on from there.
            TypeError: a handler is asynchronous.
            ConversationError, RoutingError, CallError: as from `complete`.
        """
        tool_loop.check_blocking(handlers)
        reply = self.complete(message) if message is not None or not self.tool_calls else None
        for _ in range(max_iterations):
            if not (calls := self.tool_calls):
                break
            for result in tool_loop.results(calls, handlers, concurrent=concurrent):
                self.add_tool_result(result.tool_call_id, result)
            reply = self.complete()
        if self.tool_calls or reply is None:
            raise tool_loop.too_many_rounds(self, max_iterations)
        return reply

    async def arun_tools(
        self, handlers: Handlers, message: Said | None = None, *, max_iterations: int = 10, concurrent: bool = False
    ) -> Reply:
        """`run_tools`, asynchronous; handlers may be coroutine functions, others run in threads."""
        reply = await self.acomplete(message) if message is not None or not self.tool_calls else None
        for _ in range(max_iterations):
            if not (calls := self.tool_calls):
                break
            async for result in tool_loop.aresults(calls, handlers, concurrent=concurrent):
                self.add_tool_result(result.tool_call_id, result)
            reply = await self.acomplete()
        if self.tool_calls or reply is None:
            raise tool_loop.too_many_rounds(self, max_iterations)
        return reply

    def stream_tools(
        self, handlers: Handlers, message: Said | None = None, *, max_iterations: int = 10, concurrent: bool = False
    ) -> Generator[Event, None, None]:
        """`run_tools`, piece by piece: the events of each answer up to its `Finish`; its tools run before the next.

        Closing the generator closes the connection. An answer that fails raises as `send` does, and the conversation
        can go on from there.
        """
        tool_loop.check_blocking(handlers)
        asks = message is not None or not self.tool_calls
        for rounds in range(max_iterations + 1):
            if asks or rounds:
                with self.send(None if rounds else message) as events:
                    yield from events
                if not self.tool_calls:
                    return
            if rounds < max_iterations:
                for result in tool_loop.results(self.tool_calls, handlers, concurrent=concurrent):
                    self.add_tool_result(result.tool_call_id, result)
        raise tool_loop.too_many_rounds(self, max_iterations)

    async def astream_tools(
        self, handlers: Handlers, message: Said | None = None, *, max_iterations: int = 10, concurrent: bool = False
    ) -> AsyncGenerator[Event, None]:
        """`stream_tools`, asynchronous; leave it early in `async with contextlib.aclosing(…)`."""
        asks = message is not None or not self.tool_calls
        for rounds in range(max_iterations + 1):
            if asks or rounds:
                async with self.asend(None if rounds else message) as events:
                    async for event in events:
                        yield event
                if not self.tool_calls:
                    return
            if rounds < max_iterations:
                async for result in tool_loop.aresults(self.tool_calls, handlers, concurrent=concurrent):
                    self.add_tool_result(result.tool_call_id, result)
        raise tool_loop.too_many_rounds(self, max_iterations)

    def set_current_file_context(self, path: str | None) -> None:
        """The file that is being worked on: pruning leaves what speaks of it for last. The path itself is not sent."""
        self._fitting.current_file = path

    def clear(self) -> None:
        """Forget what was said; the system prompt, the tools and the usage stay."""
        self.replace(())

    def replace(self, messages: Iterable[Message]) -> None:
        """Go on from another history."""
        self._messages = tuple(messages)
        self._fitting.clear()

    def to_json(self) -> dict[str, Any]:
        """The conversation as JSON data, with its usage, without the router."""
        return saved.to_json(self._asked, self._messages, self.id, self._fitting, self.usage())

    @classmethod
    def from_json(cls, data: object, router: Router, **asked: Unpack[Asked]) -> Self:
        """The inverse of `to_json`; `asked` goes over what was saved.

        Raises:
            ConversionError: the data is no conversation; `pointer` says where.
        """
        read = saved.from_json(data)
        made = cls(router, read.messages, **cast("Asked", {**read.asked, **asked}))
        made._ledger = Ledger(before=read.usage)
        made._fitting.current_file, made._fitting.scale = read.current_file, read.scale
        return made

    def _turn(self, message: Said | None, asked: Asked) -> _Turn:
        whole: Asked = {**self._asked, **asked}
        whole["conversation"] = self.id
        whole.setdefault("fit", self._fitting.fit)
        self._fitting.has_system = whole.get("system") is not None
        messages = extended(self._messages, message)
        return _Turn(messages, whole, partial(self._ended, self._messages, messages))

    def _ended(self, before: tuple[Message, ...], messages: tuple[Message, ...], reply: Reply) -> Reply:
        """The history gets what was said, and the answer."""
        if self._messages is not before:
            raise ConversationError("the conversation went on elsewhere while this answer was under way")
        self._messages = (*messages, reply.message)
        self._ledger.enter_reply(reply)
        self._fitting.counted(reply)
        return reply


class _Turn(NamedTuple):
    """One request of a conversation."""

    messages: tuple[Message, ...]
    asked: Asked
    ended: Callable[[Reply], Reply]
    """To be called with the answer."""
