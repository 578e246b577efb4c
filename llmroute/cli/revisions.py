"""A spec by the name of a file, or by that of a file in a git revision: `main:routing.yaml`."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import click

from llmroute.cli.output import visible
from llmroute.load import read_file, read_str
from llmroute.load.files import MAX_BYTES, FileProblemError, decode, split_pointer

if TYPE_CHECKING:
    from llmroute.load import Loaded

_PATIENCE_S = 60


def read_version(name: str) -> Loaded:
    """The spec of a file (`-`: standard input) or of `REVISION:PATH`, each with `#/pointer` behind it.

    A file that exists under that very name is the one that is meant. PATH is what git takes: it counts from the
    repository's root, or from this folder where it begins with `./`; an empty revision is the index.

    Raises:
        UsageError: there is no such file, no git, no repository, no such revision or no such path in it.
    """
    file, _ = split_pointer(name)
    if name == "-" or os.path.lexists(file):
        return read_file(name)
    committed, _, part = name.partition("#")
    revision, colon, path = committed.partition(":")
    if not colon or not path:
        raise click.UsageError(f"there is no file {name!r}; a file in git is REVISION:PATH, such as main:routing.yaml")
    try:
        text = decode(_committed(revision, path))
    except FileProblemError as problem:
        raise click.UsageError(f"can't read {committed!r}: {problem}") from None
    return read_str(text, committed, part)


def _committed(revision: str, path: str) -> bytes:
    """The bytes of a file as git has them, unchanged by any filter or pager."""
    shown = f"{revision}:{path}"
    inside = _git("rev-parse", "--is-inside-work-tree")
    if inside.returncode != 0:
        said = inside.stderr.decode("utf-8", "replace").strip().splitlines()
        raise click.UsageError(
            f"can't read {shown!r}: there is no such file, and git finds no repository here"
            + (f" ({visible(said[0])})" if said else "")
        )
    if revision:
        # Nothing that begins with a dash is a revision, and none may be taken for an option.
        known = not revision.startswith("-") and _git("rev-parse", "--verify", "--quiet", f"{revision}^{{tree}}")
        if not known or known.returncode != 0:
            raise click.UsageError(
                f"can't read {shown!r}: git knows no revision {revision!r} here; "
                "a clone may lack it: git fetch origin, then origin/BRANCH:PATH"
            )
    found = _git("cat-file", "blob", shown)
    if found.returncode != 0:
        where = f"revision {revision!r}" if revision else "the index"
        raise click.UsageError(
            f"can't read {shown!r}: there is no file {path!r} in {where}; "
            "a path counts from the repository's root, or from this folder with ./ before it"
        )
    if len(found.stdout) > MAX_BYTES:
        raise click.UsageError(f"can't read {shown!r}: it is larger than {MAX_BYTES // 2**20} MiB")
    return found.stdout


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("git")
    if program is None:
        raise click.UsageError("git is not installed, or not on the PATH; name two files instead")
    try:
        return subprocess.run(  # noqa: S603 - a list of arguments, no shell
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PATIENCE_S,
            # A partial clone would fetch what it lacks, and may ask for a password: this reads what is here.
            env={**os.environ, "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"},
        )
    except (OSError, ValueError) as error:
        raise click.UsageError(f"can't run git: {type(error).__name__}") from None
    except subprocess.TimeoutExpired:
        raise click.UsageError(f"git gave no answer within {_PATIENCE_S} s") from None
