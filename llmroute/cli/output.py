"""How the command line writes: results on standard output, all else on standard error, colour where it can be seen."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

_HIDDEN = {
    **{code: chr(0x2400 + code) for code in range(0x20)},
    0x7F: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),
    # What reorders or hides text: it would make a line look like another.
    **dict.fromkeys((0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF), "\ufffd"),
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2060, 0x206A)), "\ufffd"),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
}
_KEPT = {ord("\n"), ord("\t")}
_VISIBLE = {code: shown for code, shown in _HIDDEN.items() if code not in _KEPT}


def visible(text: str) -> str:
    r"""The text without anything that a terminal obeys; line breaks and tabs stay.

    >>> visible("a\x1b[2Jb")
    'a␛[2Jb'
    """
    return text if text.isascii() and text.isprintable() else text.translate(_VISIBLE)


def visible_character(character: str) -> str:
    """One character of a source line, as it is shown; a line break or a tab inside of it is shown too."""
    return character if character.isprintable() else character.translate(_HIDDEN)


def one_line(text: str) -> str:
    r"""A name as it is shown: without anything that a terminal obeys, line breaks and tabs included.

    >>> one_line("a\nb")
    'a␊b'
    """
    return text if text.isprintable() else text.translate(_HIDDEN)


def has_colour(stream: IO[str] | None = None) -> bool:
    """Whether a stream (standard output) is a terminal whose user did not say NO_COLOR."""
    stream = sys.stdout if stream is None else stream
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def paint(text: str, colour: str | None = None, *, bold: bool = False, stream: IO[str] | None = None) -> str:
    """The text in a colour, where the stream (standard output) shows colours."""
    return click.style(text, fg=colour, bold=bold or None) if text and has_colour(stream) else text


def error(message: str, hint: str = "") -> None:
    """Say what failed, and the way out, each line of it indented."""
    label = paint("error:", "red", bold=True, stream=sys.stderr)
    _say(f"{label} {_indented(message)}")
    if hint:
        _say(f"  {_indented(hint)}")


def note(message: str) -> None:
    """Say something beside the result."""
    _say(message)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _indented(text: str) -> str:
    first, *others = visible(text).split("\n")
    return "\n".join((first, *(f"  {line.strip()}" for line in others)))


def write_file(path: Path, text: str, *, replace: bool, mode: int = 0o666) -> None:
    """Write a file as a whole or not at all; `mode` is what others may do with it, the process's mask taken off.

    A link stays one, and what it leads to is replaced. A device or a pipe is written to.

    Raises:
        FileExistsError: it is there, and `replace` was not said.
        OSError: it can't be written.
    """
    if not replace and path.exists():
        raise FileExistsError(path)
    if replace:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", newline="")
            return
        path = path.resolve()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    # No line break becomes another: the text is written as it is.
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        try:
            file.write(text)
            file.flush()
            if replace:
                beside.replace(path)
            else:
                os.link(beside, path)
        finally:
            beside.unlink(missing_ok=True)
