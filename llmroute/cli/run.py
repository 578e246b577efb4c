"""`llmroute run`."""

from __future__ import annotations

import os
import sys
from contextlib import closing, contextmanager
from json import dumps
from typing import TYPE_CHECKING, Any

import click

from llmroute.cli.options import SECONDS, Number, WhatIf, query_options, what_if_options
from llmroute.cli.output import note, visible
from llmroute.cli.specs import is_found, open_spec, stop
from llmroute.errors import CallError, LLMRouteError, RoutingError, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.dispatch.router import Router
    from llmroute.wire.chat import Reply

MAX_PROMPT = 64 * 1024 * 1024
"""Bytes that are read from standard input."""
MAX_TOKENS = 1_000_000_000
"""As the spec may have it."""


@click.command()
@click.argument("prompt", required=False, metavar="[PROMPT]")
@query_options
@click.option("--system", metavar="TEXT", help="Instructions that stand before the prompt.")
@click.option("--temperature", type=Number(0, 2), metavar="NUMBER", help="Sampling temperature, 0 to 2.")
@click.option(
    "--max-tokens", type=click.IntRange(1, MAX_TOKENS), metavar="COUNT", help="The most tokens the answer may have."
)
@click.option("--timeout", type=SECONDS, metavar="SECONDS", help="Until an attempt is given up.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: text, usage, attempts, route …")
@click.option("--no-stream", is_flag=True, help="Wait for the whole answer.")
@what_if_options
def run(prompt: str | None, what_if: WhatIf, *, as_json: bool, no_stream: bool, **asked: Any) -> None:
    """Send a prompt where the spec says, and print the answer as it comes.

    The prompt is PROMPT, or standard input where it is missing or is -. The route is named on standard error before
    anything is sent.

    Exit status: 0 answered; 1 no route, or the call failed; 2 wrong usage; 130 interrupted.
    """
    text = _prompt(prompt, what_if)
    if asked["system"] is not None:
        asked["system"] = _utf8(asked["system"])
    with _warnings(), _router(what_if) as router:
        if as_json:
            reply: Reply | None = _print_json(router, text, asked)
        else:
            _name_route(router, asked)
            reply = _print_whole(router, text, asked) if no_stream else _print_stream(router, text, asked)
    _notes(reply)


def _router(what_if: WhatIf) -> Router:
    # The router makes the checks itself.
    spec = open_spec(what_if.spec, checked=False)
    from llmroute.dispatch.router import Router

    try:
        return Router(
            spec,
            client=what_if.client,
            environ=what_if.environ,
            local_overrides=what_if.override is not None,
            trust="ask" if is_found(what_if.spec) else "own",
            **what_if.args,
        )
    except SpecError as problem:
        stop(spec.source, problem.diagnostics)


def _prompt(given: str | None, what_if: WhatIf) -> str:
    if given is not None and given != "-":
        text = _utf8(given)
    elif what_if.spec is not None and what_if.spec.partition("#")[0] == "-":
        raise click.UsageError("the spec comes from standard input: give the prompt as an argument")
    elif sys.stdin is None or sys.stdin.isatty():
        raise click.UsageError('give a prompt: llmroute run "…", or pipe one in')
    else:
        text = _stdin()
    if not text.strip():
        raise click.UsageError("the prompt is empty")
    return text


def _utf8(argument: str) -> str:
    """An argument as it was typed, also where Python takes the locale for one without such characters."""
    try:
        argument.encode("utf-8")
    except UnicodeEncodeError:
        return _decoded(os.fsencode(argument))
    return argument


def _stdin() -> str:
    data = sys.stdin.buffer.read(MAX_PROMPT + 1)
    if len(data) > MAX_PROMPT:
        raise click.UsageError(f"the prompt is larger than {MAX_PROMPT // 2**20} MiB")
    return _decoded(data)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise click.UsageError(f"the prompt is not UTF-8 (byte {problem.start})") from None


