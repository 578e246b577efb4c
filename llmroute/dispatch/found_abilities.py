"""Whether a model can do what is required of it: the server's word, else the catalogue's, else the spec's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.dispatch.server_answer import is_listed
from llmroute.routing.capabilities import capability_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmroute.dispatch.server_answer import ServerAnswer
    from llmroute.routing.constraints import Demand
    from llmroute.routing.route import Target
    from llmroute.routing.spec import RoutingSpec


class Ability(NamedTuple):
    """One demand, and what is known of it."""

    demand: Demand
    said_by: str
    """`server`, or `catalogue or spec`; empty where nobody says anything."""
    reason: str = ""
    """Why it is not met; empty where it is."""
    next_step: str = ""


def facts_of(target: Target, answer: ServerAnswer) -> Mapping[str, Any] | None:
    """What the server says of the target's model; None where it is not in its list."""
    for model in answer.models or ():
        if is_listed(target.model, frozenset({model.name})):
            return model.facts
    return None


def abilities(
    spec: RoutingSpec, target: Target, demands: Iterable[Demand], facts: Mapping[str, Any]
) -> Iterator[Ability]:
    """Each demand, met or not."""
    for demand in demands:
        told, known = facts.get(demand.what), capability_of(spec, target, demand.what)
        if told is not None:
            yield _told(target, demand, told, known)
        elif known is None:
            reason = f"{demand.what} is required ({demand.origin}), and nobody says whether {target.model} has it"
            yield Ability(demand, "", reason, _declare(target, f"{demand.what}: …"))
        elif lack := _lack(demand, known):
            yield Ability(demand, "catalogue or spec", f"{lack} ({demand.origin})", _other(demand))
        else:
            yield Ability(demand, "catalogue or spec")


def _other(demand: Demand) -> str:
    return "choose a larger model" + ("" if demand.warn else ", or write warn: true beside the requirement")


def _told(target: Target, demand: Demand, told: Any, known: Any) -> Ability:
    """A demand of which the server speaks."""
    if lack := _lack(demand, told):
        other = "" if known is None or _lack(demand, known) else "; the catalogue or the spec says otherwise"
        return Ability(demand, "server", f"the server says that {lack}{other} ({demand.origin})", _other(demand))
    if known is None and not demand.warn:
        # The decision asks no server: a target of which it knows nothing is left out.
        reason = f"the server says that it has {demand.what}, and the spec does not know it ({demand.origin})"
        value = str(told).lower() if isinstance(told, bool) else told
        return Ability(demand, "server", reason, _declare(target, f"{demand.what}: {value}"))
    return Ability(demand, "server")


def _lack(demand: Demand, able: Any) -> str:
    if demand.what == "context_window":
        short = able < demand.value
        return f"its context window holds {able} tokens, and {demand.value} are required" if short else ""
    return "" if able else f"it has no {demand.what}"


def _declare(target: Target, what: str) -> str:
    where = f"providers.{target.provider}" if target.provider else "a provider of its own"
    return f"write capabilities: {{{what}}} under {where}"
