"""The limits of a spec: an attempt waits for its turn before anything is sent."""

from __future__ import annotations

import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Self

from llmroute.dispatch.log_records import fields, logger
from llmroute.dispatch.token_estimate import estimated_tokens
from llmroute.dispatch.turns import UNFORESEEN, NoRoomError, StorageFailedError, Turns
from llmroute.errors import CallError, ConversionError, MissingExtraError, RateLimitError, RequestError
from llmroute.routing.shapes import Limits
from llmroute.wire.chat import Finish

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping
    from types import TracebackType

    from limits.storage import Storage

    from llmroute.adapters.base import Adapter, Call
    from llmroute.dispatch.turns import Place, Windows
    from llmroute.routing.route import Target
    from llmroute.routing.spec import Provider
    from llmroute.wire.chat import Event, Reply, Usage

_NO_LIMITS = Limits()

FREE = frozenset({"auth", "connect", "context", "model", "overload", "policy", "quota", "rate", "request"})
"""Failures that cost no tokens; after any other nobody knows, and what was estimated counts."""


class Limiters:
    """The limits of a router's providers, each with one queue, whoever asks."""

    def __init__(
        self, clock: Callable[[], float], providers: Mapping[str, Provider], storage: str | Storage | None = None
    ) -> None:
        """Open the storage where one is given; nothing else is imported before the first use.

        Raises:
            MissingExtraError: the package `limits` is needed and is not installed.
            ValueError: the storage is none.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._turns: dict[str, Turns] = {}
        counting = next((name for name, row in providers.items() if row.limits and _counts(row.limits)), None)
        if (counting or storage is not None) and find_spec("limits") is None:
            what = f"the limits of the provider {counting!r} are" if counting else "limits_storage is"
            raise MissingExtraError(f"{what} counted by the package `limits`, which is not installed", extra="limits")
        self._storage: Any = None if storage is None else _opened(storage)

    def limited(self, adapter: Adapter, target: Target, until: float) -> Limited:
        """The adapter for one attempt, whose turn must come until then, on the router's clock."""
        return Limited(adapter, self.turns(str(target.provider), target.limits or _NO_LIMITS), target, until)

    def turns(self, provider: str, limits: Limits) -> Turns:
        """The queue of a provider."""
        with self._lock:
            if provider not in self._turns:
                windows = self._windows(provider, limits) if _counts(limits) else None
                self._turns[provider] = Turns(self._clock, limits.concurrency, windows)
            return self._turns[provider]

    def _windows(self, provider: str, limits: Limits) -> Windows:
        from llmroute.dispatch.windows import ProviderWindows

        if self._storage is None:
            self._storage = _opened(None)
        return ProviderWindows(self._storage, provider, limits)


def _counts(limits: Limits) -> bool:
    return limits.requests_per_minute is not None or limits.tokens_per_minute is not None


def _opened(storage: str | Storage | None) -> Storage:
    from llmroute.dispatch.windows import open_storage

    return open_storage(storage)


class Limited:
    """An adapter that waits for its turn, for one attempt."""

    def __init__(self, adapter: Adapter, turns: Turns, target: Target, until: float) -> None:
        """`until` is the moment, on the router's clock, at which the turn must have come."""
        self._adapter = adapter
        self._turn = Turn(turns, target, until)

    @property
    def waited_s(self) -> float:
        """How long the attempt has waited for its turn."""
        return self._turn.waited_s

    def complete(self, call: Call) -> Reply:
        """Wait, make the call and wait for the whole answer."""
        with self._turn.of(call) as turn:
            reply = self._adapter.complete(call)
            turn.usage = reply.usage
            return reply

    async def acomplete(self, call: Call) -> Reply:
        """The same, asynchronous."""
        async with self._turn.of(call) as turn:
            reply = await self._adapter.acomplete(call)
            turn.usage = reply.usage
            return reply

    def stream(self, call: Call) -> Generator[Event, None, None]:
        """Wait, make the call and give the answer piece by piece; the turn ends with the stream."""
        with self._turn.of(call) as turn:
            source = self._adapter.stream(call)
            try:
                for event in source:
                    if isinstance(event, Finish):
                        turn.usage = event.reply.usage
                    yield event
            finally:
                source.close()

    async def astream(self, call: Call) -> AsyncGenerator[Event, None]:
        """The same, asynchronous."""
        async with self._turn.of(call) as turn:
            source = self._adapter.astream(call)
            try:
                async for event in source:
                    if isinstance(event, Finish):
                        turn.usage = event.reply.usage
                    yield event
            finally:
                await source.aclose()

    def close(self) -> None:
        """Close the adapter's connections of blocking calls."""
        self._adapter.close()

    async def aclose(self) -> None:
        """Close all of the adapter's connections."""
        await self._adapter.aclose()


