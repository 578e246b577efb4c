"""`llmroute ollama`: the models of an Ollama, where the spec says that it is."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from llmroute.cli.completion import providers
from llmroute.cli.failures import FAILED
from llmroute.cli.groups import SubGroup
from llmroute.cli.options import spec_option
from llmroute.cli.output import error, note, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmroute.adapters.questions import Questions

LIMIT_S = 30.0
"""How long Ollama may take for an answer, and until it has news of a download."""
SILENCE_S = 900.0
"""How long a download may go without news: large layers are verified in silence."""


@click.group(cls=SubGroup)
def ollama() -> None:
    """Get, remove and look at the models of an Ollama.

    It is the one of the provider ollama: as the spec declares it, else where Ollama listens by itself, or where
    OLLAMA_HOST says.
    """


def _where(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--spec` and `--provider`: which Ollama."""
    named = click.option(
        "--provider",
        default="ollama",
        show_default=True,
        metavar="NAME",
        shell_complete=providers,
        help="The provider that is an Ollama.",
    )
    return spec_option(named(command))


@ollama.command()
@click.argument("model")
@_where
def pull(model: str, spec: str | None, provider: str) -> None:
    """Get MODEL from Ollama's library, or what is new of it.

    What was loaded when it was interrupted is kept; the same command goes on.
    """
    from llmroute.adapters.model_lists import ollama_url
    from llmroute.cli.pull_view import follow

    with _asking(spec, provider, model, "is the name right? https://ollama.com/library has them") as questions:
        url = ollama_url(questions.call.endpoint, "/api/pull")
        try:
            done = follow(questions.follow("POST", url, {"model": model, "stream": True}), model)
        except KeyboardInterrupt:
            note("what was loaded is kept: the same command goes on")
            raise
    if not done:
        error(f"the download of {model} ended before it was done", "run the same command again: it goes on")
        click.get_current_context().exit(FAILED)


@ollama.command()
@click.argument("model")
@_where
def rm(model: str, spec: str | None, provider: str) -> None:
    """Remove MODEL from the disk."""
    from llmroute.adapters.model_lists import ollama_url

    with _asking(spec, provider, model) as questions:
        questions.ask("DELETE", ollama_url(questions.call.endpoint, "/api/delete"), {"model": model})
    click.echo(visible(f"removed {model}"))


@ollama.command()
@click.argument("model")
@_where
@click.option("--json", "as_json", is_flag=True, help="All that Ollama says, as JSON.")
def show(model: str, spec: str | None, provider: str, *, as_json: bool) -> None:
    """Say what MODEL is and can do."""
    from json import dumps

    from llmroute.adapters.model_lists import show as ask
    from llmroute.cli.ollama_view import description

    with _asking(spec, provider, model) as questions:
        told = ask(questions, model)
    click.echo(dumps(told, indent=2, ensure_ascii=False) if as_json else visible(description(model, told)))


@ollama.command()
@_where
def ps(spec: str | None, provider: str) -> None:
    """List the models that are in memory now."""
    from llmroute.adapters.model_lists import ollama_url
    from llmroute.cli.ollama_view import running

    with _asking(spec, provider, "*") as questions:
        answer = questions.ask("GET", ollama_url(questions.call.endpoint, "/api/ps"))
    click.echo(visible(running(answer)))


@contextmanager
def _asking(spec: str | None, provider: str, model: str, hint: str = "") -> Iterator[Questions]:
    """The questions to the Ollama that is meant; a failure ends the command with one line and the next step."""
    from dataclasses import replace

    from llmroute.adapters.questions import Questions
    from llmroute.cli.next_step import in_one_line
    from llmroute.cli.specs import gate_before, spec_or_empty
    from llmroute.dispatch.model_lists import pass_gate, preset_of, question_call
    from llmroute.errors import CallError, RequestError
    from llmroute.routing.provider_targets import provider_target

    if not model.strip():
        raise click.UsageError("give the name of a model")
    read, environ = spec_or_empty(spec, needed=False), dict(os.environ)
    target = replace(provider_target(read, provider, environ), model=model)
    if target.api == "mock":
        raise click.UsageError(f"the provider {provider} is a mock: name an Ollama with --provider")
    pass_gate(gate_before(read, spec), target, environ)
    call = replace(question_call(target, LIMIT_S), ends_at=None, idle_s=SILENCE_S)
    try:
        with Questions(call) as questions:
            yield questions
    except CallError as failure:
        failure.hint = failure.hint or (hint if isinstance(failure, RequestError) else "")
        error(in_one_line(failure, target, preset_of(read, target)))
        click.get_current_context().exit(FAILED)
