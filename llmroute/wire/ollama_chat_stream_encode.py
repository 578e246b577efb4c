"""Ollama's own API, `/api/chat`: streams, written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.codec import OLLAMA, Loss
from llmroute.wire.events import ErrorEvent, Event, Finish, Restart, TextDelta, ThinkingDelta, ToolCallEnd
from llmroute.wire.ollama_chat_reply_encode import call_to, encode_reply, head_of
from llmroute.wire.unknown import united

if TYPE_CHECKING:
    from llmroute.wire.message import Extra
    from llmroute.wire.reply import Reply


class StreamEncoder:
    """Turns neutral events into the lines of one stream, for a server's side of the API.

    A tool call is one object, written when it has ended. The arguments are those of `encode_reply`.
    """

    def __init__(
        self, *, model: str, created_at: str | None = None, raw_arguments: bool = False, source: str = ""
    ) -> None:
        self.losses: tuple[Loss, ...] = ()
        """What was lost, once `Finish` was written; the pointers are into its reply."""
        self._head = head_of(model, created_at)
        self._raw = raw_arguments
        self._source = source

    def encode(self, event: Event) -> list[str]:
        """The lines of the stream that this neutral event means, without their ends; may be none.

        Raises:
            ConversionError: the event is a `Restart`, or a call whose arguments are no JSON object.
        """
        match event:
            case Restart():
                raise ConversionError("no stream of this format can take back what it has sent", pointer="/type")
            case ErrorEvent():
                rows = [{"error": event.error.message}]
            case TextDelta():
                rows = [self._piece(content=event.text)]
            case ThinkingDelta():
                rows = [self._piece(thinking=event.text)] if event.text else []
            case ToolCallEnd():
                call = united(call_to(event.call, raw=self._raw), self._own(event.call.extra))
                rows = [self._piece(tool_calls=[call])]
            case Finish():
                rows = [self._last(event.reply)]
            case _:
                rows = []
        return [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows]

    def _own(self, extra: Extra) -> dict[str, Any]:
        return {**extra.get(OLLAMA, {}), **extra.get(self._source, {})}

    def _piece(self, **fields: Any) -> dict[str, Any]:
        return {**self._head, "message": {"role": "assistant", "content": "", **fields}, "done": False}

    def _last(self, reply: Reply) -> dict[str, Any]:
        encoded = encode_reply(reply, raw_arguments=self._raw, source=self._source)
        self.losses = encoded.losses
        message = {"role": "assistant", "content": "", **self._own(reply.message.extra)}
        return {**encoded.body, **self._head, "message": message}
