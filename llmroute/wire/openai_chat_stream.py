"""OpenAI Chat Completions: streams, read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError, MalformedReplyError, TruncatedStreamError
from llmroute.wire import shape
from llmroute.wire.assembly import Assembly, Block
from llmroute.wire.codec import OPENAI
from llmroute.wire.faults import Failure, from_error_object, parse
from llmroute.wire.json_text import arguments_text
from llmroute.wire.message import Text, Thinking
from llmroute.wire.openai_chat_reply import (
    ERROR,
    MESSAGE,
    OTHERS,
    REFUSAL,
    SHOWN,
    part_of,
    stop_reason_of,
    unknown_finish,
)
from llmroute.wire.openai_chat_usage import usage_in, usage_of_timings
from llmroute.wire.replies import is_object
from llmroute.wire.unknown import gather, said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmroute.wire.events import Event
    from llmroute.wire.reply import Reply
    from llmroute.wire.sse import ServerSentEvent

_CHUNK = frozenset({"id", "object", "created", "model", "choices", "usage", "obfuscation"})
_CHOICE = frozenset({"index", "delta", "finish_reason", "usage", "logprobs"})
_DELTA = MESSAGE | {"obfuscation"}
_CALL = frozenset({"index", "id", "type", "function", "custom"})
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
        self._refusal: Block | None = None

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
        self._answer.warnings.append("stream: it ended without `[DONE]`; the usage may be missing")
        return self._finish()

    def _chunk(self, chunk: dict[str, Any]) -> list[Event]:
        answer = self._answer
        if not answer.id:
            answer.id = shape.optional(chunk, "id", str, "") or ""
        if not answer.model:
            answer.model = shape.optional(chunk, "model", str, "") or ""
        counted = chunk.get("usage") is not None
        if chunk.keys() - _CHUNK:
            answer.keep(shape.rest(chunk, _CHUNK))
            counted = counted or "x_groq" in chunk
        events: list[Event] = []
        for i, item in enumerate(shape.array(chunk, "choices", "")):
            choice = shape.as_object(item, f"/choices/{i}")
            if choice.get("index"):
                answer.warnings.append(OTHERS)
                continue
            events += self._choice(choice)
            counted = counted or "usage" in choice
        return events + answer.count(usage_in(chunk)) if counted else events

    def _choice(self, choice: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        delta = choice.get("delta")
        if delta:
            delta = shape.as_object(delta, "/choices/0/delta")
            content = delta.get("content")
            if len(delta) > 1 or not content:
                events += self._thinking(delta)
            if content:
                events += self._content(content)
            if len(delta) > 1 or not content:
                events += self._more(delta)
        if choice.get("logprobs") or choice.keys() - _CHOICE:
            self._keep("choice", shape.rest(choice, _CHOICE - {"logprobs"}))
        if choice.get("finish_reason"):
            self._finish_reason = choice["finish_reason"]
            if self._finish_reason == ERROR:
                raise self._failure(choice)
            self._keep("choice", unknown_finish(self._finish_reason))
        return events

    def _keep(self, name: str, fields: Mapping[str, Any]) -> None:
        """Fields of an inner object of the answer that no request sends back."""
        known = said(fields)
        if known:
            self._answer.keep({name: known})

    def _thinking(self, delta: dict[str, Any]) -> list[Event]:
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        return [self._answer.thinking(thought)] if thought and isinstance(thought, str) else []

    def _content(self, content: object) -> list[Event]:
        """More of the content: text, or parts in a list, as Mistral tells thoughts."""
        at, answer = "/choices/0/delta/content", self._answer
        if not isinstance(content, list):
            return answer.text(shape.expect(content, str, at))
        events: list[Event] = []
        for i, item in enumerate(content):
            part = part_of(item, f"{at}/{i}", OPENAI)
            if isinstance(part, Text):
                events += answer.text(part.text)
            elif isinstance(part, Thinking):
                events.append(answer.thinking(part.text))
            else:
                answer.open("opaque").data = dict(part.data)
        return events

    def _more(self, delta: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        refusal = shape.optional(delta, "refusal", str, "/choices/0/delta")
        if refusal:
            events += self._refuse(refusal)
        for position, item in enumerate(shape.array(delta, "tool_calls", "/choices/0/delta")):
            events += self._call(shape.as_object(item, f"/choices/0/delta/tool_calls/{position}"), position)
        legacy = shape.optional(delta, "function_call", dict, "/choices/0/delta")
        if legacy:
            events += self._call({"index": 0, "function": legacy}, 0)
        if delta.keys() - _DELTA:
            gather(self._answer.message_extra, shape.rest(delta, _DELTA))
        if delta.keys() & SHOWN:
            self._keep("message", {name: delta[name] for name in sorted(SHOWN & delta.keys())})
        return events

    def _refuse(self, piece: str) -> list[Event]:
        if self._refusal is None:
            self._refusal = self._answer.open("text")
            self._refusal.mark |= REFUSAL
        return self._answer.text(piece, self._refusal)

    def _call(self, row: dict[str, Any], position: int) -> list[Event]:
        at = f"/choices/0/delta/tool_calls/{position}"
        kind = "custom" if row.get("custom") else "function"
        called = shape.mapping(row, kind, at)
        call_id = shape.optional(row, "id", str, at) or ""
        name = shape.optional(called, "name", str, f"{at}/{kind}") or ""
        block = self._slot(row.get("index"), call_id, name, position)
        if row.keys() - _CALL:
            gather(block.extra, shape.rest(row, _CALL))
        if call_id and block.index < 0:
            block.id = call_id
        if kind == "custom":
            block.custom = True
            arguments = shape.optional(called, "input", str, f"{at}/custom") or ""
        else:
            arguments = arguments_text(called.get("arguments"), f"{at}/function/arguments")
        events = self._answer.announce(block, block.id, name) if name and not block.name else []
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
            refused=self._refusal is not None,
            has_calls=answer.has_calls,
            has_content=bool(answer.blocks),
        )
        answer.warnings += warnings
        events = [] if answer.usage else answer.count(usage_of_timings(answer.extra.get("timings")))
        word = answer.extra.get("choice", {}).get("stop_reason")  # vLLM says which stop string it was
        events += answer.finish(stop_reason, word if isinstance(word, str) and stop_reason == "stop" else None)
        self.finished = True
        return events
