"""What went wrong with a server, and what to do next, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.catalog.presets import PRESETS
from llmroute.errors import AuthenticationError, CallError, ConnectError, ModelNotFoundError, RoutingError
from llmroute.routing.provider_targets import ANY_MODEL

if TYPE_CHECKING:
    from llmroute.errors import LLMRouteError
    from llmroute.routing.route import Target


def in_one_line(failure: LLMRouteError, target: Target | None = None, preset: str | None = None) -> str:
    """The message of a failure and the next step."""
    message = " ".join(str(getattr(failure, "message", failure)).split())
    step = next_step(failure, target, preset)
    return f"{message}; {step}" if step else message


def next_step(failure: LLMRouteError, target: Target | None = None, preset: str | None = None) -> str:
    """What to do about a failure; empty where nothing is known that helps."""
    if isinstance(failure, RoutingError | CallError) and failure.hint:
        return failure.hint.splitlines()[0].strip()
    if isinstance(failure, ConnectError):
        start = PRESETS[preset].start_hint if preset else ""
        return f"is it running? {start}" if start else "is it running, and is the URL right? llmroute explain"
    if isinstance(failure, ModelNotFoundError) and target is not None and target.model != ANY_MODEL:
        return f"llmroute models {target.provider} lists those that it has"
    if isinstance(failure, AuthenticationError) and target is not None:
        credential = target.credential
        return f"is the key right? it comes from {credential.variable or credential.source}"
    return ""
