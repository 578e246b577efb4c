"""What is tried when the endpoint fails: a list declared for it, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import (
    NoEndpointError,
    NoModelError,
    OrphanKeyError,
    RemoteFallbackError,
    UnknownProviderError,
)
from llmroute.routing.constraints import Hop
from llmroute.routing.context import Context, target
from llmroute.routing.endpoints import Endpoint, Selection, endpoint, is_known, reference, selection
from llmroute.routing.models import offered, own_model
from llmroute.routing.names import near
from llmroute.routing.route import LOCALITIES, Candidate, Field, Target, weaker
from llmroute.routing.scopes import Scope, written
from llmroute.routing.spec import PARAMS
from llmroute.routing.values import expand, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmroute.routing.diagnostics import Origin


class FallbackList(NamedTuple):
    """The list that won, and who declared it."""

    scope: str
    layer: str
    path: tuple[str | int, ...]
    """Its declarer's place in the spec; empty for client arguments."""
    entries: Sequence[Any]
    allow_remote: bool
    origin: Origin


def won_fallbacks(context: Context, winner: int, bundle: Endpoint) -> tuple[FallbackList | None, Field | None]:
    """The list that holds for an endpoint, and the field of the trace.

    It is that of the strongest scope, if this is the endpoint's or a stronger one; else the provider's own; else none.
    """
    candidates: list[Candidate] = []
    won: FallbackList | None = None
    for index, scope in enumerate(context.scopes):
        entries = scope.values.get("fallbacks")
        if entries is None:
            continue
        origin = scope.origin("fallbacks")
        if index > winner:
            verdict, reason = "not-inherited", "not inherited"
        elif won is not None:
            verdict, reason = "shadowed", weaker(scope.layer, won.layer)
        else:
            verdict, reason = "won", ""
            allow = bool(scope.values.get("allow_remote_fallback"))
            won = FallbackList(scope.name, scope.layer, scope.path, entries, allow, origin)
        candidates.append(Candidate(scope.name, scope.layer, _shown(entries), verdict, origin, reason))
    facts = bundle.facts
    if facts is not None and facts.declared.fallbacks is not None:
        path = ("providers", facts.name)
        name, origin = ".".join(path), context.spec.source.origin((*path, "fallbacks"))
        own = facts.declared.fallbacks
        reason = "last resort" if won else ""
        candidates.append(Candidate(name, "provider", _shown(own), "shadowed" if won else "won", origin, reason))
        won = won or FallbackList(name, "provider", path, own, bool(facts.declared.allow_remote_fallback), origin)
    if not candidates:
        return None, None
    value = _shown(won.entries) if won else []
    layer, name, place = (won.layer, won.scope, won.origin) if won else ("", "", None)
    return won, Field("fallbacks", value, layer, name, place, tuple(candidates))


def _shown(entries: Sequence[Any]) -> list[str]:
    """The entries as they are shown in a trace; a key in one never is."""
    return [entry if isinstance(entry, str) else _shown_mapping(written(entry)) for entry in entries]


def _shown_mapping(values: Mapping[str, Any]) -> str:
    return " ".join(str(values[name]) for name in ("provider", "base_url", "model") if name in values)


def chain(context: Context, declared: FallbackList, primary: Target, params: Mapping[str, Any]) -> list[Hop]:
    """The targets of a list. Raises the typed error of the first entry that is none.

    Raises RemoteFallbackError where one is more remote than the primary, without the opt-in.
    """
    hops = [
        _hop(context, _entry_scope(context, declared, index, entry), params)
        for index, entry in enumerate(declared.entries)
    ]
    for index, hop in enumerate(hops):
        if not declared.allow_remote and LOCALITIES.index(hop.target.locality) > LOCALITIES.index(primary.locality):
            raise RemoteFallbackError(
                f"fallback {hop.target.name} is {hop.target.locality}, "
                f"and its primary {primary.name} is {primary.locality}",
                hint=f"take it out, or write allow_remote_fallback: true beside it in {declared.scope}",
                origin=context.spec.source.origin((*declared.path, "fallbacks", index))
                if declared.path
                else declared.origin,
            )
    return hops


def _entry_scope(context: Context, declared: FallbackList, index: int, entry: Any) -> Scope:
    """An entry as a scope of its own: each is a complete target."""
    source, environ = context.spec.source, context.environ
    path = (*declared.path, "fallbacks", index) if declared.path else ()
    origin = source.origin(path) if path else declared.origin
    if not isinstance(entry, str):
        values = written(entry)
    else:
        text = expand(entry, environ, origin) if path else entry
        found = reference(context.spec, text)
        if found is None and not is_known(context.spec, text):
            name = text.partition("/")[0]
            raise UnknownProviderError(
                f"unknown provider {name!r} in fallback {text!r}",
                hint=near(name, context.spec.providers, otherwise="write a preset's name, or declare the provider"),
                origin=origin,
            )
        provider, model = found or (text, None)
        values = {"provider": provider} if model is None else {"provider": provider, "model": model.replace("$", "$$")}
    name = f"{declared.scope}.fallbacks[{index}]"
    return Scope(name, "default", specific=False, values=values, source=source, path=path)


def _hop(context: Context, scope: Scope, params: Mapping[str, Any]) -> Hop:
    chosen = selection(context.spec, scope, context.environ)
    if chosen is None:
        kind = OrphanKeyError if "api_key" in scope.values else NoEndpointError
        raise kind(
            f"{scope.name} names no endpoint",
            hint="write provider/model, or a mapping with provider or base_url",
            origin=scope.source.origin(scope.path) if scope.path else None,
        )
    bundle = endpoint(context.spec, chosen, scope, context.environ)
    model = offered(bundle.facts, _model(context, scope, chosen, bundle), None)
    own = {name: scope.values[name] for name in PARAMS if name in scope.values}
    return Hop(target(bundle, model, {**params, **own}, scope), bundle.facts, bundle.at_home)


def _model(context: Context, scope: Scope, chosen: Selection, bundle: Endpoint) -> str:
    if chosen.model is not None:
        return chosen.model
    if "model" in scope.values:
        return text_of(scope, "model", context.environ)
    own = own_model(context.spec, bundle.facts, context.query.purpose, context.environ)
    if own is None:
        raise NoModelError(
            f"no model for {chosen} in {scope.name}",
            hint="write provider/model",
            origin=scope.source.origin(scope.path) if scope.path else None,
        )
    return str(own.value)
