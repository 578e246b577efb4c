"""What every step of a decision looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmroute.errors import RoutingError
from llmroute.routing.endpoints import Endpoint, Selection, own_params, selection
from llmroute.routing.route import Query, Target
from llmroute.routing.scopes import Scope, scopes
from llmroute.routing.urls import most_remote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.spec import RoutingSpec

CLOUD_SUFFIXES = ("-cloud", ":cloud")
"""Endings of model names that a local Ollama forwards to its cloud, whatever port it is asked on."""


class Context(NamedTuple):
    """A query, with its scopes (strongest first) and what each of them selects."""

    spec: RoutingSpec
    query: Query
    environ: Mapping[str, str]
    scopes: list[Scope]
    selections: list[Selection | RoutingError | None]
    """Per scope: its selection, the error that reading it gave, or None where it selects nothing."""


def context(spec: RoutingSpec, query: Query, environ: Mapping[str, str]) -> Context:
    """Gather what speaks in a query. Raises the typed error of an unknown agent, purpose or client."""
    found = scopes(spec, query, environ)
    return Context(spec, query, environ, found, [_selection(spec, scope, environ) for scope in found])


def _selection(spec: RoutingSpec, scope: Scope, environ: Mapping[str, str]) -> Selection | RoutingError | None:
    # An error is raised only if the decision comes to this scope: a shadowed mistake changes nothing.
    try:
        return selection(spec, scope, environ)
    except RoutingError as error:
        return error


_TOLD_TO_CODECS = ("on_unsupported",)
"""Parameters that are quirks too: the parameter beats what is known of the provider."""


def selecting_origin(scope: Scope) -> Origin:
    """Where the setting stands by which a scope selects its endpoint."""
    return scope.origin(next(field for field in ("provider", "base_url", "model") if field in scope.values))


def target(bundle: Endpoint, model: str, params: Mapping[str, object], scope: Scope) -> Target:
    """The target of a bundle and a model; the provider's own parameters fill what nothing stronger has set."""
    cloud: tuple[str, ...] = tuple(bundle.quirks.get("cloud_model_suffixes", ())) + CLOUD_SUFFIXES
    own = {**own_params(bundle.facts), **params}
    said = {name: own[name] for name in _TOLD_TO_CODECS if name in own}
    return Target(
        provider=bundle.provider,
        api=bundle.api,
        base_url=str(bundle.url),
        model=model,
        locality=most_remote(
            bundle.url.locality, bundle.locality, "remote" if model.lower().endswith(cloud) else "local"
        ),
        auth=bundle.auth,
        api_version=bundle.api_version,
        transport=bundle.transport,
        proxy=bundle.proxy,
        allow_http=bundle.allow_http,
        headers=bundle.headers,
        extra_body=bundle.extra_body,
        quirks={**bundle.quirks, **said} if said else bundle.quirks,
        params=own,
        credential=bundle.credential,
        limits=bundle.facts.declared.limits if bundle.facts else None,
        flows=bundle.flows,
        origin=selecting_origin(scope),
        scope=scope.name,
    )
