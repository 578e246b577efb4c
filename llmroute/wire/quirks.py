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
    seed_field: str = "seed"
    """OpenAI: the field of the seed, `seed` or `random_seed`."""
    no_user: bool = False
    """OpenAI: `user` is refused."""
    no_json_object: bool = False
    """OpenAI: `response_format: {type: json_object}` is refused."""
    schema_answers: Literal["native", "alone", "tool", "none"] = "native"
    """OpenAI: what becomes of a schema for the answer: `response_format`; `alone`: that, but neither in streams nor
    beside tools; `tool`: a tool that must be called with the answer; `none`: an error."""
    no_stream_usage: bool = False
    """OpenAI: `stream_options` is refused."""
    replay_reasoning: bool = False
    """OpenAI: assistant turns go back with their `reasoning_content`, which turns among tool calls must have."""
    thinking_parts: bool = False
    """OpenAI: thoughts go back as parts of the content, of type `thinking` (Mistral)."""
    tool_choice_strings_only: bool = False
    """OpenAI: `tool_choice` is a string, never an object."""
    tool_id_pattern: str = ""
    """OpenAI: the form of tool call ids; `mistral9` is exactly nine of `[a-zA-Z0-9]`, empty is any."""
    sampling: bool = True
    """Both: False when `temperature`, `top_p` and `top_k` are refused, even at their defaults."""
    top_k: bool | None = None
    """Both: whether `top_k` is known; None: as the API says, which is no at OpenAI and yes at Anthropic."""
    temperature_or_top_p: bool = False
    """Anthropic: True for models that refuse both at once."""
    default_max_tokens: int = DEFAULT_MAX_TOKENS
    """Anthropic: the limit where the request has none."""
    mid_system: bool = False
    """Anthropic: messages of role `system` may stand in the middle of a conversation."""
    prefill: bool = True
    """Anthropic: False when the last message may not be the assistant's."""
    output_format: bool = True
    """Anthropic: False on servers without `output_config.format`: a tool must be called with the answer."""
    raw_arguments: bool = False
    """Anthropic: True writes arguments that are no JSON object as `{"_raw": TEXT}`; else they are an error."""
    no_urls: bool = False
    """Both: True refuses images and documents by URL, which the server would have to fetch."""
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
