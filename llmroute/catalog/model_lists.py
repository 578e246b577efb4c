"""Where vendors keep the list of their models, where that is not `models` below the base URL."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Place(NamedTuple):
    """A path that stands in the place of the end of a base URL."""

    path: str
    instead_of: str


LISTS: Mapping[str, Place] = MappingProxyType(
    {
        # https://docs.cohere.com/reference/list-models
        "cohere": Place("/v1/models?endpoint=chat&page_size=1000", "/compatibility/v1"),
        # https://docs.github.com/en/rest/models/catalog
        "github-models": Place("/catalog/models", "/inference"),
        # https://lmstudio.ai/docs/developer/rest: it says what `/v1/models` does not, the context window and tools
        "lmstudio": Place("/api/v1/models", "/v1"),
    }
)
"""By preset; always at the origin of the base URL. A server that has none is asked for `models`."""
