"""What the user wrote, as types: `routing.yaml` in frozen dataclasses, where None means «says nothing».

The attribute docstrings are the reader's documentation, the descriptions in the JSON Schema and the hover text
in an editor. `llmroute.routing.schema` makes the schema of these classes; `llmroute.routing.build` makes them of a
document that the schema accepts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from llmroute.routing.expectations import Test
from llmroute.routing.policies import Policy, Require
from llmroute.routing.quirks import Quirks
from llmroute.routing.route import EMPTY, Locality
from llmroute.routing.shapes import (
    SHAPE,
    Api,
    Attempts,
    Auth,
    Count,
    Effort,
    FallbackKind,
    Headers,
    Limits,
    Name,
    Penalty,
    Probability,
    ProviderName,
    RetryKind,
    Seconds,
    Shape,
    Sticky,
    StreamBreak,
    Temperature,
    Text,
    Texts,
    Tokens,
    Transport,
    Unsupported,
    Url,
)
from llmroute.routing.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A key that stands in a file."""

    __pydantic_config__: ClassVar = SHAPE
    file: Text
    """Path of a file whose content is the key; white space around it is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """A key in the operating system's keyring (extra `keyring`)."""

    __pydantic_config__: ClassVar = SHAPE
    keyring: Annotated[str, Shape(pattern=r"^[^/\n]+/[^\n]+(?!\n)$", examples=["llmroute/anthropic"])]
    """`service/name`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVariable:
    """A key in a variable that a program names in code; in a spec it is written `${NAME}`."""

    name: str


Key = Text | KeyFile | KeyRing


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Parameters: each is won by itself, from the strongest scope that has it."""

    __pydantic_config__: ClassVar = SHAPE
    temperature: Temperature | None = None
    """Sampling temperature, 0 to 2; the server's own unless set. 0 is a value."""
    top_p: Probability | None = None
    """Nucleus sampling: the probability mass that is looked at, 0 to 1; the server's own unless set."""
    top_k: Tokens | None = None
    """How many of the likeliest tokens are looked at; the server's own number unless set."""
    max_tokens: Tokens | None = None
    """The most tokens a reply may have; unless set the server's own limit, and 4096 where the API must be told one."""
    stop: Annotated[tuple[Text, ...], Shape(maxItems=64)] | None = None
    """Texts at which the reply ends."""
    seed: Annotated[int, Shape(minimum=-(2**63), maximum=2**63 - 1)] | None = None
    """Seed for servers that sample repeatably."""
    frequency_penalty: Penalty | None = None
    """Penalty for tokens by how often they stand in the text, -2 to 2."""
    presence_penalty: Penalty | None = None
    """Penalty for tokens that stand in the text at all, -2 to 2."""
    reasoning_effort: Effort | None = None
    """How hard a reasoning model thinks; the server's own choice unless set."""
    timeout: Seconds | None = None
    """Seconds until an attempt is given up; of a stream, each wait for what comes next. 600 unless set."""
    connect_timeout: Seconds | None = None
    """Seconds until a server that accepts no connection is given up; 10 unless set."""
    first_event_timeout: Seconds | None = None
    """Seconds until a stream without any content is given up; as `timeout` unless set."""
    idle_timeout: Seconds | None = None
    """Seconds of silence after which a stream that has begun is given up; as `timeout` unless set."""
    max_retries: Count | None = None
    """How often the same target is asked again after a failure that may pass; 2 unless set, 1 on this machine.
    0 is a value."""
    deadline: Seconds | None = None
    """Seconds for the whole request: all attempts, on all targets, and the waits between them; no limit unless set."""
    max_attempts: Attempts | None = None
    """How many attempts one request may make, on all its targets together; no limit unless set."""
    retry_on: tuple[RetryKind, ...] | None = None
    """The kinds of failure after which the same target is asked again, in place of the usual ones: all but
    `ambiguous`. `[]`: none."""
    fallback_on: tuple[FallbackKind, ...] | None = None
    """The kinds of failure after which the next target is asked, in place of the usual ones: all but `auth`, `context`
    and `refusal`. `[]`: none."""
    on_stream_break: StreamBreak | None = None
    """What follows when a stream breaks after content: `error`, the default; `restart` begins anew on the next target;
    `continue` lets the next target that takes a prefill write on."""
    sticky: Sticky | None = None
    """`conversation` keeps a conversation on the target that answered it last, as long as that is well; `none`, the
    default, does not."""
    on_unsupported: Unsupported | None = None
    """`error`: what the API of a target can't be told without loss is an error, and nothing is sent; `warn`, the
    default, sends what can be said and names the rest on the reply."""


