"""The command line: `llmroute COMMAND`. This file imports click and nothing else, so that help comes at once."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import click

from llmroute import __version__
from llmroute.cli.failures import clean_exits, debug_option

__all__ = ["COMMANDS", "Entry", "main"]


class Entry(NamedTuple):
    """Where a command is found, and what the overview says of it."""

    place: str
    """`module:attribute`; the module is imported when the command is used."""
    help: str


COMMANDS: dict[str, Entry] = {
    "validate": Entry("llmroute.cli.validate:validate", "Say everything that is wrong with a routing.yaml."),
    "explain": Entry("llmroute.cli.explain:explain", "Say which provider wins for a call, and why."),
    "render": Entry("llmroute.cli.render:render", "Print a spec in its canonical form, or the hash of that."),
    "diff": Entry("llmroute.cli.diff:diff", "Say which queries a change of a spec moves, and where to."),
    "test": Entry("llmroute.cli.test:test", "Run the routing tests of a spec, failures of providers included."),
    "inspect": Entry("llmroute.cli.inspect:inspect", "Write a page on which to see where every call goes, and why."),
    "verify": Entry("llmroute.cli.verify:verify", "Prove what holds for every query, in any environment."),
    "reach": Entry("llmroute.cli.reach:reach", "List all that a query could ever get, or who could get somewhere."),
    "fmt": Entry("llmroute.cli.fmt:fmt", "Write a spec in one layout, with its comments."),
    "run": Entry("llmroute.cli.run:run", "Send a prompt where the spec says, and print the answer."),
    "models": Entry("llmroute.cli.models:models", "List the models that each provider offers."),
    "doctor": Entry("llmroute.cli.doctor:doctor", "Look at every target, and say what to do about each that fails."),
    "local": Entry("llmroute.cli.local:local", "Send what nobody has claimed to a local server."),
    "ollama": Entry("llmroute.cli.ollama:ollama", "Get, remove and look at the models of an Ollama."),
    "convert": Entry("llmroute.cli.convert:convert", "Write a request of one API in the words of another."),
    "init": Entry("llmroute.cli.init:init", "Write a routing.yaml for what is found on this machine."),
    "import": Entry("llmroute.cli.import_:import_", "Write a routing.yaml out of another program's configuration."),
    "trust": Entry("llmroute.cli.trust:trust", "Show what a spec sends where, and say that you want it so."),
    "schema": Entry("llmroute.cli.schema:schema", "Print the JSON Schema of routing.yaml."),
    "rule": Entry("llmroute.cli.rule:rule", "Print the page of a rule, or list all rules."),
    "completion": Entry("llmroute.cli.completion:completion", "Print the completion script of a shell."),
}
"""The commands in the order of the overview."""


class LazyGroup(click.Group):
    """A group that imports a command when it is used, and lets no traceback out."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported; None for an unknown name."""
        del ctx
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        if all(option.name != "debug" for option in command.params):
            command.params.append(debug_option())
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names; of an unknown one, what was probably meant."""
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            from llmroute.routing.names import nearest

            if guess := nearest(args[0], COMMANDS):
                raise click.UsageError(f"No such command {args[0]!r}. Did you mean {guess!r}?", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, out of the table: no command is imported for it."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; `--help` and `--version` are printed here."""
        with clean_exits(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; whatever goes wrong becomes a message and an exit status."""
        with clean_exits(ctx):
            return super().invoke(ctx)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, params=[debug_option()])
@click.version_option(__version__, prog_name="llmroute")
def main() -> None:
    """One file says which language model answers which call.

    The file is --spec PATH, else $LLMROUTE_SPEC, else routing.yaml here or in the nearest folder above up to the
    repository's root, else the one in your config folder. PATH#/a/b is a part of a larger file, - is standard input.

    Exit status: 0 fine; 1 the spec has errors, or there is no route, or the call failed; 2 wrong usage.
    """
