"""Queries that try to lead a spec where its policies and requirements do not let it."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from llmroute.catalog.presets import PRESETS
from llmroute.errors import RoutingError
from llmroute.routing.check_answers import named_queries
from llmroute.routing.resolve import resolve
from llmroute.routing.route import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.route import Query
    from llmroute.routing.spec import RoutingSpec

MAX_PROBES = 1_000
"""So many queries are asked at the most."""
_MODEL = "any-model"
_ELSEWHERE = "https://elsewhere.example/v1"


def probes(spec: RoutingSpec) -> Iterator[Query]:
    """The queries that a spec names, plain and with client arguments that lead elsewhere; at most `MAX_PROBES`."""
    tempting = [EMPTY, *temptations(spec)]
    return islice((replace(query, args=args) for args in tempting for query in named_queries(spec)), MAX_PROBES)


def struck(spec: RoutingSpec) -> set[Origin]:
    """The places of the demands that leave a target out of the answer to some probe, or speak of one."""
    found: set[Origin] = set()
    for query in probes(spec):
        try:
            resolution = resolve(spec, query, {})
        except RoutingError as error:
            found |= {row.origin for row in error.excluded}
        else:
            found |= {row.origin for row in resolution.excluded} | {note.origin for note in resolution.diagnostics}
    return found


def temptations(spec: RoutingSpec) -> Iterable[Mapping[str, Any]]:
    """Client arguments that lead to each provider, to what policies deny by its name, and off this network."""
    for policy in spec.policies:
        deny = policy.deny
        for name in (deny.providers or ()) if deny is not None else ():
            if name in spec.providers or name in PRESETS:
                yield _to(name)
        for name in (deny.models or ()) if deny is not None else ():
            yield {"model": _example(name)} if "/" in name else {"base_url": _ELSEWHERE, "model": _example(name)}
        for name in (deny.hosts or ()) if deny is not None else ():
            yield {"base_url": f"https://{_example(name)}/v1", "model": _MODEL}
    yield {"base_url": _ELSEWHERE, "model": _MODEL}
    for name, provider in spec.providers.items():
        yield {"provider": name} if provider.model else _to(name)


def _to(provider: str) -> Mapping[str, Any]:
    return {"provider": provider, "model": _MODEL}


def _example(glob: str) -> str:
    return glob.replace("*", "x").replace("?", "x")
