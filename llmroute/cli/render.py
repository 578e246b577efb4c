"""`llmroute render`: the spec in its canonical form, and its hash."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from llmroute.cli.options import spec_option
from llmroute.cli.output import visible
from llmroute.cli.specs import open_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_GROUPS = frozenset({"providers", "purposes", "agents", "clients"})


@click.command()
@spec_option
@click.option(
    "--format", "form", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True, help="How to print it."
)
@click.option("--hash", "only_hash", is_flag=True, help="Print the hash alone.")
def render(spec: str | None, form: str, *, only_hash: bool) -> None:
    """Print the spec in its canonical form: what it says, however it is written.

    Shorthand is spelled out, presets are filled in, defaults written and names sorted, as far as no query is needed for
    it. It loads as a spec again, and answers every query alike. Variables stay references, and a key that stands in the
    file is left out, as are tests. The hash is the SHA-256 of this form: comments and layout don't change it.
    """
    from llmroute.routing.canonical import canonical, spec_hash

    opened = open_spec(spec, checked=False)
    if only_hash:
        click.echo(spec_hash(opened))
    elif form == "json":
        document = canonical(opened)
        text = json.dumps(document, indent=2, ensure_ascii=False)
        # What a terminal would obey is escaped.
        click.echo(text if visible(text) == text else json.dumps(document, indent=2))
    else:
        lines = [f"# The canonical form of a spec; sha256 {spec_hash(opened)}", *_yaml(canonical(opened))]
        click.echo(visible("\n".join(lines)))


def _yaml(document: Mapping[str, Any]) -> Iterator[str]:
    """The document as YAML, with what a preset says and no spec can."""
    from llmroute.load.yaml_writer import block

    for name, part in document.items():
        if name not in _GROUPS:
            yield block({name: part})
            continue
        yield f"{name}:"
        for key, value in part.items():
            if name == "providers" and (fact := _of_the_preset(value)):
                yield f"  # {fact}"
            yield block({key: value}, 2)


def _of_the_preset(provider: Mapping[str, Any]) -> str:
    """Where a preset leads whose URL a variable can replace; empty for a provider that has a URL in the spec."""
    from llmroute.catalog.presets import PRESETS

    preset = PRESETS.get(provider.get("preset", ""))
    if preset is None or "base_url" in provider or "api_key" in provider:
        return ""
    key = f"; its key is in {preset.key_variable}" if preset.key_variable else ""
    url = f"{preset.base_url}, or where" if preset.base_url else "where"
    return f"{preset.title}: {url} {preset.base_url_variable} says{key}"
