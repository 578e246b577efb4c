"""The kinds of value that a spec is made of, each with what the JSON Schema says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

Auth = Literal["bearer", "x-api-key", "api-key", "none"]
Transport = Literal["http", "sdk"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

FallbackKind = Literal[
    "auth",
    "quota",
    "rate",
    "overload",
    "server",
    "connect",
    "ambiguous",
    "model",
    "context",
    "refusal",
    "malformed",
    "truncated",
]
"""Failures after which another target may be asked. `context`: the conversation is too long for the model; targets
whose window is known to be no larger are left out then."""
RetryKind = Literal["rate", "overload", "server", "connect", "ambiguous", "malformed", "truncated"]
"""Failures that may pass."""
StreamBreak = Literal["error", "continue", "restart"]
Sticky = Literal["none", "conversation"]
Unsupported = Literal["warn", "error"]

SHAPE: dict[str, Any] = {"extra": "forbid"}
"""pydantic's settings for the classes of a spec: a key that none of them knows is an error."""


class Shape:
    """JSON Schema keywords beside a type: `Annotated[str, Shape(minLength=1)]`."""

    def __init__(self, **keywords: Any) -> None:
        self.keywords = keywords

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        """Add the keywords to what pydantic says of the type."""
        return {**handler(core_schema), **self.keywords}


# A name may not end in a newline, which `$` alone lets pass in some dialects.
_NAME = r"^(\*|[A-Za-z0-9_][A-Za-z0-9_.:@/-]*)(?!\n)$"
_PROVIDER_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(?!\n)$"
# What is white space differs between the dialects of regular expressions; these are so in one of them.
NOT_BLANK = r"[^\s\u001c-\u001f\u0085\ufeff]"
_DAY_S = 86_400

APIS = ("openai-chat", "anthropic-messages", "ollama-chat", "litellm", "oci-genai", "mock")
"""The wire formats that this release speaks by itself; an adapter of another package adds its own."""

Api = Annotated[str, Shape(pattern=r"^[a-z][a-z0-9-]*(?!\n)$", examples=["openai-chat"])]
Name = Annotated[str, Shape(pattern=_NAME, maxLength=128)]
ProviderName = Annotated[str, Shape(pattern=_PROVIDER_NAME, maxLength=128)]
Text = Annotated[str, Shape(pattern=NOT_BLANK)]
Texts = Annotated[tuple[Text, ...], Shape(minItems=1)]
Globs = Texts
Url = Annotated[str, Shape(pattern=NOT_BLANK, examples=["http://localhost:11434/v1"])]
Seconds = Annotated[float, Shape(exclusiveMinimum=0, maximum=_DAY_S)]
Attempts = Annotated[int, Shape(minimum=1, maximum=1000)]
Count = Annotated[int, Shape(minimum=0, maximum=100)]
Tokens = Annotated[int, Shape(minimum=1, maximum=1_000_000_000)]
Temperature = Annotated[float, Shape(minimum=0, maximum=2)]
Probability = Annotated[float, Shape(minimum=0, maximum=1)]
Penalty = Annotated[float, Shape(minimum=-2, maximum=2)]
Headers = Mapping[
    Annotated[str, Shape(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+(?!\n)$")],
    Annotated[str, Shape(pattern=r"^[^\r\n\u0000]*(?![\r\n])$")],
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one router may ask of a provider, all its models and agents together; who comes later waits."""

    __pydantic_config__: ClassVar = SHAPE
    requests_per_minute: Tokens | None = None
    """Attempts in any 60 seconds (extra `limits`)."""
    tokens_per_minute: Tokens | None = None
    """Tokens of input and output in any 60 seconds (extra `limits`)."""
    concurrency: Tokens | None = None
    """Attempts at the same time; a stream counts until it is closed."""
