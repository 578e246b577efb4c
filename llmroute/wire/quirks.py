"""What a codec must know of the server behind an API, and of what the caller wants done with losses."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

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
