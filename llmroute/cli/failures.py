"""Where every failure ends: one clean message on standard error, and an exit status; a traceback only on request."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING, NoReturn, TextIO

import click

from llmroute.cli.output import error, note
from llmroute.errors import LLMRouteError

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILED = 1
USAGE = 2
INTERRUPTED = 130
"""128 + SIGINT, as shells say it."""
BROKEN_PIPE = 141
"""128 + SIGPIPE: who read the output went away."""
_DEBUG = "llmroute.debug"


def debug_option() -> click.Option:
    """`--debug`, which may stand before and after the command."""

    def remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
        del param
        if value:
            ctx.find_root().meta[_DEBUG] = True

    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=remember,
        help="Show the traceback of what goes wrong.",
    )


@contextmanager
def clean_exits(ctx: click.Context) -> Iterator[None]:
    """Turn what is raised inside into a message and an exit; click's own exceptions pass."""
    if sys.stdout is None:
        error("standard output is closed", hint=">/dev/null throws the output away")
        ctx.exit(FAILED)
    _never_fail_to_encode(sys.stdout)
    try:
        yield
        sys.stdout.flush()
    except (click.exceptions.Exit, click.ClickException):
        raise
    except (click.Abort, KeyboardInterrupt) as end:
        _interrupted(ctx, end)
    except BrokenPipeError:
        _forget_stdout()
        ctx.exit(BROKEN_PIPE)
    except LLMRouteError as failure:
        _traceback(ctx)
        fail(ctx, failure)
    except OSError as failure:
        if failure.errno not in (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EBADF) or failure.filename is not None:
            _unforeseen(ctx, failure)
        _forget_stdout()
        error(f"can't write the output: {failure.strerror}")
        ctx.exit(FAILED)
    except RecursionError:
        _traceback(ctx)
        _internal(ctx, "nested too deep")
    except Exception as failure:  # noqa: BLE001 - the last place before the user
        _unforeseen(ctx, failure)


def _interrupted(ctx: click.Context, end: click.Abort | KeyboardInterrupt) -> NoReturn:
    if not was_interrupted(end):
        raise end
    note("interrupted")
    ctx.exit(INTERRUPTED)


def was_interrupted(end: BaseException) -> bool:
    """Whether somebody pressed Ctrl-C; click makes one exception of that and of the end of the input."""
    return isinstance(end, KeyboardInterrupt) or isinstance(end.__context__, KeyboardInterrupt)


def fail(ctx: click.Context, failure: LLMRouteError) -> NoReturn:
    """Print an error of this package and exit."""
    message = getattr(failure, "message", "") or str(failure)
    error(message, hint=getattr(failure, "hint", ""))
    ctx.exit(FAILED)


def _unforeseen(ctx: click.Context, failure: Exception) -> NoReturn:
    _traceback(ctx)
    _internal(ctx, type(failure).__name__)


def _internal(ctx: click.Context, what: str) -> NoReturn:
    """An error that nobody foresaw; its text may hold anything, so only its kind is shown."""
    again = "" if ctx.find_root().meta.get(_DEBUG) else "; run again with --debug to see where"
    error(f"internal error ({what}){again}")
    ctx.exit(FAILED)


def _traceback(ctx: click.Context) -> None:
    if ctx.find_root().meta.get(_DEBUG):
        from traceback import format_exc

        click.echo(format_exc(), err=True, nl=False)


def _never_fail_to_encode(stream: TextIO) -> None:
    """Let a stream of a narrow encoding write what it lacks as an escape, as standard error does anyway."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _forget_stdout() -> None:
    """Let the interpreter flush into nothing at its end, where it would complain."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        # Standard output is no file: nothing will be flushed.
        return
