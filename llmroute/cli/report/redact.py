"""Keys in what is shown of a file: found by their form and by their place, and cut out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmroute.routing.secrets import looks_like_a_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.routing.diagnostics import Diagnostic

REDACTED = "…[redacted]"
_WORD = re.compile(r"[A-Za-z0-9_.+=-]{10,}")
_INSIDE = re.compile(r"[=+.]")
_VENDOR = re.compile(r"(?:sk-ant-|sk-or-|sk-proj-|[A-Za-z]{1,6}[-_]|github_pat_|AIza|AKIA|eyJ)")
_USERINFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_NAMED = re.compile(
    r"(?i)(?:api[_-]?key|(?<![a-z])key|authorization|password|passwd|secret|cookie|token)[\"']?\s*:\s+(?P<value>\S.*)"
)
_VARIABLE = re.compile(r"[\"']?\$\{[A-Za-z_][A-Za-z0-9_]*(?P<default>:-[^}]*)?\}[\"']?")
_STRUCTURE = re.compile(r"[{\[|>&*]")
_QUOTED = r'"(?:[^"\\]|\\.)*"?|\'(?:[^\']|\'\')*\'?'
_IN_FLOW = re.compile(_QUOTED + r"|[^,\]}]+")
_IN_BLOCK = re.compile(_QUOTED + r"|.+")
_SECRET_PLACES = ("api_key", "headers")
_AT_A_NAME = ("unknown-key", "credential-header", "missing-field")
"""Rules that mark a name, which is no secret."""


def redacted(text: str) -> str:
    """The text without what looks like a key.

    >>> redacted("the key sk-ant-api03-0123456789abcdef is in the file")
    'the key sk-ant-…[redacted] is in the file'
    """
    for start, end in reversed(list(_keys(text))):
        text = text[:start] + _stump(text[start:end]) + text[end:]
    return text


def stumps(line: str, diagnostic: Diagnostic | None = None) -> dict[int, tuple[int, str]]:
    """What to cut out of a source line: start → end, and what is shown in its place; the spans don't overlap.

    Beside what looks like a key, whatever stands where a key is meant to stand is cut out; `diagnostic` tells
    the place that the line is shown for.
    """
    spans = [*_keys(line), *_named(line)]
    if diagnostic is not None and _is_secret(diagnostic):
        start = diagnostic.origin.column - 1
        spans += _literals(line, start, len(line) if diagnostic.length <= 1 else start + diagnostic.length)
    merged: dict[int, tuple[int, str]] = {}
    reach = -1
    # A place may lie behind the end of its line, as that of a quote that nothing closes: nothing stands there.
    spans = [(start, end) for start, end in spans if start < end]
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= reach:
            merged[start] = (end, _stump(line[start:end]))
            reach = end
        elif end > reach:
            first = max(merged)
            merged[first] = (end, merged[first][1])
            reach = end
    return merged


def _is_secret(diagnostic: Diagnostic) -> bool:
    if diagnostic.rule == "inline-secret":
        return True
    _, *steps = diagnostic.pointer.split("/")
    # In the place of a whole provider a key is soon written: `openai: KEY`.
    a_whole_provider = steps[-2:-1] == ["providers"] and diagnostic.rule == "invalid-value"
    return a_whole_provider or (any(place in steps for place in _SECRET_PLACES) and diagnostic.rule not in _AT_A_NAME)


def _keys(text: str) -> Iterator[tuple[int, int]]:
    """Spans of what has the form of a key, and of a user and password in a URL."""
    for match in _WORD.finditer(text):
        word = match[0].rstrip(".")
        if looks_like_a_key(word) or any(looks_like_a_key(part) for part in _INSIDE.split(word)):
            yield match.start(), match.start() + len(word)
    for match in _USERINFO.finditer(text):
        yield match.span()


def _named(line: str) -> Iterator[tuple[int, int]]:
    """Spans of literals that stand behind a name such as `api_key:`."""
    for match in _NAMED.finditer(line):
        start = match.start("value")
        # A plain scalar ends at a comma or bracket inside of brackets, else at the end of the line.
        scalar = _IN_FLOW if any(bracket in line[:start] for bracket in "{[") else _IN_BLOCK
        if not _STRUCTURE.match(line, start) and (token := scalar.match(line, start)):
            yield from _literals(line, start, token.end())


def _literals(line: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The span, if it is a literal; of a variable with a default only the default."""
    variable = _VARIABLE.match(line, start)
    if variable is None:
        yield start, end
    elif variable["default"] is not None and len(variable["default"]) > len(":-"):
        yield variable.start("default") + len(":-"), variable.end("default")


def _stump(key: str) -> str:
    """What is shown of a key: the vendor's prefix, and that something was cut.

    >>> _stump("sk-ant-api03-0123456789abcdef"), _stump("0123456789abcdef0123456789abcdef")
    ('sk-ant-…[redacted]', '…[redacted]')
    """
    quote = key[0] if key[:1] in {'"', "'"} else ""
    vendor = _VENDOR.match(key, len(quote))
    # A prefix is shown where the whole has the form of that vendor's keys; else it may be a part of the secret.
    shown = vendor[0] if vendor and looks_like_a_key(key.strip("\"'")) else ""
    return f"{quote}{shown}{REDACTED}{quote}"
