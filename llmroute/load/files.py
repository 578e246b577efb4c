"""Reading a file without being surprised by it, and finding the one that is meant."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import NamedTuple

from llmroute.routing.source import Mark, mark_at

MAX_BYTES = 16 * 1024 * 1024
SPEC_NAME = "routing.yaml"
SPEC_VARIABLE = "LLMROUTE_SPEC"
TESTS_SUFFIX = ".routing-test.yaml"
"""How the names of files end that hold routing tests alone."""


class FileProblemError(Exception):
    """A file can't be read: the rule that says so, where in the file, and the way out."""

    def __init__(
        self,
        rule: str,
        message: str,
        hint: str = "",
        mark: Mark = Mark(0, 0),  # noqa: B008 - immutable
        text: str = "",
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.hint = hint
        self.mark = mark
        self.text = text
        """What could be read of the file, so that the place can be shown."""


def read_text(path: str) -> str:
    """The text of a UTF-8 file, with or without a byte order mark; `-` is standard input. Raises FileProblemError."""
    return decode(read_bytes(path, MAX_BYTES))


def read_bytes(path: str, at_most: int) -> bytes:
    """The content of a regular file; `-` is standard input. Raises FileProblemError, also for one that is larger."""
    data = _read_stdin(at_most) if path == "-" else _read_file(path, at_most)
    if len(data) > at_most:
        raise FileProblemError("file-too-large", f"the file is larger than {at_most // 2**20} MiB")
    return data


def decode(data: bytes) -> str:
    """The text of some bytes in UTF-8. Raises FileProblemError naming the first byte that is not."""
    # A byte order mark, or the bytes of an ASCII character that are zero.
    if data[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff") or (len(data) > 3 and data[:4].count(0) == 3):  # noqa: PLR2004 - of four bytes
        raise FileProblemError("bad-encoding", "the file is UTF-32", "save it as UTF-8")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or (len(data) > 1 and 0 in data[:2]):
        raise FileProblemError("bad-encoding", "the file is UTF-16", "save it as UTF-8")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").removeprefix("\ufeff")
        message = f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8"
        mark = mark_at(before, len(before))
        text = data.decode("utf-8", "replace").removeprefix("\ufeff")
        raise FileProblemError("bad-encoding", message, "save the file as UTF-8", mark, text) from None


def split_pointer(path: str) -> tuple[str, str]:
    """File and JSON pointer of `PATH#/pointer`; a `#` in the name of a file that is there stays part of the name."""
    parts = path.split("#")
    for count in range(len(parts), 0, -1):
        name = "#".join(parts[:count])
        if os.path.lexists(name):
            return name, "#".join(parts[count:])
    return parts[0], "#".join(parts[1:])


def _read_stdin(at_most: int) -> bytes:
    if sys.stdin is None:
        raise FileProblemError("unreadable-file", "can't read standard input: it is closed")
    return sys.stdin.buffer.read(at_most + 1)


def _read_file(path: str, at_most: int) -> bytes:
    try:
        with open(path, "rb", opener=_opened) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                message = f"can't read {path}: it is no regular file"
                raise FileProblemError("unreadable-file", message, "- reads standard input")
            return file.read(at_most + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no file name"
        hint = _hint(path, error)
        raise FileProblemError("unreadable-file", f"can't read {path}: {reason}", hint) from None


def _hint(path: str, error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "llmroute init writes one"
        case IsADirectoryError():
            return f"name the file in it: {Path(path) / SPEC_NAME}"
        case PermissionError():
            return f"let yourself read it: chmod u+r {path}"
        case _:
            return ""


def _opened(path: str, flags: int) -> int:
    # Not blocking: opening a FIFO would wait for somebody to write into it.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class Found(NamedTuple):
    """A spec that nobody named on the command line."""

    path: str
    is_own: bool
    """Whether the user put it there or named it; False for one that lies in a folder, which may be anybody's."""


def discover(environ: os._Environ[str] | dict[str, str], start: Path | None = None) -> str | None:
    """The path of the spec that is meant where none is named; see `find`."""
    found = find(environ, start)
    return None if found is None else found.path


def find(environ: os._Environ[str] | dict[str, str], start: Path | None = None) -> Found | None:
    """The spec that is meant where none is named.

    `$LLMROUTE_SPEC`, else `routing.yaml` in this folder or the nearest parent up to the repository's root, else the
    one in the user's config folder; None where there is none.
    """
    named = environ.get(SPEC_VARIABLE, "").strip()
    if named:
        return Found(named, is_own=True)
    for place in _upwards(start):
        if _is_file(place / SPEC_NAME):
            return Found(os.path.relpath(place / SPEC_NAME, start), is_own=False)
        if os.path.lexists(place / ".git"):
            break
    from platformdirs import user_config_path

    own = user_config_path("llmroute") / SPEC_NAME
    return Found(str(own), is_own=True) if _is_file(own) else None


def _upwards(start: Path | None) -> tuple[Path, ...]:
    """A folder and its parents; none where the current one was removed."""
    try:
        folder = start or Path.cwd()
    except FileNotFoundError:
        return ()
    return (folder, *folder.parents)


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where a folder may not be looked into
