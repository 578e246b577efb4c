"""An attempt whose request is made to fit its target before it is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from llmroute.adapters.base import Adapter, Call
    from llmroute.dispatch.requests import Fit
    from llmroute.routing.route import Target
    from llmroute.wire.chat import Event, Reply


class Fitted:
    """An adapter that hands on what `fit` makes of each request; its `CallError` counts as the adapter's own."""

    def __init__(self, adapter: Adapter, fit: Fit, target: Target) -> None:
        self._adapter = adapter
        self._fit = fit
        self._target = target

    def complete(self, call: Call) -> Reply:
        """Make the call and wait for the whole answer."""
        return self._adapter.complete(self._fitted(call))

    async def acomplete(self, call: Call) -> Reply:
        """The same, asynchronous."""
        return await self._adapter.acomplete(self._fitted(call))

    def stream(self, call: Call) -> Generator[Event, None, None]:
        """Make the call and give the answer piece by piece."""
        yield from self._adapter.stream(self._fitted(call))

    async def astream(self, call: Call) -> AsyncGenerator[Event, None]:
        """The same, asynchronous."""
        source = self._adapter.astream(self._fitted(call))
        try:
            async for event in source:
                yield event
        finally:
            await source.aclose()

    def close(self) -> None:
        """Close the adapter's connections of blocking calls."""
        self._adapter.close()

    async def aclose(self) -> None:
        """Close all of the adapter's connections."""
        await self._adapter.aclose()

    def _fitted(self, call: Call) -> Call:
        return replace(call, request=self._fit(call.request, self._target))
