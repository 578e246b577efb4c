"""The form of a preset, and the names of the facts that it may hold."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

PassesOn = Literal["", "body", "model"]
NO_QUIRKS: Mapping[str, Any] = MappingProxyType({})

QUIRKS: Mapping[str, str] = MappingProxyType(
    {
        "cloud_model_suffixes": "Endings of model names that a local server forwards to its vendor's cloud.",
        "default_max_tokens": "The token limit that is sent where a request has none and the API wants one.",
        "max_tokens_field": "The field of the token limit: `max_tokens` (default), `max_completion_tokens`. "
        "A server on this machine or in a private network gets `max_tokens`.",
        "mid_system": "True: messages of role `system` may stand in the middle of a conversation.",
        "no_json_object": "True: `response_format: {type: json_object}` is refused; `json_schema` works.",
        "no_stream_usage": "True: `stream_options` is refused; usage comes with the last chunk unasked.",
        "no_urls": "True: images and documents by URL, which the server would have to fetch, are an error.",
        "no_user": "True: `user` is refused.",
        "on_unsupported": "`error`: what can't be written without loss is an error; `warn` (the default) says it.",
        "output_format": "False: `output_config.format` is not known; a tool must be called with the answer.",
        "prefill": "False: the last message may not be the assistant's.",
        "raw_arguments": "True: arguments that are no JSON object are written as `_raw`; else they are an error.",
        "replay_reasoning": "True: assistant turns go back with their `reasoning_content`.",
        "sampling": "False: `temperature`, `top_p` and `top_k` are refused, even at their defaults.",
        "schema_answers": "What becomes of a schema for the answer: `native` (the default); `alone`: native, but not "
        "in streams or beside tools; `tool`: a tool that must be called with the answer; `none`: an error.",
        "seed_field": "The field of the seed: `seed` (default), `random_seed`.",
        "temperature_or_top_p": "True: `temperature` and `top_p` at once are refused.",
        "thinking_parts": "True: assistant turns go back with their thoughts as parts of the content.",
        "tool_choice_strings_only": "True: `tool_choice` is `none`, `auto` or `required`, never an object.",
        "tool_id_pattern": "The form of tool call ids: `mistral9` is exactly nine of `[a-zA-Z0-9]`.",
        "top_k": "Whether `top_k` is known, where the API says otherwise: no at OpenAI, yes at Anthropic.",
    }
)
"""Every name that `Preset.quirks` may hold, and what it means."""


class Preset(NamedTuple):
    """One vendor or local server, as data."""

    name: str
    """What a spec writes: `provider: NAME`, or `NAME/model`."""
    title: str
    """The name as people know it."""
    base_url: str
    """What the codec appends its path to: `/chat/completions` for `openai-chat`, `/v1/messages` for
    `anthropic-messages`. Normal form: lower case, no trailing slash, no default port. Empty: the spec or the
    variable must give it."""
    key_variable: str | None = None
    """The environment variable of the key; None for a keyless server."""
    base_url_variable: str | None = None
    """The vendor's own variable for the URL (see `base_url_from_variable`); a pair with `key_variable`."""
    api: str = "openai-chat"
    """The wire format: `openai-chat`, `anthropic-messages`, `ollama-chat` or `mock`."""
    auth: str = "bearer"
    """How a key travels: `bearer`, `x-api-key`, `api-key` or `none`. A keyless server says `bearer` too, so
    that a key that the spec declares for it (a proxy in front, `--api-key`) reaches it."""
    api_version: str | None = None
    """The dated version that the API wants, such as `anthropic-version`."""
    transport: str = "http"
    """`http`, or `sdk` for a vendor whose own SDK is the default way to it."""
    quirks: Mapping[str, Any] = NO_QUIRKS
    """Facts that a codec must know; the names are those of `QUIRKS`."""
    passes_on: PassesOn = ""
    """For a vendor that passes prompts on to other processors, how a request names those that may have it: `body`,
    in the field `provider` (`only`, or `order` with `allow_fallbacks: false`); `model`, behind a colon at the end of
    the model's name. Empty: the vendor is no such one."""
    start_hint: str = ""
    """The command that starts a local server."""
    model_hint: str = ""
    """How to get a model that the server does not have; `{model}` stands for its name."""
    docs: str = ""
    """The URL of the vendor's API documentation."""


def quirks(**facts: Any) -> Mapping[str, Any]:
    """The facts as a mapping that nobody can change."""
    return MappingProxyType(facts)
