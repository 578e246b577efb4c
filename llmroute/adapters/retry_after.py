"""How long a provider asks to wait."""

from __future__ import annotations

import email.utils
import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def retry_after_s(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Seconds from `retry-after-ms`, or `retry-after` as seconds or an HTTP date (RFC 9110, 10.2.3).

    Negative, infinite and unreadable values say nothing; a date that has passed says 0. `headers` has names in
    lower case.

    >>> retry_after_s({"retry-after-ms": "1500", "retry-after": "9"}), retry_after_s({"retry-after": "nan"})
    (1.5, None)
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or value is None:
        return seconds
    try:
        date = email.utils.parsedate_to_datetime(value)
        return max(0.0, date.timestamp() - now())
    except (ValueError, OverflowError):
        return None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
