"""The log line about targets that lack what is wished of them: once for each, however many requests come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.dispatch.log_records import fields, logger

if TYPE_CHECKING:
    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.route import Resolution

MOST = 10_000
"""So many different warnings are kept apart; a program with more of them has stopped to read."""


class NotMet:
    """Logs what was not met and only warns, each time for the first time."""

    def __init__(self) -> None:
        self._told: set[Diagnostic] = set()

    def log(self, resolution: Resolution) -> None:
        """One WARNING for each diagnostic of a resolution that was not logged before."""
        for item in resolution.diagnostics:
            if item not in self._told and len(self._told) < MOST:
                self._told.add(item)
                about = fields("not_met", resolution, target=resolution.target.name, kind=item.rule)
                logger.warning("%s (%s)", item.message, item.origin, extra=about)
