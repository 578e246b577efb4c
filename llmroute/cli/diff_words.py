"""What there is to say about two specs, in words that the terminal and a pull request share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.cli.report.redact import redacted
from llmroute.proof.differences.answers import OF_ITS_CONNECTION, SECRETIVE
from llmroute.proof.differences.grouping import blocks, subject
from llmroute.routing.explain import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from llmroute.proof.differences.answers import Answer
    from llmroute.proof.differences.diff import Change, Difference, Price
    from llmroute.proof.differences.diff_reach import Possible
    from llmroute.proof.differences.grouping import Universe
    from llmroute.proof.differences.weaker import Weaker
    from llmroute.proof.queries import QueryClass

_MOST_BLOCKS = 4
_MOST_NAMES = 8
_LONGEST = 80
_EVIDENT = frozenset({"provider", "model", "error"})
"""What the names of both targets show already."""
_OF_A_PROVIDER = frozenset({"base_url", "api", *OF_ITS_CONNECTION})
"""What changes with the provider, and need not be said beside that."""
_HOW = {
    "removed": "removed",
    "narrower": "speaks of fewer queries",
    "warns": "only warns now",
    "looser": "asks for less",
    "admits": "holds as before, but what is said of a target has changed",
}


class Words(NamedTuple):
    """How names and values are written in a form of output."""

    name: Callable[[str], str]
    """A name, or a target."""


def headline(found: Difference) -> str:
    """The first line: how much changes."""
    count = sum(change.size for change in found.changes)
    if not count:
        return f"no query changes; {found.compared:,} compared"
    return f"{count:,} of {found.compared:,} queries change{'s' if count == 1 else ''}"


class Row(NamedTuple):
    """Changes that look the same to a reader."""

    queries: tuple[QueryClass, ...]
    before: Answer
    after: Answer
    notes: tuple[tuple[str, str], ...]
    """What differs beside what the two targets' names show: a label, and what became of it."""

    @property
    def stays(self) -> bool:
        """Whether the first target, or the error, is the same."""
        return self.before.name == self.after.name

    @property
    def size(self) -> int:
        """How many queries there are."""
        return sum(each.size for each in self.queries)


def rows(found: Difference, words: Words) -> list[Row]:
    """The changes as a reader wants them: first lost routes, then targets further away, then the most queries."""
    together: dict[Any, Row] = {}
    for change in found.changes:
        notes = tuple(_notes(change, words))
        row = Row(change.queries, change.before, change.after, notes)
        key = (notes, None if row.stays and notes else (row.before.name, row.after.name))
        known = together.get(key)
        together[key] = row if known is None else known._replace(queries=known.queries + row.queries)
    return sorted(together.values(), key=lambda row: (-_weight(row), -row.size))


def _weight(change: Row) -> int:
    if not change.after.targets:
        return 3 if change.before.targets else 0
    places = ("local", "lan", "remote")
    now = max(places.index(target.locality) for target in change.after.targets)
    then = max((places.index(target.locality) for target in change.before.targets), default=0)
    return 2 if now > then else int(not change.stays)


def who(queries: Sequence[QueryClass], every: Universe, words: Words) -> str:
    """Which queries, in words."""
    rows = blocks(queries)
    texts = [subject(block, every, words.name) for block in rows[:_MOST_BLOCKS]]
    rest = sum(block.size for block in rows[_MOST_BLOCKS:])
    return "; ".join([*texts, *([f"{rest:,} queries more"] if rest else [])])


def names(found: Sequence[str | None], words: Words) -> str:
    """Some names, or as many of them as a line takes."""
    texts = [words.name(name) if name is not None else "no agent" for name in found[:_MOST_NAMES]]
    more = len(found) - _MOST_NAMES
    return ", ".join(texts) + (f" and {more:,} more" if more > 0 else "")


def agents_of(row: Row, words: Words) -> str:
    """The agents of a row, where it says no more than their number."""
    named = {name for each in row.queries for name in each.agents.names if name is not None}
    return names(sorted(named), words) if len(named) > 1 else ""


def _notes(change: Change, words: Words) -> Iterator[tuple[str, str]]:
    if not (change.before.targets and change.after.targets):
        return
    other_provider = "provider" in change.differs
    for name, (before, after) in change.differs.items():
        if name in _EVIDENT or (other_provider and name in _OF_A_PROVIDER):
            continue
        if name == "fallbacks":
            if not _follow(change, before, after):
                yield name, _arrow(_chain(change.before), _chain(change.after), words)
        elif name == "excluded":
            yield "left out", _arrow(_left_out(change.before), _left_out(change.after), words)
        elif name in SECRETIVE:
            yield name, "changed"
        else:
            yield name, _arrow(_value(before), _value(after), words)


def _follow(change: Change, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> bool:
    """Whether the fallbacks differ in nothing but what differs in the first target in the same way."""
    if len(before) != len(after):
        return False
    both = [
        (one.get(name), other.get(name), name) for one, other in zip(before, after, strict=True) for name in one | other
    ]
    return all(change.differs.get(name) == (old, new) for old, new, name in both if old != new)


def _arrow(before: str, after: str, words: Words) -> str:
    return f"{words.name(before)} → {words.name(after)}" if before != after else "changed in what is sent to them"


def _chain(answer: Answer) -> str:
    return ", ".join(target.name for target in answer.targets[1:]) or "none"


def _left_out(answer: Answer) -> str:
    return ", ".join(f"{target} ({rule})" for target, rule in answer.excluded) or "none"


def _value(value: Any) -> str:
    text = "unset" if value is None else redacted(shown(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def weaker(item: Weaker, words: Words) -> str:
    """One policy or requirement that holds less than it did."""
    text = f"{words.name(item.scope)} {_HOW[item.how]}"
    if item.what:
        text += f": {words.name(f'{item.what}: {_value(item.before)}')}"
        if item.how == "looser":
            text += f" → {words.name(_value(item.after))}"
    text += f", for {who(item.queries, item.every, words)}"
    if item.targets:
        text += f"; {names(item.targets, words)} was left out, and is used now"
    return text


def possible(row: Possible, words: Words) -> str:
    """Where some agents can get, and what it takes."""
    needs = " and ".join(map(words.name, row.conditions))
    more = f" and {len(row.providers) - 1} more" if len(row.providers) > 1 else ""
    return f"{words.name(row.providers[0])}{more}  {row.locality}: {names(row.agents, words)} ({needs})"


def usd(price: Price) -> str:
    """Input and output prices.

    >>> from llmroute.proof.differences.diff import Price
    >>> usd(Price(3.0, 15.0)), usd(Price(0.0, 0.0)), usd(Price(None, None))
    ('$3.00 / $15.00', 'free', 'unknown')
    """
    if price == (0.0, 0.0):
        return "free"
    if price == (None, None):
        return "unknown"
    return " / ".join("unknown" if each is None else f"${each:.2f}" if each >= 0.01 else f"${each:g}" for each in price)  # noqa: PLR2004 - a cent


def percent(before: Price, after: Price) -> str:
    """How much dearer input and output are; empty where that can't be told."""
    if None in (*before, *after) or not (before.input and before.output):
        return ""
    if before == after:
        return "the same"
    pairs = zip(before, after, strict=True)
    return " / ".join(f"{(new / old - 1) * 100:+.0f} %" for old, new in pairs if old is not None and new is not None)
