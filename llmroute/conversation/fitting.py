"""Makes each request of a conversation fit the window of its target, and says what that took."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.conversation.history import readable
from llmroute.conversation.pruning import Pruned, Window, prune
from llmroute.dispatch.log_records import fields, logger
from llmroute.dispatch.token_estimate import estimated_tokens
from llmroute.routing.canonical import short_hash
from llmroute.routing.capabilities import capability_of
from llmroute.wire.chat import Image, Params, ToolResult

if TYPE_CHECKING:
    from llmroute.routing.route import Target
    from llmroute.routing.spec import RoutingSpec
    from llmroute.wire.chat import ChatRequest, Message, Reply

MOST_SCALED = 2.0
"""A provider counts no more than so many tokens where one is estimated: two bytes a token is the worst of texts."""


class Fitting:
    """What a conversation knows of the windows that it has to fit."""

    def __init__(self, spec: RoutingSpec, *, has_system: bool) -> None:
        self.has_system = has_system
        """Whether the first message of a request is the system prompt, which is no part of the history."""
        self.current_file: str | None = None
        self.pruned: Pruned | None = None
        self.scale = 1.0
        """How many tokens the last provider counted where one was estimated."""
        self._spec = spec
        self._estimated: int | None = None
        """The input of the last attempt; None where there is something that nobody can estimate."""
        self._unknown: set[str] = set()

    def clear(self) -> None:
        """Forget what was pruned."""
        self.pruned = None

    def fit(self, request: ChatRequest, target: Target) -> ChatRequest:
        """The request as the target can take it.

        Raises:
            ContextLengthError: it can't be made to fit.
        """
        self.pruned = None
        request = replace(request, messages=readable(request.messages))
        tokens = capability_of(self._spec, target, "context_window")
        if tokens is None:
            self._say_unknown(target)
        else:
            request = self._pruned(request, target, tokens)
        plain = not any(_has_image(message) for message in request.messages)
        self._estimated = estimated_tokens(replace(request, params=Params())) if plain else None
        return request

    def counted(self, reply: Reply) -> None:
        """Learn from the provider's own count."""
        if self._estimated and reply.usage is not None and reply.usage.input_tokens:
            self.scale = min(max(1.0, reply.usage.input_tokens / self._estimated), MOST_SCALED)

    def _pruned(self, request: ChatRequest, target: Target, tokens: int) -> ChatRequest:
        window = Window(
            tokens=tokens,
            max_output=capability_of(self._spec, target, "max_output"),
            scale=self.scale,
            current_file=self.current_file,
        )
        fitting = prune(request, window)
        if fitting.dropped:
            self.pruned = Pruned(
                target=target.name,
                window=tokens,
                tokens_before=fitting.tokens_before,
                tokens_after=fitting.tokens_after,
                dropped=tuple(place - self.has_system for place in fitting.dropped),
            )
            logger.info(
                "%d of %d messages are left out for %s: about %d tokens of %d, in a window of %d",
                *(len(fitting.dropped), len(request.messages), target.name),
                *(fitting.tokens_before - fitting.tokens_after, fitting.tokens_before, tokens),
                extra=fields("conversation_pruned", None, target=target.name, spec_hash=short_hash(self._spec)),
            )
        return fitting.request

    def _say_unknown(self, target: Target) -> None:
        if target.name not in self._unknown:
            self._unknown.add(target.name)
            logger.info(
                "the window of %s is not known: nothing of the conversation is left out; "
                "`capabilities: {context_window: …}` of the provider says it",
                target.name,
                extra=fields("window_unknown", None, target=target.name, spec_hash=short_hash(self._spec)),
            )


def _has_image(message: Message) -> bool:
    parts = (part.content if isinstance(part, ToolResult) else (part,) for part in message.content)
    return any(isinstance(inner, Image) for group in parts for inner in group)
