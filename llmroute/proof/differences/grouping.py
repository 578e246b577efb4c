"""Many queries in few words: agents by purposes by clients, as blocks that share no query."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llmroute.proof.queries import QueryClass

Names = tuple[str | None, ...]


class Block(NamedTuple):
    """Each of some agents, with each of some purposes, with each of some clients; None stands for none."""

    agents: Names
    purposes: Names
    clients: Names

    @property
    def size(self) -> int:
        """How many queries it holds."""
        return len(self.agents) * len(self.purposes) * len(self.clients)


def blocks(queries: Iterable[QueryClass]) -> list[Block]:
    """The blocks of some classes of queries, the largest first."""
    rows = [Block(each.agents.names, each.purposes.names, each.clients.names) for each in queries]
    for part in ("clients", "purposes", "agents"):
        rows = _joined(rows, part)
    return sorted(rows, key=lambda block: -block.size)


def _joined(rows: Iterable[Block], part: str) -> list[Block]:
    """Blocks that differ in one part only, as one."""
    found: dict[Block, list[str | None]] = {}
    for block in rows:
        found.setdefault(block._replace(**{part: ()}), []).extend(getattr(block, part))
    return [block._replace(**{part: _sorted(names)}) for block, names in found.items()]


def _sorted(names: Iterable[str | None]) -> Names:
    return tuple(sorted(names, key=lambda name: (name is not None, name)))


class Universe(NamedTuple):
    """All names that two specs have, so that «every agent» can be said."""

    agents: int
    purposes: int
    clients: int


def universe(queries: Iterable[QueryClass]) -> Universe:
    """How many names of each kind there are, none included."""
    rows = list(queries)
    return Universe(*(len({name for each in rows for name in each[index].names}) for index in range(3)))


def subject(block: Block, every: Universe, written: Callable[[str], str] = str) -> str:
    """Who asks, in words; `written` is how a name is written.

    >>> subject(Block(("a", "b"), ("planning", None), (None, "ci")), Universe(5, 4, 2))
    '2 agents for purpose planning or none'
    >>> subject(Block((None,), ("planning",), ("ci",)), Universe(5, 4, 2))
    'no agent for purpose planning from client ci'
    """
    words = []
    if every.agents > 1:
        names = [name for name in block.agents if name is not None]
        words.append(_group(block.agents, every.agents, "agent", written) if names else "no agent")
        if len(names) == 1 and len(block.agents) < every.agents:
            words = [" or ".join([written(names[0]), *(["no agent"] if None in block.agents else [])])]
    for part, count, kind, where in (
        (block.purposes, every.purposes, "purpose", "for"),
        (block.clients, every.clients, "client", "from"),
    ):
        if len(part) < count:
            words.append("without a " + kind if part == (None,) else f"{where} {_group(part, count, kind, written)}")
    return " ".join(words) or "every query"


def _group(names: tuple[str | None, ...], every: int, kind: str, written: Callable[[str], str]) -> str:
    """Names of one kind, at least one of them given; «none» goes without saying where all are meant."""
    named = [name for name in names if name is not None]
    if len(names) == every:
        return f"every {kind}"
    nameless = " or none" if len(named) < len(names) else ""
    if len(named) == 1:
        return f"{kind} {written(named[0])}{nameless}"
    return (f"every named {kind}" if len(named) == every - 1 else f"{len(named):,} {kind}s") + nameless
