"""Commands that have commands of their own."""

from __future__ import annotations

import click

from llmroute.cli.failures import debug_option


class SubGroup(click.Group):
    """A group below the overview; `--debug` may stand behind each of its commands too."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; None for an unknown one."""
        command = super().get_command(ctx, cmd_name)
        if command is not None and all(option.name != "debug" for option in command.params):
            command.params.append(debug_option())
        return command
