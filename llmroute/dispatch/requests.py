"""What a program passes to `complete` and `stream`, made into one neutral request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypedDict

from llmroute.routing.values import RANGES, described
from llmroute.wire.chat import ChatRequest, Message, Params, ResponseFormat, Tool, ToolChoice, assistant, system, user
from llmroute.wire.request import PARAM_NAMES

if TYPE_CHECKING:
    from llmroute.routing.route import Target
    from llmroute.wire.chat import Effort

Fit: TypeAlias = "Callable[[ChatRequest, Target], ChatRequest]"
"""Makes a request fit a target; a `CallError` from it is the failure of that attempt."""
Messages: TypeAlias = str | Sequence[Message | Mapping[str, Any]] | ChatRequest
"""A text, which becomes one user message; messages (or their JSON form); or a whole request."""

ENDPOINT_NAMES = frozenset(
    {"provider", "model", "base_url", "api_key", "api", "auth", "api_version", "transport"}
    | {"headers", "extra_body", "proxy", "fallbacks", "client", "environ", "local_overrides"}
)
LIMITS = ("timeout", "connect_timeout", "first_event_timeout", "idle_timeout", "max_retries", "max_attempts")


class Sampling(TypedDict, total=False):
    """What one request may set above all scopes: how to sample, and how long to wait, never where to go."""

    temperature: float | None
    top_p: float | None
    top_k: int | None
    max_tokens: int | None
    stop: str | Sequence[str] | None
    seed: int | None
    frequency_penalty: float | None
    presence_penalty: float | None
    reasoning_effort: Effort | None
    thinking_budget: int | None
    timeout: float | None
    """Seconds for one attempt; of a stream, each wait."""
    connect_timeout: float | None
    """Seconds until the server accepts a connection."""
    first_event_timeout: float | None
    """Seconds until a stream has content."""
    idle_timeout: float | None
    """Seconds of silence in a stream that has begun."""
    max_retries: int | None
    max_attempts: int | None
    """How many attempts there may be, over all targets."""
    deadline_s: float | None
    """Seconds for the whole request, over all attempts."""


SAMPLING = (*Sampling.__annotations__,)


class Asked(Sampling, total=False):
    """All that may go with the messages."""

    agent: str | None
    """For whom."""
    purpose: str | None
    """What for."""
    system: str | None
    """Put before the messages as a system message."""
    tools: Sequence[Tool]
    """What the model may call."""
    tool_choice: ToolChoice | Literal["auto", "none", "required"] | None
    response_format: ResponseFormat | None
    """The form that the answer must have."""
    conversation: str | None
    """A name for what belongs together, where the spec says `sticky: conversation`."""
    fit: Fit | None
    """Called before each attempt with the request as it would be sent, and its target; gives what is sent instead."""


NAMES = (*Asked.__annotations__,)


class Wanted(NamedTuple):
    """A request as the program made it, before a target's parameters are added."""

    request: ChatRequest
    limits: Mapping[str, Any]
    """What bounds the attempts, where the program set them."""
    deadline_s: float | None
    conversation: str | None = None
    fit: Fit | None = None


def wanted(messages: Messages, asked: Asked) -> Wanted:
    """One neutral request of all that was passed.

    Raises:
        TypeError: an argument that no request may have; the message says where it belongs.
        ValueError: a time limit or a number of attempts that the spec could not have either.
    """
    check_names(asked)
    request = messages if isinstance(messages, ChatRequest) else ChatRequest(_messages(messages))
    changes: dict[str, Any] = {}
    if (instruction := asked.get("system")) is not None:
        changes["messages"] = (system(instruction), *request.messages)
    if tools := asked.get("tools"):
        changes["tools"] = tuple(tools)
    if (choice := asked.get("tool_choice")) is not None:
        changes["tool_choice"] = ToolChoice(choice) if isinstance(choice, str) else choice
    if (form := asked.get("response_format")) is not None:
        changes["response_format"] = form
    given: dict[str, Any] = {name: asked.get(name) for name in SAMPLING if asked.get(name) is not None}
    params = Params(**{name: _param(name, value) for name, value in given.items() if name in PARAM_NAMES})
    if given:
        changes["params"] = params.over(request.params)
    limits = {name: _limit(name, given[name]) for name in LIMITS if name in given}
    return Wanted(
        replace(request, **changes) if changes else request,
        limits,
        given.get("deadline_s"),
        asked.get("conversation"),
        asked.get("fit"),
    )


def _limit(name: str, value: Any) -> Any:
    kind, low, high = RANGES[name]
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not low <= value <= high
        or value != kind(value)
    ):
        raise ValueError(f"{name}={value!r}: it is {described(RANGES[name])}")
    return value


def check_names(asked: Mapping[str, Any]) -> None:
    """Refuse what a request must not carry.

    Raises:
        TypeError: an endpoint setting, or a name that nothing has.
    """
    for name in asked:
        if name in ENDPOINT_NAMES:
            raise TypeError(
                f"a request can't set {name!r}: what it carries never chooses where it goes; "
                f"pass {name}= to Router(…), or write it into the spec"
            )
        if name not in NAMES:
            raise TypeError(f"unknown argument {name!r}; a request may have {', '.join(NAMES)}")


def for_target(want: Wanted, target: Target, prefill: str = "") -> ChatRequest:
    """The request with the parameters that the route won for this target under its own.

    `prefill` is text of the answer that is there already, which the target is to continue.
    """
    won = {name: _param(name, target.params[name]) for name in PARAM_NAMES if name in target.params}
    request = want.request
    if won:
        request = replace(request, params=request.params.over(Params(**won)))
    return replace(request, messages=(*request.messages, assistant(prefill))) if prefill else request


def limit(want: Wanted, target: Target, name: str) -> Any:
    """One of `LIMITS`: the request's own, else the target's, else None."""
    return want.limits.get(name, target.params.get(name))


def _messages(messages: str | Sequence[Message | Mapping[str, Any]]) -> tuple[Message, ...]:
    if isinstance(messages, str):
        return (user(messages),)
    rows = enumerate(messages)
    return tuple(m if isinstance(m, Message) else Message.from_json(m, f"/messages/{i}") for i, m in rows)


def _param(name: str, value: Any) -> Any:
    if name == "stop":
        return (value,) if isinstance(value, str) else tuple(value)
    return value
