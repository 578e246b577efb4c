"""What a model answered, and what it took to get the answer."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from llmroute.wire import shape
from llmroute.wire.message import Extra, Message, Part, Thinking, ToolCall
from llmroute.wire.quiet import quiet
from llmroute.wire.structured import M, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

StopReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal"]
STOP_REASONS: tuple[StopReason, ...] = ("stop", "length", "tool_calls", "content_filter", "refusal")
"""`stop`: the model was done, or wrote a stop string; `length`: it was cut; `tool_calls`: it waits for
results; `content_filter`: a filter beside the model cut it; `refusal`: the model or its provider refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens, as the provider counted them; None is "not said", which is not 0."""

    input_tokens: int | None = None
    """All of the input, cached or not."""
    output_tokens: int | None = None
    """All of the output, thinking included."""
    cached_tokens: int | None = None
    """The part of the input that was read from a cache."""
    cache_write_tokens: int | None = None
    """The part of the input that was written to a cache."""
    reasoning_tokens: int | None = None
    """The part of the output that was thinking."""

    def to_json(self) -> dict[str, int]:
        """The counts that are known."""
        return {name: count for name, count in asdict(self).items() if count is not None}

    @classmethod
    def from_json(cls, data: object, at: str = "") -> Usage:
        """The inverse of `to_json`."""
        row = shape.as_object(data, at)
        return cls(**{item.name: shape.optional(row, item.name, int, at) for item in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request to one target: what a fallback or a retry came from."""

    target: str
    """`provider/model`."""
    provider: str | None = None
    model: str = ""
    kind: str | None = None
    """The kind of failure (`llmroute.errors.CallError.kind`); None: it succeeded."""
    status: int | None = None
    """The HTTP status, where one was received."""
    wait_s: float = 0.0
    """How long was waited before it."""
    elapsed_s: float = 0.0
    """How long it took, the wait left out."""
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: object, at: str = "") -> Attempt:
        """The inverse of `to_json`."""
        row = shape.as_object(data, at)
        return cls(
            target=shape.text(row, "target", at),
            provider=shape.optional(row, "provider", str, at),
            model=shape.optional(row, "model", str, at) or "",
            kind=shape.optional(row, "kind", str, at),
            status=shape.optional(row, "status", int, at),
            wait_s=shape.optional(row, "wait_s", float, at) or 0.0,
            elapsed_s=shape.optional(row, "elapsed_s", float, at) or 0.0,
            message=shape.optional(row, "message", str, at) or "",
        )


@quiet("extra")
@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a model."""

    message: Message
    """Role `assistant`; can be put into the next request as it is."""
    stop_reason: StopReason = field(default="stop", kw_only=True)
    stop_sequence: str | None = field(default=None, kw_only=True)
    """The stop string that the model wrote, where the provider says which."""
    usage: Usage | None = field(default=None, kw_only=True)
    model: str = field(default="", kw_only=True)
    """The model that answered, in the provider's words; empty when it did not say."""
    id: str = field(default="", kw_only=True)
    attempts: tuple[Attempt, ...] = field(default=(), kw_only=True)
    resolution: Any = field(default=None, kw_only=True, compare=False, repr=False)
    """The route and its trace (`llmroute.routing.route.Resolution`); not part of the JSON form."""
    warnings: tuple[str, ...] = field(default=(), kw_only=True)
    """What was lost between the request and the answer, each once."""
    mock: bool = field(default=False, kw_only=True)
    """True when no model was asked."""
    extra: Extra = field(default_factory=dict, hash=False, kw_only=True)

    @property
    def content(self) -> tuple[Part, ...]:
        """The parts of the message."""
        return self.message.content

    @property
    def text(self) -> str:
        """All text, thinking and tools left out."""
        return self.message.text

    @property
    def thinking(self) -> str:
        """All thinking that may be shown."""
        return "".join(part.text for part in self.message.content if isinstance(part, Thinking))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
        return self.message.tool_calls

    def parse(self, model: type[M]) -> M:
        """The text as JSON, validated: `model` is a pydantic model, or any type that pydantic knows.

        Raises:
            ReplyFormatError: the text is no such JSON; `raw` holds it.
        """
        return parsed(self.text, model, cut=self.stop_reason == "length")

    def to_json(self) -> dict[str, Any]:
        """The reply as JSON data."""
        data: dict[str, Any] = {
            "message": self.message.to_json(),
            "stop_reason": self.stop_reason,
            "usage": None if self.usage is None else self.usage.to_json(),
            "model": self.model,
            "id": self.id,
            "attempts": [attempt.to_json() for attempt in self.attempts],
            "warnings": list(self.warnings),
            "mock": self.mock,
        }
        if self.stop_sequence is not None:
            data["stop_sequence"] = self.stop_sequence
        if self.extra:
            data["extra"] = self.extra
        return data

    @classmethod
    def from_json(cls, data: object, at: str = "") -> Reply:
        """The inverse of `to_json`, without the resolution.

        Raises:
            ConversionError: the data is no reply; `pointer` says where.
        """
        row = shape.as_object(data, at)
        where = shape.pointer(at, "attempts")
        usage = shape.optional(row, "usage", dict, at)
        return cls(
            Message.from_json(row.get("message"), shape.pointer(at, "message")),
            stop_reason=shape.one_of(row.get("stop_reason", "stop"), STOP_REASONS, shape.pointer(at, "stop_reason")),
            stop_sequence=shape.optional(row, "stop_sequence", str, at),
            usage=None if usage is None else Usage.from_json(usage, shape.pointer(at, "usage")),
            model=shape.optional(row, "model", str, at) or "",
            id=shape.optional(row, "id", str, at) or "",
            attempts=tuple(
                Attempt.from_json(item, shape.pointer(where, i))
                for i, item in enumerate(shape.array(row, "attempts", at))
            ),
            warnings=_strings(row, "warnings", at),
            mock=shape.optional(row, "mock", bool, at) or False,
            extra=shape.mapping(row, "extra", at),
        )


def _strings(row: Mapping[str, Any], key: str, at: str) -> tuple[str, ...]:
    where = shape.pointer(at, key)
    items = enumerate(shape.array(row, key, at))
    return tuple(shape.expect(item, str, shape.pointer(where, i)) for i, item in items)
