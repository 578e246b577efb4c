"""What a provider says in an error, made fit to be shown: no key, no prompt, one short line."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmroute.adapters.base import Call

SHOWN = 300
"""So many characters of a provider's message are shown."""
_RUN = 20
"""So many characters in a row that also stand in the prompt count as an echo of it."""
_GRAM = 10
"""Half of a run, so that every run holds a whole gram, wherever it begins."""
_SHORTEST = 4
"""A shorter prompt would blot out words at random."""
_MAY_BE_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}|[A-Za-z0-9+/_-]{20}")
_URL_SAFE = str.maketrans("+/", "-_")
_KEY_LIKE = re.compile(r"\b(?:sk|pk|gsk|xai|key)-[A-Za-z0-9_*-]{6,}|\bAIza[0-9A-Za-z_-]{10,}|\bBearer\s+\S+")


def clean(text: str, call: Call) -> str:
    """The provider's words without this call's key and prompt, in one line of at most `SHOWN` characters."""
    text = without_key(text[: 20 * SHOWN], call.key)
    text = without_prompt(text[: 4 * SHOWN], call.texts())
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def without_key(text: str, key: str | None) -> str:
    """The text without the key (as it is, base64 or URL-encoded) and without anything that looks like one.

    >>> without_key("Incorrect API key provided: hunter2-hunter2", "hunter2-hunter2")
    'Incorrect API key provided: [redacted]'
    """
    if key:
        forms = {key, *_encoded(key)}
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
        forms = _encoded(prompt) if _MAY_BE_ENCODED.search(text) else ()
        for form in (prompt, *forms) if len(text) >= _RUN else ():
            text = _without_runs(text, form)
    return text


def _encoded(secret: str) -> Iterator[str]:
    """How the secret may be written elsewhere: URL-encoded, or in base64."""
    yield quote(secret, safe="", errors="replace")
    yield quote(secret, errors="replace")
    for form in _base64(secret.encode("utf-8", "replace")):
        yield form
        yield form.translate(_URL_SAFE)


def _base64(secret: bytes) -> Iterator[str]:
    """By itself, then as a part of something longer: it may begin at any of the three bytes of a group."""
    yield base64.b64encode(secret).decode()
    for before, mixed in enumerate((0, 2, 3)):  # so many characters hold bits of what stands before it
        text = base64.b64encode(bytes(before) + secret).decode()
        mixed_end = 4 if (before + len(secret)) % 3 else 0
        part = text[mixed : len(text) - mixed_end]
        if len(part) >= _SHORTEST:
            yield part


def _without_runs(text: str, prompt: str) -> str:
    """The text without what it has in common with the prompt, in runs of `_RUN` characters or more.

    Each such run has one of the prompt's evenly spaced grams in it, so a long prompt is not searched at every place.
    """
    grams = {prompt[at : at + _GRAM] for at in range(0, len(prompt) - _GRAM + 1, _GRAM)}
    start = 0
    while start + _RUN <= len(text):
        end = start + _RUN
        near = any(text[at : at + _GRAM] in grams for at in range(start, end - _GRAM + 1))
        if not near or text[start:end] not in prompt:
            start += 1
            continue
        while end < len(text) and text[start : end + 1] in prompt:
            end += 1
        text = f"{text[:start]}[prompt]{text[end:]}"
        start += len("[prompt]")
    return text
