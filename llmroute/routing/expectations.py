"""What the user wrote of routing tests: what is asked in which world, and what must come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from llmroute.errors import KINDS, RoutingError
from llmroute.routing.route import Locality
from llmroute.routing.shapes import SHAPE, Attempts, Shape, Text, Texts

Duration = (
    Annotated[float, Shape(minimum=0, maximum=86_400)]
    | Annotated[str, Shape(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h)(?!\n)$", examples=["5s"])]
)
"""Seconds, or a number with its unit: `500ms`, `5s`, `2m`, `1h`."""
FaultKind = Literal[
    "connect",
    "connect-timeout",
    "timeout",
    "rate",
    "overload",
    "server",
    "ambiguous",
    "auth",
    "quota",
    "model",
    "request",
    "context",
    "refusal",
    "malformed",
    "truncated",
]
"""The kinds of failure, and two that take their time: a server that accepts no connection, and one that is silent."""
ERRORS: tuple[str, ...] = (
    *sorted({error.rule for error in RoutingError.__subclasses__()}),
    *sorted(kind for kind in KINDS if kind not in ("call", "policy")),
)
"""What a test may expect to go wrong: the rule of a decision that failed, or the kind of a call that failed."""
ErrorName = Annotated[str, Shape(enum=list(ERRORS))]
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _without_underscore(name: str) -> str:
    return name.removesuffix("_")


@dataclass(frozen=True, slots=True, kw_only=True)
class TestQuery:
    """What a routing test asks."""

    __test__: ClassVar = False
    __pydantic_config__: ClassVar = SHAPE
    agent: Text | None = None
    """The agent."""
    purpose: Text | None = None
    """The purpose."""
    client: Text | None = None
    """The client."""
    args: Mapping[str, Any] | None = field(default=None, repr=False)
    """Client arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong, at which targets and when."""

    __pydantic_config__: ClassVar = {**SHAPE, "alias_generator": _without_underscore}
    provider: Text | None = None
    """The provider that it befalls; all where neither this nor `model` or `target` is said."""
    model: Text | None = None
    """The model that it befalls."""
    target: Text | None = None
    """The target that it befalls, as `provider/model`."""
    fault: FaultKind
    """The kind of failure. `connect-timeout` and `timeout` take as long as the target's time limits."""
    from_: Duration | None = None
    """When it begins, on the clock of the test; at 0 unless set."""
    to: Duration | None = None
    """When it is over; never unless set."""
    retry_after: Duration | None = None
    """The wait that the provider asks for."""
    takes: Duration | None = None
    """How long it takes until the failure shows; no time unless set, and the time limit for a timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedKey:
    """What the key of a target must be."""

    __pydantic_config__: ClassVar = SHAPE
    source: Text | None = None
    """Where it comes from: `env:NAME`, `file:PATH`, `keyring:SERVICE/NAME`, `inline` or `none`."""
    status: Literal["set", "missing", "dropped", "none", "unread"] | None = None
    """Whether it is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedExclusion:
    """A target that must be left out, and why."""

    __pydantic_config__: ClassVar = SHAPE
    target: Text
    """The target, as `provider/model`."""
    rule: Text | None = None
    """The rule that leaves it out: `require.locality`, `policies.NAME`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What must come of a test. What is not said may be anything; without `error` there must be a route."""

    __pydantic_config__: ClassVar = SHAPE
    provider: Text | None = None
    """The provider of the target that answers, or was asked last where a call fails; without faults the first."""
    model: Text | None = None
    """Its model."""
    base_url: Text | None = None
    """Its URL, in normal form."""
    locality: Locality | None = None
    """How far away it is."""
    api: Text | None = None
    """Its wire format."""
    fallbacks: tuple[Text, ...] | None = None
    """The targets behind the first, as `provider/model`, in order; `[]`: none."""
    params: Mapping[str, Any] | None = None
    """Parameters of the target that answers; those that are not named may be anything."""
    metadata: Mapping[str, Any] | None = None
    """Metadata of the route, key by key."""
    layer: Literal["agent", "client", "env", "default"] | None = None
    """The layer that chose the endpoint."""
    scope: Text | None = None
    """The scope that chose the endpoint, such as `agents.reviewer` or `env`."""
    credential: ExpectedKey | None = None
    """Its key."""
    excluded: tuple[Text | ExpectedExclusion, ...] | None = None
    """The targets that are left out, all of them; `[]`: none."""
    error: ErrorName | None = None
    """There is no route, by this rule; or, after faults, no answer, and the last failure is of this kind."""
    attempts: Attempts | None = None
    """How many requests are made."""
    tried: Texts | None = None
    """The targets that are asked, in order, each as often as it is asked."""
    within: Duration | None = None
    """The longest that the call may take, waits included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCall:
    """One of several calls that one router makes in a test."""

    __test__: ClassVar = False
    __pydantic_config__: ClassVar = SHAPE
    at: Duration
    """When it is made."""
    expect: Expect | None = None
    """What must come of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCase:
    """A row of a table of tests: what it says goes over what the test says, part by part."""

    __test__: ClassVar = False
    __pydantic_config__: ClassVar = SHAPE
    name: Text | None = None
    """What it shows; made of what it changes unless set."""
    query: TestQuery | None = None
    """What is asked."""
    environ: Mapping[str, str] | None = field(default=None, repr=False)
    """The whole environment of the test; nothing else is looked at."""
    given: tuple[Fault, ...] | None = None
    """What goes wrong, for tests of failures: they are played on a clock that nobody waits for."""
    at: Duration | tuple[Duration | TestCall, ...] | None = None
    """When the call is made, or several calls of one router in order; `expect` is about the last."""
    expect: Expect | None = None
    """What must come of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Test(TestCase):
    """A routing unit test."""

    __test__: ClassVar = False
    __pydantic_config__: ClassVar = SHAPE
    name: Text
    """What it shows."""
    cases: Annotated[tuple[TestCase, ...], Shape(minItems=1)] | None = None
    """A table: each row is a test of its own, with what stands beside this as its shared part."""


def seconds(duration: float | str) -> float:
    """A duration in seconds.

    >>> seconds("500ms"), seconds("2m"), seconds(7)
    (0.5, 120.0, 7.0)
    """
    if not isinstance(duration, str):
        return float(duration)
    unit = duration.lstrip("0123456789.")
    return float(duration.removesuffix(unit)) * _UNITS[unit]
