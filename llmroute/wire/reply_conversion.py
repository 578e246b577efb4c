"""A reply of one API as that of another, whole or as a stream, with all that was lost, by its place in the reply."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

from llmroute.errors import CallError, ConversionError
from llmroute.wire import anthropic_messages, ndjson, ollama_chat, openai_chat, shape, sse
from llmroute.wire.codec import ANTHROPIC, OLLAMA, OPENAI, Loss, Losses
from llmroute.wire.conversion import CODECS, Converted
from llmroute.wire.events import Finish
from llmroute.wire.quirks import Quirks
from llmroute.wire.replies import empty
from llmroute.wire.reply_places import reply_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.wire.events import Event
    from llmroute.wire.reply import Reply

_MARKS = {OPENAI: "choices", ANTHROPIC: "content", OLLAMA: "message"}
"""What each API's replies have, and no request of it."""
_STREAM = re.compile(r"\s*(data|event|id|retry)?:")


def is_reply(data: object, api: str) -> bool:
    """Whether parsed JSON is a reply of this API, and no request."""
    return isinstance(data, dict) and _MARKS[api] in data and "messages" not in data


def is_stream(text: str, api: str) -> bool:
    r"""Whether a text is a stream of this API, and no JSON.

    >>> is_stream("data: {}\n\n", "openai-chat"), is_stream('{"a": 1}\n', "openai-chat")
    (True, False)
    """
    if api != OLLAMA:
        return _STREAM.match(text) is not None
    first, _, rest = text.strip().partition("\n")
    return first.startswith("{") and first.rstrip().endswith("}") and rest.lstrip().startswith("{")


def convert_reply(
    body: object,
    source: str,
    target: str,
    *,
    model: str | None = None,
    quirks: Quirks = Quirks(),  # noqa: B008 - frozen
) -> Converted:
    """A reply of the API `source` as one of `target`; `model` replaces the name of the model.

    The body is left as it is.

    Raises:
        ConversionError: it is no reply, or can't be converted; `pointer` is into the body.
    """
    row = shape.as_object(body, "")
    try:
        reply = CODECS[source].decode_reply(row)
    except CallError as error:
        _refuse(error, source)
    told = {"reasoning": True, "created": row.get("created", 0)} if target == source == OPENAI else {}
    try:
        losses = _noticed(reply, quirks)
        encoded = CODECS[target].encode_reply(reply, model=model, quirks=quirks, **told)
    except ConversionError as error:
        raise ConversionError(error.message, pointer=reply_place(source, row, error.pointer)) from error
    losses += [loss._replace(pointer=reply_place(source, row, loss.pointer)) for loss in encoded.losses]
    return Converted(encoded.body, tuple(losses))


def convert_stream(
    data: bytes,
    source: str,
    target: str,
    *,
    model: str | None = None,
    quirks: Quirks = Quirks(),  # noqa: B008 - frozen
) -> Converted:
    """A whole stream of the API `source` as one of `target`: its text.

    Raises:
        ConversionError: it is no stream, was cut, tells an error, or can't be converted. `pointer` is into the whole
            reply that the stream tells, in the words of `source`.
    """
    try:
        events = list(_events(data, source))
    except CallError as error:
        _refuse(error, source)
    reply: Reply = next(event.reply for event in events if isinstance(event, Finish))
    raw = {} if source == OPENAI else {"raw_arguments": True}
    whole = CODECS[source].encode_reply(reply, source=source, **raw).body
    encoder = _encoder(reply, source, target, reply.model if model is None else model)
    encode = ndjson.encode if target == OLLAMA else sse.encode
    losses = _noticed(reply, quirks)
    try:
        text = b"".join(encode(sent) for event in events for sent in encoder.encode(event)).decode()
        found = Losses(quirks)
        for loss in encoder.losses:
            found.add(loss.field, loss.what, loss.pointer)
    except ConversionError as error:
        raise ConversionError(error.message, pointer=reply_place(source, whole, error.pointer)) from error
    losses += [loss._replace(pointer=reply_place(source, whole, loss.pointer)) for loss in found.found()]
    return Converted(text, tuple(losses))


def _encoder(reply: Reply, source: str, target: str, model: str) -> Any:
    if target == OPENAI:
        same = source == OPENAI  # thoughts are told to those who told them so
        return openai_chat.StreamEncoder(model=model, id=reply.id, include_usage=True, reasoning=same)
    if target == ANTHROPIC:
        return anthropic_messages.StreamEncoder(model=model, id=reply.id)
    return ollama_chat.StreamEncoder(model=model)


def _events(data: bytes, source: str) -> Iterator[Event]:
    decoder = CODECS[source].StreamDecoder()
    if source == OLLAMA:
        lines = ndjson.Decoder()
        sent: Iterator[Any] = iter([*lines.feed(data), *lines.close()])
    else:
        sent = sse.Decoder().feed(data)
    for one in sent:
        yield from decoder.feed(one)
    yield from decoder.close()


def _noticed(reply: Reply, quirks: Quirks) -> list[Loss]:
    """What was lost in reading already; decoders name fields, no places. That a reply is empty is no loss."""
    losses = Losses(quirks)
    for warning in (one for one in reply.warnings if one not in empty(reply.content, reply.stop_reason)):
        field, _, what = warning.partition(": ")
        losses.add(field, what, "")
    return list(losses.found())


def _refuse(error: CallError, api: str) -> NoReturn:
    """Say why there is no reply; the decoder knows the place of what is wrong with one."""
    cause = error.__cause__
    if isinstance(cause, ConversionError):
        raise ConversionError(f"no reply of {api}: {cause.message}", pointer=cause.pointer) from error
    raise ConversionError(error.message, pointer="") from error
