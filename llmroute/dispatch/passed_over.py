"""The log line about settings that a stronger, or a fitting weaker, one beat: what a user wonders about first."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from llmroute.dispatch.log_records import fields, logger

if TYPE_CHECKING:
    from llmroute.routing.route import Field, Resolution

_LOST = ("shadowed", "foreign-model")


def log_passed_over(resolution: Resolution) -> None:
    """Log one INFO line when a setting for the endpoint or the model was passed over; it names both sides."""
    if not logger.isEnabledFor(logging.INFO):
        return
    told = [text for field in resolution.fields if (text := _told(field))]
    if told:
        query = resolution.query
        who = " · ".join(name for name in (query.agent, query.purpose) if name) or "request"
        about = fields("setting_passed_over", resolution, target=resolution.target.name)
        logger.info("%s → %s; %s", who, resolution.target.name, "; ".join(told), extra=about)


def _told(field: Field) -> str:
    if field.field not in {"endpoint", "model"}:
        return ""
    lost = [
        f"{row.value!r} of {row.scope} ({row.origin}: {row.reason or row.verdict})"
        for row in field.candidates
        if row.verdict in _LOST and row.value != field.value
    ]
    if not lost:
        return ""
    return f"{field.field} {field.value!r} of {field.scope} ({field.origin}) passed over {', '.join(lost)}"
