"""What LiteLLM gives back, whole or chunk by chunk, read by the codec of OpenAI's API."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmroute.adapters.failures import from_error
from llmroute.adapters.formats import source_of
from llmroute.wire import openai_chat
from llmroute.wire.chat import Finish, UsageEvent
from llmroute.wire.sse import ServerSentEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.adapters.litellm_calls import Asked
    from llmroute.adapters.litellm_passage import Passage
    from llmroute.wire.chat import Event, Reply


def reply_of(response: Any, asked: Asked, passage: Passage) -> Reply:
    """The reply in a `ModelResponse`.

    Raises:
        MalformedReplyError: it holds none.
    """
    return _warned(openai_chat.decode_reply(_data(response), **_decoding(asked, passage)), asked)


class ChunkReader:
    """Turns the chunks of a stream into events."""

    def __init__(self, asked: Asked, passage: Passage) -> None:
        self.began = False
        """Whether more than a usage was told."""
        self._asked = asked
        self._passage = passage
        self._decoder = openai_chat.StreamDecoder(**_decoding(asked, passage))
        self._ended = False

    def partial(self) -> Reply:
        """The answer so far."""
        return self._decoder.partial()

    def feed(self, chunk: Any, source: Any) -> Iterator[Event]:
        """The events of one chunk; `source` is LiteLLM's stream, which knows whether the provider ended it.

        Raises:
            CallError: the chunk is none.
        """
        data = _data(chunk)
        for choice in data.get("choices", ()):
            # LiteLLM writes an end itself where the connection ended without one.
            if choice.get("finish_reason") and _is_made_up(source):
                del choice["finish_reason"]
            self._ended = self._ended or "finish_reason" in choice
        for event in self._decoder.feed(ServerSentEvent(json.dumps(data, default=str))):
            if not self.began and not isinstance(event, UsageEvent):
                self.began = True
                self._passage.timeouts.begun(self._passage.call)
            yield event

    def end(self) -> Iterator[Event]:
        """The events that the end of the stream means.

        Raises:
            TruncatedStreamError: the answer had not ended.
        """
        for event in self._decoder.feed(ServerSentEvent("[DONE]")) if self._ended else self._decoder.close():
            yield Finish(_warned(event.reply, self._asked)) if isinstance(event, Finish) else event


def _is_made_up(source: Any) -> bool:
    """Whether the provider gave no reason to end."""
    reasons = [getattr(source, name, None) for name in ("received_finish_reason", "intermittent_finish_reason")]
    return hasattr(source, "received_finish_reason") and not any(reasons)


def _decoding(asked: Asked, passage: Passage) -> dict[str, Any]:
    call = passage.call
    return {
        "names": asked.encoded.names,
        "source": source_of(call.endpoint),
        "failure": lambda error: from_error(error, call),
    }


def _data(response: Any) -> dict[str, Any]:
    """What a response says: LiteLLM's objects have every field that some provider fills."""
    data = _said(response.model_dump(exclude_none=True, warnings=False))
    return data if isinstance(data, dict) else {}


def _said(value: Any) -> Any:
    """The value without members that are null or empty objects."""
    if isinstance(value, dict):
        rows = {name: _said(inner) for name, inner in value.items()}
        return {name: inner for name, inner in rows.items() if inner is not None and inner != {}}
    return [_said(inner) for inner in value] if isinstance(value, list) else value


def _warned(reply: Reply, asked: Asked) -> Reply:
    """The reply with what was lost on the way out before what was lost on the way back."""
    lost = asked.encoded.warnings
    return replace(reply, warnings=(*lost, *reply.warnings)) if lost else reply
