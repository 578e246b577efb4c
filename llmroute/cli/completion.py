"""`llmroute completion`, and what a shell completes out of the spec."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmroute.routing.spec import RoutingSpec

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_LLMROUTE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of a SHELL; it completes agents, purposes and providers out of your spec.

    \b
    bash   echo 'eval "$(llmroute completion bash)"' >> ~/.bashrc
    zsh    echo 'eval "$(llmroute completion zsh)"' >> ~/.zshrc
    fish   llmroute completion fish > ~/.config/fish/completions/llmroute.fish
    """  # noqa: D301 - the escape keeps click from wrapping the lines below it
    from click.shell_completion import get_completion_class

    from llmroute.cli import main

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(main, {}, "llmroute", _VARIABLE).source())


def agents(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The agents of the spec that begin so."""
    del param
    spec = _spec(ctx)
    return _beginning(incomplete, spec.agents if spec else ())


def purposes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The purposes of the spec that begin so."""
    del param
    spec = _spec(ctx)
    return _beginning(incomplete, spec.purposes if spec else ())


def clients(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The clients of the spec that begin so."""
    del param
    spec = _spec(ctx)
    return _beginning(incomplete, spec.clients if spec else ())


def providers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The providers of the spec that begin so, and the presets."""
    from llmroute.catalog.presets import PRESETS

    del param
    spec = _spec(ctx)
    return _beginning(incomplete, dict.fromkeys((*(spec.providers if spec else ()), *PRESETS)))


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name != "*" and name.startswith(incomplete)]


def _spec(ctx: click.Context) -> RoutingSpec | None:
    """The spec that the line so far means; None where there is none that can be read."""
    from llmroute.load import read_file
    from llmroute.load.files import discover

    path = ctx.params.get("spec") or discover(os.environ)
    # Standard input is the shell's while it completes.
    return None if path is None or path.startswith("-") else read_file(path).spec
