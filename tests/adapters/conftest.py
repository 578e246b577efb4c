"""Fixtures of the adapter tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmroute import adapters
from llmroute.testing.fixtures import closed_port
from llmroute.testing.fixtures import fault_server as other_server
from llmroute.testing.fixtures import fault_server as server
from tests.adapters.samples import ADAPTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.adapters.base import Adapter

__all__ = ["closed_port", "other_server", "server"]


@pytest.fixture(params=ADAPTERS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def way(request: pytest.FixtureRequest) -> Iterator[tuple[Adapter, str]]:
    """Each adapter on HTTP with each of its APIs."""
    name, api = request.param
    adapter = adapters.create(name)
    yield adapter, api
    adapter.close()


@pytest.fixture
def http() -> Iterator[Adapter]:
    """The adapter on plain HTTP."""
    adapter = adapters.create("http")
    yield adapter
    adapter.close()
