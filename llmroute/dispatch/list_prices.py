"""What one answer of a target costs by the list: known for a vendor at its own URL, and nothing on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.catalog.presets import PRESETS

if TYPE_CHECKING:
    from datetime import datetime

    from llmroute.catalog.prices import TokenCounts
    from llmroute.routing.route import Target


def list_price(target: Target, tokens: TokenCounts, at: datetime | None = None) -> float | None:
    """The list price of so many tokens in US dollars, None where it is not known; `at`: when, now where it is None.

    The price list is loaded at the first price of a vendor.
    """
    if target.locality == "local":
        return 0.0
    vendor = next((name for name, preset in PRESETS.items() if preset.base_url == target.base_url), None)
    if vendor is None:
        return None
    from llmroute.catalog.prices import cost_usd

    return cost_usd(vendor, target.model, tokens, at)
