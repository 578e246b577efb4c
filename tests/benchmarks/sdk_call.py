"""The vendors' SDKs as a transport: our call through an SDK against that SDK's own typed call."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import anthropic
import openai

from tests.benchmarks.bare import MESSAGES, PROMPT
from tests.benchmarks.clients import router
from tests.benchmarks.measure import drained, ratio, repeated, show
from tests.benchmarks.server import MODEL, serving

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 20
PAIRS = 15
CALL: dict[str, Any] = {"model": MODEL, "messages": MESSAGES, "max_tokens": 64}


def compare(root: str, api: str, create: Callable[..., Any], chunk_goal: float | None = None) -> None:
    """Print the ratios for one API; `create` is the SDK's own call."""
    with router(root, api, "sdk") as ours:
        own = repeated(partial(ours.complete, PROMPT), CALLS)
        whole = ratio(own, repeated(partial(create, **CALL), CALLS), PAIRS)
        show(f"{api}: complete / the SDK's, typed", whole, 1)
        typed = drained(partial(create, **CALL, stream=True))
        chunks = ratio(drained(partial(ours.stream, PROMPT)), typed, PAIRS)
        show(f"{api}: a streamed chunk / the SDK's, typed", chunks, chunk_goal)


def main() -> None:
    """Print the ratios."""
    with serving() as root:
        with openai.OpenAI(base_url=f"{root}/v1", api_key="canary", max_retries=0) as sdk:
            compare(root, "openai-chat", sdk.chat.completions.create, 0.3)
        with anthropic.Anthropic(base_url=root, api_key="canary", max_retries=0) as sdk:
            compare(root, "anthropic-messages", sdk.messages.create)