PARAMS: tuple[str, ...] = tuple(Params.__annotations__)[1:]
"""The names of the parameters."""
LISTS = ("stop", "retry_on", "fallback_on")
"""The parameters that are lists; no variable sets them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(Params):
    """How a server is reached: all that goes to it and to no other."""

    __pydantic_config__: ClassVar = SHAPE
    base_url: Url | None = None
    """URL of the server. A vendor's own key variable is not sent to a URL that stands here."""
    api: Api | None = None
    """The wire format; `openai-chat` where neither this nor a preset says otherwise."""
    api_key: Key | None = field(default=None, repr=False)
    """The key: `${VARIABLE}`, `{file: PATH}` or `{keyring: service/name}`. It goes here and nowhere else."""
    auth: Auth | None = None
    """How the key travels. Unless set as the preset says, else `bearer`, and `x-api-key` for `anthropic-messages`."""
    api_version: Text | None = None
    """The dated version of the API, where the format has one (`anthropic-version`). 2023-06-01 there unless set; the
    preset anthropic has its own."""
    transport: Transport | None = None
    """`sdk`: the vendor's own SDK; `http`: plain HTTP, the default. Presets openai and anthropic use their SDK."""
    allow_http: bool | None = None
    """Whether a key may travel over plain HTTP to another machine. Unsaid, it is an error, and inside a private network
    a warning; `false` makes it an error there too."""
    headers: Headers | None = field(default=None, repr=False)
    """Headers that are sent here only."""
    extra_body: Mapping[str, Any] | None = field(default=None, repr=False)
    """Fields that are added to the request body here only."""
    model: Text | None = None
    """A model. On a scope `provider/model` chooses the provider too; on a provider it is used when no scope has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Connection):
    """Where to send: one bundle, won as a whole, with the model and parameters beside it."""

    __pydantic_config__: ClassVar = SHAPE
    provider: Text | None = None
    """A provider that is declared under `providers`, or a preset. Beside `base_url`: that provider at another URL."""


ENDPOINT_ONLY: tuple[str, ...] = ("api", "auth", "api_version", "transport", "allow_http", "headers", "extra_body")
"""Settings that mean nothing on a scope that selects no endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope(Endpoint):
    """Settings of one scope: the default, a purpose, an agent, a client."""

    __pydantic_config__: ClassVar = SHAPE
    fallbacks: tuple[Text | Endpoint, ...] | None = None
    """Targets to try, in order, when the endpoint fails: `provider/model` or a mapping. `[]` is a value: none."""
    allow_remote_fallback: bool | None = None
    """Lets `fallbacks` of this scope lead to places more remote than the endpoint; `false` unless set."""
    require: Require | None = None
    """What every target of the request must be able to do."""
    metadata: Mapping[str, Any] | None = None
    """Handed to the program untouched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedScope(Scope):
    """Settings of an agent or a client, and its settings for single purposes."""

    __pydantic_config__: ClassVar = SHAPE
    purposes: Mapping[Name, Scope] | None = None
    """Settings for one purpose; they beat the general ones beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the provider's models can do, where the catalogue doesn't know it."""

    __pydantic_config__: ClassVar = SHAPE
    tools: bool | None = None
    """The models call tools."""
    vision: bool | None = None
    """The models read images."""
    json_schema: bool | None = None
    """The models answer in a given JSON Schema."""
    thinking: bool | None = None
    """The models think before they answer."""
    prefill: bool | None = None
    """The models write on where a last assistant message ends."""
    context_window: Tokens | None = None
    """Tokens that the context window holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPurpose:
    """The provider's own model for one purpose."""

    __pydantic_config__: ClassVar = SHAPE
    model: Text | None = None
    """Used when this provider was chosen and no scope has a model for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider(Connection):
    """A place to send to. Under the name of a preset, only what differs from it need be said."""

    __pydantic_config__: ClassVar = SHAPE
    preset: ProviderName | None = None
    """The preset that this provider takes its facts from, where its name is another."""
    proxy: Literal["none", "env"] | None = None
    """`env` obeys HTTP_PROXY and its kin; `none`, the default, goes direct. A local server is always direct."""
    locality: Locality | None = None
    """Read off the URL; may only be made stricter here, for a local port that forwards elsewhere."""
    models: Annotated[tuple[Text, ...], Shape(minItems=1)] | None = None
    """A closed list: no other model is ever asked of this provider. Any unless set."""
    regions: Texts | None = None
    """Labels of the places where it works, for policies that require some; every such place is named."""
    aliases: Mapping[Text, Text] | None = None
    """Names that this provider serves by another model: `asked-for: sent`."""
    purposes: Mapping[Name, ProviderPurpose] | None = None
    """The provider's own model for single purposes."""
    capabilities: Capabilities | None = None
    """What its models can do, where the catalogue doesn't know it."""
    limits: Limits | None = None
    """How much may be asked of it at a time."""
    quirks: Quirks | None = None
    """How its server differs from its API; each beats what the preset says."""
    fallbacks: tuple[Text | Endpoint, ...] | None = None
    """Targets to try when this provider fails, unless the scope that chose it has its own list."""
    allow_remote_fallback: bool | None = None
    """Lets this provider's `fallbacks` lead to more remote places; `false` unless set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    """How settings are read from the environment."""

    __pydantic_config__: ClassVar = SHAPE
    prefix: Annotated[str, Shape(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(?!\n)$")] | None = None
    """Prefix of the variables; `LLMROUTE_` unless set."""
    names: (
        Mapping[
            Annotated[str, Shape(pattern=r"^[a-z_]+(\.[A-Za-z0-9_.:@/-]+)?(?!\n)$")],
            tuple[Annotated[str, Shape(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(?!\n)$")], ...],
        ]
        | None
    ) = None
    """Further variables for a setting, or for `setting.purpose`; the first that is set wins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Which language model answers which call: providers, purposes, agents, clients and what binds them."""

    __pydantic_config__: ClassVar = SHAPE
    version: Literal[1]
    """Version of this format."""
    providers: Mapping[ProviderName, Provider] = field(default_factory=lambda: EMPTY)
    """Places to send to. A preset's name needs no settings of its own: `anthropic: {}`."""
    defaults: Scope = Scope()
    """The weakest scope: what holds where nothing else speaks."""
    purposes: Mapping[Name, Scope] = field(default_factory=lambda: EMPTY)
    """What calls are for. Loses to agents, clients and the environment; beats `defaults`."""
    agents: Mapping[Name, NamedScope] = field(default_factory=lambda: EMPTY)
    """The parts of a program that make calls; the strongest layer. `"*"` takes in all other names."""
    clients: Mapping[Name, NamedScope] = field(default_factory=lambda: EMPTY)
    """Programs that embed the engine; they beat the environment and lose to agents."""
    env: Env = Env()
    """How settings are read from the environment."""
    policies: tuple[Policy, ...] = ()
    """Rules over targets that no scope can loosen."""
    tests: tuple[Test, ...] = ()
    """Routing unit tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingSpec(Document):
    """A document, with the text it came from."""

    source: Source = field(default_factory=Source, repr=False, compare=False)
    memo: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    """Answers of `resolve` to earlier queries, kept as long as the spec."""
