"""What a decision is: a route, and the trace that led to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.routing.diagnostics import Diagnostic, Origin
    from llmroute.routing.flows import Flow
    from llmroute.routing.override import LocalOverride
    from llmroute.routing.shapes import Limits
    from llmroute.routing.spec import RoutingSpec

Locality = Literal["local", "lan", "remote"]
LOCALITIES: tuple[Locality, ...] = ("local", "lan", "remote")
"""From the nearest to the most remote: `local` is this machine, `lan` a private network, `remote` all else."""

Layer = Literal["agent", "client", "env", "default", "provider", "preset", "policy"]
CredentialStatus = Literal["set", "missing", "dropped", "none", "unread"]
EMPTY: Mapping[str, Any] = MappingProxyType({})


class Secret:
    """A key, kept out of every repr, log and dump; `reveal` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself, for the one header that it was declared for."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a Secret is never pickled")


class Credential(NamedTuple):
    """Which key a target has, as it may be shown: the source and the status, never the value."""

    source: str = "none"
    """`env:NAME`, `file:PATH`, `keyring:SERVICE/NAME`, `inline` or `none`."""
    status: CredentialStatus = "none"
    """`set`; `missing`: declared, but not there; `dropped`: the scope moved the provider's origin; `none`: nothing
    was declared; `unread`: a file or keyring that the pure decision does not open (the router does)."""
    secret: Secret | None = None
    """The key where the environment or the spec held it."""
    variable: str = ""
    """The variable that would supply the key, for the message of `missing-key`."""

    def to_json(self) -> dict[str, str]:
        """Source and status."""
        return {"source": self.source, "status": self.status}


NO_CREDENTIAL = Credential()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One place to send one request to: provider, model and parameters, nothing left open."""

    provider: str | None
    """The provider's name; None for an endpoint that only has a URL."""
    api: str
    """The wire format: `openai-chat`, `anthropic-messages`, `ollama-chat`, `mock` or a registered one."""
    base_url: str
    """Normal form: lower-case scheme and host, no trailing slash, no default port."""
    model: str
    locality: Locality
    auth: str = "none"
    """How the key travels: `bearer`, `x-api-key`, `api-key` or `none`."""
    api_version: str | None = None
    """The dated version of the API, where the format has one (`anthropic-version`, Azure's `api-version`)."""
    transport: str = "http"
    """`http`, or `sdk` for a vendor's own SDK."""
    proxy: str = "none"
    """`none`: direct; `env`: the proxy variables of the environment are obeyed (never for a local target)."""
    allow_http: bool = False
    """Whether a key may travel over plain HTTP to another machine."""
    headers: Mapping[str, str] = field(default_factory=lambda: EMPTY, repr=False)
    extra_body: Mapping[str, Any] = field(default_factory=lambda: EMPTY, repr=False)
    quirks: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """Facts about the provider that a codec must know (see `llmroute.catalog`)."""
    params: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """Sampling parameters, `timeout` (seconds) and `max_retries` that were won for this target."""
    credential: Credential = NO_CREDENTIAL
    limits: Limits | None = None
    """How much may be asked of the provider, by all targets of its name together."""
    flows: tuple[Flow, ...] = field(default=(), repr=False)
    """What the spec sends there beside what is asked: keys, variables, texts of its own."""
    origin: Origin | None = None
    """Where the target was chosen."""
    scope: str = ""
    """The scope that chose it, such as `agents.file-picker`."""

    @property
    def name(self) -> str:
        """`provider/model`, or `URL model` for an anonymous endpoint."""
        return f"{self.provider}/{self.model}" if self.provider else f"{self.base_url} {self.model}"

    def to_json(self) -> dict[str, Any]:
        """The target as `explain --format json` writes it."""
        return {
            "provider": self.provider,
            "api": self.api,
            "base_url": self.base_url,
            "model": self.model,
            "locality": self.locality,
            "credential": self.credential.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Route:
    """Targets in the order in which they are tried; never empty."""

    targets: tuple[Target, ...]

    @property
    def primary(self) -> Target:
        """The target that is tried first."""
        return self.targets[0]


class Candidate(NamedTuple):
    """A value that a scope had for a field, and what became of it."""

    scope: str
    layer: str
    value: Any
    verdict: str
    """`won`, `shadowed`, `foreign-model`, `not-inherited`, `excluded`, `adds-up`, `invalid`, `orphan` or `dropped`."""
    origin: Origin
    reason: str = ""


def weaker(layer: str, winner: str) -> str:
    """Why a scope lost to a stronger one.

    >>> weaker("env", "agent")
    'weaker layer'
    """
    return "weaker scope" if layer == winner else "weaker layer"


class Field(NamedTuple):
    """One field of the decision: its value, and every scope that spoke of it, strongest first."""

    field: str
    value: Any
    layer: str
    scope: str
    origin: Origin | None
    candidates: tuple[Candidate, ...]


class Excluded(NamedTuple):
    """A target that was left out of the chain, and the rule that did it."""

    target: str
    rule: str
    """Such as `require.locality`, or `policies.NAME`."""
    origin: Origin
    reason: str


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: for whom, what for, and with which client arguments.

    `args` are what the program passes in code or the user as flags (`provider`, `model`, `base_url`, `api`,
    `api_key`, `auth`, `headers`, `extra_body` and any parameter); they form the scope `client arguments`.
    """

    agent: str | None = None
    purpose: str | None = None
    client: str | None = None
    args: Mapping[str, Any] = field(default_factory=lambda: EMPTY, repr=False)
    override: LocalOverride | None = None
    """What `llmroute local on` has set, for the programs that obey it: a part of the env layer."""

    def to_json(self) -> dict[str, Any]:
        """Agent, purpose and client; arguments are part of the trace."""
        return {"agent": self.agent, "purpose": self.purpose, "client": self.client}


@dataclass(frozen=True, slots=True)
class Resolution:
    """A route and its trace: the answer to a query, and the whole reason for it."""

    query: Query
    route: Route
    fields: tuple[Field, ...]
    metadata: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    excluded: tuple[Excluded, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    spec: RoutingSpec | None = field(default=None, repr=False, compare=False)
    """The spec that was asked."""

    @property
    def spec_hash(self) -> str:
        """The first digits of the spec's hash, as `llmroute render --hash` prints it; empty where no spec was asked."""
        from llmroute.routing.canonical import short_hash  # here: most programs never look

        return "" if self.spec is None else short_hash(self.spec)

    @property
    def target(self) -> Target:
        """The target that is tried first."""
        return self.route.primary
