"""Telling a key from a name, so that one in a file is found and never shown."""

from __future__ import annotations

import math
import re
from collections import Counter

_PREFIX = re.compile(
    r"(?:sk-|sk_|rk-|pk-|AIza|gsk_|xai-|hf_|r8_|ghp_|github_pat_|glpat-|nvapi-|pplx-|csk-|fw_|tgp_|AKIA|eyJ)[A-Za-z0-9_.-]{8,}"
)
_RANDOM = re.compile(r"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9_+=-]{24,}|[0-9a-f]{32,}")
_MIN_BITS = 3.5
"""Bits a character: repeated and spelled-out texts stay below, random ones of 24 characters are above."""


def begins_like_a_key(text: str) -> bool:
    """Whether a text has the prefix of some vendor's keys.

    >>> begins_like_a_key("sk-ant-api03-0123456789abcdef")
    True
    """
    return _PREFIX.match(text) is not None


def looks_like_a_key(text: str) -> bool:
    """Whether a text has the form of an API key: a vendor's prefix, or long and random.

    >>> looks_like_a_key("sk-ant-api03-0123456789abcdef"), looks_like_a_key("claude-sonnet-5-5")
    (True, False)
    """
    return begins_like_a_key(text) or (bool(_RANDOM.fullmatch(text)) and _bits(text) > _MIN_BITS)


def _bits(text: str) -> float:
    """Shannon entropy of the characters of a text."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())
