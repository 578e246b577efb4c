"""llmroute, over plain HTTP and through the vendors' SDKs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tests.benchmarks.bare import PROMPT
from tests.benchmarks.clients import router
from tests.benchmarks.rivals.contender import Contender

if TYPE_CHECKING:
    from collections.abc import Iterator

SETUP = """
from tests.benchmarks.clients import router
router("http://127.0.0.1:9", {api!r}, {transport!r}).adapter({adapter!r})
"""
WAYS = (
    ("openai-chat", "http", "http"),
    ("openai-chat", "sdk", "openai_sdk"),
    ("anthropic-messages", "http", "http"),
    ("anthropic-messages", "sdk", "anthropic_sdk"),
)


def contenders(root: str) -> Iterator[Contender]:
    """Each format by each transport."""
    for api, transport, adapter in WAYS:
        ours = router(root, api, transport)

        async def astream(ours: Any = ours) -> Any:
            return ours.astream(PROMPT)

        yield Contender(
            name=f"llmroute, {transport}",
            api=api,
            complete=partial(ours.complete, PROMPT),
            stream=partial(ours.stream, PROMPT),
            acomplete=partial(ours.acomplete, PROMPT),
            astream=astream,
            setup=SETUP.format(api=api, transport=transport, adapter=adapter),
        )
