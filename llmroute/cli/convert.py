"""`llmroute convert`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

from llmroute.cli.failures import FAILED
from llmroute.cli.options import FilePath
from llmroute.cli.output import error, note, paint, visible

if TYPE_CHECKING:
    from llmroute.wire.conversion import Converted

KINDS = ("request", "tools", "reply", "stream")
MAX_BYTES = 64 * 1024 * 1024
"""Of what is read."""
APIS = ("openai-chat", "anthropic-messages", "ollama-chat")


class _Problem(NamedTuple):
    """Why nothing was converted."""

    rule: str
    """`file`: it can't be read; `json`: it is no JSON; `conversion`: it must not be converted."""
    pointer: str
    message: str


class _Failure(Exception):  # noqa: N818 - never seen outside
    """Carries the problem to the place where it is written."""

    def __init__(self, rule: str, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.problem = _Problem(rule, pointer, message)


@click.command()
@click.argument("file", type=FilePath(allow_dash=True))
@click.option("--from", "source", type=click.Choice(APIS), required=True, help="The API that the file is written for.")
@click.option("--to", "target", type=click.Choice(APIS), required=True, help="The API to write it for.")
@click.option("--kind", type=click.Choice(KINDS), help="What the file holds; it is seen by its form unless said.")
@click.option("--model", metavar="NAME", help="The model to name, in place of the file's.")
@click.option(
    "--on-unsupported",
    type=click.Choice(("warn", "error")),
    default="warn",
    show_default=True,
    help="What a loss is.",
)
@click.option(
    "--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True, help="How to say it."
)
def convert(  # noqa: PLR0913 - one an option
    file: str, *, source: str, target: str, kind: str | None, model: str | None, on_unsupported: str, form: str
) -> None:
    """Write a request or a reply of one API in the words of another; nothing is sent.

    FILE (- is standard input) is the JSON of a request, of a list of tools alone, or of a reply; or the text of a
    stream. The converted body goes to standard output, what was lost to standard error, each with its place in FILE
    (of a stream: in the whole reply that it tells). What would change the meaning is not converted.

    Exit status: 0 converted; 1 it must not be converted, or FILE is nothing of the kind; 2 wrong usage.
    """
    try:
        found = _converted(_read(file), kind, _Ways(source, target, model, on_unsupported))
    except _Failure as failure:
        _refuse(failure.problem, file, form)
    if form == "json":
        warnings = [{"pointer": loss.pointer, "message": loss.message} for loss in found.losses]
        _print({"body": found.body, "warnings": warnings})
        return
    if isinstance(found.body, str):
        click.echo(found.body, nl=False)
    else:
        _print(found.body)
    for loss in found.losses:
        label = paint("warning:", "yellow", bold=True, stream=sys.stderr)
        note(f"{label} {visible(f'{loss.pointer}: {loss.message}')}")


class _Ways(NamedTuple):
    """How to convert."""

    source: str
    target: str
    model: str | None
    on_unsupported: str


def _converted(text: str, kind: str | None, ways: _Ways) -> Converted:
    from llmroute.errors import ConversionError
    from llmroute.wire import conversion, reply_conversion
    from llmroute.wire.quirks import Quirks

    apis = (ways.source, ways.target)
    quirks = Quirks.of({"on_unsupported": ways.on_unsupported})
    try:
        if kind == "stream" or (kind is None and reply_conversion.is_stream(text, ways.source)):
            return reply_conversion.convert_stream(text.encode(), *apis, model=ways.model, quirks=quirks)
        data = _parse(text)
        if kind == "tools" or (kind is None and isinstance(data, list)):
            return conversion.convert_tools(data, *apis, quirks=quirks)
        is_reply = kind == "reply" or (kind is None and reply_conversion.is_reply(data, ways.source))
        convert_body = reply_conversion.convert_reply if is_reply else conversion.convert
        return convert_body(data, *apis, model=ways.model, quirks=quirks)
    except ConversionError as problem:
        raise _Failure("conversion", problem.message, problem.pointer) from problem


def _read(file: str) -> str:
    from llmroute.load.files import FileProblemError, read_bytes

    try:
        data = read_bytes(file, MAX_BYTES)
    except FileProblemError as problem:
        # It names the file, as the message does that this becomes a part of.
        raise _Failure("file", f"can't be read: {str(problem).rpartition(': ')[2]}") from problem
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise _Failure("json", f"line {line} is no UTF-8") from problem


def _parse(text: str) -> Any:
    from llmroute.wire.json_text import no_constant, unique

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=no_constant)
    except json.JSONDecodeError as problem:
        raise _Failure("json", f"{problem.lineno}:{problem.colno}: no valid JSON ({problem.msg})") from problem
    except ValueError as problem:
        raise _Failure("json", f"no valid JSON ({problem})") from problem
    except RecursionError as problem:
        raise _Failure("json", "nested too deep") from problem


def _refuse(problem: _Problem, file: str, form: str) -> NoReturn:
    if form == "json":
        _print({"error": problem._asdict()})
    else:
        name = "standard input" if file == "-" else file
        place = f"{name}#{problem.pointer}" if problem.pointer else name
        error(f"{place}: {problem.message}")
    click.get_current_context().exit(FAILED)


def _print(data: Any) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))
