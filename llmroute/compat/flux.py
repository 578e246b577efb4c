"""Flux's `BaseLLMProvider` over a conversation: `from llmroute.compat.flux import FluxProvider`.

Prices, and how much of the history is sent, come from the price list and the window of the target, not from a name.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from llmroute.compat.bridge import arguments_of, from_anthropic, until
from llmroute.conversation import Conversation
from llmroute.dispatch.token_estimate import estimated_tokens
from llmroute.errors import ConversionError
from llmroute.wire.chat import ChatRequest, Finish, Message, Text, TextDelta

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

    from llmroute.conversation.pruning import Pruned
    from llmroute.dispatch.router import Router

CANCELLED = "cancelled by the user"


class FluxProvider:
    """A provider for Flux: it holds one conversation, whose answers may come from any target of the spec."""

    def __init__(self, router: Router, config: Any = None, *, agent: str | None = None) -> None:
        """`config` is kept for whoever reads it; nothing in it chooses where a request goes."""
        self.config = config
        self.conversation = Conversation(router, agent=agent)
        """The conversation itself, for what Flux's interface has no word for."""
        self.pruning_stats: list[dict[str, int]] = []
        """What was left out of the history, a row for each answer to less than all of it."""

    async def send_message(
        self, message: str, system_prompt: str, tools: list[dict[str, Any]] | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Say something; gives `{"type": "text", …}` as it comes, then `{"type": "tool_use", …}` for each call.

        Calls that were left without a result, because the user stopped them, are answered as cancelled first: no
        provider takes a conversation in which they stand open.
        """
        for call in self.conversation.tool_calls:
            self.conversation.add_tool_result(call, CANCELLED, is_error=True)
        async with aclosing(self._turn(message, system_prompt, tools)) as events:
            async for event in events:
                yield event

    async def continue_with_tool_results(
        self, system_prompt: str, tools: list[dict[str, Any]] | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Go on when every call has its result."""
        async with aclosing(self._turn(None, system_prompt, tools)) as events:
            async for event in events:
                yield event

    def add_tool_result(self, tool_use_id: str, result: Any, is_error: bool | None = None) -> None:
        """What a tool gave back; an object with `error`, as Flux's tools give it, is one unless `is_error` says so."""
        failed = isinstance(result, dict) and "error" in result if is_error is None else is_error
        self.conversation.add_tool_result(tool_use_id, result, is_error=failed)

    def clear_history(self) -> None:
        """Forget what was said; the usage stays."""
        self.conversation.clear()
        self.pruning_stats.clear()

    def get_token_usage(self) -> dict[str, Any]:
        """Tokens and list price of the conversation; `estimated_cost` is a lower bound where `unpriced` answers are."""
        spent = self.conversation.usage().total
        saved = sum(row["tokens_saved"] for row in self.pruning_stats)
        return {
            "input_tokens": spent.input_tokens,
            "output_tokens": spent.output_tokens,
            "total_tokens": spent.input_tokens + spent.output_tokens,
            "estimated_cost": spent.priced_usd,
            "unpriced": spent.unpriced,
            "context_pruning": {
                "enabled": True,
                "prunings_performed": len(self.pruning_stats),
                "tokens_saved": saved,
                "avg_tokens_saved_per_pruning": saved / max(len(self.pruning_stats), 1),
            },
        }

    def set_current_file_context(self, file_path: str | None) -> None:
        """The file that is being worked on: what speaks of it is left out last."""
        self.conversation.set_current_file_context(file_path)

    def estimate_conversation_tokens(self) -> int:
        """About how many tokens the history has."""
        return estimated_tokens(ChatRequest(self.conversation.messages))

    @property
    def total_input_tokens(self) -> int:
        """Of all answers."""
        return self.conversation.usage().total.input_tokens

    @property
    def total_output_tokens(self) -> int:
        """Of all answers."""
        return self.conversation.usage().total.output_tokens

    @property
    def conversation_history(self) -> list[dict[str, Any]]:
        """The history as JSON data, a lone text as a string; assign a list, in Anthropic's form too, to change it."""
        rows = [message.to_json() for message in self.conversation.messages]
        for row, message in zip(rows, self.conversation.messages, strict=True):
            if message.content == (Text(message.text),):
                row["content"] = message.text
        return rows

    @conversation_history.setter
    def conversation_history(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.conversation.replace([message for row in rows for message in _messages(row)])

    async def _turn(
        self, message: str | None, system_prompt: str, tools: list[dict[str, Any]] | None
    ) -> AsyncGenerator[dict[str, Any], None]:
        asked: dict[str, Any] = {"system": system_prompt or None, "tools": from_anthropic((), tools or ()).tools}
        length = len(self.conversation.messages) + (message is not None)
        async with self.conversation.asend(message, **asked) as source, aclosing(until(source)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    yield {"type": "text", "content": event.text}
                elif isinstance(event, Finish):
                    self.pruning_stats += [] if (left := self.conversation.pruned) is None else [_stats(left, length)]
                    for call in event.reply.tool_calls:
                        yield {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments_of(call)}


def _stats(left: Pruned, length: int) -> dict[str, int]:
    """What was left out of a history of so many messages, in Flux's words."""
    removed, before, after = len(left.dropped), left.tokens_before, left.tokens_after
    messages = {"original_messages": length, "pruned_messages": length - removed, "messages_removed": removed}
    return {
        **messages,
        "original_tokens_estimate": before,
        "pruned_tokens_estimate": after,
        "tokens_saved": before - after,
    }


def _messages(row: Mapping[str, Any]) -> tuple[Message, ...]:
    try:
        return (Message.from_json(dict(row)),)
    except ConversionError:
        return from_anthropic([row]).messages
