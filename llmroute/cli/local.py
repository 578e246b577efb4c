"""`llmroute local`: a server of your own in place of what no agent and no client has claimed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

import click

from llmroute.cli.failures import FAILED
from llmroute.cli.groups import SubGroup
from llmroute.cli.output import error, note, visible

if TYPE_CHECKING:
    from llmroute.dispatch.overrides import Saved


class LocalGroup(SubGroup):
    """A group in which a model or a URL may stand in place of a command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names; a word with a colon or a slash is what `on` takes."""
        if args and args[0] not in self.commands and (":" in args[0] or "/" in args[0]):
            args = ["on", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=LocalGroup, invoke_without_command=True)
@click.pass_context
def local(ctx: click.Context) -> None:
    """Send what no agent and no client has claimed to a server of your own.

    The choice is kept in a file of yours and holds for every spec until it is switched off: for llmroute itself, and
    for programs that ask for it. It beats the variables of the environment; an endpoint of an agent or a client stays
    where it is. LLMROUTE_NO_LOCAL leaves it out.

    Without a command it is status. NAME:TAG alone is on NAME:TAG.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(status)


@local.command()
@click.argument("what", nargs=-1, metavar="[URL] [MODEL]")
@click.option("--api-key-env", metavar="NAME", help="The variable that holds the server's key, where it wants one.")
def on(what: tuple[str, ...], api_key_env: str | None) -> None:
    """Switch a local server on: URL, with MODEL.

    Without URL it is the one that was last used; else the servers on this machine's ports 11434, 1234, 8080 and 8000
    are asked, and the first that answers is taken. Without MODEL it is the one last used there, else the first that
    the server has. With both, nothing is asked.
    """
    from llmroute.cli.local_choice import chosen, read_words

    if api_key_env is not None and not (api_key_env.isascii() and api_key_env.isidentifier()):
        raise click.UsageError("--api-key-env wants the name of a variable, never the key itself")
    url, name = read_words(what)
    known = _saved() if url is None or name is None else None
    _save(chosen(known, url, name, api_key_env))


@local.command()
def off() -> None:
    """Switch it off; what was chosen is kept for the next time."""
    from llmroute.dispatch.overrides import override_path, saved
    from llmroute.errors import BadEnvironmentError

    try:
        known = saved(os.environ)
    except BadEnvironmentError:
        try:
            override_path(os.environ).unlink()
        except OSError as problem:
            _cannot_write(problem)
        note("the file was broken: it is removed")
        known = None
    if known is not None and known.enabled:
        _save(known._replace(enabled=False))
    else:
        click.echo(visible(_told(known)))


@local.command()
def status() -> None:
    """Say whether it is on, and where it leads."""
    from llmroute.dispatch.folders import shown
    from llmroute.dispatch.overrides import LEFT_OUT, override_path

    known = _saved()
    click.echo(visible(_told(known)))
    if known is not None:
        click.echo(visible(f"  {shown(override_path(os.environ), os.environ)}"))
        if known.enabled and os.environ.get(LEFT_OUT, "").strip():
            note(f"{LEFT_OUT} is set: it is left out")


@local.command("list")
@click.argument("url", required=False)
def list_(url: str | None) -> None:
    """List the models of the server at URL.

    Without URL it is the one that was last used, else each that answers on this machine's ports 11434, 1234, 8080 and
    8000. The model in use is marked.
    """
    from llmroute.cli.local_choice import offers, read_url

    known = _saved()
    for count, (place, names) in enumerate(offers(None if url is None else read_url(url), known)):
        if count:
            click.echo()
        click.echo(visible(place))
        for name in names:
            used = known is not None and known.enabled and (known.base_url, known.model) == (place, name)
            click.echo(visible(f"{'*' if used else ' '} {name}"))


@local.command()
@click.argument("name", metavar="NAME|clear")
def model(name: str) -> None:
    """Choose the model by its NAME; clear leaves it to what the spec says of this server."""
    if not name.strip():
        raise click.UsageError("give the NAME of a model, or clear")
    known = _saved()
    if known is None:
        error("no local server was chosen yet", "llmroute local on chooses one")
        click.get_current_context().exit(FAILED)
    _save(known._replace(model=None if name == "clear" else name))


def _saved() -> Saved | None:
    from llmroute.dispatch.overrides import saved

    return saved(os.environ)


def _save(what: Saved) -> None:
    from llmroute.dispatch.overrides import save

    try:
        save(os.environ, what)
    except ValueError as problem:
        raise click.UsageError(str(problem)) from None
    except OSError as problem:
        _cannot_write(problem)
    click.echo(visible(_told(what)))


def _cannot_write(problem: OSError) -> NoReturn:
    from llmroute.dispatch.overrides import override_path

    error(f"can't write the local override {override_path(os.environ)}: {problem.strerror}")
    click.get_current_context().exit(FAILED)


def _told(what: Saved | None) -> str:
    if what is None:
        return "local: off"
    place = (
        f"{what.base_url} / {what.model}" if what.model else f"{what.base_url}, with the model that the spec has there"
    )
    return f"local: on → {place}" if what.enabled else f"local: off (on leads to {place})"
