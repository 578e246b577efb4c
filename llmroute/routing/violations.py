"""What a target may lack: each kind of demand, and the reason why a target does not meet it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from llmroute.catalog.presets import PRESETS
from llmroute.routing.capabilities import capability
from llmroute.routing.names import listed
from llmroute.routing.route import LOCALITIES
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llmroute.routing.constraints import Demand, Hop


def violation(hop: Hop, demand: Demand) -> str:
    """Why a target does not meet a demand; empty if it does."""
    check = _CHECKS.get(demand.what)
    return _capability(hop, demand) if check is None else check(hop, demand.value)


def matches(patterns: Iterable[str], *names: str | None) -> str | None:
    """The first of some globs that one of the names fits; upper and lower case are one."""
    given = [(name or "").lower() for name in names]
    return next((glob for glob in patterns if any(fnmatchcase(name, glob.lower()) for name in given)), None)


def _locality(hop: Hop, most: Any) -> str:
    target = hop.target
    if LOCALITIES.index(target.locality) <= LOCALITIES.index(most):
        return ""
    return f"{target.base_url} is {target.locality}, and {most} is required"


def _only_providers(hop: Hop, allowed: Any) -> str:
    target, facts = hop.target, hop.facts
    if matches(allowed, target.provider, facts.preset.name if facts and facts.preset else None) is None:
        return f"{target.provider or target.base_url} is none of {listed(allowed)}"
    return "" if hop.at_home else f"{target.base_url} is not the URL that {target.provider} is declared with"


def _only_apis(hop: Hop, allowed: Any) -> str:
    return "" if hop.target.api in allowed else f"{hop.target.api} is none of {listed(allowed)}"


def _only_regions(hop: Hop, allowed: Any) -> str:
    labels = hop.facts.declared.regions if hop.facts and hop.at_home else None
    if not labels:
        return f"nothing says in which regions {hop.target.provider or hop.target.base_url} works"
    outside = [label for label in labels if label not in allowed]
    return f"it works in {listed(outside)} too, and only {listed(allowed)} is allowed" if outside else ""


def _no_provider(hop: Hop, denied: Any) -> str:
    """By its name, its preset, or the host of a vendor that is denied, whatever name it goes by."""
    target, facts = hop.target, hop.facts
    names = [target.provider, facts.preset.name if facts and facts.preset else None, *_vendors(target.base_url)]
    glob = matches(denied, *[name for name in names if name])
    return f"the provider {glob} is denied" if glob else ""


def _vendors(base_url: str) -> list[str]:
    """The presets of the host that a URL leads to; a local server's port says nothing of who answers there."""
    url = parse(base_url)
    if url.locality != "remote":
        return []
    return [name for name, preset in PRESETS.items() if preset.base_url and parse(preset.base_url).host == url.host]


def _no_model(hop: Hop, denied: Any) -> str:
    glob = matches(denied, hop.target.model, hop.target.name)
    return f"the model {glob} is denied" if glob else ""


def _no_host(hop: Hop, denied: Any) -> str:
    glob = matches(denied, parse(hop.target.base_url).host)
    return f"the host {glob} is denied" if glob else ""


def _no_locality(hop: Hop, denied: Any) -> str:
    return f"{hop.target.base_url} is {hop.target.locality}, which is denied" if hop.target.locality in denied else ""


_CHECKS: Mapping[str, Callable[[Hop, Any], str]] = {
    "locality": _locality,
    "providers": _only_providers,
    "apis": _only_apis,
    "regions": _only_regions,
    "deny.providers": _no_provider,
    "deny.models": _no_model,
    "deny.hosts": _no_host,
    "deny.localities": _no_locality,
}


def _capability(hop: Hop, demand: Demand) -> str:
    target = hop.target
    able = capability(hop.facts, target.model, demand.what)
    if able is None:
        subject = f"providers.{target.provider}.capabilities" if target.provider else "a provider of its own"
        return f"nothing says whether it has {demand.what}; declare it under {subject}"
    if demand.what == "context_window":
        return (
            "" if able >= demand.value else f"its context window holds {able} tokens, and {demand.value} are required"
        )
    return "" if able else f"it has no {demand.what}"
