"""Which target answered a conversation last, for `sticky: conversation`.

A provider that has read the beginning of a conversation before answers the rest faster and for less (prompt cache).
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import OrderedDict
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeAlias

from llmroute.dispatch.health import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.dispatch.health import Name
    from llmroute.dispatch.requests import Wanted
    from llmroute.routing.route import Resolution, Target

REMEMBERED = 10_000
"""So many conversations are kept, those that were answered last."""
Conversation: TypeAlias = tuple[str | None, str]


class Conversations:
    """The memory of one router, shared by its threads. It holds digests, no text."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)
        self._lock = threading.Lock()
        self._last: OrderedDict[Conversation, Name] = OrderedDict()

    def of(self, want: Wanted, resolution: Resolution) -> Conversation | None:
        """The conversation that a request belongs to; None where the spec does not keep any.

        It is the one that the program named, else the one that begins with the same messages, up to the first
        of the user's. Each agent has its own.
        """
        if resolution.target.params.get("sticky") != "conversation":
            return None
        agent = resolution.query.agent
        return agent, want.conversation if want.conversation is not None else self._digest(want)

    def in_order(self, conversation: Conversation | None, targets: Sequence[Target]) -> Sequence[Target]:
        """The targets, the one that answered the conversation last before the others."""
        last = None if conversation is None else self._last.get(conversation)
        return targets if last is None else sorted(targets, key=lambda target: name_of(target) != last)

    def answered(self, conversation: Conversation | None, target: Target) -> None:
        """The target answered."""
        if conversation is None:
            return
        with self._lock:
            self._last[conversation] = name_of(target)
            self._last.move_to_end(conversation)
            if len(self._last) > REMEMBERED:
                self._last.popitem(last=False)

    def _digest(self, want: Wanted) -> str:
        messages = want.request.messages
        first = next((index for index, message in enumerate(messages) if message.role == "user"), len(messages))
        text = json.dumps([message.to_json() for message in messages[: first + 1]], sort_keys=True)
        return blake2b(text.encode(), key=self._salt, digest_size=16).hexdigest()
