"""Whether anybody watches: OpenTelemetry is used where the program has loaded it, and costs nothing elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.dispatch.telemetry import Telemetry, Watched
    from llmroute.routing.route import Resolution

_API = ("opentelemetry.trace", "opentelemetry.metrics")


class Observer:
    """Watches the requests of one router."""

    def __init__(self, clock: Callable[[], float], *, content: bool = False) -> None:
        """Load nothing; `content` lets prompts and answers onto the spans."""
        self._clock = clock
        self._content = content
        self._telemetry: Telemetry | None = None

    def watch(self, resolution: Resolution) -> Watched | None:
        """Watch one request. None: the program has not loaded OpenTelemetry, so nobody can listen."""
        if self._telemetry is None:
            if not any(name in sys.modules for name in _API):
                return None
            from llmroute.dispatch.telemetry import Telemetry

            self._telemetry = Telemetry(self._clock, content=self._content)
        return self._telemetry.watch(resolution)
