"""Where this program keeps what it remembers between runs, and how it writes it: whole, and for its user alone."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME = "llmroute"


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where choices are kept: `$LLMROUTE_STATE_DIR`, else the user's state folder (`$XDG_STATE_HOME/llmroute`)."""
    return _named(environ, "LLMROUTE_STATE_DIR", "XDG_STATE_HOME") or _platform("user_state_dir")


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where answers are kept: `$LLMROUTE_CACHE_DIR`, else the user's cache folder (`$XDG_CACHE_HOME/llmroute`)."""
    return _named(environ, "LLMROUTE_CACHE_DIR", "XDG_CACHE_HOME") or _platform("user_cache_dir")


def _named(environ: Mapping[str, str], own: str, base: str) -> Path | None:
    if folder := environ.get(own, "").strip():
        return Path(folder)
    # The XDG specification: a relative path is to be ignored.
    folder = environ.get(base, "").strip()
    return Path(folder) / NAME if folder and Path(folder).is_absolute() else None


def _platform(folder: str) -> Path:
    import platformdirs

    return Path(getattr(platformdirs, folder)(NAME, appauthor=False))


def shown(path: Path, environ: Mapping[str, str]) -> str:
    """A path as people write it, with `~` for the home folder."""
    home = environ.get("HOME", "").strip()
    return f"~/{path.relative_to(home).as_posix()}" if home and path.is_relative_to(home) else str(path)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Let one process at a time read a file and write it anew; where the system can't, let all.

    Raises:
        OSError: the folder can't be written to.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with suppress(OSError):  # a network's file system that has no locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def write_private(path: Path, text: str) -> None:
    """Write a file as a whole or not at all, readable by its user alone.

    Raises:
        OSError: it can't be written.
    """
    import tempfile  # brings compression and random numbers along, which reading needs none of

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
