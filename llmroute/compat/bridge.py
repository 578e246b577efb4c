"""What the drop-ins share: classes of theirs or ours, errors of theirs, and what an interface has no word for."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.dispatch.ledger import Ledger
from llmroute.errors import CallError, ConversionError, LLMRouteError, MissingKeyError
from llmroute.wire.anthropic_messages import decode_request
from llmroute.wire.chat import ChatRequest, ErrorEvent, Restart, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping

    from llmroute.dispatch.router import Router
    from llmroute.wire.chat import Event, Reply, ToolCall


class Types:
    """The classes of an interface: those of the program where it passed them, else ours, of the same names."""

    def __init__(self, own: object, theirs: Iterable[object] = ()) -> None:
        """`own` and `theirs` are modules, or anything else that has the classes as attributes."""
        self._places = (*theirs, own)

    def get(self, name: str) -> Any:
        """The class of that name."""
        return next(found for place in self._places if (found := getattr(place, name, None)) is not None)

    def make(self, name: str, /, **values: Any) -> Any:
        """An instance; versions of a program differ, so fields that its class does not have are left out."""
        cls = self.get(name)
        if is_dataclass(cls):
            known = {field.name for field in fields(cls)}
            values = {key: value for key, value in values.items() if key in known}
        return cls(**values)


class Asker(NamedTuple):
    """For whom a drop-in asks."""

    router: Router
    agent: str | None
    purpose: str | None = None

    def unless_said(self, **given: tuple[Any, Any]) -> dict[str, Any]:
        """The arguments of a request, of `(value, default)` each: a default gives way where the spec has a word."""
        said = self.router.resolve(agent=self.agent, purpose=self.purpose).target.params
        return {
            name: value
            for name, (value, default) in given.items()
            if value is not None and not (value == default and name in said)
        }


class Sums(NamedTuple):
    """What an answer came to; 0 where nobody said it."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_creation_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float = 0.0

    @classmethod
    def of(cls, reply: Reply) -> Sums:
        """The counts of a reply, and its list price."""
        usage, ledger = reply.usage or Usage(), Ledger()
        ledger.enter_reply(reply)
        return cls(
            usage.input_tokens or 0,
            usage.output_tokens or 0,
            usage.cached_tokens or 0,
            usage.cache_write_tokens or 0,
            usage.reasoning_tokens or 0,
            ledger.report().total.priced_usd,
        )


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """The arguments as an object; broken ones in a field that no tool has, never as if there were none."""
    try:
        return call.parsed()
    except ConversionError:
        return {"INVALID_JSON": call.arguments}


def from_anthropic(turns: Iterable[Mapping[str, Any]], tools: Iterable[Mapping[str, Any]] = ()) -> ChatRequest:
    """Messages and tools in the form of Anthropic's API, as a request that says nothing else."""
    body = {"model": "", "max_tokens": 1, "messages": [dict(turn) for turn in turns], "tools": list(map(dict, tools))}
    request = decode_request(body).request
    return ChatRequest(request.messages, tools=request.tools)


def seen(event: Event) -> Event:
    """An event, for interfaces that raise their errors, and whose text can't be taken back.

    Raises:
        CallError: the stream broke; that another target would begin anew is no help.
    """
    if isinstance(event, Restart | ErrorEvent):
        raise event.error
    return event


@contextmanager
def raised_as(types: Types, names: Mapping[str, str]) -> Iterator[None]:
    """Raise the program's own exceptions: `names` has the class for each kind, and for all others under `""`."""
    try:
        yield
    except LLMRouteError as error:
        raise types.get(_name(error, names))(str(error)) from error


def _name(error: LLMRouteError, names: Mapping[str, str]) -> str:
    if isinstance(error, MissingKeyError):
        return names["auth"]
    if not isinstance(error, CallError):
        return names[""]
    if "tools" in names and error.kind == "request" and "support tool" in error.message.lower():
        return names["tools"]
    return names.get(error.kind, names[""])


async def until(events: AsyncIterator[Event], interrupt: asyncio.Event | None = None) -> AsyncGenerator[Event, None]:
    """The events that `seen` lets through, until the interrupt is set: then the wait for the next one ends at once."""
    tasks: set[asyncio.Future[Any]] = set()
    if interrupt is not None:
        tasks.add(asyncio.ensure_future(interrupt.wait()))
    try:
        while True:
            following = asyncio.ensure_future(anext(events, None))
            tasks.add(following)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if interrupt is not None and interrupt.is_set():
                return
            tasks.remove(following)
            if (event := following.result()) is None:
                return
            yield seen(event)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
