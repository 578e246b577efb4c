"""The lines below a failure: who chose the target, and the next step."""

from __future__ import annotations

from typing import Any

import pytest

from llmroute.dispatch.advice import advise, preset_of
from llmroute.errors import (
    AuthenticationError,
    CallError,
    ConnectError,
    MalformedReplyError,
    ModelNotFoundError,
    QuotaError,
    RateLimitError,
)
from llmroute.routing.diagnostics import Origin
from llmroute.routing.route import Credential, Query, Resolution, Route, Target


def target(**changes: Any) -> Target:
    given: dict[str, Any] = {"provider": "mine", "base_url": "https://llm.example/v1", "locality": "remote"}
    return Target(api="openai-chat", model="m-1", **{**given, **changes})


def hint(failure: CallError, chosen: Target, *others: Target, query: Query | None = None) -> list[str]:
    resolution = Resolution(query or Query(), Route((chosen, *others)), ())
    return advise(failure, chosen, resolution, ()).hint.split("\n  ")


def test_who_chose_it() -> None:
    origin = Origin("file", "routing.yaml", 33)
    assert hint(CallError("x"), target(scope="agents.a", origin=origin)) == [
        "chosen by agents.a (routing.yaml:33); no fallback is declared"
    ]
    assert hint(CallError("x"), target(), target()) == ["chosen by the route"]


def test_the_hint_that_the_failure_had_stays() -> None:
    assert hint(CallError("x", hint="do this"), target(), target()) == ["chosen by the route", "do this"]


@pytest.mark.parametrize(
    ("failure", "last"),
    [
        (QuotaError("x"), "is there credit left?   see the account of the provider"),
        (RateLimitError("x", retry_after_s=7.0), "try again in 7 s"),
        (RateLimitError("x"), "chosen by the route"),
        (MalformedReplyError("x"), "is it the URL?   llmroute explain --agent a --purpose p"),
        (ConnectError("x"), "is it the URL?   llmroute explain --agent a --purpose p"),
    ],
)
def test_the_next_step(failure: CallError, last: str) -> None:
    assert hint(failure, target(), target(), query=Query("a", "p"))[-1] == last


@pytest.mark.parametrize(
    ("credential", "said"),
    [
        (Credential("env:K", "set", variable="K"), "it comes from the variable K"),
        (Credential("file:/run/key", "unread"), "it comes from file:/run/key"),
        (Credential(), "no key was declared"),
    ],
)
def test_where_the_key_comes_from(credential: Credential, said: str) -> None:
    assert hint(AuthenticationError("x"), target(credential=credential))[-1] == f"is the key right?   {said}"


def at(url: str) -> Target:
    return target(provider=None, base_url=url, locality="local")


@pytest.mark.parametrize(
    ("url", "start", "get"),
    [
        ("http://127.0.0.1:11434/v1", "ollama serve", "ollama pull m-1"),
        ("http://localhost:1234/v1", "lms server start", "lms get m-1"),
        (
            "http://localhost:9999/v1",
            "ollama serve, or whatever else serves that URL",
            "llmroute local list http://localhost:9999/v1; an Ollama gets it with ollama pull m-1",
        ),
    ],
)
def test_a_server_near_by_that_has_no_name_is_guessed_by_its_port(url: str, start: str, get: str) -> None:
    assert hint(ConnectError("x"), at(url), target())[1:] == [
        f"is it running?   {start}",
        "is it the URL?   llmroute explain",
        f"is the model there?   {get}",
    ]
    assert hint(ModelNotFoundError("x"), at(url), target())[1] == f"is the model there?   {get}"


def test_nothing_is_guessed_of_a_server_on_the_internet() -> None:
    far = target(provider=None, base_url="https://llm.example:11434/v1")
    assert hint(ModelNotFoundError("x"), far, target())[1:] == ["is it the URL?   llmroute explain"]


def test_a_preset_is_known_by_name_or_url() -> None:
    named = preset_of(target(provider="ollama"))
    assert named is not None
    assert named.name == "ollama"
    by_url = preset_of(target(provider="mine", base_url=named.base_url))
    assert by_url is not None
    assert preset_of(target()) is None
