"""How explanations look on a terminal: colours for roles, and the table of agents and purposes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import click

from llmroute.cli.output import has_colour, one_line
from llmroute.errors import RoutingError
from llmroute.routing.explain import Span, destination, plain
from llmroute.routing.resolve import resolve
from llmroute.routing.scopes import WILDCARD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from llmroute.routing.explain import Line
    from llmroute.routing.route import Query, Resolution
    from llmroute.routing.spec import RoutingSpec

MAX_QUERIES = 5_000
_DEFAULT_WIDTH = 100
_STYLES: Mapping[str, Mapping[str, object]] = {
    "winner": {"fg": "green", "bold": True},
    "loser": {"dim": True},
    "place": {"fg": "cyan"},
    "reason": {"fg": "yellow"},
    "label": {"bold": True},
    "title": {"bold": True},
    "local": {"fg": "green"},
    "lan": {"fg": "yellow"},
    "remote": {"fg": "magenta"},
    "bad": {"fg": "red", "bold": True},
}
_MARKS: Mapping[str, str] = {"local": "●", "lan": "◐", "remote": "○"}
_ANY = "(none)"
_MAX_PURPOSES = 40


class Cell(NamedTuple):
    """The answer to one query of the table."""

    query: Query
    answer: Resolution | RoutingError

    @property
    def span(self) -> Span:
        """The answer in a few words."""
        if isinstance(self.answer, RoutingError):
            return Span(f"no route [{self.answer.rule}]", "bad")
        target = self.answer.target
        return Span(f"{destination(target)}  {target.locality}", target.locality)

    @property
    def mark(self) -> str:
        """The answer in still fewer words, for a matrix."""
        if isinstance(self.answer, RoutingError):
            return f"✗ {self.answer.rule}"
        return f"{_MARKS[self.answer.target.locality]} {self.answer.target.name}"


def terminal_width() -> int:
    """The columns of the terminal (`COLUMNS` where it is set); 100 where there is none."""
    return shutil.get_terminal_size((_DEFAULT_WIDTH, 24)).columns


def show(lines: Iterable[Line]) -> str:
    """Lines in the colours of their roles, or plain where standard output shows none."""
    if not has_colour():
        return plain(tuple(Span(one_line(span.text)) for span in line) for line in lines)
    return "\n".join("".join(_styled(span) for span in line) for line in lines)


def _styled(span: Span) -> str:
    style = _STYLES.get(span.role)
    text = one_line(span.text)
    return click.style(text, **style) if style and text.strip() else text  # type: ignore[arg-type]


def cells(spec: RoutingSpec, asker: Query, environ: Mapping[str, str]) -> list[Cell]:
    """The answers for all agents and purposes that the spec names, at most `MAX_QUERIES`; those without come first.

    `asker` says with which client, arguments and override they are asked.
    """
    found: list[Cell] = []
    for agent in (None, *spec.agents):
        for purpose in (None, *spec.purposes):
            if len(found) == MAX_QUERIES:
                return found
            query = replace(asker, agent=agent, purpose=purpose)
            try:
                found.append(Cell(query, resolve(spec, query, environ)))
            except RoutingError as error:
                found.append(Cell(query, error))
    return found


def table(found: Sequence[Cell], width: int) -> str:
    """The cells as a matrix where it fits into the width, as a list otherwise."""
    rows = [list(group) for _, group in groupby(found, key=lambda cell: cell.query.agent)]
    widths = [max(len(row[column].mark) for row in rows if column < len(row)) for column in range(len(rows[0]))]
    heads = [_named(cell.query.purpose) for cell in rows[0]]
    first = max(len("agent"), *(len(_named(row[0].query.agent)) for row in rows))
    needed = first + 3 * (len(heads) + 1) + sum(map(max, widths, map(len, heads)))
    return _matrix(rows, heads, width) if needed <= width and len(heads) > 1 else show(_listed(rows))


def _named(name: str | None) -> str:
    return _ANY if name is None else f"{WILDCARD} (any other)" if name == WILDCARD else name


def _matrix(rows: Sequence[Sequence[Cell]], heads: Sequence[str], width: int) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colours = {"local": "green", "lan": "yellow", "remote": "magenta", "bad": "bold red"}
    grid = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    grid.add_column("agent", no_wrap=True, style="bold")
    for head in heads:
        grid.add_column(Text(one_line(head)), no_wrap=True)
    for row in rows:
        texts = [Text(one_line(cell.mark), style=colours[cell.span.role]) for cell in row]
        grid.add_row(Text(one_line(_named(row[0].query.agent))), *texts)
    console = Console(width=width, no_color=not has_colour(), force_terminal=has_colour(), highlight=False)
    with console.capture() as capture:
        console.print(grid)
    legend = "  ".join(f"{mark} {locality}" for locality, mark in _MARKS.items())
    return "\n".join([*(line.rstrip() for line in capture.get().rstrip().splitlines()), "", legend])


def _listed(rows: Sequence[Sequence[Cell]]) -> Iterator[Line]:
    """One line for each agent and answer, with the purposes that share it."""
    lines = [line for row in rows for line in _of_agent(row)]
    agents = max(len(name) for name, _, _ in (("agent", "", None), *lines))
    purposes = min(_MAX_PURPOSES, max(len(purpose) for _, purpose, _ in (("", "purpose", None), *lines)))
    yield (Span(f"{'agent':{agents}}  {'purpose':{purposes}}    provider / model", "label"),)
    for name, purpose, span in lines:
        yield (Span(f"{name:{agents}}  ", "title"), Span(f"{purpose:{purposes}}  → "), span)


def _of_agent(row: Sequence[Cell]) -> Iterator[tuple[str, str, Span]]:
    """Agent, purposes and the answer that they share; the agent stands on the first line only."""
    name = _named(row[0].query.agent)
    answers: dict[Span, list[str]] = {}
    for cell in row:
        answers.setdefault(cell.span, []).append(_named(cell.query.purpose))
    for span, purposes in answers.items():
        yield name, "every purpose" if len(answers) == 1 < len(row) else ", ".join(purposes), span
        name = ""
