"""The Router: one spec, many requests, each sent where the spec says and nowhere else."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self

from llmroute import adapters, load
from llmroute.dispatch.conversations import Conversations
from llmroute.dispatch.environ import Environ
from llmroute.dispatch.health import Health
from llmroute.dispatch.ledger import Ledger
from llmroute.dispatch.limits import Limiters
from llmroute.dispatch.not_met import NotMet
from llmroute.dispatch.observe import Observer
from llmroute.dispatch.overrides import Overrides
from llmroute.dispatch.passed_over import log_passed_over
from llmroute.dispatch.requests import Asked, Messages, wanted
from llmroute.dispatch.run import Run, Step, Ways
from llmroute.dispatch.streams import AsyncReplyStream, ReplyStream
from llmroute.dispatch.trust import gate_of
from llmroute.errors import CallError, SpecError
from llmroute.routing.capabilities import capability_of
from llmroute.routing.checks import check
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Unpack

    from limits.storage import Storage

    from llmroute.adapters.base import Adapter
    from llmroute.dispatch.ledger import UsageReport
    from llmroute.dispatch.model_lists import Listing
    from llmroute.routing.route import Resolution, Target
    from llmroute.routing.spec import RoutingSpec
    from llmroute.wire.chat import Attempt, Reply

SHOWN = 5
"""So many errors of a spec stand in the message; `diagnostics` holds all."""


class Router:
    """Sends requests along the routes of a spec.

    One router serves any number of threads and event loops. Close it, or use it in `with` or `async with`, so
    that no connection stays open.
    """

    def __init__(  # noqa: PLR0913 - each by its name, each optional
        self,
        spec: RoutingSpec | Mapping[str, Any] | str | os.PathLike[str],
        *,
        client: str | None = None,
        environ: Mapping[str, str] | None = None,
        local_overrides: bool = False,
        trust: Literal["own", "ask"] = "own",
        on_attempt: Callable[[Attempt], object] | None = None,
        limits_storage: str | Storage | None = None,
        telemetry_content: bool = False,
        **arguments: Any,
    ) -> None:
        """Load and check the spec.

        Args:
            spec: a spec, a mapping, or the path of a file.
            client: the name of the program, as under `clients:`.
            environ: what to read in place of the process's environment.
            local_overrides: obey `llmroute local on`, as a part of the environment; read when the file changes.
            trust: `own`: the spec is the program's own word; `ask`: it may be somebody else's, and sends nothing to an
                origin that the user has not trusted with `llmroute trust`.
            on_attempt: called with each attempt when it has ended, on the thread or loop that made it; what it
                raises ends the request.
            limits_storage: where the `limits` of providers are counted, in place of this router's memory: a URL such as
                `redis://localhost:6379`, or a storage of the package `limits`.
            telemetry_content: put prompts and answers onto OpenTelemetry spans; no variable does.
            arguments: the scope `client arguments`: `provider`, `model`, `base_url`, `api_key`, `api`, `auth`,
                `headers`, `extra_body` and parameters such as `temperature`; None says nothing.

        Raises:
            SpecError: the spec has errors; `diagnostics` holds all of them.
            MissingExtraError: the spec has limits that are counted by a package which is not installed.
            ValueError: `limits_storage` is none, or `trust` is another word.
        """
        self.spec = _loaded(spec)
        self._client = client
        self._arguments = {name: value for name, value in arguments.items() if value is not None}
        self._environ = Environ(environ)
        self._overrides = Overrides() if local_overrides else None
        self._gate = gate_of(self.spec, trust)
        self._adapters: dict[str, Adapter] = {}
        self._not_met = NotMet()
        self._lock = threading.Lock()
        self._sleep = time.sleep
        self._ledger = Ledger()
        self._ways = Ways(
            self._adapter_for,
            time.monotonic,
            random.random,
            Health(time.monotonic),
            self._ledger,
            partial(capability_of, self.spec),
            Conversations(),
            Limiters(time.monotonic, self.spec.providers, limits_storage),
            Observer(time.monotonic, content=telemetry_content),
            on_attempt,
        )
        stop_for_errors(self.spec)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **arguments: Any) -> Self:
        """The router of a file; `PATH#/a/b` reads a part of a larger one."""
        return cls(load.from_file(path), **arguments)

    @classmethod
    def from_str(cls, text: str, **arguments: Any) -> Self:
        """The router of a YAML text."""
        return cls(load.from_str(text), **arguments)

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], **arguments: Any) -> Self:
        """The router of parsed YAML or JSON."""
        return cls(load.from_mapping(data), **arguments)

    def with_arguments(self, **arguments: Any) -> Self:
        """The same router with other client arguments; connections, health and usage are shared, and closed once."""
        other = copy(self)
        given = {**self._arguments, **arguments}
        other._arguments = {name: value for name, value in given.items() if value is not None}  # noqa: SLF001 - a copy
        return other

    def resolve(self, *, agent: str | None = None, purpose: str | None = None) -> Resolution:
        """Which provider wins, and why; nothing is sent.

        Raises:
            RoutingError: no route, and the rule that says so.
        """
        return self._resolve(agent, purpose, self._environ.snapshot())

    def explain(self, *, agent: str | None = None, purpose: str | None = None, width: int = 100) -> str:
        """The resolution as text, as `llmroute explain` prints it."""
        from llmroute.routing.explain import as_text

        return as_text(self.resolve(agent=agent, purpose=purpose), width=width)

    def usage(self) -> UsageReport:
        """Calls, tokens and list prices of all answers up to now, by agent, purpose, provider and model."""
        return self._ledger.report()

    def models(self, *, agent: str | None = None, purpose: str | None = None, refresh: bool = False) -> Listing:
        """What the provider of the primary target offers, from a cache of a day unless `refresh`."""
        from llmroute.dispatch.model_lists import Asking, listing, preset_of

        target = self.resolve(agent=agent, purpose=purpose).target
        asking = Asking(self._environ.snapshot(), refresh=refresh, gate=self._gate)
        return listing(target, preset_of(self.spec, target), asking)

    def complete(self, messages: Messages, **asked: Unpack[Asked]) -> Reply:
        """Ask, and wait for the whole answer.

        Args:
            messages: a text, messages, or a `ChatRequest`.
            asked: `agent` and `purpose`, for whom and what for; `system`, `tools`, `tool_choice` and
                `response_format`; sampling parameters, which stand above all scopes; `timeout`, `max_retries`,
                `max_attempts` and `deadline_s`. Never an endpoint: see `llmroute.dispatch.requests.Asked`.

        Raises:
            RoutingError: no route, or no key (`MissingKeyError`); nothing was sent.
            ConversionError: the request can't be written in the target's format; nothing was sent to it.
            CallError: every attempt failed; `attempts` holds them.
        """
        with self._run(messages, asked) as run:
            step = run.first()
            while True:
                if step.wait_s:
                    self._sleep(step.wait_s)
                outcome = _outcome(step)
                if not isinstance(outcome, CallError):
                    return run.succeeded(outcome)
                step = run.failed(outcome)

    async def acomplete(self, messages: Messages, **asked: Unpack[Asked]) -> Reply:
        """`complete`, asynchronous."""
        import asyncio

        with self._run(messages, asked) as run:
            step = run.first()
            while True:
                if step.wait_s:
                    await asyncio.sleep(step.wait_s)
                outcome = await _aoutcome(step)
                if not isinstance(outcome, CallError):
                    return run.succeeded(outcome)
                step = run.failed(outcome)

    def stream(self, messages: Messages, **asked: Unpack[Asked]) -> ReplyStream:
        """Ask, and give the answer piece by piece; the arguments are those of `complete`.

        What leads to no route or no key is raised here, before the first event is asked for.
        """
        return ReplyStream(self._run(messages, asked), self._sleep)

    def astream(self, messages: Messages, **asked: Unpack[Asked]) -> AsyncReplyStream:
        """`stream`, asynchronous: `async with router.astream(…) as events: async for event in events: …`."""
        return AsyncReplyStream(self._run(messages, asked))

    def adapter(self, name: str) -> Adapter:
        """The router's own adapter of that name, made at first use, as in `router.adapter("mock").last_call`."""
        made = self._adapters.get(name)
        if made is None:
            with self._lock:
                made = self._adapters.setdefault(name, adapters.create(name))
        return made

    def close(self) -> None:
        """Close the connections of blocking calls."""
        for made in list(self._adapters.values()):
            made.close()

    async def aclose(self) -> None:
        """Close all connections."""
        for made in list(self._adapters.values()):
            await made.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _resolve(self, agent: str | None, purpose: str | None, environ: Mapping[str, str]) -> Resolution:
        override = None if self._overrides is None else self._overrides.current(environ)
        return resolve(self.spec, Query(agent, purpose, self._client, self._arguments, override), environ)

    def _run(self, messages: Messages, asked: Asked) -> Run:
        want, environ = wanted(messages, asked), self._environ.snapshot()
        resolution = self._resolve(asked.get("agent"), asked.get("purpose"), environ)
        if self._gate is not None:
            self._gate.check(resolution, environ)
        log_passed_over(resolution)
        self._not_met.log(resolution)
        return Run(resolution, want, self._ways)

    def _adapter_for(self, target: Target) -> Adapter:
        return self.adapter(adapters.adapter_name(target))


def stop_for_errors(spec: RoutingSpec) -> None:
    """Raise what the checks call an error.

    Raises:
        SpecError: with every diagnostic, warnings included.
    """
    diagnostics = check(spec)
    errors = [row for row in diagnostics if row.severity == "error"]
    if errors:
        shown = "\n  ".join(f"{row.origin}: {row.message}" for row in errors[:SHOWN])
        more = f"\n  and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
        raise SpecError(f"the spec has {len(errors)} error{'s' * (len(errors) > 1)}\n  {shown}{more}", diagnostics)


def _loaded(spec: RoutingSpec | Mapping[str, Any] | str | os.PathLike[str]) -> RoutingSpec:
    if isinstance(spec, str | os.PathLike):
        return load.from_file(spec)
    return load.from_mapping(spec) if isinstance(spec, Mapping) else spec


def _outcome(step: Step) -> Reply | CallError:
    """The reply or the failure; returned, so that what follows is raised outside of any `except`."""
    try:
        return step.adapter.complete(step.call)
    except CallError as exc:
        return exc


async def _aoutcome(step: Step) -> Reply | CallError:
    try:
        return await step.adapter.acomplete(step.call)
    except CallError as exc:
        return exc
