"""A difference of two specs as a comment on a pull request: a table, and what follows from it to be unfolded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.cli import diff_words as say
from llmroute.cli.output import one_line
from llmroute.cli.report.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.proof.differences.diff import Difference, KeyMove

_ROWS = 20
"""Changes in the table; a comment is read, and GitHub takes 65,536 characters."""
_MOST = 60
"""Lines of a list."""


def code(text: str) -> str:
    r"""A name as code, which neither a table nor a mention breaks.

    >>> code("a|b")
    '`a\\|b`'
    """
    inside = one_line(text).replace("`", "'").replace("|", "\\|")
    return f"`{inside}`"


_WORDS = say.Words(code)


def markdown(found: Difference, old: str, new: str) -> str:
    """The whole of it, ending in a line break."""
    lines = [f"### Routing: {say.headline(found)}", "", f"{code(old)} → {code(new)}", ""]
    lines += _weaker(found)
    lines += _table(found)
    for title, rows in _details(found):
        if rows:
            lines += ["<details>", f"<summary>{title}</summary>", "", *rows[:_MOST]]
            lines += [f"- … and {len(rows) - _MOST:,} more"] if len(rows) > _MOST else []
            lines += ["", "</details>", ""]
    return "\n".join(lines).rstrip() + "\n"


def _weaker(found: Difference) -> list[str]:
    if not found.weaker:
        return []
    rows = [f"> - {say.weaker(item, _WORDS)}" for item in found.weaker[:_MOST]]
    return ["> **Weaker than before**", ">", *rows, ""]


def _table(found: Difference) -> list[str]:
    if not found.changes:
        return []
    changes = say.rows(found, _WORDS)
    rows = [_row(row, found) for row in changes[:_ROWS]]
    more = [f"… and {len(changes) - _ROWS:,} rows more.", ""] if len(changes) > _ROWS else []
    return ["| Queries | Before | After |", "| --- | --- | --- |", *rows, "", *more]


def _row(row: say.Row, found: Difference) -> str:
    queries = say.who(row.queries, found.every, _WORDS)
    notes = [f"{label}: {value}" for label, value in row.notes]
    before, after = ("as before", []) if row.stays else (code(row.before.name), [code(row.after.name)])
    return f"| {queries} | {before} | {'<br>'.join([*after, *notes]) or 'other settings'} |"


def _details(found: Difference) -> Iterator[tuple[str, list[str]]]:
    names = [
        f"- {word} {group}: {say.names(each, _WORDS)}"
        for group, row in found.names.items()
        for word, each in (("new", row.added), ("removed", row.removed))
        if each
    ]
    yield "Names", names
    for gained, title in ((True, "New reach"), (False, "Lost reach")):
        rows = [row for row in found.reach if row.gained is gained]
        yield (
            title,
            [f"- {code(row.target.name)} ({row.target.locality}): {say.names(row.agents, _WORDS)}" for row in rows],
        )
    for gained, title in ((True, "Now possible in some environment"), (False, "In no environment any more")):
        yield title, [f"- {say.possible(row, _WORDS)}" for row in found.possible if row.gained is gained]
    yield "Keys and the origins they go to", [f"- {_move(move)}" for move in found.keys]
    yield (
        "List price of a million tokens, in / out",
        [
            f"- {code(row.before.name)} {say.usd(row.price_before)} → {code(row.after.name)} {say.usd(row.price_after)}"
            for row in found.prices
        ],
    )
    yield "Not known without the environment", [f"- {code(redacted(text))}" for text in found.unknown]


def _move(move: KeyMove) -> str:
    places = (", ".join(map(code, each)) or "none" for each in (move.before, move.after))
    return f"{code(redacted(move.key))}: {' → '.join(places)}"