class Turn:
    """One attempt's turn: entered before it is sent, left when its answer is whole, has failed or is given up."""

    def __init__(self, turns: Turns, target: Target, until: float) -> None:
        self.waited_s = 0.0
        self.usage: Usage | None = None
        """What the provider counted."""
        self._turns = turns
        self._target = target
        self._limits = target.limits or _NO_LIMITS
        self._until = until
        self._tokens = 0
        self._place: Place

    def of(self, call: Call) -> Self:
        """The turn of this call.

        Raises:
            RequestError: it is larger than all that the limits ever leave.
        """
        most = self._limits.tokens_per_minute
        if most is not None:
            self._tokens = estimated_tokens(call.request)
            if self._tokens > most:
                raise self._oversized(call.request.params.max_tokens or 0, most)
        return self

    def __enter__(self) -> Self:
        try:
            self._entered(self._turns.enter(self._parts(self._tokens), self._until))
        except (NoRoomError, StorageFailedError) as exc:
            failure = self._failure(exc)
        else:
            return self
        raise failure

    async def __aenter__(self) -> Self:
        try:
            self._entered(await self._turns.aenter(self._parts(self._tokens), self._until))
        except (NoRoomError, StorageFailedError) as exc:
            failure = self._failure(exc)
        else:
            return self
        raise failure

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(value)

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._turns.is_slow:
            import asyncio

            await asyncio.to_thread(self._leave, value)
        else:
            self._leave(value)

    def _entered(self, place: Place) -> None:
        self._place = place
        self.waited_s = place.waited_s

    def _parts(self, tokens: int) -> int:
        return 0 if self._turns.windows is None else self._turns.windows.parts(tokens)

    def _leave(self, value: BaseException | None) -> None:
        try:
            self._place.leave(self._used(value))
        except StorageFailedError as exc:
            about = fields("limits_storage_failed", None, target=self._target.name, kind=str(exc))
            whose = self._target.provider
            logger.warning("the storage of the limits of %s can't be reached: %s", whose, exc, extra=about)

    def _used(self, value: BaseException | None) -> int | None:
        """Parts of the limit, None: as estimated."""
        usage = self.usage
        if usage is not None and usage.input_tokens is not None and usage.output_tokens is not None:
            return self._parts(usage.input_tokens + usage.output_tokens)
        unsent = isinstance(value, ConversionError) or (isinstance(value, CallError) and value.kind in FREE)
        return 0 if unsent else None

    def _failure(self, exc: NoRoomError | StorageFailedError) -> CallError:
        whose = f"of the provider {self._target.provider!r}"
        if isinstance(exc, StorageFailedError):
            return self._own(RateLimitError, f"the storage that counts the limits {whose} can't be reached ({exc})")
        self.waited_s = exc.waited_s
        limit, wait_s = exc.room.limit, exc.room.wait_s
        named = f"the limit `{limit}: {getattr(self._limits, limit)}` {whose}"
        if wait_s == UNFORESEEN:
            return self._own(RateLimitError, f"{named} left no room for {exc.waited_s:.3g} s; nothing was sent")
        why = f"{named} leaves no room for another {wait_s:.3g} s, too long to wait; nothing was sent"
        return self._own(RateLimitError, why, wait_s)

    def _oversized(self, max_tokens: int, most: int) -> CallError:
        parts = f" ({self._tokens - max_tokens:,} of the request, max_tokens {max_tokens:,})" if max_tokens else ""
        return self._own(
            RequestError,
            f"the request comes to about {self._tokens:,} tokens{parts}, more than the limit "
            f"`tokens_per_minute: {most}` of the provider {self._target.provider!r} ever leaves; nothing was sent",
        )

    def _own(self, cls: type[CallError], message: str, retry_after_s: float | None = None) -> CallError:
        target = self._target
        failure = cls(
            message,
            provider=target.provider,
            model=target.model,
            base_url=target.base_url,
            retry_after_s=retry_after_s,
        )
        failure.own_limit = True
        return failure
