"""What a server says of itself when it is asked for its models: nothing that costs a token."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from llmroute.adapters.base import Call
from llmroute.adapters.model_lists import Model, list_models
from llmroute.adapters.questions import Questions, url_at
from llmroute.dispatch.credentials import key_of
from llmroute.dispatch.model_lists import CONNECT_S
from llmroute.errors import CallError, LLMRouteError, ModelNotFoundError
from llmroute.routing.route import EMPTY, NO_CREDENTIAL
from llmroute.wire.chat import ChatRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmroute.routing.route import Target

ASKABLE = ("openai-chat", "anthropic-messages", "ollama-chat", "oci-genai")
"""The formats whose servers have a list of models."""
_SIGNED = frozenset({"oci-genai"})
"""Those whose requests are signed where there is no key."""


class ServerAnswer(NamedTuple):
    """What came of asking one server with one key."""

    models: tuple[Model, ...] | None = None
    """None: it gave no list."""
    failure: LLMRouteError | None = None
    """Why not."""
    key_sent: bool = False
    is_public: bool = False
    """Whether it gives the list to anybody, so that the list says nothing of the key."""
    known_by_name: Mapping[str, bool | None] = EMPTY
    """Models that are not in the list, and whether the server knows them all the same; None: it did not say."""


def ask_server(targets: Sequence[Target], preset: str | None, limit_s: float) -> ServerAnswer:
    """Ask the server of some targets, which differ in their models only, within a time.

    A key that is not there is left out: whether anybody answers can be told without it.
    """
    ends_at = time.monotonic() + limit_s
    target = targets[0]
    keyless = target.credential.status in {"none", "missing", "dropped"}
    if keyless:
        target = replace(target, credential=NO_CREDENTIAL)
    try:
        models = _list(target, preset, ends_at)
    except LLMRouteError as failure:
        return ServerAnswer(failure=failure, key_sent=not keyless or target.api in _SIGNED)
    names = names_of(models)
    unlisted = dict.fromkeys(one.model for one in targets if not is_listed(one.model, names))
    return ServerAnswer(
        models,
        key_sent=not keyless or target.api in _SIGNED,
        is_public=not keyless and _is_public(target, preset, ends_at),
        known_by_name={model: _knows(replace(target, model=model), ends_at) for model in unlisted},
    )


def names_of(models: Sequence[Model]) -> frozenset[str]:
    """The names in a list."""
    return frozenset(model.name for model in models)


def is_listed(model: str, names: frozenset[str]) -> bool:
    """Whether a list has a model; Ollama writes the tag that may be left out."""
    return model in names or f"{model}:latest" in names


def _list(target: Target, preset: str | None, ends_at: float) -> tuple[Model, ...]:
    with Questions(_call(target, ends_at)) as questions:
        return list_models(questions, preset)


def _call(target: Target, ends_at: float) -> Call:
    left_s = max(0.001, ends_at - time.monotonic())
    return Call(target, ChatRequest(()), key_of(target), left_s, ends_at, min(CONNECT_S, left_s))


def _is_public(target: Target, preset: str | None, ends_at: float) -> bool:
    try:
        _list(replace(target, credential=NO_CREDENTIAL), preset, ends_at)
    except CallError:
        return False
    return True


def _knows(target: Target, ends_at: float) -> bool | None:
    """Whether a server has a model by a name that its list does not show: an alias, a model of one's own."""
    if target.api == "ollama-chat":
        return False
    if target.api == "oci-genai":
        return None  # endpoints of one's own, and older names
    path = f"/models/{quote(target.model, safe='')}"
    anthropic = target.api == "anthropic-messages"
    url = url_at(target, f"/v1{path}" if anthropic else path, without="/v1" if anthropic else "")
    try:
        with Questions(_call(target, ends_at)) as questions:
            answer = questions.ask("GET", url)
    except ModelNotFoundError:
        return False
    except CallError:
        return None
    return True if isinstance(answer, dict) and "error" not in answer else None
