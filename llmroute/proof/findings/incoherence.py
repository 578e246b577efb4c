"""Limits of a call that contradict each other: what one of them promises, another one takes away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmroute.proof.findings.bounds import Hop
    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.route import Resolution, Target

WAITS = ("timeout", "connect_timeout", "first_event_timeout", "idle_timeout")


class Incoherence(NamedTuple):
    """Two settings that do not go together."""

    message: str
    origin: Origin | None
    """Where one of them stands."""
    hint: str

    def to_json(self) -> dict[str, Any]:
        """As it stands in `bounds`."""
        return {
            "message": self.message,
            "hint": self.hint,
            "origin": None if self.origin is None else self.origin.to_json(),
        }


def incoherent(resolution: Resolution, hops: Sequence[Hop]) -> Iterator[Incoherence]:
    """What contradicts itself along a route; `hops` are the targets of it that can be asked."""
    deadline_s = hops[0].target.params.get("deadline")
    if deadline_s is not None:
        yield from _after_the_deadline(resolution, hops, deadline_s)
        for hop in hops:
            yield from _longer_than_the_deadline(resolution, hop, deadline_s)
    for hop in hops:
        yield from _of_itself(resolution, hop)
    yield from _too_few_attempts(resolution, hops)
    yield from _never_asked(resolution, hops)


def _after_the_deadline(resolution: Resolution, hops: Sequence[Hop], deadline_s: float) -> Iterator[Incoherence]:
    """Targets that have no time left when those before them do not answer, each asked once."""
    taken_s = 0.0
    for number, hop in enumerate(hops[:-1], start=1):
        taken_s += hop.turn_s + hop.attempt_s
        if taken_s >= deadline_s:
            late = ", ".join(other.target.name for other in hops[number:])
            message = (
                f"the deadline of {deadline_s:g} s leaves {late} no time where {hop.target.name} does not answer: "
                f"until then {taken_s:g} s may have passed"
            )
            hint = f"a timeout below {deadline_s / len(hops):.3g} s leaves each of the {len(hops)} targets its time"
            yield Incoherence(message, _place(resolution, hops[0].target, "deadline"), hint)
            return


def _longer_than_the_deadline(resolution: Resolution, hop: Hop, deadline_s: float) -> Iterator[Incoherence]:
    for name in WAITS:
        value = hop.target.params.get(name)
        if value is not None and value > deadline_s:
            message = f"{name} {value:g} s of {hop.target.name} never passes: the deadline of {deadline_s:g} s is first"
            hint = f"write a {name} below the deadline, or take one of both out"
            yield Incoherence(message, _place(resolution, hop.target, name), hint)


def _of_itself(resolution: Resolution, hop: Hop) -> Iterator[Incoherence]:
    """What contradicts itself in the settings of one target."""
    params = hop.target.params
    connect_s = params.get("connect_timeout")
    longest_s = max(hop.attempt_s, hop.first_content_s)
    if connect_s is not None and connect_s > longest_s:
        message = f"connect_timeout {connect_s:g} s of {hop.target.name} never passes: its timeout is {longest_s:g} s"
        yield Incoherence(message, _place(resolution, hop.target, "connect_timeout"), "write a shorter one")
    if params.get("max_retries") and hop.attempts == 1:
        message = f"max_retries {params['max_retries']} of {hop.target.name} allows nothing: its retry_on is empty"
        hint = "name kinds of failure in retry_on, or take max_retries out"
        yield Incoherence(message, _place(resolution, hop.target, "max_retries"), hint)


def _too_few_attempts(resolution: Resolution, hops: Sequence[Hop]) -> Iterator[Incoherence]:
    first, most = hops[0], hops[0].target.params.get("max_attempts")
    if most is None or len(hops) == 1:
        return
    place = _place(resolution, first.target, "max_attempts")
    if most < len(hops):
        late = ", ".join(hop.target.name for hop in hops[most:])
        message = f"max_attempts {most} is less than the {len(hops)} targets: {late} can be asked only where one of "
        message += "the others is passed over"
        yield Incoherence(message, place, f"write {len(hops)} or more, or fewer fallbacks")
    elif first.attempts >= most:
        message = f"the {first.attempts} attempts at {first.target.name} may use up max_attempts {most}, "
        message += f"so that {hops[1].target.name} is not asked"
        yield Incoherence(message, place, f"max_retries: {max(0, most - len(hops))} leaves each target its turn")


def _never_asked(resolution: Resolution, hops: Sequence[Hop]) -> Iterator[Incoherence]:
    last, behind = hops[-1].target, resolution.route.targets[len(hops) :]
    if behind:
        names = ", ".join(target.name for target in behind)
        message = f"{names} is never asked: fallback_on of {last.name} names no failure"
        hint = "name kinds of failure in fallback_on, or write fallbacks: []"
        yield Incoherence(message, _place(resolution, last, "fallback_on"), hint)


def _place(resolution: Resolution, target: Target, name: str) -> Origin | None:
    """Where a parameter of a target stands: where it was won, else at the target, whose own it is."""
    for field in resolution.fields:
        if field.field == name and field.value == target.params.get(name):
            return field.origin
    return target.origin
