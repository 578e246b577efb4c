"""What a codec must know of the server behind an API, and of what the caller wants done with losses."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from llmroute.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_MAX_TOKENS = 4096
"""Sent to APIs that must be told a limit (Anthropic Messages) where nobody set one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """All facts that change what a codec writes. A name that is not here is none of the codec's business."""

    max_tokens_field: str = "max_tokens"
    """OpenAI: the field of the token limit, `max_tokens` or `max_completion_tokens`."""
    no_json_object: bool = False
    """OpenAI: `response_format: {type: json_object}` is refused."""
    no_stream_usage: bool = False
    """OpenAI: `stream_options` is refused."""
    replay_reasoning: bool = False
    """OpenAI: an assistant turn goes back with its `reasoning_content`."""
    tool_choice_strings_only: bool = False
    """OpenAI: `tool_choice` is a string, never an object."""
    tool_id_pattern: str = ""
    """OpenAI: the form of tool call ids; `mistral9` is exactly nine of `[a-zA-Z0-9]`, empty is any."""
    sampling: bool = True
    """Both: False when `temperature`, `top_p` and `top_k` are refused, even at their defaults."""
    default_max_tokens: int = DEFAULT_MAX_TOKENS
    """Anthropic: the limit where the request has none."""
    mid_system: bool = False
    """Anthropic: messages of role `system` may stand in the middle of a conversation."""
    prefill: bool = True
    """Anthropic: False when the last message may not be the assistant's."""
    output_format: bool = True
    """Anthropic: False on servers without `output_config.format`."""
    on_unsupported: Literal["warn", "error"] = "warn"
    """Both: `error` turns every loss into a `ConversionError`."""

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> Quirks:
        """The quirks in a mapping; other names are left out.

        >>> Quirks.of({"sampling": False, "cloud_model_suffixes": ()}).sampling
        False
        """
        if not mapping:
            return _NONE
        return cls(**{name: mapping[name] for name in _NAMES if name in mapping})


_NAMES = tuple(item.name for item in fields(Quirks))
_NONE = Quirks()


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
        self._losses = losses
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
            self._losses.add(name, f"{self._keys[0]} has no such field", at)


OPENAI, ANTHROPIC = "openai-chat", "anthropic-messages"
APIS = frozenset({OPENAI, ANTHROPIC})
_SILENT = frozenset({"role", "content_list", "type"})
"""Notes of a decoder about form, without meaning."""
