"""Reads what comes back: a whole answer, or the events of a stream; pure but for the response's head."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from llmroute.adapters.broken import broken_stream, from_exception
from llmroute.adapters.failures import SUCCESS, from_error, from_status, malformed, situated
from llmroute.adapters.formats import source_of
from llmroute.errors import CallError
from llmroute.wire.chat import Finish, UsageEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import httpx2

    from llmroute.adapters.base import Call
    from llmroute.adapters.formats import Prepared
    from llmroute.adapters.timeouts import Timeouts
    from llmroute.wire.chat import Event, Reply


class StreamDecoder(Protocol):
    """What the codecs' stream decoders have in common."""

    def feed(self, event: Any) -> Sequence[Event]:
        """The neutral events that one piece of the stream means: a server-sent event, or a line."""

    def close(self) -> Sequence[Event]:
        """The events that the end of the connection means."""

    def partial(self) -> Reply:
        """The answer so far."""


LARGEST = 64 * 1024 * 1024
"""No answer is larger, decoded; one that is would only fill the memory."""
DRAIN_S = 0.2
"""How long the end of the body is waited for after the answer's own end, so that the connection can be kept."""


class WholeAnswer:
    """Collects a body and decodes it."""

    def __init__(self, call: Call, ready: Prepared) -> None:
        self.ready = ready
        self.encoded = False
        """Whether the body is compressed, though nobody asked for it."""
        self._call = call
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._chunks: list[bytes] = []
        self._size = 0

    def begin(self, response: httpx2.Response) -> None:
        """Take the head."""
        self._status, self._headers = response.status_code, response.headers
        self.encoded = "content-encoding" in response.headers or response.is_stream_consumed

    def feed(self, chunk: bytes) -> None:
        """Take a piece of the body.

        Raises:
            MalformedReplyError: it has become too large.
        """
        self._size += len(chunk)
        if self._size > LARGEST:
            raise malformed(f"an answer of more than {LARGEST} bytes", self._call, self._status)
        self._chunks.append(chunk)

    def reply(self) -> Reply:
        """The decoded answer.

        Raises:
            CallError: the status, or the body, is no success.
        """
        body = b"".join(self._chunks)
        if self._status not in SUCCESS:
            raise from_status(self._status, self._headers, body, self._call)
        try:
            reply: Reply = self.ready.codec.decode_reply(body, **_decoding(self._call, self.ready))
        except CallError as exc:
            failure = situated(exc, self._call, self._status)
        else:
            return _warned(reply, self.ready)
        raise failure


class EventReader:
    """Turns the bytes of a stream into events; what is no stream becomes the failure that it is."""

    def __init__(self, call: Call, ready: Prepared, timeouts: Timeouts) -> None:
        self.ready = ready
        self.timeouts = timeouts
        self.encoded = False
        self._call = call
        self._status = 0
        self._whole: WholeAnswer | None = None
        self._began = False
        self._done = False
        self._pieces = ready.format.framing()
        self._decoder: StreamDecoder = ready.codec.StreamDecoder(**_decoding(call, ready))

    def begin(self, response: httpx2.Response) -> None:
        """Take the head."""
        self.encoded = "content-encoding" in response.headers or response.is_stream_consumed
        self._status = response.status_code
        kind = response.headers.get("content-type", "").lower()
        if response.status_code not in SUCCESS or kind.startswith(self.ready.format.whole_types):
            self._whole = WholeAnswer(self._call, self.ready)
            self._whole.begin(response)

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that these bytes complete; nothing after the terminal one."""
        if self._done:
            return
        if self._whole is not None:
            self._whole.feed(chunk)
            return
        try:
            for sent in self._pieces.feed(chunk):
                for event in self._decoder.feed(sent):
                    if not self._began and not isinstance(event, UsageEvent):
                        self._began = True
                        self.timeouts.begun(self._call)
                    yield self._last(event) if isinstance(event, Finish) else event
        except CallError as exc:
            failure = situated(exc, self._call, self._status)
        else:
            return
        raise failure

    def end(self) -> Iterator[Event]:
        """The events that the end of the body completes.

        Raises:
            CallError: the body ended before the answer did, or was no stream.
        """
        if self._whole is not None:
            self._whole.reply()  # raises, unless the server does not stream at all
            raise malformed("a whole answer where a stream was asked for", self._call)
        try:
            for event in () if self._done else self._rest():
                yield self._last(event) if isinstance(event, Finish) else event
        except CallError as exc:
            failure = situated(exc, self._call, self._status)
        else:
            return
        raise failure

    def _rest(self) -> Iterator[Event]:
        for sent in self._pieces.close():
            yield from self._decoder.feed(sent)
        yield from self._decoder.close()

    def _last(self, event: Finish) -> Finish:
        self._done = True
        self.timeouts.hurry(DRAIN_S)
        return Finish(_warned(event.reply, self.ready))

    def failure(self, exc: Exception, *, answered: bool) -> CallError | None:
        """What an exception of the transport means at this point; None when the answer had come to its end."""
        if self._done:
            return None
        if not answered or self._whole is not None:
            return from_exception(exc, self._call, answered=answered, within_s=self._call.until_content_s())
        return broken_stream(exc, self._call, partial=self._decoder.partial(), began=self._began)


def _decoding(call: Call, ready: Prepared) -> dict[str, Any]:
    """What a decoder is told: the names that tools had, whose fields these are, and what an error object means."""
    settings = {name: ready.body.get(name) for name in ready.format.settings}
    return {
        **{name: value for name, value in settings.items() if isinstance(value, dict)},
        "names": ready.encoded.names,
        "source": source_of(call.endpoint),
        "failure": lambda error: from_error(error, call),
    }


def _warned(reply: Reply, ready: Prepared) -> Reply:
    """The reply with what was lost on the way out before what was lost on the way back."""
    lost = ready.encoded.warnings
    return replace(reply, warnings=(*lost, *reply.warnings)) if lost else reply
