"""What a spec can say of the ways of a provider, beyond what its preset knows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from llmroute.routing.shapes import SHAPE, Text, Tokens, Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """How a server differs from its API, and what is to be done with what it can't be told."""

    __pydantic_config__: ClassVar = SHAPE
    on_unsupported: Unsupported | None = None
    """`error`: what can't be said without loss is an error and is not sent; `warn`, the default, says it. The parameter
    of this name beats it."""
    schema_answers: Literal["native", "alone", "tool", "none"] | None = None
    """What becomes of a schema for the answer at OpenAI-compatible servers. `native`, the default: `response_format`;
    `alone`: that, but not in streams or beside tools; `tool`: a tool that must be called with the answer; `none`: an
    error."""
    output_format: bool | None = None
    """`false`: the Anthropic-compatible server does not know `output_config.format`; a tool must be called with the
    answer."""
    no_json_object: bool | None = None
    """`response_format: {type: json_object}` is refused."""
    tool_choice_strings_only: bool | None = None
    """`tool_choice` is a word, never an object."""
    tool_id_pattern: Literal["", "mistral9"] | None = None
    """The form of tool call ids: `mistral9` is nine letters and digits."""
    raw_arguments: bool | None = None
    """Arguments that are no JSON object go to Anthropic as `{"_raw": TEXT}`; else they are an error."""
    replay_reasoning: bool | None = None
    """The model's turns go back with their `reasoning_content`."""
    thinking_parts: bool | None = None
    """The model's turns go back with their thoughts as parts of the content."""
    sampling: bool | None = None
    """`false`: `temperature`, `top_p` and `top_k` are refused, even at their defaults."""
    temperature_or_top_p: bool | None = None
    """`temperature` and `top_p` at once are refused."""
    top_k: bool | None = None
    """Whether `top_k` is known; unless said, no at OpenAI-compatible servers and yes at Anthropic-compatible ones."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    """The field of the token limit."""
    default_max_tokens: Tokens | None = None
    """The token limit where a request has none and the API wants one; 4096 unless said."""
    seed_field: Text | None = None
    """The field of the seed; `seed` unless said."""
    no_user: bool | None = None
    """`user` is refused."""
    no_urls: bool | None = None
    """Images and documents by URL, which the server would have to fetch, are an error."""
    no_stream_usage: bool | None = None
    """`stream_options` is refused."""
    mid_system: bool | None = None
    """System messages may stand in the middle of a conversation."""
    prefill: bool | None = None
    """`false`: the last message may not be the model's."""

    def said(self) -> Mapping[str, Any]:
        """What is written."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in values.items() if value is not None}
