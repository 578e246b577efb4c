"""Which language model answers which call: one file, resolved, explained, dispatched.

The public names; each is imported when it is first used, so that `import llmroute` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmroute.conversation import Conversation
    from llmroute.dispatch.router import Router
    from llmroute.errors import (
        CallError,
        ConversionError,
        LLMRouteError,
        MissingKeyError,
        RoutingError,
        SpecError,
    )
    from llmroute.routing.resolve import resolve
    from llmroute.routing.route import Query, Resolution, Route, Target
    from llmroute.routing.spec import RoutingSpec
    from llmroute.wire.chat import ChatRequest, Message, Reply, Tool

__version__ = "0.1.0"

_PLACES = {
    "Conversation": "llmroute.conversation",
    "Router": "llmroute.dispatch.router",
    "resolve": "llmroute.routing.resolve",
    "RoutingSpec": "llmroute.routing.spec",
    **dict.fromkeys(("Query", "Resolution", "Route", "Target"), "llmroute.routing.route"),
    **dict.fromkeys(("ChatRequest", "Message", "Reply", "Tool"), "llmroute.wire.chat"),
    **dict.fromkeys(
        ("CallError", "ConversionError", "LLMRouteError", "MissingKeyError", "RoutingError", "SpecError"),
        "llmroute.errors",
    ),
}

__all__ = [
    "CallError",
    "ChatRequest",
    "Conversation",
    "ConversionError",
    "LLMRouteError",
    "Message",
    "MissingKeyError",
    "Query",
    "Reply",
    "Resolution",
    "Route",
    "Router",
    "RoutingError",
    "RoutingSpec",
    "SpecError",
    "Target",
    "Tool",
    "__version__",
    "resolve",
]


def __getattr__(name: str) -> Any:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module 'llmroute' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(place), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
