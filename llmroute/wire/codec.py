"""What all codecs share: what they return, how they report losses, and fields that only one API knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import ConversionError
from llmroute.wire.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.wire.quirks import Quirks
    from llmroute.wire.request import ChatRequest

OPENAI, ANTHROPIC = "openai-chat", "anthropic-messages"
APIS = frozenset({OPENAI, ANTHROPIC})
_SILENT = frozenset({"role", "content_list", "type"})
"""Notes of a decoder about form, without meaning."""


@quiet("body")
class Encoded(NamedTuple):
    """A request in a wire format."""

    body: dict[str, Any]
    warnings: tuple[str, ...] = ()
    """What was lost, each once: `field: what`."""
    names: Mapping[str, str] = {}
    """Tool names as they were written → as they were given, where the two differ; decoders take it."""


class Losses:
    """Collects what a conversion loses; each field is reported once."""

    def __init__(self, quirks: Quirks) -> None:
        self._raises = quirks.on_unsupported == "error"
        self._seen: dict[str, str] = {}

    def add(self, field: str, what: str, at: str) -> None:
        """Note that `field` lost something, first at the JSON pointer `at`.

        Raises:
            ConversionError: losses are not wanted.
        """
        if self._raises:
            raise ConversionError(f"{field}: {what}", pointer=at)
        self._seen.setdefault(field, what)

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line a field."""
        return tuple(f"{field}: {what}" for field, what in self._seen.items())


class Extras:
    """Writes back the fields that only one API, or only one provider, knows."""

    def __init__(self, api: str, source: str, losses: Losses, refused: frozenset[str] = frozenset()) -> None:
        self._keys = (api, source)
        self._others = APIS - {api}
        self.losses = losses
        self._refused = refused

    def of(self, extra: Mapping[str, Mapping[str, Any]], at: str) -> dict[str, Any]:
        """The fields to write back. Those of other APIs are lost, those of other providers were never ours.

        Raises:
            ConversionError: a field of another API changes the meaning of the request.
        """
        mine: dict[str, Any] = {}
        for key, values in extra.items():
            if key in self._keys:
                mine.update(values)
            elif key in self._others:
                for name in values:
                    self._lose(name, f"{at}/{name}")
        return mine

    def _lose(self, name: str, at: str) -> None:
        if name in self._refused:
            raise ConversionError(f"{name} has no equivalent in {self._keys[0]}", pointer=at)
        if name not in _SILENT:
            self.losses.add(name, f"{self._keys[0]} has no such field", at)


class Decoded(NamedTuple):
    """A request that was received, and what of it is the receiver's business."""

    request: ChatRequest
    model: str
    """The name that the client asked for; routing decides what becomes of it."""
    stream: bool = False
    include_usage: bool = False
    """OpenAI: the stream ends with a chunk that has the usage."""
