"""Looks at every target that a spec can reach: is its key there, its server, its model, and is that able enough."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from llmroute.dispatch.concurrently import concurrently
from llmroute.dispatch.findings import Finding, findings_of, not_reached
from llmroute.dispatch.model_lists import GRACE_S, preset_of
from llmroute.dispatch.server_answer import ASKABLE, ServerAnswer, ask_server
from llmroute.errors import NoEndpointError, RoutingError
from llmroute.routing.pairs import sent
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Route
from llmroute.routing.wishes import lenient, wishes

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from llmroute.dispatch.trust import Gate
    from llmroute.routing.constraints import Demand
    from llmroute.routing.flows import Sent
    from llmroute.routing.route import Query, Resolution, Target
    from llmroute.routing.spec import RoutingSpec


class NoRoute(NamedTuple):
    """A query that leads nowhere, whatever its servers say."""

    query: Query
    error: RoutingError


@dataclass(slots=True)
class Subject:
    """One target, with all that is asked of it."""

    target: Target
    first_for: list[Query] = field(default_factory=list)
    """The queries that it is the first target of."""
    next_for: list[Query] = field(default_factory=list)
    """Those that it is a fallback of."""
    demands: dict[Demand, None] = field(default_factory=dict)
    flows: dict[Sent, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found at one target."""

    subject: Subject
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Whether a call would fail."""
        return any(finding.status == "failed" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Asking:
    """How servers are asked."""

    environ: Mapping[str, str]
    limit_s: float = 15.0
    """For all of it: servers are asked at the same time."""
    gate: Gate | None = None
    """Keeps what nobody has trusted from being sent."""
    done: Callable[[], object] = lambda: None
    """Called when a server has answered, or not; from any thread."""


def subjects_of(
    spec: RoutingSpec, queries: Iterable[Query], environ: Mapping[str, str]
) -> tuple[list[Subject], list[NoRoute]]:
    """The targets of some queries, each once, and the queries that have none."""
    open_spec = lenient(spec)
    found: dict[Hashable, Subject] = {}
    lost: list[NoRoute] = []
    nowhere: list[NoRoute] = []
    for query in queries:
        try:
            resolution = resolve(open_spec, query, environ)
        except NoEndpointError as error:
            nowhere.append(NoRoute(query, error))
        except RoutingError as error:
            lost.append(NoRoute(query, error))
        else:
            _enter(found, spec, resolution, environ)
    # Where some queries lead somewhere, the others are none that this program asks.
    return list(found.values()), lost if found else [*lost, *nowhere]


def _enter(
    found: dict[Hashable, Subject], spec: RoutingSpec, resolution: Resolution, environ: Mapping[str, str]
) -> None:
    query = resolution.query
    asked = dict.fromkeys(wishes(spec, query, environ))
    first = _name(_called_first(spec, resolution, environ))
    for target in resolution.route.targets:
        subject = found.setdefault(_name(target), Subject(target))
        (subject.first_for if _name(target) == first else subject.next_for).append(query)
        subject.demands |= asked
        subject.flows |= dict.fromkeys(sent(spec, replace(resolution, route=Route((target,))), environ))


def _called_first(spec: RoutingSpec, resolution: Resolution, environ: Mapping[str, str]) -> Target:
    """The target that a call begins with: the first that the spec is known to let through, if any."""
    try:
        return resolve(spec, resolution.query, environ).target
    except RoutingError:
        return resolution.target


def _name(target: Target) -> Hashable:
    return (*_server(target), target.model)


def _server(target: Target) -> tuple[Hashable, ...]:
    """What targets have in common whose server is asked once."""
    credential = target.credential
    headers = frozenset(target.headers.items())
    return (target.provider, target.base_url, target.api, target.auth, target.proxy, credential.source, headers)


def examine(spec: RoutingSpec, subjects: Sequence[Subject], asking: Asking) -> list[Checkup]:
    """Ask all servers at the same time, and judge each target."""
    held = [_held_back(subject, asking.gate) for subject in subjects]
    servers: dict[tuple[Hashable, ...], list[Target]] = {}
    for subject, rows in zip(subjects, held, strict=True):
        if not rows and subject.target.api in ASKABLE:
            servers.setdefault(_server(subject.target), []).append(subject.target)
    tasks = [partial(_asked, targets, preset_of(spec, targets[0]), asking) for targets in servers.values()]
    answers = dict(zip(servers, concurrently(tasks, asking.limit_s + GRACE_S), strict=True))
    return [
        Checkup(subject, _found(spec, subject, rows, answers.get(_server(subject.target)), asking))
        for subject, rows in zip(subjects, held, strict=True)
    ]


def count_servers(subjects: Iterable[Subject]) -> int:
    """How many servers there are to be asked at the most."""
    return len({_server(subject.target) for subject in subjects if subject.target.api in ASKABLE})


def _held_back(subject: Subject, gate: Gate | None) -> list[Sent]:
    return [] if gate is None else gate.untrusted(subject.flows)


def _asked(targets: Sequence[Target], preset: str | None, asking: Asking) -> ServerAnswer:
    try:
        return ask_server(targets, preset, asking.limit_s)
    finally:
        asking.done()


def _found(
    spec: RoutingSpec, subject: Subject, held: list[Sent], answer: ServerAnswer | None, asking: Asking
) -> tuple[Finding, ...]:
    if answer is None and not held and subject.target.api in ASKABLE:
        answer = ServerAnswer(failure=not_reached(subject.target, asking.limit_s))
    trust = None if asking.gate is None else held
    return tuple(findings_of(spec, subject.target, subject.demands, (trust, answer), asking.environ))
