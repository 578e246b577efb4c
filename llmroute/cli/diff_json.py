"""A difference of two specs for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmroute.cli.report.redact import redacted

if TYPE_CHECKING:
    from llmroute.proof.differences.diff import Difference, Price
    from llmroute.routing.route import Query, Target

MOST_INDENTED = 1_000
"""So many changes are laid out for reading; more are for a program."""


def as_json(found: Difference) -> str:
    """One entry for each query that changes, with both answers; then what follows from all of them."""
    changes = [
        {"query": query, "before": before, "after": after, "differs": list(change.differs)}
        for change in found.changes
        for before, after in [(change.before.to_json(), change.after.to_json())]
        for queries in change.queries
        for query in (one.to_json() for one in _each(queries))
    ]
    shown = {
        "changes": changes,
        "weaker": [item.to_json() for item in found.weaker],
        "reach": {
            "gained": [_reach(row.target, row.agents) for row in found.reach if row.gained],
            "lost": [_reach(row.target, row.agents) for row in found.reach if not row.gained],
        },
        "any_environment": {
            "gained": [row.to_json() for row in found.possible if row.gained],
            "lost": [row.to_json() for row in found.possible if not row.gained],
        },
        "keys": [{"key": redacted(move.key), "before": move.before, "after": move.after} for move in found.keys],
        "prices": [
            {
                "before": {"target": row.before.name, **_price(row.price_before)},
                "after": {"target": row.after.name, **_price(row.price_after)},
            }
            for row in found.prices
        ],
        "names": {group: names._asdict() for group, names in found.names.items()},
        "compared": found.compared,
        "unknown": [redacted(text) for text in found.unknown],
    }
    indent = 2 if len(changes) <= MOST_INDENTED else None
    return json.dumps(shown, indent=indent, ensure_ascii=False, default=str) + "\n"


def _each(queries: Any) -> list[Query]:
    from llmroute.routing.route import Query

    agents, purposes, clients = (names.names for names in queries)
    return [Query(agent, purpose, client) for agent in agents for purpose in purposes for client in clients]


def _reach(target: Target, agents: tuple[str | None, ...]) -> dict[str, Any]:
    place = {"target": target.name, "base_url": target.base_url, "locality": target.locality}
    return {**place, "agents": list(agents)}


def _price(price: Price) -> dict[str, float | None]:
    return {"input_usd_per_million": price.input, "output_usd_per_million": price.output}
