"""A difference of two specs on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.cli import diff_words as say
from llmroute.cli.output import one_line, paint, visible
from llmroute.cli.report.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.proof.differences.answers import Answer
    from llmroute.proof.differences.diff import Difference

_WORDS = say.Words(one_line)
_COLOURS = {"local": "green", "lan": "yellow", "remote": "magenta"}
_MOST = 100
"""Changes that are printed; JSON has all."""


def text(found: Difference, old: str, new: str) -> str:
    """The whole of it, ending in a line break."""
    head = f"{one_line(old)} → {one_line(new)}: {say.headline(found)}"
    sections = [[paint(head, bold=True)], *(list(section) for section in _sections(found))]
    return visible("\n\n".join("\n".join(lines) for lines in sections if lines)) + "\n"


def _sections(found: Difference) -> Iterator[Iterator[str]]:
    yield _names(found)
    yield _changes(found)
    yield _weaker(found)
    yield _reach(found)
    yield _possible(found)
    yield _keys(found)
    yield _prices(found)
    yield _unknown(found)


def _names(found: Difference) -> Iterator[str]:
    for group, names in found.names.items():
        if names.added:
            yield f"new {group}: {say.names(names.added, _WORDS)}"
        if names.removed:
            yield f"removed {group}: {say.names(names.removed, _WORDS)}"


def _changes(found: Difference) -> Iterator[str]:
    rows = say.rows(found, _WORDS)
    for row in rows[:_MOST]:
        yield from _row(row, found)
    if len(rows) > _MOST:
        yield f"… and {len(rows) - _MOST:,} changes more: --format json has all"


def _row(row: say.Row, found: Difference) -> Iterator[str]:
    queries = paint(say.who(row.queries, found.every, _WORDS), bold=True)
    if row.stays:
        yield f"{queries}: the same first target, other settings"
    else:
        yield f"{queries}: {_answer(row.before)} → {_answer(row.after)}"
    if agents := say.agents_of(row, _WORDS):
        yield f"    agents  {agents}"
    yield from (f"    {label}  {value}" for label, value in row.notes)


def _answer(answer: Answer) -> str:
    colour = _COLOURS[answer.targets[0].locality] if answer.targets else "red"
    return paint(one_line(answer.name), colour)


def _weaker(found: Difference) -> Iterator[str]:
    if found.weaker:
        yield paint("weaker", "red", bold=True)
    for item in found.weaker:
        yield f"  {say.weaker(item, _WORDS)}"
        if item.because:
            yield f"    it was there because {one_line(item.because)}"


def _reach(found: Difference) -> Iterator[str]:
    for gained, title in ((True, "new reach"), (False, "lost reach")):
        rows = [row for row in found.reach if row.gained is gained]
        if rows:
            yield paint(title, bold=True)
        for row in rows:
            target = f"{paint(one_line(row.target.name), _COLOURS[row.target.locality])}  {row.target.locality}"
            yield f"  {target}: {say.names(row.agents, _WORDS)}"


def _possible(found: Difference) -> Iterator[str]:
    for gained, title in ((True, "in some environment agents now get to"), (False, "in no environment any more")):
        rows = [row for row in found.possible if row.gained is gained]
        if rows:
            yield paint(title, bold=True)
        yield from (f"  {say.possible(row, _WORDS)}" for row in rows)


def _keys(found: Difference) -> Iterator[str]:
    if found.keys:
        yield paint("keys", bold=True)
    for move in found.keys:
        before, after = (", ".join(origins) or "none" for origins in (move.before, move.after))
        yield f"  {one_line(redacted(move.key))}: {before} → {after}"


def _prices(found: Difference) -> Iterator[str]:
    if found.prices:
        yield paint("list price of a million tokens, in / out", bold=True)
    for row in found.prices:
        more = say.percent(row.price_before, row.price_after)
        prices = f"{say.usd(row.price_before)} → {say.usd(row.price_after)}" + (f"  ({more})" if more else "")
        yield f"  {one_line(row.before.name)} → {one_line(row.after.name)}: {prices}"


def _unknown(found: Difference) -> Iterator[str]:
    if found.unknown:
        yield "not known without the environment (--set-env, --env-file, --with-env)"
    yield from (f"  {one_line(redacted(text))}" for text in found.unknown)
