"""Options that commands share: which spec, who asks, and what if.

>>> @click.command()
... @what_if_options
... @query_options
... def ask(agent: str | None, purpose: str | None, what_if: WhatIf) -> None: ...
>>> [option.name for option in ask.params][:4]
['spec', 'set_env', 'no_env', 'env_file']
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from llmroute.cli.completion import agents, clients, providers, purposes
from llmroute.routing.route import EMPTY
from llmroute.routing.values import RANGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.routing.override import LocalOverride

Decorated = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The world in which a query is asked: what `what_if_options` make of their flags."""

    spec: str | None = None
    """The file of `--spec`; None: find it (see `llmroute.cli.specs.open_spec`)."""
    environ: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """The process's environment, changed as `--no-env`, `--env-file` and `--set-env` say, in that order."""
    client: str | None = None
    """The name of the program, as under `clients:`."""
    args: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """Client arguments for `Query.args` and `Router(**args)`: `provider`, `model`, `base_url`, `api`,
    `api_key`; only those that were given. `api_key` is a `KeyVariable`, so that its source is shown as `env:NAME`."""
    changes_environment: bool = False
    """Whether `environ` is other than the process's."""
    override: LocalOverride | None = None
    """What `llmroute local on` has set; None with `--no-local` and `--no-env`."""


class FilePath(click.Path):
    """A path that says something: an empty one is a variable of the shell that is not set."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path as it was given."""
        if not os.fspath(value).strip():
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)


class Number(click.FloatRange):
    """A number within limits; NaN, which no limit keeps out, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


SECONDS = Number(0, RANGES["timeout"].high, min_open=True)
"""A time limit, as the spec may have it."""


def spec_option(command: Decorated) -> Decorated:
    """`--spec PATH`, as the parameter `spec`: text, or None for the spec that is found."""
    return click.option(
        "--spec",
        type=FilePath(allow_dash=True),
        metavar="PATH",
        help="The spec: a file, PATH#/a/b for a part of one, - for standard input.",
    )(command)


def query_options(command: Decorated) -> Decorated:
    """`--agent NAME` and `--purpose NAME`, as the parameters `agent` and `purpose`."""
    for add in (
        click.option("--purpose", metavar="NAME", shell_complete=purposes, help="What the call is for."),
        click.option("--agent", metavar="NAME", shell_complete=agents, help="The part of the program that calls."),
    ):
        command = add(command)
    return command


_WHAT_IF = (
    spec_option,
    click.option("--set-env", metavar="NAME=VALUE", multiple=True, help="As if the variable were set; repeatable."),
    click.option("--no-env", is_flag=True, help="As if no variable were set."),
    click.option(
        "--env-file",
        type=click.Path(exists=True, dir_okay=False, allow_dash=False),
        metavar="FILE",
        help="As if the variables of the file were set: NAME=VALUE lines.",
    ),
    click.option("--no-local", is_flag=True, help="As if llmroute local were off; so does --no-env."),
    click.option("--provider", metavar="NAME", shell_complete=providers, help="Client argument: the provider."),
    click.option("--model", metavar="MODEL", help="Client argument: a model, or provider/model."),
    click.option("--base-url", metavar="URL", help="Client argument: the URL of the server."),
    click.option("--api", metavar="FORMAT", help="Client argument: the wire format, such as openai-chat."),
    click.option("--api-key-env", metavar="NAME", help="Client argument: the variable that holds the key."),
    click.option("--client", metavar="NAME", shell_complete=clients, help="The program that asks, as under clients."),
)


def what_if_options(command: Decorated) -> Decorated:
    """`--spec`, the what-if flags and the client arguments, together as the parameter `what_if` (a `WhatIf`)."""

    @wraps(command)
    def with_what_if(spec: str | None, client: str | None, *positional: Any, **values: Any) -> Any:
        flags = {name: values.pop(name) for name in ("set_env", "no_env", "env_file")}
        no_local = values.pop("no_local") or flags["no_env"]
        args = {name: values.pop(name) for name in ("provider", "model", "base_url", "api", "api_key_env")}
        changed = bool(flags["set_env"] or flags["no_env"] or flags["env_file"])
        environ = environment(**flags)
        override = None if no_local else _override(environ)
        what_if = WhatIf(spec, environ, client, _arguments(**args), changed, override)
        return command(*positional, what_if=what_if, **values)

    decorated: Decorated = with_what_if
    for add in reversed(_WHAT_IF):
        decorated = add(decorated)
    return decorated


def environment(set_env: tuple[str, ...], env_file: str | None, *, no_env: bool) -> Mapping[str, str]:
    """The process's environment (nothing with `no_env`), then the file's variables, then NAME=VALUE settings."""
    environ = {} if no_env else dict(os.environ)
    if env_file is not None:
        from llmroute.cli.env_file import read_env_file

        environ.update(read_env_file(env_file))
    for setting in set_env:
        name, sign, value = setting.partition("=")
        if not sign or not name.strip() or "\0" in setting:
            # What was typed is not repeated: it may be a key.
            raise click.UsageError("--set-env wants NAME=VALUE")
        environ[name.strip()] = value
    return environ


def _override(environ: Mapping[str, str]) -> LocalOverride | None:
    from llmroute.dispatch.overrides import active

    return active(environ)


def _arguments(api_key_env: str | None, **given: str | None) -> Mapping[str, Any]:
    args: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if api_key_env is not None:
        from llmroute.routing.spec import KeyVariable

        if not (api_key_env.isascii() and api_key_env.isidentifier()):
            raise click.UsageError("--api-key-env wants the name of a variable, never the key itself")
        args["api_key"] = KeyVariable(name=api_key_env)
    return args
