"""The target of a provider by itself: for what is asked of a provider and of no model, such as the list of its models.

What holds for calls holds here: requirements and policies keep such a question away from wherever they keep a call.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from llmroute.errors import RoutingError
from llmroute.routing.check_answers import NOBODY, named_queries
from llmroute.routing.constraints import Hop, admit, demands
from llmroute.routing.context import context, target
from llmroute.routing.endpoints import endpoint
from llmroute.routing.resolve import resolve
from llmroute.routing.scopes import CLIENT_ARGUMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.routing.endpoints import Selection
    from llmroute.routing.route import Query, Target
    from llmroute.routing.spec import RoutingSpec

ANY_MODEL = "*"
"""Stands where a target has its model."""
_OF_MODELS = frozenset({"tools", "vision", "json_schema", "thinking", "prefill", "context_window", "deny.models"})
"""What is demanded of a model: it says nothing of a place."""


def provider_target(spec: RoutingSpec, name: str, environ: Mapping[str, str], asker: Query = NOBODY) -> Target:
    """Where a provider is reached, and with which key; its model is `*`.

    Raises:
        RoutingError: it is unknown, has no URL, or is not allowed by a requirement or a policy.
    """
    query = replace(asker, agent=None, purpose=None, args={"provider": name}, override=None)
    voices = context(spec, query, environ)
    place = next(index for index, scope in enumerate(voices.scopes) if scope.name == CLIENT_ARGUMENTS)
    scope, chosen = voices.scopes[place], cast("Selection | RoutingError", voices.selections[place])
    if isinstance(chosen, RoutingError):
        raise chosen
    bundle = endpoint(spec, chosen, scope, environ)
    hop = Hop(target(bundle, ANY_MODEL, {}, scope), bundle.facts, bundle.at_home)
    found = [demand for demand in demands(voices) if demand.what not in _OF_MODELS]
    return replace(admit([hop], found).targets[0], scope="", origin=None)


def provider_targets(
    spec: RoutingSpec, environ: Mapping[str, str], asker: Query = NOBODY
) -> dict[str, Target | RoutingError]:
    """Every provider that the spec declares or sends to, by its name; a URL without one by itself."""
    found: dict[str, Target | RoutingError] = {}
    for name in spec.providers:
        found[name] = _target_or_error(spec, name, environ, asker)
    for query in named_queries(spec, asker):
        try:
            targets = resolve(spec, query, environ).route.targets
        except RoutingError:
            continue  # `validate` and `explain` say it
        for one in targets:
            if one.provider is None:
                found.setdefault(one.base_url, replace(one, model=ANY_MODEL, scope="", origin=None))
            elif one.provider not in found:
                found[one.provider] = _target_or_error(spec, one.provider, environ, asker)
    return found


def _target_or_error(spec: RoutingSpec, name: str, environ: Mapping[str, str], asker: Query) -> Target | RoutingError:
    try:
        return provider_target(spec, name, environ, asker)
    except RoutingError as error:
        return error
