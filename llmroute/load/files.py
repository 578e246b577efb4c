"""Reading a file without being surprised by it, and finding the one that is meant."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from llmroute.routing.source import Mark

MAX_BYTES = 16 * 1024 * 1024
SPEC_NAME = "routing.yaml"
SPEC_VARIABLE = "LLMROUTE_SPEC"


class FileProblemError(Exception):
    """A file can't be read: the rule that says so, where in the file, and the way out."""

    def __init__(self, rule: str, message: str, hint: str = "", mark: Mark = Mark(0, 0)) -> None:  # noqa: B008 - immutable
        super().__init__(message)
        self.rule = rule
        self.hint = hint
        self.mark = mark


def read_text(path: str) -> str:
    """The text of a UTF-8 file, with or without a byte order mark; `-` is standard input. Raises FileProblemError."""
    data = sys.stdin.buffer.read(MAX_BYTES + 1) if path == "-" else _read_bytes(path)
    if len(data) > MAX_BYTES:
        raise FileProblemError("file-too-large", f"the file is larger than {MAX_BYTES // 2**20} MiB")
    return decode(data)


def decode(data: bytes) -> str:
    """The text of some bytes in UTF-8. Raises FileProblemError naming the first byte that is not."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise FileProblemError("bad-encoding", "the file is UTF-16", "save it as UTF-8")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        mark = Mark(before.count(b"\n"), len(before.rpartition(b"\n")[2].decode("utf-8", "replace")))
        message = f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8"
        raise FileProblemError("bad-encoding", message, "save the file as UTF-8", mark) from None


def _read_bytes(path: str) -> bytes:
    # Not blocking: opening a FIFO would wait for somebody to write into it.
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no file name"
        hint = "llmroute init writes one" if isinstance(error, FileNotFoundError) else ""
        raise FileProblemError("unreadable-file", f"can't read {path}: {reason}", hint) from None
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise FileProblemError("unreadable-file", f"can't read {path}: it is {kind}", "- reads standard input")
        try:
            return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise FileProblemError("unreadable-file", f"can't read {path}: {error.strerror}") from None


def discover(environ: os._Environ[str] | dict[str, str], start: Path | None = None) -> str | None:
    """The spec that is meant where none is named.

    `$LLMROUTE_SPEC`, else `routing.yaml` in this folder or the nearest parent up to the repository's root, else the
    one in the user's config folder; None where there is none.
    """
    named = environ.get(SPEC_VARIABLE, "").strip()
    if named:
        return named
    folder = start or Path.cwd()
    for place in (folder, *folder.parents):
        if (place / SPEC_NAME).is_file():
            found = place / SPEC_NAME
            return str(found.relative_to(folder)) if place == folder else os.path.relpath(found, folder)
        if (place / ".git").exists():
            break
    from platformdirs import user_config_path

    own = user_config_path("llmroute") / SPEC_NAME
    return str(own) if own.is_file() else None
