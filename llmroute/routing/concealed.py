"""A document without the keys that stand in it: variables stay, and what may be a secret is replaced by one word.

The word is always the same, so that nothing of a key is in what is made of the document, be it a hash.
"""

from __future__ import annotations

import re
from typing import Any

from llmroute.routing.secrets import begins_like_a_key, looks_like_a_key

PLACEHOLDER = "REDACTED"
_SECRET_NAME = re.compile(r"(?i)(?:api[_-]?key|(?<![a-z])key|authorization|password|passwd|secret|cookie|token)$")
_OPEN = frozenset({"headers", "extra_body", "metadata"})
"""Settings under which a spec may hold anything."""
_NAMED = frozenset({"providers", "purposes", "agents", "clients", "aliases", "names"})
"""Settings whose keys are names of somebody's choice, and say nothing of what stands there."""
_WORD = re.compile(r"[A-Za-z0-9_.+=-]{10,}")
_INSIDE = re.compile(r"[=+.]")
_VARIABLE = re.compile(r"(\$\{[A-Za-z_][A-Za-z0-9_]*)(?:(:-)([^${}]*))?\}")


def concealed(value: Any, name: str = "", *, is_open: bool = False) -> Any:
    """The value of a setting without keys.

    >>> concealed({"api_key": "${KEY:-sk-1}", "model": "m", "headers": {"x-token": "abc", "x-team": "blue"}})
    {'api_key': '${KEY:-REDACTED}', 'model': 'm', 'headers': {'x-token': 'REDACTED', 'x-team': 'blue'}}
    """
    if isinstance(value, dict):
        keys_say = name not in _NAMED or is_open
        is_open = is_open or name in _OPEN
        return {key: concealed(item, key if keys_say else "", is_open=is_open) for key, item in value.items()}
    if isinstance(value, list):
        return [concealed(item, name, is_open=is_open) for item in value]
    if not isinstance(value, str):
        return value
    # Under `api_key`, a file and a keyring are named in mappings: `file` and `keyring` are no secrets.
    if name == "api_key" or (is_open and _SECRET_NAME.search(name)):
        return _literals(value)
    return _WORD.sub(lambda match: _word(match[0], is_open=is_open), value)


def _literals(text: str) -> str:
    """The text with every literal part of it replaced, the defaults of variables too."""
    parts, end = [], 0
    for match in _VARIABLE.finditer(text):
        parts += [_replaced(text[end : match.start()]), match[1], match[2] or "", _replaced(match[3] or ""), "}"]
        end = match.end()
    return "".join((*parts, _replaced(text[end:])))


def _replaced(text: str) -> str:
    return PLACEHOLDER if text.strip() else text


def _word(word: str, *, is_open: bool) -> str:
    """A word, or the placeholder for one that looks like a key: a model may have a random name, a header has none."""
    secret = looks_like_a_key if is_open else begins_like_a_key
    return PLACEHOLDER if any(secret(part) for part in (word.rstrip("."), *_INSIDE.split(word))) else word
