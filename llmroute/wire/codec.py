"""What all codecs share: what they return, how they report losses, and fields that only one API knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import ConversionError
from llmroute.wire.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.wire.quirks import Quirks
    from llmroute.wire.request import ChatRequest

OPENAI, ANTHROPIC, OLLAMA = "openai-chat", "anthropic-messages", "ollama-chat"
APIS = frozenset({OPENAI, ANTHROPIC, OLLAMA})
OCI = "oci-genai"
"""Oracle's; it has no fields that another API would be told of."""
_SILENT = frozenset({"role", "content_list", "type"})
"""Notes of a decoder about form, without meaning."""
_NESTED = frozenset({
    "image_url", "file", "function", "source", "tool_choice", "response_format", "json_schema", "metadata", "thinking",
    "output_config", "format", "allowed_tools", "stream_options",
})  # fmt: skip
"""Objects that codecs have words for: what `extra` has under these names are fields of theirs (see `unknown`)."""


class Loss(NamedTuple):
    """One thing that a conversion could not keep."""

    pointer: str
    """Where it stands in the neutral request (`llmroute.wire.places` finds the place in a body)."""
    field: str
    what: str

    @property
    def message(self) -> str:
        """`field: what`; no content."""
        return f"{self.field}: {self.what}"


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a codec knows of the other APIs' own fields; one that is not here is lost with a warning."""

    refused: frozenset[str] = frozenset()
    """They change what is asked; without them it would be another request."""
    idle: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Values that ask for nothing: they are left out without a word."""
    same: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Name and value → the value that means the same here."""


@quiet("body")
class Encoded(NamedTuple):
    """A request or a reply in a wire format."""

    body: dict[str, Any]
    losses: tuple[Loss, ...] = ()
    """What was lost, each place once."""
    names: Mapping[str, str] = {}
    """Tool names as they were written → as they were given, where the two differ; decoders take it."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was lost, each field once: `field: what`."""
        seen: dict[str, str] = {}
        for loss in self.losses:
            seen.setdefault(loss.field, loss.message)
        return tuple(seen.values())


class Losses:
    """Collects what a conversion loses."""

    def __init__(self, quirks: Quirks) -> None:
        self._raises = quirks.on_unsupported == "error"
        self._seen: dict[tuple[str, str], Loss] = {}

    def add(self, field: str, what: str, at: str) -> None:
        """Note that `field` lost something at the JSON pointer `at`; a place is noted once.

        Raises:
            ConversionError: losses are not wanted.
        """
        if self._raises:
            raise ConversionError(f"{field}: {what}", pointer=at)
        self._seen.setdefault((field, at), Loss(at, field, what))

    def found(self) -> tuple[Loss, ...]:
        """All of them, in the order in which they were met."""
        return tuple(self._seen.values())


class Extras:
    """Writes back the fields that only one API, or only one provider, knows.

    In a request, what other providers' replies left in the conversation was never ours, and is passed over; with
    `every`, for replies, it is lost.
    """

    def __init__(
        self, api: str, source: str, losses: Losses, fields: Foreign = Foreign(), *, every: bool = False
    ) -> None:
        self._keys = (api, source)
        self._every = every
        self._fields = fields
        self.losses = losses

    def knows(self, source: str | None) -> bool:
        """Whether what this provider thought may go where we write to; where nobody knows whose it is, it may."""
        return source is None or source in self._keys

    def of(self, extra: Mapping[str, Mapping[str, Any]], at: str) -> dict[str, Any]:
        """The fields to write back; those of other APIs are lost.

        Raises:
            ConversionError: a field of another API changes the meaning of the request.
        """
        mine: dict[str, Any] = {}
        for key, values in extra.items():
            if key in self._keys:
                mine.update(values)
            elif self._every or key in APIS:
                for name, value in values.items():
                    mine |= self._foreign(name, value, f"{at}/{name}")
        return mine

    def _foreign(self, name: str, value: Any, at: str) -> dict[str, Any]:
        fields, api = self._fields, self._keys[0]
        if name in _NESTED and isinstance(value, dict) and "type" not in value:
            for inner, one in value.items():
                self._foreign(inner, one, f"{at}/{inner}")
            return {}
        if name in _SILENT or (name in fields.idle and value in fields.idle[name]):
            return {}
        if name in fields.refused:
            raise ConversionError(f"{name} has no equivalent in {api}", pointer=at)
        if isinstance(value, str) and (name, value) in fields.same:
            return {name: fields.same[name, value]}
        self.losses.add(name, f"{api} has no such field", at)
        return {}


class Decoded(NamedTuple):
    """A request that was received, and what of it is the receiver's business."""

    request: ChatRequest
    model: str
    """The name that the client asked for; routing decides what becomes of it."""
    stream: bool = False
    include_usage: bool = False
    """OpenAI: the stream ends with a chunk that has the usage."""
