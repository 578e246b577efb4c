"""What a program can read off the records of the logger `llmroute`, beside the message for people."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from llmroute.routing.route import Resolution

logger = logging.getLogger("llmroute")

Event = Literal[
    "attempt",
    "conversation_pruned",
    "endpoint_down",
    "fallback_left_out",
    "key_refused",
    "limits_storage_failed",
    "not_met",
    "setting_passed_over",
    "window_unknown",
]
"""What has happened, in one word."""
FIELDS = (
    *("agent", "purpose", "client", "spec_hash", "target", "kind", "status", "attempt"),
    *("wait_s", "elapsed_s", "next_target"),
)
"""The other fields; each record has all of them, None where they mean nothing."""


def fields(event: Event, resolution: Resolution | None, **known: Any) -> dict[str, Any]:
    """The `extra` of a record: `llmroute_event` and, with the same prefix, all of `FIELDS`.

    No field holds a prompt, an answer or a key.
    """
    if resolution is not None:
        known |= {**resolution.query.to_json(), "spec_hash": resolution.spec_hash}
    return {"llmroute_event": event, **{f"llmroute_{name}": known.get(name) for name in FIELDS}}
