"""Reading a file of `NAME=VALUE` lines."""

from __future__ import annotations

import re

import click

from llmroute.load.files import FileProblemError, read_text

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_COMMENT = re.compile(r"\s+#.*")


def read_env_file(path: str) -> dict[str, str]:
    """The variables of a file; nothing in a value is expanded, and no value is ever shown.

    A line is `NAME=VALUE`, with `export` before it or not; quotes around the whole value are dropped; `#` begins
    a comment at the start of a line, and after white space behind a value without quotes.

    Raises:
        UsageError: the file can't be read, or has a line of another form.
    """
    try:
        text = read_text(path)
    except FileProblemError as problem:
        named = problem.rule == "unreadable-file"
        raise click.UsageError(str(problem) if named else f"{path}: {problem}") from None
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            raise click.UsageError(f"{path}:{number}: a line of an environment file is NAME=VALUE")
        found[match[1]] = _value(match[2])
    return found


def _value(written: str) -> str:
    """The value without its quotes or its comment.

    >>> _value('"a # b"'), _value("a # b")
    ('a # b', 'a')
    """
    for quote in ('"', "'"):
        end = written.find(quote, 1)
        if written.startswith(quote) and end > 0 and not _COMMENT.sub("", written[end + 1 :]).strip():
            return written[1:end]
    return _COMMENT.sub("", written)
