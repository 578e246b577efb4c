"""A request body of one API as that of another, with all that was lost, by its place in the body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import ConversionError
from llmroute.wire import anthropic_messages, ollama_chat, openai_chat, shape
from llmroute.wire.codec import ANTHROPIC, OLLAMA, OPENAI, Loss
from llmroute.wire.places import place
from llmroute.wire.quiet import quiet
from llmroute.wire.quirks import Quirks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

CODECS: Mapping[str, ModuleType] = {
    OPENAI: openai_chat,
    ANTHROPIC: anthropic_messages,
    OLLAMA: ollama_chat,
}
_TOOLS = "/tools"


@quiet("body")
class Converted(NamedTuple):
    """A body of another API."""

    body: Any
    losses: tuple[Loss, ...] = ()
    """What was lost; the pointers are into the body that was given."""
    names: Mapping[str, str] = {}
    """Tool names as they were written → as they were given, where the two differ."""


def convert(
    body: object,
    source: str,
    target: str,
    *,
    model: str | None = None,
    quirks: Quirks = Quirks(),  # noqa: B008 - frozen
) -> Converted:
    """A request of the API `source` as one of `target`; `model` replaces the name of the model.

    The body is left as it is.

    Raises:
        ConversionError: it is no request, or can't be converted; `pointer` is into the body.
    """
    row = shape.as_object(body, "")
    decoded = CODECS[source].decode_request(row)
    try:
        encoded = CODECS[target].encode_request(
            decoded.request, model=decoded.model if model is None else model, stream=decoded.stream, quirks=quirks
        )
    except ConversionError as error:
        raise ConversionError(error.message, pointer=place(source, row, error.pointer)) from error
    losses = tuple(loss._replace(pointer=place(source, row, loss.pointer)) for loss in encoded.losses)
    return Converted(encoded.body, losses, encoded.names)


def convert_tools(tools: list[Any], source: str, target: str, *, quirks: Quirks = Quirks()) -> Converted:  # noqa: B008 - frozen
    """A list of tools of the API `source` as one of `target`.

    Raises:
        ConversionError: a tool can't be converted; `pointer` is into the list.
    """
    shape.as_array(tools, "")
    message = {"role": "user", "content": "-"}
    limit = {"max_tokens": 1} if source == ANTHROPIC else {}
    body = {"model": "-", "messages": [message], "tools": tools, **limit}
    try:
        found = convert(body, source, target, quirks=quirks)
    except ConversionError as error:
        raise ConversionError(error.message, pointer=error.pointer.removeprefix(_TOOLS)) from error
    losses = tuple(loss._replace(pointer=loss.pointer.removeprefix(_TOOLS)) for loss in found.losses)
    return Converted(found.body.get("tools", []), losses, found.names)
