"""What a provider says in an error, made fit to be shown: no key, no prompt, one short line."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmroute.adapters.base import Call

SHOWN = 300
"""So many characters of a provider's message are shown."""
_RUN = 20
"""So many characters in a row that also stand in the prompt count as an echo of it."""
_SHORTEST = 4
"""A shorter prompt would blot out words at random."""
_KEY_LIKE = re.compile(r"\b(?:sk|pk|gsk|xai|key)-[A-Za-z0-9_*-]{6,}|\bAIza[0-9A-Za-z_-]{10,}|\bBearer\s+\S+")


def clean(text: str, call: Call) -> str:
    """The provider's words without this call's key and prompt, in one line of at most `SHOWN` characters."""
    text = without_key(text[: 20 * SHOWN], call.key)
    text = without_prompt(text, call.texts())
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def without_key(text: str, key: str | None) -> str:
    """The text without the key (as it is, base64 or URL-encoded) and without anything that looks like one.

    >>> without_key("Incorrect API key provided: hunter2-hunter2", "hunter2-hunter2")
    'Incorrect API key provided: [redacted]'
    """
    if key:
        raw = key.encode()
        forms = {key, quote(key, safe=""), base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, "[redacted]")
    return _KEY_LIKE.sub("[redacted]", text)


def without_prompt(text: str, prompts: Iterable[str]) -> str:
    """The text without longer pieces of the prompt: servers echo the input that they refuse.

    >>> without_prompt("bad input: 'the secret plan of the company'", ["This is the secret plan of the company."])
    "bad input: '[prompt]'"
    """
    for prompt in prompts:
        if _SHORTEST <= len(prompt) < _RUN:
            text = text.replace(prompt, "[prompt]")
        start = 0
        while start + _RUN <= len(text):
            end = start + _RUN
            if text[start:end] not in prompt:
                start += 1
                continue
            while end < len(text) and text[start : end + 1] in prompt:
                end += 1
            text = f"{text[:start]}[prompt]{text[end:]}"
            start += len("[prompt]")
    return text
