"""Asking small specs small questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llmroute.errors import RoutingError
from llmroute.load import from_str
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query, Resolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.routing.spec import RoutingSpec

LOCAL = "defaults: {provider: ollama, model: m}\n"
"""The smallest spec that answers."""


def spec_of(text: str) -> RoutingSpec:
    """The spec of a text without its version."""
    return from_str(f"version: 1\n{text}", "routing.yaml")


def ask(text: str, environ: Mapping[str, str] | None = None, **query: Any) -> Resolution:
    """The answer to a query; `args` are its client arguments."""
    return resolve(spec_of(text), Query(**query), environ or {})


def refused(rule: str, text: str, environ: Mapping[str, str] | None = None, **query: Any) -> RoutingError:
    """The error that a query gets, which is of that rule."""
    with pytest.raises(RoutingError) as caught:
        ask(text, environ, **query)
    assert caught.value.rule == rule, caught.value
    return caught.value
