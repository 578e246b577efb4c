"""Which models the providers of a spec have: asked, kept for a day, and shown as stale where nobody answers."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from llmroute.adapters.base import Call
from llmroute.adapters.model_lists import Model, list_models
from llmroute.dispatch.concurrently import concurrently
from llmroute.dispatch.credentials import key_of
from llmroute.dispatch.folders import cache_folder, write_private
from llmroute.errors import DeadlineError, LLMRouteError
from llmroute.routing.endpoints import facts_of
from llmroute.routing.route import Query, Resolution, Route
from llmroute.wire.chat import ChatRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from llmroute.dispatch.trust import Gate
    from llmroute.routing.route import Target
    from llmroute.routing.spec import RoutingSpec

FRESH_S = 24 * 3600.0
"""A list is asked for again after this time."""
CONNECT_S = 5.0
GRACE_S = 1.0
"""How long the threads may take longer than their own limit."""
VERSION = 1


@dataclass(frozen=True, slots=True)
class Listing:
    """What one provider offers."""

    target: Target
    """Where it was asked; its model is `*`."""
    preset: str | None
    models: tuple[Model, ...] = ()
    asked_at: float | None = None
    """When the server said so, in seconds since the epoch; None: it never did."""
    error: LLMRouteError | None = None
    """Why it could not be asked now."""

    @property
    def stale(self) -> bool:
        """Whether this is an old answer, in place of one that could not be had."""
        return self.error is not None and self.asked_at is not None


@dataclass(frozen=True, slots=True)
class Asking:
    """How lists are asked for."""

    environ: Mapping[str, str]
    """Says where the cache is."""
    limit_s: float = 10.0
    """For one provider, from connecting to the end of its answer."""
    refresh: bool = False
    """Ask, whatever the cache holds."""
    gate: Gate | None = None
    """Keeps what nobody has trusted from being sent."""
    now: Callable[[], float] = time.time


def listings(spec: RoutingSpec, targets: Sequence[Target], asking: Asking) -> list[Listing]:
    """What each target's provider offers, all of them asked at once."""
    rows = [(target, preset_of(spec, target)) for target in targets]
    tasks = [partial(listing, target, preset, asking) for target, preset in rows]
    found = concurrently(tasks, asking.limit_s + GRACE_S)
    return [one or _late(*row, asking) for one, row in zip(found, rows, strict=True)]


def listing(target: Target, preset: str | None, asking: Asking) -> Listing:
    """What one provider offers: from the cache while it is fresh, else asked, else as it was when it last answered.

    A server nearby is always asked: that costs nothing, and its models come and go by hand.
    """
    kept = cached(target, preset, asking.environ)
    nearby = target.locality != "remote"
    if kept is not None and kept.asked_at is not None and not asking.refresh and not nearby:
        age = asking.now() - kept.asked_at
        if 0 <= age < FRESH_S:
            return kept
    try:
        pass_gate(asking.gate, target, asking.environ)
        models = ask(target, preset, asking.limit_s)
    except LLMRouteError as error:
        return replace(kept or Listing(target, preset), error=error)
    found = Listing(target, preset, models, asking.now())
    _keep(found, asking.environ)
    return found


def ask(target: Target, preset: str | None, limit_s: float) -> tuple[Model, ...]:
    """The list, from the server itself.

    Raises:
        MissingKeyError: the key is not there; nothing was sent.
        CallError: the server can't be reached, refuses, or has no list.
    """
    from llmroute.adapters.questions import Questions

    with Questions(question_call(target, limit_s)) as questions:
        return list_models(questions, preset)


def pass_gate(gate: Gate | None, target: Target, environ: Mapping[str, str]) -> None:
    """Let a question to a provider pass, or raise UntrustedKeyError."""
    if gate is not None:
        gate.check(Resolution(Query(), Route((target,)), ()), environ)


def question_call(target: Target, limit_s: float) -> Call:
    """A call without a conversation, for what is asked beside chats; the whole of it within a limit.

    Raises:
        MissingKeyError: the key is not there.
    """
    ends_at = time.monotonic() + limit_s
    return Call(target, ChatRequest(()), key_of(target), limit_s, ends_at, min(CONNECT_S, limit_s))


def preset_of(spec: RoutingSpec, target: Target) -> str | None:
    """The preset behind a target's provider; None where there is none."""
    preset = facts_of(spec, target.provider, None).preset if target.provider else None
    return preset.name if preset is not None else None


def _late(target: Target, preset: str | None, asking: Asking) -> Listing:
    where = f"{target.provider} at {target.base_url}" if target.provider else target.base_url
    error = DeadlineError(f"{where} had not answered after {asking.limit_s:g} s", base_url=target.base_url)
    return replace(cached(target, preset, asking.environ) or Listing(target, preset), error=error)


# -- The cache: one file a server and key, and no key in it


def cached(target: Target, preset: str | None, environ: Mapping[str, str]) -> Listing | None:
    """What was kept, however old; None where there is nothing that can be read."""
    try:
        data = json.loads(_cache_file(target, environ).read_bytes())
        if data["version"] != VERSION or data["base_url"] != target.base_url:
            return None
        models = tuple(Model(str(row["name"]), dict(row["facts"])) for row in data["models"])
        return Listing(target, preset, models, float(data["asked_at"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        # It is a cache: what can't be read is asked for again.
        return None


def _keep(found: Listing, environ: Mapping[str, str]) -> None:
    data: dict[str, Any] = {
        "version": VERSION,
        "base_url": found.target.base_url,
        "asked_at": found.asked_at,
        "models": [{"name": model.name, "facts": dict(model.facts)} for model in found.models],
    }
    try:
        write_private(_cache_file(found.target, environ), json.dumps(data, indent=1))
    except OSError:
        return  # without a cache it is only slower


def _cache_file(target: Target, environ: Mapping[str, str]) -> Path:
    """Accounts see different models, so where the key comes from is part of the name; the key itself is not."""
    parts = (target.base_url, target.api, target.auth, target.credential.source)
    name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
    return cache_folder(environ) / "models" / f"{name}.json"
