"""OpenAI Chat Completions: streams, in both directions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmroute.errors import CallError, ConversionError, MalformedReplyError, TruncatedStreamError
from llmroute.wire import shape
from llmroute.wire.codec import OPENAI
from llmroute.wire.events import (
    ErrorEvent,
    Event,
    Finish,
    Restart,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStart,
)
from llmroute.wire.faults import Failure, from_error_object, parse
from llmroute.wire.json_text import arguments_text
from llmroute.wire.openai_chat_reply import FINISH_BACK, stop_reason_of, usage_of, usage_to
from llmroute.wire.replies import Assembly, Block, is_object
from llmroute.wire.sse import ServerSentEvent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmroute.wire.reply import Reply

_CHUNK = frozenset({"id", "object", "created", "model", "choices", "usage", "obfuscation", "timings"})
_DELTA = frozenset({
    "role", "content", "tool_calls", "reasoning_content", "reasoning", "refusal", "function_call", "obfuscation",
    "annotations", "audio",
})  # fmt: skip
_CALL = frozenset({"index", "id", "type", "function"})
_DONE = "[DONE]"


class StreamDecoder:
    """Turns the events of one stream into neutral ones, the last of which is `Finish`.

    Failures are raised, not told as events; after one the decoder is of no more use.
    """

    def __init__(
        self,
        *,
        names: Mapping[str, str] | None = None,
        source: str = OPENAI,
        failure: Failure = from_error_object,
    ) -> None:
        self.finished = False
        """Whether `Finish` was told; what comes after it is ignored."""
        self._answer = Assembly(names or {}, source, OPENAI)
        self._failure = failure
        self._by_index: dict[int, Block] = {}
        self._calls: list[Block] = []
        self._finish_reason: object = None
        self._refused = False

    def partial(self) -> Reply:
        """The answer so far."""
        return self._answer.reply()

    def feed(self, event: ServerSentEvent) -> Sequence[Event]:
        """The neutral events that this event of the stream means.

        Raises:
            MalformedReplyError: the event is no chunk.
            CallError: the event is an error; what `failure` makes of it.
        """
        data = event.data
        if self.finished or not data.strip():
            return ()
        if data.strip() == _DONE:
            return self._finish()
        chunk = parse(data, "a chunk of the stream")
        if not isinstance(chunk, dict):
            raise MalformedReplyError("a chunk of the stream is no JSON object")
        if chunk.get("error") or event.event == "error":
            raise self._failure(chunk)
        try:
            return self._chunk(chunk)
        except ConversionError as error:
            raise MalformedReplyError(f"a chunk of the stream has the wrong shape: {error}") from error

    def close(self) -> Sequence[Event]:
        """The events that the end of the connection means: a stream may end without `[DONE]`.

        Raises:
            TruncatedStreamError: the answer had not ended; `partial` holds what there is of it.
        """
        if self.finished:
            return ()
        if self._finish_reason is None:
            raise TruncatedStreamError("the stream ended before its answer did", partial=self.partial())
        return self._finish()

    def _chunk(self, chunk: dict[str, Any]) -> list[Event]:
        answer = self._answer
        if not answer.id:
            answer.id = shape.optional(chunk, "id", str, "") or ""
        if not answer.model:
            answer.model = shape.optional(chunk, "model", str, "") or ""
        if chunk.keys() - _CHUNK:
            answer.extra |= {k: v for k, v in shape.rest(chunk, _CHUNK).items() if v is not None}
        choices = shape.optional(chunk, "choices", list, "")
        events = self._choice(shape.as_object(choices[0], "/choices/0")) if choices else []
        usage = chunk.get("usage")
        if usage is not None:
            events += answer.count(usage_of(usage))
        return events

    def _choice(self, choice: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        delta = choice.get("delta")
        if delta and not choice.get("index"):  # other choices than the first are left out
            delta = shape.as_object(delta, "/choices/0/delta")
            content = delta.get("content")
            if len(delta) > 1 or not content:
                events += self._thinking(delta)
            if content:
                events.append(self._answer.text(shape.expect(content, str, "/choices/0/delta/content")))
            if len(delta) > 1 or not content:
                events += self._more(delta)
        if choice.get("finish_reason") and not choice.get("index"):
            self._finish_reason = choice["finish_reason"]
            if self._finish_reason == "error":  # OpenRouter
                raise self._failure(choice)
        return events

    def _thinking(self, delta: dict[str, Any]) -> list[Event]:
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        return [self._answer.thinking(thought)] if thought and isinstance(thought, str) else []

    def _more(self, delta: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        refusal = shape.optional(delta, "refusal", str, "/choices/0/delta")
        if refusal:
            self._refused = True
            events.append(self._answer.text(refusal))
        for position, item in enumerate(shape.array(delta, "tool_calls", "/choices/0/delta")):
            events += self._call(shape.as_object(item, f"/choices/0/delta/tool_calls/{position}"), position)
        legacy = shape.optional(delta, "function_call", dict, "/choices/0/delta")
        if legacy:
            events += self._call({"index": 0, "function": legacy}, 0)
        if delta.keys() - _DELTA:
            self._answer.message_extra |= {k: v for k, v in shape.rest(delta, _DELTA).items() if v is not None}
        return events

    def _call(self, row: dict[str, Any], position: int) -> list[Event]:
        at = f"/choices/0/delta/tool_calls/{position}"
        function = shape.mapping(row, "function", at)
        call_id = shape.optional(row, "id", str, at) or ""
        name = shape.optional(function, "name", str, f"{at}/function") or ""
        block = self._slot(row.get("index"), call_id, name, position)
        if row.keys() - _CALL:
            block.extra |= shape.rest(row, _CALL)
        if call_id and block.index < 0:
            block.id = call_id
        arguments = arguments_text(function.get("arguments"), f"{at}/function/arguments")
        events = self._answer.announce(block, block.id, name) if name and block.index < 0 else []
        return events + self._answer.arguments(block, arguments) if arguments else events

    def _slot(self, index: object, call_id: str, name: str, position: int) -> Block:
        """The call that a delta belongs to: by index, else by id, else by its place.

        Some servers give every call the index 0, some none at all; a new id or a new name begins a new call then.
        """
        if type(index) is int:
            block = self._by_index.get(index)
            if block is None or (call_id and name and block.id and call_id != block.id):
                block = self._by_index[index] = self._open()
            return block
        if call_id:
            known = next((block for block in self._calls if block.id == call_id), None)
            return known or self._open()
        if not self._calls:
            return self._open()
        block = self._calls[-1]
        is_new = name and (name != block.name or position > 0 or is_object("".join(block.pieces)))
        return self._open() if is_new else block

    def _open(self) -> Block:
        block = self._answer.open("tool_call")
        self._calls.append(block)
        return block

    def _finish(self) -> list[Event]:
        answer = self._answer
        stop_reason, warnings = stop_reason_of(
            self._finish_reason,
            refused=self._refused,
            has_calls=answer.has_calls,
            has_content=bool(answer.blocks),
        )
        answer.warnings += warnings
        events = answer.finish(stop_reason)
        self.finished = True
        return events


class StreamEncoder:
    """Turns neutral events into the chunks of one stream, for a server's side of the API."""

    def __init__(self, *, model: str, id: str, created: int = 0, include_usage: bool = False) -> None:  # noqa: A002 - the API's word
        self._head = {"id": id, "object": "chat.completion.chunk", "created": created, "model": model}
        self._include_usage = include_usage
        self._started = False

    def encode(self, event: Event) -> list[ServerSentEvent]:
        """The events of the stream that this neutral event means; may be none.

        Raises:
            ConversionError: the event is a `Restart`.
        """
        if isinstance(event, Restart):
            raise ConversionError("no stream of this format can take back what it has sent", pointer="/type")
        if isinstance(event, ErrorEvent):
            return [_error(event.error)]
        rows = self._rows(event)
        if rows and not self._started:
            self._started = True
            rows.insert(0, self._chunk({"role": "assistant", "content": ""}))
        events = [ServerSentEvent(json.dumps(row, ensure_ascii=False, separators=(",", ":"))) for row in rows]
        return [*events, ServerSentEvent(_DONE)] if isinstance(event, Finish) else events

    def _rows(self, event: Event) -> list[dict[str, Any]]:
        if isinstance(event, TextDelta):
            return [self._chunk({"content": event.text})]
        if isinstance(event, ThinkingDelta):
            return [self._chunk({"reasoning_content": event.text})]
        if isinstance(event, ToolCallStart):
            function = {"name": event.name, "arguments": ""}
            call = {"index": event.index, "id": event.id, "type": "function", "function": function}
            return [self._chunk({"tool_calls": [call]})]
        if isinstance(event, ToolCallDelta):
            function = {"arguments": event.arguments}
            return [self._chunk({"tool_calls": [{"index": event.index, "function": function}]})]
        return self._last(event.reply) if isinstance(event, Finish) else []

    def _last(self, reply: Reply) -> list[dict[str, Any]]:
        rows = [self._chunk({}, FINISH_BACK[reply.stop_reason])]
        usage = usage_to(reply.usage)
        if self._include_usage and usage is not None:
            rows.append({**self._head, "choices": [], "usage": usage})
        return rows

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._head, "choices": [choice]}


def _error(error: CallError) -> ServerSentEvent:
    """An error that ends a stream; no `[DONE]` follows."""
    row = {"error": {"message": error.message, "type": error.kind, "param": None, "code": error.status}}
    return ServerSentEvent(json.dumps(row, ensure_ascii=False, separators=(",", ":")))