def _name_route(router: Router, asked: dict[str, Any]) -> None:
    target = router.resolve(agent=asked["agent"], purpose=asked["purpose"]).target
    who = " · ".join(name for name in (asked["agent"], asked["purpose"]) if name)
    place = f"{target.provider or target.base_url} / {target.model}"
    kind = "mock: no model is asked" if target.api == "mock" else target.locality
    note(visible(f"{who} → {place} ({kind})".lstrip()))


def _print_stream(router: Router, text: str, asked: dict[str, Any]) -> Reply | None:
    from llmroute.wire.chat import Restart, TextDelta

    last = "\n"
    with closing(router.stream(text, **asked)) as events:
        try:
            for event in events:
                if isinstance(event, TextDelta) and event.text:
                    _write(event.text)
                    last = event.text[-1]
                elif isinstance(event, Restart):
                    _write("" if last == "\n" else "\n")
                    last = "\n"
                    note(visible(f"note: this was cut ({event.error.kind}); {event.target} begins anew"))
        finally:
            # What comes next, a message or the shell's prompt, begins on a line of its own.
            if last != "\n":
                _write("\n")
        return events.reply


def _print_whole(router: Router, text: str, asked: dict[str, Any]) -> Reply:
    reply = router.complete(text, **asked)
    _write(reply.text if reply.text.endswith("\n") or not reply.text else f"{reply.text}\n")
    return reply


def _write(text: str) -> None:
    """Print at once; a terminal gets nothing that it would obey."""
    click.echo(visible(text) if sys.stdout.isatty() else text, nl=False)
    sys.stdout.flush()


def _print_json(router: Router, text: str, asked: dict[str, Any]) -> Reply:
    """One object on standard output, also where there is no answer."""
    try:
        _name_route(router, asked)
        reply = router.complete(text, **asked)
    except LLMRouteError as problem:
        click.echo(dumps(_failure_json(problem), indent=2))
        raise
    click.echo(dumps(_reply_json(reply), indent=2))
    return reply


def _reply_json(reply: Reply) -> dict[str, Any]:
    written = reply.to_json()
    resolution = reply.resolution
    return {
        "text": reply.text,
        "model": reply.model,
        "stop_reason": reply.stop_reason,
        "usage": written["usage"],
        "tool_calls": [part for part in written["message"]["content"] if part.get("type") == "tool_call"],
        "attempts": written["attempts"],
        "route": {
            "query": resolution.query.to_json(),
            "targets": [target.to_json() for target in resolution.route.targets],
            "spec_hash": resolution.spec_hash,
        },
        "warnings": written["warnings"],
        "mock": reply.mock,
    }


def _failure_json(failure: LLMRouteError) -> dict[str, Any]:
    message = str(getattr(failure, "message", failure))
    told: dict[str, Any] = {"message": message, "hint": getattr(failure, "hint", "")}
    if isinstance(failure, CallError):
        attempts = [attempt.to_json() for attempt in failure.attempts]
        told = {"kind": failure.kind, **told, "status": failure.status, "attempts": attempts}
    elif isinstance(failure, RoutingError):
        told = {"rule": failure.rule, **told}
    return {"error": told}


def _notes(reply: Reply | None) -> None:
    """What a reader of the answer should know: who gave it, where it was not the first, and whether it is whole."""
    if reply is None:
        return
    *earlier, answered = reply.attempts
    failed = {row.target: row for row in earlier if row.target != answered.target}
    for row in failed.values():
        note(visible(f"note: {row.target} failed ({row.kind}: {row.message})"))
    if failed:
        note(visible(f"note: answered by the fallback {answered.target}"))
    if reply.stop_reason == "length":
        note("note: the answer was cut at the token limit; --max-tokens raises it")
    elif reply.stop_reason in ("content_filter", "refusal"):
        note(f"note: the answer ended early ({reply.stop_reason})")
    for warning in reply.warnings:
        note(visible(f"note: {warning}"))


@contextmanager
def _warnings() -> Iterator[None]:
    """What the engine warns of, on standard error."""
    import logging

    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("warning: %(message)s"))
    logger = logging.getLogger("llmroute")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
