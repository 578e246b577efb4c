"""What the user wrote of what must hold: requirements and policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from llmroute.routing.route import Locality
from llmroute.routing.shapes import SHAPE, Globs, Name, Shape, Text, Texts, Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What a target must be able to do. Adds up over all scopes of a request; nothing loosens it."""

    __pydantic_config__: ClassVar = SHAPE
    locality: Locality | None = None
    """The most remote a target may be: `local` (this machine), `lan` or `remote`."""
    tools: bool | None = None
    """The model must call tools."""
    vision: bool | None = None
    """The model must read images."""
    json_schema: bool | None = None
    """The model must answer in a given JSON Schema."""
    thinking: bool | None = None
    """The model must be able to think before it answers."""
    prefill: bool | None = None
    """The model must write on where a last assistant message ends."""
    context_window: Tokens | None = None
    """The least number of tokens that the context window must hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Require(Requirements):
    """What a scope demands of every target of a request."""

    __pydantic_config__: ClassVar = SHAPE
    warn: bool | None = None
    """Where a model lacks one of the abilities beside this, or nothing says that it has it: say so, and go on. It
    softens no other scope's demand, and never `locality`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRequire(Requirements):
    """What a policy demands of every target."""

    __pydantic_config__: ClassVar = SHAPE
    providers: Globs | None = None
    """The only providers allowed, by name, preset or glob, and only at the URL that they are declared with."""
    apis: Texts | None = None
    """The only wire formats allowed."""
    regions: Texts | None = None
    """The only regions allowed: every one of the provider's `regions` must be among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDeny:
    """What a policy forbids."""

    __pydantic_config__: ClassVar = SHAPE
    providers: Globs | None = None
    """Providers that are never used: by name, preset, glob, or the host of a vendor's preset."""
    models: Globs | None = None
    """Models that are never used: globs on the name, or on `provider/name`."""
    hosts: Globs | None = None
    """Hosts that are never reached: names or globs, such as `*.example.com`."""
    localities: Annotated[tuple[Locality, ...], Shape(minItems=1)] | None = None
    """Localities that are never reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A rule over targets that no scope can loosen."""

    __pydantic_config__: ClassVar = SHAPE
    name: Name
    """What diagnostics call it."""
    agents: Globs | None = None
    """Names or globs of the agents it speaks of; all where absent."""
    purposes: Globs | None = None
    """Names or globs of the purposes it speaks of; all where absent."""
    clients: Globs | None = None
    """Names or globs of the clients it speaks of; all where absent."""
    require: PolicyRequire | None = None
    """What every target must be."""
    deny: PolicyDeny | None = None
    """What no target may be."""
    warn: bool | None = None
    """Say it, and go on."""
    because: Text | None = None
    """The reason, shown wherever the policy strikes."""
