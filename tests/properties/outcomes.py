"""What the real resolver answers, in the plain form that the naive one answers in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import RoutingError
from llmroute.load import from_mapping
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query
from tests.properties.naive_scopes import NUMBERS
from tests.properties.naive_values import normal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.routing.route import Resolution, Target


def ask(document: Mapping[str, Any], query: Mapping[str, Any], environ: Mapping[str, str]) -> Resolution:
    """The real resolution of a plain document and query."""
    return resolve(from_mapping(dict(document)), Query(**query), dict(environ))


def real_resolve(document: Mapping[str, Any], query: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Either `{"targets": [...]}` or `{"error": slug}`."""
    try:
        resolution = ask(document, query, environ)
    except RoutingError as error:
        return {"error": error.rule}
    return {"targets": [plain(target) for target in resolution.route.targets]}


def plain(target: Target) -> dict[str, Any]:
    """A target as the naive resolver writes it: the port written out, only the parameters it knows."""
    return {
        **target.to_json(),
        "base_url": normal(target.base_url),
        "params": {name: target.params[name] for name in NUMBERS if name in target.params},
    }
