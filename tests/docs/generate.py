"""Writes every generated file of this repository, or checks that they are in step with the code.

python tests/docs/generate.py --write
python tests/docs/generate.py --check
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.docs.markdown import page, table
from tests.docs.spec_reference import spec_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click

ROOT = Path(__file__).resolve().parents[2]
MEND = "python tests/docs/generate.py --write"
RULES_FOLDER = "docs/rules"


def generated() -> dict[str, str]:
    """Path from the top of the repository, and text, of every generated file."""
    from llmroute.routing.schema import json_schema

    schema = json_schema()
    return {
        "schemas/routing.v1.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
        "docs/reference/spec.md": spec_reference(schema),
        "docs/reference/presets.md": preset_reference(),
        "docs/reference/errors.md": error_reference(),
        "docs/reference/cli.md": cli_reference(),
        **rule_files(),
    }


# -- Rules


def rule_files() -> dict[str, str]:
    """The page of every rule, and their index."""
    from llmroute.routing.rule_pages import page_markdown, page_name
    from llmroute.routing.rules import RULES

    rows = [
        (f"[{rule.code}]({page_name(rule)})", f"`{rule.slug}`", rule.severity, rule.summary) for rule in RULES.values()
    ]
    intro = (
        "What `llmroute validate` can say, and what stops a decision. A code is never used again for something else; "
        "`llmroute rule CODE` shows a page in the terminal."
    )
    index = page("Rules", intro, table(("code", "rule", "severity", "what it says"), rows))
    pages = {f"{RULES_FOLDER}/{page_name(rule)}": page_markdown(rule) for rule in RULES.values()}
    return {f"{RULES_FOLDER}/index.md": index, **pages}


# -- Presets


def preset_reference() -> str:
    """The vendors and local servers that are known by name."""
    from llmroute.catalog.presets import PRESETS, QUIRKS

    rows = [
        (
            f"`{preset.name}`",
            f"[{preset.title}]({preset.docs})" if preset.docs else preset.title,
            f"`{preset.api}`" + (" (SDK)" if preset.transport == "sdk" else ""),
            f"`{preset.base_url}`" if preset.base_url else "to be given",
            f"`{preset.key_variable}`" if preset.key_variable else "none",
            f"`{preset.base_url_variable}`" if preset.base_url_variable else "",
            ", ".join(f"`{name}`" for name in preset.quirks),
        )
        for preset in PRESETS.values()
    ]
    intro = (
        "Providers that a spec can name without describing them: `provider: NAME`, or `model: NAME/model`. "
        "The two variables of a vendor count as a pair, and for its own preset only."
    )
    header = ("preset", "vendor or server", "API", "base URL", "key variable", "URL variable", "quirks")
    quirks = "## Quirks\n\n" + table(("quirk", "what it means"), [(f"`{name}`", text) for name, text in QUIRKS.items()])
    return page("Presets", intro, table(header, rows), quirks)


# -- Errors


def error_reference() -> str:
    """The exception tree."""
    from llmroute.errors import LLMRouteError

    intro = (
        "All exceptions of `llmroute.errors`. A program branches on the class, or on its one word: `rule` of a "
        "decision that failed, `kind` of a call that failed."
    )
    return page("Errors", intro, "\n".join(_errors(LLMRouteError, 0)))


def _errors(error: type[Exception], depth: int) -> Iterator[str]:
    from llmroute.routing.rule_pages import page_name
    from llmroute.routing.rules import RULES

    word = ""
    rule, kind = getattr(error, "rule", ""), getattr(error, "kind", None)
    if rule in RULES:
        word = f" (rule [`{rule}`](../rules/{page_name(RULES[rule])}))"
    elif kind not in (None, "call"):
        word = f" (kind `{kind}`)"
    first = (error.__doc__ or "").strip().splitlines()[0]
    yield f"{'  ' * depth}- `{error.__name__}`{word}: {first}"
    for child in error.__subclasses__():
        yield from _errors(child, depth + 1)


# -- Commands


_COLUMNS = 88


def cli_reference() -> str:
    """Every command with its help."""
    import click

    from llmroute.cli import main

    context = click.Context(main, info_name="llmroute", terminal_width=_COLUMNS, **main.context_settings)
    intro = "Every command, as `--help` prints it. Results go to stdout, everything else to stderr."
    return page("Commands", intro, *_helps(context))


def _helps(context: click.Context) -> Iterator[str]:
    """The help of a command and of those below it."""
    import click

    yield _help(context)
    group = context.command
    for name in group.list_commands(context) if isinstance(group, click.Group) else ():
        command = group.get_command(context, name)
        if command is not None:
            yield from _helps(_context(name, command, context))


def _context(name: str, command: click.Command, parent: click.Context) -> click.Context:
    import click

    return click.Context(command, info_name=name, parent=parent, terminal_width=_COLUMNS)


def _help(context: click.Context) -> str:
    return f"## {context.command_path}\n\n```text\n{context.get_help().strip()}\n```"


# -- Writing and checking


def problems(files: dict[str, str]) -> list[str]:
    """What is out of step, one line a file."""
    found = [f"{path} is stale" for path, text in files.items() if _on_disk(path) not in (text, None)]
    found += [f"{path} is missing" for path in files if _on_disk(path) is None]
    return found + [f"{path} belongs to no rule" for path in _leftover(files)]


def _on_disk(path: str) -> str | None:
    file = ROOT / path
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _leftover(files: dict[str, str]) -> list[str]:
    pages = (page.relative_to(ROOT).as_posix() for page in (ROOT / RULES_FOLDER).glob("*.md"))
    return sorted(page for page in pages if page not in files)


def write(files: dict[str, str]) -> None:
    """Write what is out of step."""
    for path in _leftover(files):
        (ROOT / path).unlink()
    for path, text in files.items():
        if _on_disk(path) != text:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(text, encoding="utf-8")
            print(f"wrote {path}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write what is out of step")
    mode.add_argument("--check", action="store_true", help="fail when something is")
    wanted = parser.parse_args(arguments)
    files = generated()
    if wanted.write:
        write(files)
        return 0
    found = problems(files)
    if found:
        print(*found, f"mend it:  {MEND}", sep="\n", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
